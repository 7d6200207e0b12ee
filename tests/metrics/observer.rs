//! Each event is counted once, under what it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use heirloom::metrics::MetricsObserver;
use heirloom::{Event, Leeway, Observer, Policy, Reaction, Request};
use pollster::block_on;

use crate::metrics::figures::{Figures, World, request};

#[test]
fn refreshes_are_counted_by_outcome_and_replays_by_age() {
    let figures = Figures::of(|| {
        let world = World::new();
        let root = world.issue();
        world.refresh(&root);
        world.clock.advance(Duration::from_millis(1500));
        world.refresh(&root);
        world.refresh("nonsense");
    });
    assert_eq!(figures.counter("heirloom_families_issued_total"), 1);
    for (outcome, count) in [("rotated", 1), ("replayed", 1), ("kept", 0), ("refused", 1)] {
        let name = format!("heirloom_refreshes_total{{outcome={outcome}}}");
        assert_eq!(figures.counter(&name), count, "{outcome}");
    }
    assert_eq!(figures.counter("heirloom_refusals_total{why=malformed}"), 1);
    assert_eq!(figures.histogram("heirloom_replay_age_seconds"), [1.5]);
}

#[test]
fn a_breach_is_counted_once_as_a_refusal_once_as_an_end_and_by_generations_behind() {
    let figures = Figures::of(|| {
        let world = World::new();
        let root = world.issue();
        let mut token = root.clone();
        for _ in 0..3 {
            let outcome = block_on(world.node.refresh(&token, request())).unwrap();
            let heirloom::Outcome::Granted(granted) = outcome else { panic!("refused") };
            token = granted.token.unwrap().into_exposed();
        }
        world.clock.advance(Duration::from_secs(60));
        world.refresh(&root);
        world.refresh(&root);
    });
    assert_eq!(figures.histogram("heirloom_reuse_generations_behind"), [3.0]);
    assert_eq!(figures.counter("heirloom_families_revoked_total{reason=reuse}"), 1);
    assert_eq!(figures.counter("heirloom_refusals_total{why=reused}"), 1);
    assert_eq!(figures.counter("heirloom_refusals_total{why=revoked}"), 1);
    assert_eq!(figures.counter("heirloom_refreshes_total{outcome=refused}"), 2);
}

/// Each way to answer a second use, and a reuse that ends nothing.
#[test]
fn renewals_forks_and_reuse_that_is_only_refused_are_told_apart() {
    let window = Duration::from_secs(30);
    let policy = |leeway| Policy::builder().leeway(leeway).on_reuse(Reaction::Refuse);
    let [newest, fork] = [Leeway::newest(window), Leeway::fork(window, 4)]
        .map(|leeway| policy(leeway).build().unwrap());
    let figures = Figures::of(|| {
        let world = World::new();
        for policy in [&newest, &fork] {
            let root = world.issue();
            let request = request().policy(policy);
            for seconds in [0, 2, 60] {
                world.clock.advance(Duration::from_secs(seconds));
                drop(block_on(world.node.refresh(&root, request)).unwrap());
            }
        }
    });
    for (outcome, count) in [("rotated", 2), ("renewed", 1), ("forked", 1), ("refused", 2)] {
        let name = format!("heirloom_refreshes_total{{outcome={outcome}}}");
        assert_eq!(figures.counter(&name), count, "{outcome}");
    }
    assert_eq!(figures.histogram("heirloom_replay_age_seconds"), [2.0, 2.0]);
    assert_eq!(figures.counter("heirloom_refusals_total{why=spent}"), 2);
    assert_eq!(figures.histogram("heirloom_reuse_generations_behind"), [1.0, 1.0]);
    assert_eq!(figures.counter("heirloom_families_revoked_total{reason=reuse}"), 0);
}

#[test]
fn families_purged_are_counted_one_by_one_and_the_clocks_difference_is_measured() {
    let figures = Figures::of(|| {
        let world = World::new();
        let tokens = [world.issue(), world.issue()];
        world.clock.set(crate::metrics::figures::START.saturating_sub(Duration::from_secs(3)));
        drop(block_on(world.node.refresh(&tokens[0], request().scope("read"))).unwrap());
        for token in tokens {
            block_on(world.node.revoke(&token, request())).unwrap();
        }
        world.clock.advance(Duration::from_secs(30 * 86_400));
        assert_eq!(block_on(world.node.purge(9)).unwrap(), 2);
    });
    assert_eq!(figures.histogram("heirloom_clock_behind_seconds"), [3.0]);
    assert_eq!(figures.counter("heirloom_families_revoked_total{reason=client_request}"), 2);
    assert_eq!(figures.counter("heirloom_families_purged_total"), 2);
}

#[test]
fn a_revocation_without_effect_is_counted_as_refused() {
    let figures = Figures::of(|| {
        let world = World::new();
        let token = world.issue();
        block_on(world.node.revoke(&token, Request::new("other-app"))).unwrap();
    });
    assert_eq!(figures.counter("heirloom_refusals_total{why=client_mismatch}"), 1);
    assert_eq!(figures.counter("heirloom_refreshes_total{outcome=refused}"), 1);
}

#[test]
fn several_observers_each_hear_each_event_in_their_order() {
    let turn = Arc::new(AtomicUsize::new(0));
    let nth = |place: usize| -> Arc<dyn Observer> {
        let turn = Arc::clone(&turn);
        Arc::new(move |_: &Event| {
            assert_eq!(turn.fetch_add(1, Ordering::Relaxed) % 2, place);
        })
    };
    let figures = Figures::of(|| {
        let observers = vec![nth(0), Arc::new(MetricsObserver::new()), nth(1)];
        let world = World::with(Arc::new(observers));
        world.issue();
        world.issue();
    });
    assert_eq!(turn.load(Ordering::Relaxed), 4);
    assert_eq!(figures.counter("heirloom_families_issued_total"), 2);
}
