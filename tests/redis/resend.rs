//! Clients of a cluster send a command again when its connection breaks: everything may arrive twice.

use std::time::Duration;

use heirloom::store::redis::{RedisSettings, RedisStore};
use heirloom::store::{Created, Revoked, Store};
use heirloom::testing::{ManualClock, create, purge};
use heirloom::{
    Engine, Grant, How, Key, KeyRing, Leeway, Outcome, Policy, Reason, Refusal, Request, Selector,
};
use redis::aio::ConnectionLike;
use redis::{Cmd, Pipeline, RedisFuture, Value};

use crate::redis::sample::{DAY, at, end, full, page};
use crate::redis::world::{Connection, World, on_both};

/// Sends everything twice, and returns the second answer.
#[derive(Clone)]
struct Twice<C>(C);

impl<C: Connection> ConnectionLike for Twice<C> {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let _lost = self.0.req_packed_command(command).await;
            self.0.req_packed_command(command).await
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        self.0.req_packed_commands(pipeline, offset, count)
    }

    fn get_db(&self) -> i64 {
        self.0.get_db()
    }
}

async fn open<C: Connection>(world: &World<C>) -> RedisStore<Twice<C>> {
    let settings = RedisSettings::default().prefix(&world.prefix);
    RedisStore::open_with(Twice(world.connection.clone()), settings).await.unwrap()
}

async fn lenient<C: Connection>(
    world: &World<C>,
    leeway: Leeway,
) -> (Engine<RedisStore<Twice<C>>, ManualClock>, ManualClock) {
    let clock = ManualClock::at(at(1_700_000_000_000));
    let keys = KeyRing::new(Key::new(1, &[7; 32]).unwrap());
    let policy = Policy::builder().leeway(leeway.uses(9)).build().unwrap();
    let engine = Engine::new(open(world).await, keys, policy);
    (engine.with_clock(clock.clone()), clock)
}

on_both! {
    async fn a_client_that_sends_everything_twice_changes_nothing(world) {
        let clock = ManualClock::at(at(1_700_000_000_000));
        let keys = KeyRing::new(Key::new(1, &[7; 32]).unwrap());
        let engine = Engine::new(open(&world).await, keys, Policy::default());
        let engine = engine.with_clock(clock.clone());
        let first = engine.issue(Grant::new("alice", "web")).await.unwrap().token.unwrap();
        let families = engine.families(&Selector::subject("alice"), page(None, 9)).await.unwrap();
        assert_eq!(families.len(), 1, "no creation leaves another behind");
        let mut token = first.expose().to_owned();
        for generation in 1..=5 {
            clock.advance(DAY);
            let outcome = engine.refresh(&token, Request::new("web")).await.unwrap();
            let Outcome::Granted(granted) = outcome else { panic!("{outcome:?}") };
            assert_eq!((granted.how, granted.generation), (How::Rotated, generation));
            token = granted.token.unwrap().into_exposed();
        }
        let reused = engine.refresh(first.expose(), Request::new("web")).await.unwrap();
        assert!(matches!(reused, Outcome::Refused(Refusal::Reused(_))), "{reused:?}");
        let refused = engine.refresh(&token, Request::new("web")).await.unwrap();
        let Outcome::Refused(Refusal::Revoked(Reason::Reuse(_))) = refused else {
            panic!("{refused:?}")
        };
    }

    /// A fork is a compare-and-swap: the second time it finds its own work, and makes no other branch.
    async fn a_fork_that_arrives_twice_makes_one_branch(world) {
        let (engine, clock) = lenient(&world, Leeway::fork(DAY, 3)).await;
        let first = engine.issue(Grant::new("alice", "web")).await.unwrap().token.unwrap();
        let family = engine.families(&Selector::subject("alice"), page(None, 9)).await.unwrap()[0].id;
        let mut ends = Vec::new();
        for (how, branch) in [(How::Rotated, 0), (How::Forked, 1), (How::Forked, 2)] {
            let outcome = engine.refresh(first.expose(), Request::new("web")).await.unwrap();
            let Outcome::Granted(granted) = outcome else { panic!("{outcome:?}") };
            assert_eq!((granted.how, granted.branch, granted.generation), (how, branch, 1));
            ends.push(granted.token.unwrap());
        }
        let stored = engine.store().load(family).await.unwrap().unwrap();
        let replays = stored.head.predecessor.as_ref().unwrap().replays;
        assert_eq!((stored.branches.made, stored.branches.live.len(), replays, stored.version), (2, 2, 2, 4));
        clock.advance(DAY);
        for (token, branch) in ends.iter().zip(0..) {
            let outcome = engine.refresh(token.expose(), Request::new("web")).await.unwrap();
            let Outcome::Granted(granted) = outcome else { panic!("{outcome:?}") };
            assert_eq!((granted.how, granted.branch, granted.generation), (How::Rotated, branch, 2));
        }
        let stored = engine.store().load(family).await.unwrap().unwrap();
        assert_eq!((stored.branches.made, stored.version), (2, 7));
    }

    async fn a_displacement_that_arrives_twice_displaces_once(world) {
        let (engine, _) = lenient(&world, Leeway::newest(Duration::from_secs(10))).await;
        let first = engine.issue(Grant::new("alice", "web")).await.unwrap().token.unwrap();
        let mut last = None;
        for how in [How::Rotated, How::Renewed, How::Renewed] {
            let outcome = engine.refresh(first.expose(), Request::new("web")).await.unwrap();
            let Outcome::Granted(granted) = outcome else { panic!("{outcome:?}") };
            assert_eq!((granted.how, granted.generation), (how, 1));
            last = granted.token;
        }
        let outcome = engine.refresh(last.unwrap().expose(), Request::new("web")).await.unwrap();
        let Outcome::Granted(granted) = outcome else { panic!("{outcome:?}") };
        assert_eq!((granted.how, granted.generation), (How::Rotated, 2));
        let stored = engine.store().load(granted.family).await.unwrap().unwrap();
        let predecessor = stored.head.predecessor.as_ref().unwrap();
        assert_eq!((stored.version, predecessor.displaced, stored.head.displaced), (5, true, false));
    }

    async fn a_revocation_that_arrives_twice_is_its_own(world) {
        let store = open(&world).await;
        let family = full();
        let created = store.create(create(family.clone())).await.unwrap();
        assert!(matches!(created, Created::New(_)), "{created:?}");
        let revoked = store.revoke(end(family.id, at(7_000))).await.unwrap();
        let Revoked::ByThisCall(committed) = revoked else { panic!("{revoked:?}") };
        assert_eq!(committed.family().version, family.version + 1);
        let _ = store.purge(purge(at(8_000), 10)).await.unwrap();
        assert_eq!(store.load(family.id).await.unwrap(), None);
    }

    /// Two sign-ins in one millisecond that drew the same random bytes are two calls: were the second told that it had
    /// created the family, both would be sent the same token.
    async fn another_call_that_creates_the_same_family_finds_it_taken(world) {
        let family = full();
        let store = world.with([&family]).await;
        let mut other = family.clone();
        other.head.key = heirloom::key::KeyId::new(1);
        let mut shorter = family.clone();
        shorter.grant = Grant::new("\u{e5}lice", "web").not_after(at(90_000)).into();
        for other in [family.clone(), other, shorter] {
            let taken = store.create(create(other)).await.unwrap();
            assert!(matches!(taken, Created::Taken), "{taken:?}");
        }
        let _ = store.revoke(end(family.id, at(7_000))).await.unwrap();
        let taken = store.create(create(family)).await.unwrap();
        assert!(matches!(taken, Created::Taken), "{taken:?}");
    }
}
