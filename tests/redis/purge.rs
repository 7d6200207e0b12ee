//! What ended long ago goes, in bounded batches, and nothing else does.

use heirloom::family::{Family, Revocation, Status};
use heirloom::store::Store;
use heirloom::store::redis::{RedisSettings, RedisStore};
use heirloom::testing::purge;
use heirloom::{Grant, Reason};
use redis::aio::ConnectionLike;
use redis::{Arg, Cmd, Pipeline, RedisFuture, Value, cmd};

use crate::redis::sample::{DAY, adopted, at, end, forked, fresh, full, id, issued};
use crate::redis::world::{Connection, World, on_both};

/// Ends at this instant.
fn ending(number: u16, millis: u64) -> Family {
    let mut family = issued(number, at(0), None);
    family.expires_at = Some(at(millis));
    family
}

async fn stored<C: Connection>(world: &World<C>) -> usize {
    let keys = world.keys().await;
    keys.iter()
        .filter(|key| {
            key.contains(":{")
                && !key.contains(":subject:")
                && !key.contains(":client:")
                && !key.ends_with(":ends")
        })
        .count()
}

fn revoked(millis: u64) -> Status {
    Status::Revoked(Revocation { at: at(millis), reason: Reason::Moved, call: 7 })
}

/// Each, alone, goes one millisecond after its end, and no earlier; by the same instant the server sorts it.
async fn assert_ends<C: Connection>(
    world: &World<C>,
    cases: impl IntoIterator<Item = (Family, Option<u64>)>,
) {
    for (family, end) in cases {
        let store = world.with([&family]).await;
        let member = family.id.to_string();
        let score: String = world.ask(cmd("ZSCORE").arg(world.ends(family.id)).arg(member)).await;
        assert_eq!(score, end.map_or("inf".to_owned(), |end| end.to_string()), "{family:?}");
        for (before, removed) in [
            (end.map_or(heirloom::Timestamp::MAX, |end| at(end - 1)), 0),
            (end.map_or(heirloom::Timestamp::MAX, at), 0),
            (end.map_or(heirloom::Timestamp::MAX, |end| at(end + 1)), usize::from(end.is_some())),
        ] {
            let purged = store.purge(purge(before, 10)).await.unwrap();
            assert_eq!(purged, removed, "{family:?} before {before:?}");
        }
        let _: () = world.ask(cmd("UNLINK").arg(world.family(family.id))).await;
        let _: () = world.ask(cmd("UNLINK").arg(world.ends(family.id))).await;
    }
}

/// Uses a family at the very moment when it has been found due, and is about to be removed.
#[derive(Clone)]
struct UsedMeanwhile<C> {
    connection: C,
    family: String,
}

impl<C: Connection> ConnectionLike for UsedMeanwhile<C> {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            // Of all scripts only the one that removes has the bucket first, and families after it.
            let fifth = command.args_iter().nth(4);
            let removes = matches!(fifth, Some(Arg::Simple(key)) if key == self.family.as_bytes());
            if removes {
                let mut used = cmd("HSET");
                used.arg(&self.family).arg("version").arg("2").arg("used_at").arg("5000");
                self.connection.req_packed_command(&used).await?;
            }
            self.connection.req_packed_command(command).await
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        self.connection.req_packed_commands(pipeline, offset, count)
    }

    fn get_db(&self) -> i64 {
        self.connection.get_db()
    }
}

on_both! {
    async fn only_what_ended_before_goes(world) {
        let store = world.with(&[ending(1, 999), ending(2, 1_000), ending(3, 1_001), issued(4, at(0), None)]).await;
        assert_eq!(store.purge(purge(at(999), 10)).await.unwrap(), 0);
        assert_eq!(store.purge(purge(at(1_000), 10)).await.unwrap(), 1);
        assert_eq!(store.purge(purge(at(1_001), 10)).await.unwrap(), 1);
        assert_eq!(store.purge(purge(heirloom::Timestamp::MAX, 10)).await.unwrap(), 1);
        assert_eq!(store.load(id(4)).await.unwrap(), Some(issued(4, at(0), None)));
        assert_eq!(stored(&world).await, 1);
    }

    async fn a_family_that_was_used_meanwhile_stays(world) {
        let mut family = ending(1, 1_000);
        family.head.used_at = at(5_000);
        let store = world.with([&family]).await;
        assert_eq!(store.purge(purge(at(5_000), 10)).await.unwrap(), 0);
        assert_eq!(store.purge(purge(at(5_001), 10)).await.unwrap(), 1);
    }

    async fn a_family_that_is_used_while_it_is_removed_stays(world) {
        world.with([&ending(1, 10)]).await;
        let connection = UsedMeanwhile { connection: world.connection.clone(), family: world.family(id(1)) };
        let settings = RedisSettings::default().prefix(&world.prefix);
        let store = RedisStore::open_with(connection, settings).await.unwrap();
        assert_eq!(store.purge(purge(at(1_000), 10)).await.unwrap(), 0);
        let family = store.load(id(1)).await.unwrap().expect("it was used, and stays");
        assert_eq!(family.head.used_at, at(5_000));
    }

    async fn a_revoked_family_goes_by_when_it_was_revoked(world) {
        let store = world.with([&ending(1, 9_000_000)]).await;
        let _ = store.revoke(end(id(1), at(1_000))).await.unwrap();
        assert_eq!(store.purge(purge(at(1_000), 10)).await.unwrap(), 0);
        assert_eq!(store.purge(purge(at(1_001), 10)).await.unwrap(), 1);
    }

    async fn what_is_to_be_kept_longer_than_it_lasts_goes_by_that(world) {
        let ended = |mut family: Family| {
            family.status = revoked(7_000);
            family
        };
        let kept = |until, mut family: Family| {
            family.kept_until = Some(at(until));
            family
        };
        let cases = [
            (kept(50_000, ended(adopted())), Some(50_000)),
            (kept(6_000, ended(adopted())), Some(7_000)),
            (kept(50_000, ended(full())), Some(50_000)),
            (kept(70_000, full()), Some(70_000)),
            (kept(59_999, full()), Some(60_000)),
            (kept(70_000, fresh()), None),
        ];
        assert_ends(&world, cases).await;
    }

    async fn a_family_with_branches_goes_with_the_last_of_them(world) {
        let ended = |mut family: Family| {
            family.status = revoked(7_000);
            family
        };
        let mut kept = forked(&[(1, Some(70_000))]);
        kept.kept_until = Some(at(80_000));
        let mut capped = forked(&[(1, Some(70_000)), (2, None)]);
        capped.expires_at = Some(at(66_000));
        let mut endless = forked(&[(1, Some(70_000))]);
        endless.head.idle_expires_at = None;
        // The absolute end had come when a branch was used: ends may be counted anew.
        let mut late = forked(&[(1, Some(70_000))]);
        (late.expires_at, late.head.idle_expires_at) = (Some(at(6_400)), None);
        let cases = [
            (forked(&[(1, Some(70_000)), (3, Some(65_000))]), Some(70_000)),
            (forked(&[(1, Some(65_000)), (3, Some(70_000))]), Some(70_000)),
            (forked(&[(1, Some(50_000))]), Some(60_000)),
            (forked(&[(1, Some(70_000)), (3, None)]), None),
            (forked(&[]), Some(60_000)),
            (endless, None),
            (kept, Some(80_000)),
            (capped, Some(66_000)),
            (late, Some(7_000)),
            (ended(forked(&[(1, Some(70_000)), (3, None)])), Some(7_000)),
        ];
        assert_ends(&world, cases).await;
    }

    async fn batches_are_bounded_and_come_to_their_end(world) {
        // A hundred in one bucket, the others in buckets of their own.
        let families: Vec<_> = (0..300_u16).map(|number| {
            ending(if number < 64 { number << 10 } else { number }, u64::from(number))
        }).collect();
        let store = world.with(&families).await;
        let mut rounds = Vec::new();
        loop {
            let purged = store.purge(purge(at(1_000), 70)).await.unwrap();
            rounds.push(purged);
            assert_eq!(stored(&world).await, 300 - rounds.iter().sum::<usize>());
            if purged < 70 {
                break;
            }
        }
        assert_eq!(rounds, [70, 70, 70, 70, 20]);
        assert_eq!(store.purge(purge(at(1_000), usize::MAX)).await.unwrap(), 0);
        let keys = world.keys().await;
        assert!(!keys.iter().any(|key| key.ends_with(":ends")), "{keys:?}");
    }

    async fn what_cannot_be_read_is_left_and_starves_nothing(world) {
        // All in one bucket: the damaged ones end first.
        let families: Vec<_> = (0..60_u16).map(|number| ending(number << 10, u64::from(number))).collect();
        let store = world.with(&families).await;
        for family in &families[..20] {
            let _: () = world.ask(cmd("HSET").arg(world.family(family.id)).arg("attributes").arg("{\"a\":1}")).await;
        }
        let key = world.family(families[20].id);
        let _: () = world.ask(cmd("UNLINK").arg(&key)).await;
        let _: () = world.ask(cmd("SET").arg(&key).arg("x")).await;
        // An id of another bucket, and another spelling, are as foreign: purges went round in circles over them.
        let foreign = [id(1).to_string(), id(0).to_string().to_uppercase(), "no id".to_owned()];
        for member in foreign {
            let _: () = world.ask(cmd("ZADD").arg(world.ends(id(0))).arg(0).arg(member)).await;
        }
        for expected in [5, 5, 5, 5, 5, 5, 5, 4, 0] {
            assert_eq!(store.purge(purge(at(1_000), 5)).await.unwrap(), expected);
        }
        assert_eq!(stored(&world).await, 21);
    }

    async fn what_the_server_let_go_is_forgotten(world) {
        let families = [ending(1, 10), ending(2, 20)];
        let store = world.with(&families).await;
        let _: () = world.ask(cmd("UNLINK").arg(world.family(id(1)))).await;
        assert_eq!(store.purge(purge(at(1_000), 10)).await.unwrap(), 1);
        let keys = world.keys().await;
        assert!(!keys.iter().any(|key| key.ends_with(":ends")), "{keys:?}");
    }

    async fn its_index_entries_go_with_a_family(world) {
        let mut family = ending(1, 10);
        family.grant = Grant::new("dave", "web").into();
        let store = world.with([&family]).await;
        for index in [world.subject("dave"), world.client("web", family.id)] {
            // As old as the entry of a family that ended a retention ago.
            let _: () = world.ask(cmd("UNLINK").arg(&index)).await;
            let entry = format!("{}@{:015}", family.id, 8 * DAY.as_millis());
            let _: () = world.ask(cmd("ZADD").arg(&index).arg(0).arg(entry)).await;
        }
        assert_eq!(store.purge(purge(at(1_000), 10)).await.unwrap(), 1);
        assert_eq!(world.keys().await, [format!("{}:format", world.prefix)]);
    }
}
