//! A metered store does what the store behind it does, and measures each call by what came of it.

use std::future::Future;
use std::task::{Context, Waker};

use heirloom::family::{Family, Impossible};
use heirloom::metrics::MeteredStore;
use heirloom::store::{
    Advance, Create, Created, Cursor, Purge, Replace, Revoke, Revoked, Scanned, StoreError, Written,
};
use heirloom::testing::{Fault, Operation};
use heirloom::{Error, FamilyId, Grant, Page, Policy, Reason, Rotation, Selected, Selector, Store};
use pollster::block_on;

use crate::metrics::figures::{Figures, World, request};

#[test]
fn each_call_of_the_store_is_measured_once_by_operation_and_result() {
    let figures = Figures::of(|| {
        let world = World::new();
        let root = world.issue();
        world.refresh(&root);
        world.refresh(&root);
        block_on(world.node.revoke(&root, request())).unwrap();
        let page = Page { after: None, limit: 9 };
        assert_eq!(
            block_on(world.node.families(&Selector::subject("alice"), page)).unwrap().len(),
            1
        );
        block_on(world.node.purge(9)).unwrap();
        assert_eq!(block_on(world.node.store().scan(None, 9)).unwrap().families.len(), 1);
        assert_eq!(world.disk.take_operations().total(), 8);
    });
    for (operation, result, count) in [
        ("create", "ok", 1),
        ("advance", "ok", 1),
        // The replay: the guard did not hold.
        ("advance", "declined", 1),
        ("load", "ok", 1),
        ("revoke", "ok", 1),
        ("select", "ok", 1),
        ("purge", "ok", 1),
        ("scan", "ok", 1),
    ] {
        let measured = calls(&figures, operation, result);
        assert_eq!(measured.len(), count, "{operation} {result}");
        assert!(measured.iter().all(|seconds| (0.0..60.0).contains(seconds)), "{measured:?}");
    }
    assert_eq!(conflicts(&figures, "advance"), 0);
}

#[test]
fn a_call_takes_as_long_as_the_store_takes() {
    let figures = Figures::of(|| {
        let world = World::new();
        let purge = world.node.purge(1);
        let mut purge = std::pin::pin!(purge);
        world.disk.wait(1);
        let mut context = Context::from_waker(Waker::noop());
        assert!(purge.as_mut().poll(&mut context).is_pending());
        std::thread::sleep(std::time::Duration::from_millis(20));
        while purge.as_mut().poll(&mut context).is_pending() {}
    });
    assert!(calls(&figures, "purge", "ok")[0] >= 0.02);
}

#[test]
fn an_error_goes_through_as_it_is_and_is_measured_as_what_it_is() {
    let figures = Figures::of(|| {
        let world = World::new();
        let token = world.issue();
        world.disk.fail(Fault::Before, 1, |operation| operation == Operation::Advance);
        let failed = block_on(world.node.refresh(&token, request())).unwrap_err();
        let Error::Store(error) = &failed else { panic!("{failed}") };
        assert!(std::error::Error::source(error).unwrap().to_string().contains("injected"));
        world.disk.fail(Fault::ConflictAfter, 2, |operation| operation == Operation::Advance);
        world.refresh(&token);
    });
    assert_eq!(calls(&figures, "advance", "unavailable").len(), 1);
    assert_eq!(calls(&figures, "advance", "conflict").len(), 1);
    assert_eq!(conflicts(&figures, "advance"), 1);
}

#[test]
fn a_replacement_that_came_too_late_is_a_lost_race() {
    let figures = Figures::of(|| {
        let world = World::new();
        let token = world.issue();
        let family = world.disk.inner().snapshot().remove(0).id;
        let node = &world.node;
        let change = node.change_grant(family, |grant| {
            // Another node's write comes between the look and the replacement, once.
            if world.disk.inner().snapshot()[0].version == 1 {
                world.refresh(&token);
            }
            grant.clone().scope("read")
        });
        block_on(change).unwrap();
    });
    assert_eq!(calls(&figures, "replace", "declined").len(), 1);
    assert_eq!(conflicts(&figures, "replace"), 1);
    assert_eq!(calls(&figures, "replace", "ok").len(), 1);
}

/// A store that stalls is seen by the calls that were given up.
#[test]
fn a_call_that_is_given_up_is_measured_as_dropped() {
    let figures = Figures::of(|| {
        let world = World::new();
        drop(world.node.purge(1));
        world.disk.wait(1);
        let mut purge = Box::pin(world.node.purge(1));
        let mut context = Context::from_waker(Waker::noop());
        assert!(purge.as_mut().poll(&mut context).is_pending());
    });
    assert_eq!(calls(&figures, "purge", "dropped").len(), 1);
    assert_eq!(calls(&figures, "purge", "ok").len(), 0);
}

/// For the tables: each operation, and each result with one of them.
pub fn every_result_of_every_operation() {
    let world = World::new();
    let node = &world.node;
    let token = world.issue();
    let id = world.disk.inner().snapshot().remove(0).id;
    let never = Policy::builder().rotation(Rotation::Never).build().unwrap();
    world.clock.advance(std::time::Duration::from_secs(86_400));
    drop(block_on(node.refresh(&token, request().policy(&never))).unwrap());
    world.refresh(&token);
    world.refresh(&token);
    block_on(node.change_grant(id, |grant| grant.clone().scope("read"))).unwrap();
    let page = Page { after: None, limit: 9 };
    block_on(node.families(&Selector::subject("alice"), page)).unwrap();
    for fault in [Fault::Before, Fault::Conflict] {
        for operation in [
            Operation::Create,
            Operation::Load,
            Operation::Advance,
            Operation::Revoke,
            Operation::Replace,
            Operation::Select,
            Operation::Purge,
            Operation::Scan,
        ] {
            world.disk.fail(fault, 1, move |called| called == operation);
        }
        let _ = block_on(node.issue(Grant::new("alice", "web-app")));
        world.refresh(&token);
        let _ = block_on(node.change_grant(id, |grant| grant.clone().scope("write")));
        let _ = block_on(node.families(&Selector::subject("alice"), page));
        let _ = block_on(node.purge(9));
        let _ = block_on(node.store().scan(None, 9));
        let _ = block_on(node.revoke_family(id, Reason::Logout));
        world.disk.heal();
    }
    world.disk.poison(id, Some(Impossible { family: id, field: "salt" }));
    let _ = block_on(node.introspect(&token));
    world.disk.wait(1);
    let mut context = Context::from_waker(Waker::noop());
    let mut purge = Box::pin(node.purge(9));
    let _ = purge.as_mut().poll(&mut context);
    let unusable = MeteredStore::new(Unusable);
    let _ = block_on(unusable.load(id));
}

fn calls(figures: &Figures, operation: &str, result: &str) -> Vec<f64> {
    let labels = format!("{{operation={operation},result={result}}}");
    figures.histogram(&format!("heirloom_store_seconds{labels}"))
}

fn conflicts(figures: &Figures, operation: &str) -> u64 {
    figures.counter(&format!("heirloom_store_conflicts_total{{operation={operation}}}"))
}

/// Found to be of another release.
struct Unusable;

fn unusable<T>() -> Result<T, StoreError> {
    Err(StoreError::unusable("of another release"))
}

impl Store for Unusable {
    async fn create(&self, _: Create) -> Result<Created, StoreError> {
        unusable()
    }

    async fn load(&self, _: FamilyId) -> Result<Option<Family>, StoreError> {
        unusable()
    }

    async fn advance(&self, _: Advance) -> Result<Written, StoreError> {
        unusable()
    }

    async fn revoke(&self, _: Revoke) -> Result<Revoked, StoreError> {
        unusable()
    }

    async fn replace(&self, _: Replace) -> Result<Written, StoreError> {
        unusable()
    }

    async fn select(&self, _: &Selector, _: Page) -> Result<Selected, StoreError> {
        unusable()
    }

    async fn purge(&self, _: Purge) -> Result<usize, StoreError> {
        unusable()
    }

    async fn scan(&self, _: Option<Cursor>, _: usize) -> Result<Scanned, StoreError> {
        unusable()
    }
}
