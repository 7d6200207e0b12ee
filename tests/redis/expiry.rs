//! Keys expire by the server's clock, counted from the host's: whatever the latter says, never early.

use std::time::Duration;

use heirloom::Timestamp;
use heirloom::family::Family;
use heirloom::store::redis::{RedisSettings, RedisStore};
use heirloom::store::{Revoked, Store, Written};
use heirloom::testing::replace;
use proptest::strategy::{Strategy, ValueTree};
use redis::cmd;

use crate::redis::sample::{DAY, any_family, at, end, forked, issued, rotation};
use crate::redis::world::{Connection, World, on_both};
use crate::support::random;

/// Hosts live in virtual time: at its beginning, in our past, and far in our future.
const CLOCKS: [Timestamp; 4] = [at(0), at(1_000_000_000_000), at(9_000_000_000_000), at(1 << 52)];

/// How long a test may take between a write and the look at it.
const SLACK: Duration = Duration::from_secs(3_600);

/// Time that a family has left by the server's clock; `None`: for ever.
async fn left<C: Connection>(world: &World<C>, family: &Family) -> Option<Duration> {
    let millis: i64 = world.ask(cmd("PTTL").arg(world.family(family.id))).await;
    assert_ne!(millis, -2, "it is gone");
    u64::try_from(millis).ok().map(Duration::from_millis)
}

async fn assert_left<C: Connection>(world: &World<C>, family: &Family, expected: Option<Duration>) {
    match (left(world, family).await, expected) {
        (None, None) => {}
        (Some(left), Some(expected)) => {
            assert!(left <= expected && left + SLACK > expected, "{left:?} of {expected:?}");
        }
        (left, expected) => panic!("{left:?}, and {expected:?} was expected"),
    }
}

on_both! {
    async fn a_family_has_what_it_lasts_and_a_fortnight_in_any_time(world) {
        let store = world.open().await;
        for (now, number) in CLOCKS.into_iter().zip(0..) {
            let family = issued(number, now, Some(30 * DAY));
            world.with([&family]).await;
            assert_left(&world, &family, Some(44 * DAY)).await;

            let now = now.saturating_add(29 * DAY);
            let written = store.advance(rotation(&family, now, Some(20 * DAY))).await.unwrap();
            let Written::Committed(committed) = written else { panic!("declined") };
            let family = committed.family().clone();
            assert_left(&world, &family, Some(34 * DAY)).await;

            let now = now.saturating_add(DAY);
            let slide = replace(&family, |next| {
                next.head.used_at = now;
                next.head.idle_expires_at = Some(now.saturating_add(50 * DAY));
            });
            let Ok(Written::Committed(_)) = store.replace(slide).await else { panic!("declined") };
            assert_left(&world, &family, Some(64 * DAY)).await;

            let Ok(Revoked::ByThisCall(_)) = store.revoke(end(family.id, now)).await else {
                panic!("not ended")
            };
            assert_left(&world, &family, Some(14 * DAY)).await;
        }
    }

    async fn a_family_without_an_end_stays(world) {
        let family = issued(1, at(1_000), None);
        let store = world.with([&family]).await;
        assert_left(&world, &family, None).await;
        let limited = store.advance(rotation(&family, at(2_000), Some(DAY))).await.unwrap();
        let Written::Committed(limited) = limited else { panic!("declined") };
        assert_left(&world, &family, Some(15 * DAY)).await;
        let lifted = replace(limited.family(), |next| next.head.idle_expires_at = None);
        let Ok(Written::Committed(_)) = store.replace(lifted).await else { panic!("declined") };
        assert_left(&world, &family, None).await;
    }

    /// A node whose clock is behind revokes at an instant that lies before the last use.
    async fn a_clock_that_is_behind_makes_it_later_and_not_earlier(world) {
        let family = issued(1, at(100_000_000_000), Some(30 * DAY));
        let store = world.with([&family]).await;
        let Ok(Revoked::ByThisCall(_)) = store.revoke(end(family.id, at(0))).await else {
            panic!("not ended")
        };
        assert_left(&world, &family, Some(14 * DAY + Duration::from_secs(100_000_000))).await;
    }

    async fn an_end_that_is_past_leaves_the_margin(world) {
        let mut family = issued(1, at(100_000_000_000), Some(30 * DAY));
        let store = world.with([&family]).await;
        let Ok(Revoked::ByThisCall(_)) = store.revoke(end(family.id, Timestamp::MAX)).await else {
            panic!("not ended")
        };
        assert_left(&world, &family, Some(14 * DAY)).await;
        // Ended by its own end long before the host's now.
        family = issued(2, at(0), Some(DAY));
        (family.version, family.created_at) = (5, at(0));
        let store = world.with([&family]).await;
        let kept = replace(&family, |next| next.version = 6);
        let Ok(Written::Committed(_)) = store.replace(kept).await else { panic!("declined") };
        assert_left(&world, &family, Some(15 * DAY)).await;
    }

    /// Both are counted from the host's clock at the write, as any end is.
    async fn what_is_kept_or_has_branches_stays_until_the_last_end(world) {
        let now = at(100_000_000_000);
        let mut family = issued(1, now, Some(DAY));
        family.kept_until = Some(now.saturating_add(30 * DAY));
        let store = world.with([&family]).await;
        assert_left(&world, &family, Some(44 * DAY)).await;
        let Ok(Revoked::ByThisCall(_)) = store.revoke(end(family.id, now.saturating_add(10 * DAY))).await else {
            panic!("not ended")
        };
        assert_left(&world, &family, Some(34 * DAY)).await;

        let mut family = issued(2, now, Some(DAY));
        let millis = now.as_millis() + 86_400_000 * 7;
        family.branches = forked(&[(1, Some(60_000)), (2, Some(millis))]).branches;
        let store = world.with([&family]).await;
        assert_left(&world, &family, Some(21 * DAY)).await;
        let endless = replace(&family, |next| next.branches.live[0].head.idle_expires_at = None);
        let Ok(Written::Committed(_)) = store.replace(endless).await else { panic!("declined") };
        assert_left(&world, &family, None).await;
        let Ok(Revoked::ByThisCall(_)) = store.revoke(end(family.id, now)).await else {
            panic!("not ended")
        };
        assert_left(&world, &family, Some(14 * DAY)).await;
    }

    /// The server's order of ends is the rule's, whatever the family.
    async fn every_family_is_sorted_by_its_end(world) {
        let mut runner = random::runner("redis::expiry::every_family_is_sorted", 100);
        for _ in 0..100 {
            let family = any_family().new_tree(&mut runner).unwrap().current();
            let store = world.with([&family]).await;
            let ended = store.revoke(end(family.id, at(1 << 49))).await;
            let now = match ended.as_ref() {
                Ok(Revoked::ByThisCall(committed)) => committed.family(),
                // Ended before, or of the last version.
                _ => &family,
            };
            let member = family.id.to_string();
            let score: f64 = world.ask(cmd("ZSCORE").arg(world.ends(family.id)).arg(member)).await;
            let expected = now.ended_at().map_or("inf".to_owned(), |end| end.as_millis().to_string());
            assert_eq!(score.to_string(), expected, "{now:?}");
            let _: () = world.ask(cmd("UNLINK").arg(world.family(family.id))).await;
        }
    }

    async fn the_longest_life_is_no_error(world) {
        let mut family = issued(1, at(0), None);
        family.expires_at = Some(Timestamp::MAX);
        let settings = RedisSettings::default().prefix(&world.prefix).keep(Duration::MAX);
        let store = RedisStore::open_with(world.connection.clone(), settings).await.unwrap();
        let _ = store.create(heirloom::testing::create(family.clone())).await.unwrap();
        assert_eq!(store.load(family.id).await.unwrap(), Some(family.clone()));
        let left = left(&world, &family).await.unwrap();
        assert!(left > Duration::from_millis(Timestamp::MAX.as_millis()) - SLACK, "{left:?}");
    }

    async fn less_than_a_day_is_a_day(world) {
        let settings = RedisSettings::default().prefix(&world.prefix).keep(Duration::ZERO);
        let store = RedisStore::open_with(world.connection.clone(), settings).await.unwrap();
        let family = issued(1, at(1_000), Some(Duration::from_secs(1)));
        let _ = store.create(heirloom::testing::create(family.clone())).await.unwrap();
        assert_left(&world, &family, Some(DAY + Duration::from_secs(1))).await;
    }
}
