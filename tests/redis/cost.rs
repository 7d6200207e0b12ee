//! What a call costs, as the servers count it.

use std::collections::BTreeMap;
use std::time::Duration;

use heirloom::store::redis::RedisStore;
use heirloom::store::{Revoked, Store};
use heirloom::testing::{ManualClock, create, purge, token};
use heirloom::token::Position;
use heirloom::{
    Begun, Engine, Grant, Key, KeyRing, Leeway, Outcome, Policy, Reason, Refusal, Request,
    Timestamp,
};
use redis::cmd;

use crate::redis::alone::alone;
use crate::redis::sample::{DAY, at, end, full, issued};
use crate::redis::world::{Connection, World};

const START: Timestamp = at(1_700_000_000_000);

fn key() -> Key {
    Key::new(1, &[7; 32]).unwrap()
}

/// How often the servers have been called since the last look, and how often they have written.
struct Counts<'a, C> {
    world: &'a World<C>,
    writes: i64,
}

impl<'a, C: Connection> Counts<'a, C> {
    async fn new(world: &'a World<C>) -> Self {
        let mut counts = Self { world, writes: 0 };
        counts.take().await;
        counts
    }

    async fn take(&mut self) -> (u64, i64) {
        let (mut calls, mut changes) = (0, 0);
        for mut node in self.world.nodes.clone() {
            let info: String = cmd("INFO").arg("all").query_async(&mut node).await.unwrap();
            let fields: BTreeMap<_, _> =
                info.lines().filter_map(|line| line.split_once(':')).collect();
            if fields["role"] != "master" {
                continue;
            }
            // Everything that the store sends; what a script does inside is no round trip.
            for name in ["cmdstat_evalsha", "cmdstat_eval", "cmdstat_script|load", "cmdstat_get"] {
                let count = fields.get(name).map(|text| text.split(['=', ',']).nth(1).unwrap());
                calls += count.map_or(0, |count| count.parse::<u64>().unwrap());
            }
            changes += fields["rdb_changes_since_last_save"].parse::<i64>().unwrap();
            let _: () = cmd("CONFIG").arg("RESETSTAT").query_async(&mut node).await.unwrap();
        }
        let writes = changes - std::mem::replace(&mut self.writes, changes);
        (calls, writes)
    }
}

alone!(round_trips_are_counted_by_the_servers, round_trips);
alone!(a_branch_costs_a_look_and_a_swap, round_trips_of_branches);
alone!(a_million_generations_end_by_one_call, million_generations);
alone!(a_purge_of_many_asks_little, purge_of_many);

fn granted(outcome: Outcome) -> String {
    match outcome {
        Outcome::Granted(granted) => granted.token.unwrap().into_exposed(),
        Outcome::Refused(why) => panic!("refused: {why}"),
    }
}

async fn round_trips<C: Connection>(world: World<C>) {
    let clock = ManualClock::at(START);
    let engine = Engine::new(world.open().await, KeyRing::new(key()), Policy::default());
    let engine = engine.with_clock(clock.clone());
    // Servers that know the scripts: every one has been asked for everything.
    for _ in 0..40 {
        let issued = engine.issue(Grant::new("bob", "web")).await.unwrap();
        let first = issued.token.unwrap().into_exposed();
        let _ = engine.begin(&first, Request::new("web")).await.unwrap();
        granted(engine.refresh(&first, Request::new("web")).await.unwrap());
        clock.advance(DAY);
        assert!(matches!(
            engine.refresh(&first, Request::new("web")).await,
            Ok(Outcome::Refused(_))
        ));
    }
    let first = engine.issue(Grant::new("alice", "web")).await.unwrap().token.unwrap();
    let mut counts = Counts::new(&world).await;

    let second = granted(engine.refresh(first.expose(), Request::new("web")).await.unwrap());
    let (calls, writes) = counts.take().await;
    assert_eq!(calls, 1, "a rotation");
    assert!(writes > 0);

    let again = granted(engine.refresh(first.expose(), Request::new("web")).await.unwrap());
    assert_eq!(again, second);
    assert_eq!(counts.take().await, (1, 0), "a replay");

    let begun = engine.begin(&second, Request::new("web")).await.unwrap();
    let Begun::Ready(redemption) = begun else { panic!("refused") };
    let third = granted(redemption.commit().await.unwrap());
    assert_eq!(counts.take().await.0, 2, "a rotation in two steps");

    let mut forged = third.clone().into_bytes();
    forged[50] ^= 1;
    let forged = String::from_utf8(forged).unwrap();
    let refused = engine.refresh(&forged, Request::new("web")).await.unwrap();
    assert!(
        matches!(refused, Outcome::Refused(Refusal::Forged | Refusal::Malformed(_))),
        "{refused:?}"
    );
    assert_eq!(counts.take().await, (0, 0), "a forged token");

    clock.advance(Duration::from_secs(60));
    let breach = engine.refresh(first.expose(), Request::new("web")).await.unwrap();
    assert!(matches!(breach, Outcome::Refused(Refusal::Reused(_))), "{breach:?}");
    assert_eq!(counts.take().await.0, 2, "a breach");

    let before = world.contents(&world.keys().await).await;
    counts.take().await;
    for dead in [first.expose(), &second, &third] {
        let refused = engine.refresh(dead, Request::new("web")).await.unwrap();
        assert!(matches!(refused, Outcome::Refused(Refusal::Revoked(_))), "{refused:?}");
        assert_eq!(counts.take().await, (1, 0), "a dead family");
    }
    assert_eq!(world.contents(&world.keys().await).await, before);
}

/// What the guard cannot rotate is looked at, and then swapped.
async fn round_trips_of_branches<C: Connection>(world: World<C>) {
    let policy = Policy::builder().leeway(Leeway::fork(DAY, 4).uses(4)).build().unwrap();
    let engine = Engine::new(world.open().await, KeyRing::new(key()), policy);
    let engine = engine.with_clock(ManualClock::at(START));
    // Servers that know the scripts.
    for _ in 0..40 {
        let first = engine.issue(Grant::new("bob", "web")).await.unwrap().token.unwrap();
        granted(engine.refresh(first.expose(), Request::new("web")).await.unwrap());
        let fork = granted(engine.refresh(first.expose(), Request::new("web")).await.unwrap());
        granted(engine.refresh(&fork, Request::new("web")).await.unwrap());
    }
    let first = engine.issue(Grant::new("alice", "web")).await.unwrap().token.unwrap();
    let mut counts = Counts::new(&world).await;
    let second = granted(engine.refresh(first.expose(), Request::new("web")).await.unwrap());
    assert_eq!(counts.take().await.0, 1, "a rotation");
    let fork = granted(engine.refresh(first.expose(), Request::new("web")).await.unwrap());
    assert_eq!(counts.take().await.0, 2, "a fork");
    for token in [second, fork] {
        granted(engine.refresh(&token, Request::new("web")).await.unwrap());
        assert_eq!(counts.take().await.0, 2, "a rotation of a branch");
    }
}

async fn million_generations<C: Connection>(world: World<C>) {
    let mut family = full();
    family.head.generation = 1_000_000;
    let store = world.with([&family]).await;
    let _ = store.revoke(end(issued(0x269, START, None).id, START)).await.unwrap();
    let before: u64 = world.ask(cmd("MEMORY").arg("USAGE").arg(world.family(family.id))).await;
    let mut counts = Counts::new(&world).await;
    let Revoked::ByThisCall(_) = store.revoke(end(family.id, at(7_000))).await.unwrap() else {
        panic!("not ended")
    };
    assert_eq!(counts.take().await.0, 1);
    let after: u64 = world.ask(cmd("MEMORY").arg("USAGE").arg(world.family(family.id))).await;
    assert!(before < 4_096 && after < before + 512, "{before} and {after} bytes");
    // A token of its first generation is known to be genuine, and to be dead.
    let engine = Engine::new(store, KeyRing::new(key()), Policy::default()).with_clock(at(7_001));
    let first = token(&key(), Position { family: family.id, branch: 0, generation: 0 }, [1; 32]);
    let request = Request::new("web").binding(family.grant.binding);
    let refused = engine.refresh(first.expose(), request).await.unwrap();
    let Outcome::Refused(Refusal::Revoked(Reason::Logout)) = refused else { panic!("{refused:?}") };
}

/// Many in one bucket: a script removes 64 at most, and others get their turn in between.
async fn purge_of_many<C: Connection>(world: World<C>) {
    let store: RedisStore<C> = world.open().await;
    // On a server that is new, the first purge teaches it the scripts.
    let _ = store.create(create(issued(0, at(0), Some(Duration::from_secs(1))))).await.unwrap();
    assert_eq!(store.purge(purge(at(2_000), 10)).await.unwrap(), 1);
    let families = 1_024;
    for number in 0..families {
        let mut bytes = *full().id.as_bytes();
        bytes[4..6].copy_from_slice(&u16::to_be_bytes(number));
        let mut family = issued(0, at(0), Some(Duration::from_secs(1)));
        family.id = heirloom::FamilyId::from_bytes(bytes);
        let _ = store.create(create(family)).await.unwrap();
    }
    let mut counts = Counts::new(&world).await;
    assert_eq!(store.purge(purge(at(2_000), 10_000)).await.unwrap(), usize::from(families));
    let (calls, _) = counts.take().await;
    // A look at each bucket; 16 batches and the end of them, each at most found, read and removed; and the indexes.
    assert!(calls <= 1_024 + 17 * 3 + 17, "{calls} calls");
    assert_eq!(store.purge(purge(at(2_000), 10_000)).await.unwrap(), 0);
    assert_eq!(counts.take().await, (1_024, 0), "a purge of nothing");
}
