//! What each call costs the store: P17 and P18.

use std::time::Duration;

use heirloom::{Binding, Leeway, LeewayMode, Policy, Reason, Request, Rotation, Timestamp};
use pollster::block_on;

use crate::engine::step::{advance, ask, issue, next, stored};
use crate::support::{World, grant, granted, request, text};

const TEN: Duration = Duration::from_secs(10);

/// The store calls of a step, and how many may have written.
fn cost(world: &World, step: impl FnOnce()) -> (usize, usize) {
    world.store.take_operations();
    step();
    let operations = world.store.take_operations();
    (operations.total(), operations.writes())
}

#[test]
fn a_refresh_is_one_conditional_write_and_so_is_a_replay() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    assert_eq!(cost(&world, || drop(next(&world, &root))), (1, 1));
    let before = stored(&world, root.family);
    assert_eq!(cost(&world, || drop(next(&world, &root))), (1, 1));
    assert_eq!(stored(&world, root.family), before, "the condition did not hold");
}

#[test]
fn a_bound_refresh_is_one_call_as_well() {
    let world = World::new(Policy::default());
    let bound = Binding::Jkt([1; 32]);
    let root = block_on(world.node.issue(grant().bound_to(bound))).unwrap();
    assert_eq!(cost(&world, || drop(ask(&world, &root, request().binding(bound)))), (1, 1));
}

#[test]
fn begin_and_commit_are_two_calls() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let commit = || {
        let begun = block_on(world.node.begin(text(&root), request())).unwrap();
        let heirloom::Begun::Ready(redemption) = begun else { panic!("refused") };
        drop(granted(block_on(redemption.commit()).unwrap()));
    };
    assert_eq!(cost(&world, commit), (2, 1));
    // A replay looks twice, and writes nothing.
    assert_eq!(cost(&world, commit), (2, 0));
}

#[test]
fn any_other_refresh_is_two_calls_at_most() {
    let world = World::new(Policy::default());
    let never = Policy::builder().rotation(Rotation::Never).build().unwrap();
    let root = issue(&world);
    let keep = || drop(granted(ask(&world, &root, request().policy(&never))));
    assert_eq!(cost(&world, keep), (1, 0));
    advance(&world, 2 * 86_400_000);
    assert_eq!(cost(&world, keep), (2, 1));
    let narrowed = || drop(ask(&world, &root, request().scope("read")));
    assert_eq!(cost(&world, narrowed), (2, 1));
    advance(&world, 10_000);
    let breach = || drop(ask(&world, &root, request()));
    let (calls, _) = cost(&world, breach);
    assert_eq!(calls, 2);
}

fn under(leeway: Leeway) -> World {
    World::new(Policy::builder().leeway(leeway).build().unwrap())
}

/// The fast path is for every family that has not branched and in which nothing was displaced, whatever its leeway.
#[test]
fn a_refresh_of_a_plain_family_is_one_call_under_every_leeway() {
    for leeway in [
        Leeway::newest(TEN),
        Leeway::fork(TEN, 3),
        Leeway::replay(TEN).uses(3),
        Leeway::refuse(TEN),
        Leeway::until_used(LeewayMode::Replay),
        Leeway::until(Timestamp::MAX, LeewayMode::Newest).uses(1),
    ] {
        let world = under(leeway);
        let mut token = issue(&world);
        for _ in 0..3 {
            assert_eq!(cost(&world, || token = next(&world, &token)), (1, 1), "{leeway:?}");
        }
    }
}

#[test]
fn a_counted_replay_a_renewal_and_a_fork_are_two_calls() {
    for leeway in [Leeway::newest(TEN), Leeway::fork(TEN, 9), Leeway::replay(TEN).uses(9)] {
        let world = under(leeway);
        let root = issue(&world);
        next(&world, &root);
        for _ in 0..3 {
            let (calls, _) = cost(&world, || drop(next(&world, &root)));
            assert_eq!(calls, 2, "{leeway:?}");
            let narrowed = || drop(ask(&world, &root, request().scope("read")));
            assert_eq!(cost(&world, narrowed), (2, 1), "{leeway:?}");
        }
    }
}

#[test]
fn a_replay_without_a_timer_writes_nothing_and_is_one_call() {
    let world = under(Leeway::until_used(LeewayMode::Replay));
    let root = issue(&world);
    next(&world, &root);
    let before = stored(&world, root.family);
    assert_eq!(cost(&world, || drop(next(&world, &root))), (1, 1));
    assert_eq!(stored(&world, root.family), before);
}

#[test]
fn an_exchange_of_a_family_that_has_branched_or_displaced_is_two_calls_at_most() {
    let world = under(Leeway::fork(TEN, 3));
    let root = issue(&world);
    let branches = [next(&world, &root), next(&world, &root)];
    for token in &branches {
        let (calls, _) = cost(&world, || drop(next(&world, token)));
        assert_eq!(calls, 2);
    }
    let world = under(Leeway::newest(TEN));
    let root = issue(&world);
    next(&world, &root);
    let mut token = next(&world, &root);
    let (calls, _) = cost(&world, || token = next(&world, &token));
    assert_eq!(calls, 2);
    // With the next rotation but one it is plain again.
    token = next(&world, &token);
    assert_eq!(cost(&world, || drop(next(&world, &token))), (1, 1));
}

#[test]
fn begin_and_commit_are_two_calls_under_every_leeway() {
    for leeway in [Leeway::newest(TEN), Leeway::fork(TEN, 9), Leeway::replay(TEN).uses(9)] {
        let world = under(leeway);
        let root = issue(&world);
        for _ in 0..3 {
            let commit = || {
                let begun = block_on(world.node.begin(text(&root), request())).unwrap();
                let heirloom::Begun::Ready(redemption) = begun else { panic!("refused") };
                drop(granted(block_on(redemption.commit()).unwrap()));
            };
            assert_eq!(cost(&world, commit), (2, 1), "{leeway:?}");
        }
    }
}

/// P17: with branches the state is bounded, and forgets those that are over.
#[test]
fn a_family_that_forks_again_and_again_keeps_to_its_number_of_branches() {
    let idle = Duration::from_secs(60);
    let policy = Policy::builder().leeway(Leeway::fork(TEN, 4)).idle(idle).build().unwrap();
    let world = World::new(policy);
    let mut token = issue(&world);
    for round in 0..100 {
        let spent = token;
        token = next(&world, &spent);
        let forked = matches!(ask(&world, &spent, request()), heirloom::Outcome::Granted(_));
        assert!(stored(&world, token.family).branches.live.len() <= 3, "{round} {forked}");
        advance(&world, 25_000);
    }
    assert!(stored(&world, token.family).branches.made > 50);
}

#[test]
fn a_refusal_that_ends_nothing_writes_nothing() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let before = stored(&world, root.family);
    for request in [Request::new("other"), request().scope("admin"), request().scope("x y z")] {
        let (calls, _) = cost(&world, || drop(ask(&world, &root, request)));
        assert_eq!(calls, 1);
    }
    assert_eq!(stored(&world, root.family), before);
}

/// P17: however often its tokens are shown.
#[test]
fn a_dead_family_is_never_written() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let first = next(&world, &root);
    block_on(world.node.revoke_family(root.family, Reason::Logout)).unwrap();
    let dead = stored(&world, root.family);
    for token in [&root, &first] {
        for request in [request(), request().scope("read"), Request::new("other")] {
            let (calls, _) = cost(&world, || drop(ask(&world, token, request)));
            assert_eq!(calls, 1);
        }
    }
    block_on(world.node.revoke(text(&first), request())).unwrap();
    assert_eq!(stored(&world, root.family), dead);
}

#[test]
fn a_string_that_was_not_minted_here_costs_the_store_nothing() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let mut forged = text(&root).to_owned();
    forged.replace_range(60..61, if &forged[60..61] == "A" { "B" } else { "A" });
    for string in ["", "rt_", "nonsense", &forged, &text(&root)[1..], &text(&root)[..98]] {
        let present = || {
            drop(block_on(world.node.refresh(string, request())).unwrap());
            drop(block_on(world.node.begin(string, request())).unwrap());
            block_on(world.node.revoke(string, request())).unwrap();
            block_on(world.node.introspect(string)).unwrap();
            block_on(world.node.explain(string, request())).unwrap();
        };
        assert_eq!(cost(&world, present), (0, 0), "{string:?}");
    }
}

#[test]
fn a_revocation_is_one_write() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let revoke = || {
        block_on(world.node.revoke_family(root.family, Reason::Logout)).unwrap();
    };
    assert_eq!(cost(&world, revoke), (1, 1));
}

/// P17: the record of a family does not grow with its rotations.
#[test]
fn a_family_is_as_large_after_a_thousand_rotations_as_after_one() {
    let world = World::new(Policy::default());
    let mut token = next(&world, &issue(&world));
    let record =
        |token: &heirloom::Granted| heirloom::record::encode(&stored(&world, token.family));
    let size = record(&token).len();
    for _ in 0..1_000 {
        token = next(&world, &token);
    }
    assert_eq!(record(&token).len(), size);
    assert_eq!(world.store.inner().len(), 1);
}
