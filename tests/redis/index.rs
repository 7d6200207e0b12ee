//! Families by subject and client: complete, in order, and mended where it had holes.

use std::time::{SystemTime, UNIX_EPOCH};

use heirloom::family::Family;
use heirloom::store::{Store, StoreErrorKind};
use heirloom::token::FamilyId;
use heirloom::{Grant, Selector};
use redis::cmd;

use crate::redis::sample::{DAY, at, fresh, id, issued, page};
use crate::redis::world::{Connection, World, on_both};

/// An entry that was made so many days ago.
fn entry(id: FamilyId, days_ago: u64) -> String {
    #[expect(clippy::disallowed_methods, reason = "the server's clock is the system's")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    format!("{id}@{:015}", now.as_millis() - u128::from(days_ago) * DAY.as_millis())
}

async fn entries<C: Connection>(world: &World<C>, index: &str) -> Vec<String> {
    world.ask(cmd("ZRANGE").arg(index).arg(0).arg(-1)).await
}

async fn put<C: Connection>(world: &World<C>, index: &str, entry: &str) {
    let _: () = world.ask(cmd("ZADD").arg(index).arg(0).arg(entry)).await;
}

/// Families of one client and of three subjects, in many buckets.
fn many(count: u16) -> Vec<Family> {
    let families = (0..count).map(|number| {
        // An odd factor leaves no bucket out before all have had their turn.
        let mut family = issued(number.wrapping_mul(40_503), at(1_000), Some(DAY));
        let subjects = ["alice", "bob", "carol"];
        family.grant = Grant::new(subjects[usize::from(number % 3)], "web").into();
        family
    });
    families.collect()
}

on_both! {
    async fn a_page_of_nothing_is_empty(world) {
        let store = world.with([&fresh()]).await;
        let nothing = heirloom::Page { after: None, limit: 0 };
        assert!(store.select(&Selector::subject("alice"), nothing).await.unwrap().is_empty());
    }

    async fn pages_are_complete_and_in_order_over_all_slots(world) {
        let mut families = many(200);
        let store = world.with(&families).await;
        families.sort_by_key(|family| family.id);
        for selector in [
            Selector::client("web"),
            Selector::subject("bob"),
            Selector::subject_and_client("carol", "web"),
            Selector::subject_and_client("carol", "other"),
        ] {
            let expected = families.iter().filter(|family| selector.matches(family));
            let expected: Vec<_> = expected.cloned().map(Ok).collect();
            for limit in [1, 7, 66, 67, 199, 200, 201, 1_000_000] {
                let (mut found, mut after) = (Vec::new(), None);
                loop {
                    let part = store.select(&selector, page(after, limit)).await.unwrap();
                    let is_last = part.len() < limit;
                    after = part.last().map(|family| family.as_ref().unwrap().id).or(after);
                    found.extend(part);
                    if is_last {
                        break;
                    }
                }
                assert_eq!(found, expected, "{selector:?} in pages of {limit}");
            }
        }
    }

    /// A selection may come between the entry and the family of a creation.
    async fn a_young_entry_without_a_family_stays_and_an_old_one_goes(world) {
        let family = fresh();
        let store = world.open().await;
        for index in [world.subject("alice"), world.client("web", family.id)] {
            let (young, old) = (entry(family.id, 0), entry(id(1), 2));
            put(&world, &index, &young).await;
            put(&world, &index, &old).await;
        }
        assert_eq!(store.select(&Selector::subject("alice"), page(None, 10)).await.unwrap(), []);
        assert_eq!(store.select(&Selector::client("web"), page(None, 10)).await.unwrap(), []);
        for index in [world.subject("alice"), world.client("web", family.id)] {
            let entries = entries(&world, &index).await;
            assert_eq!(entries.len(), 1, "{entries:?}");
            assert!(entries[0].starts_with(&family.id.to_string()), "{entries:?}");
        }
        let _ = store.create(heirloom::testing::create(family.clone())).await.unwrap();
        let found = store.select(&Selector::subject("alice"), page(None, 10)).await.unwrap();
        assert_eq!(found, [Ok(family)]);
    }

    async fn a_family_that_came_back_keeps_its_entry(world) {
        let family = fresh();
        let index = world.subject("alice");
        let store = world.with([&family]).await;
        put(&world, &index, &entry(family.id, 2)).await;
        let _: () = world.ask(cmd("UNLINK").arg(world.family(family.id))).await;
        assert_eq!(store.select(&Selector::subject("alice"), page(None, 1)).await.unwrap(), []);
        // The old entry went, and the one of the creation of now stays.
        assert_eq!(entries(&world, &index).await.len(), 1);
        world.with([&family]).await;
        for limit in [1, 2] {
            let page = page(None, limit);
            let found = store.select(&Selector::subject("alice"), page).await.unwrap();
            assert_eq!(found, [Ok(family.clone())]);
        }
    }

    /// A failover can lose an entry, and keep the family on another node.
    async fn a_lost_entry_is_made_again(world) {
        let families = many(100);
        let store = world.with(&families).await;
        assert_eq!(store.reindex().await.unwrap(), 0);
        let _: () = world.ask(cmd("UNLINK").arg(world.subject("alice"))).await;
        let client = world.client("web", families[0].id);
        let lost: usize = world.ask(cmd("ZCARD").arg(&client)).await;
        let _: () = world.ask(cmd("UNLINK").arg(&client)).await;
        assert_eq!(store.select(&Selector::subject("alice"), page(None, 99)).await.unwrap(), []);
        // Without an end, and damaged: neither stops it.
        let _: () = world.ask(cmd("HSET").arg(world.family(families[1].id)).arg("status").arg("?")).await;
        assert_eq!(store.reindex().await.unwrap(), 34 + lost);
        let found = store.select(&Selector::subject("alice"), page(None, 99)).await.unwrap();
        assert_eq!(found.len(), 34);
        assert_eq!(store.reindex().await.unwrap(), 0);
    }

    async fn a_damaged_family_hides_no_other_and_is_told_to_whom_it_concerns(world) {
        let mut families = [issued(1, at(1_000), None), issued(2, at(1_000), None), issued(3, at(1_000), None)];
        families[1].grant = Grant::new("alice", "app").into();
        let store = world.with(&families).await;
        let _: () = world.ask(cmd("HSET").arg(world.family(id(1))).arg("status").arg("?")).await;
        let found = store.select(&Selector::subject("alice"), page(None, 10)).await.unwrap();
        assert_eq!(found[1..], [Ok(families[1].clone()), Ok(families[2].clone())]);
        let impossible = found[0].as_ref().unwrap_err();
        assert_eq!((impossible.family, impossible.field), (id(1), "status"));
        let app = Selector::subject_and_client("alice", "app");
        assert_eq!(store.select(&app, page(None, 10)).await.unwrap(), [Ok(families[1].clone())]);
        let web = store.select(&Selector::client("web"), page(None, 10)).await.unwrap();
        assert_eq!(web.len(), 2);
    }

    /// One of the parts of an index may then have more than it shows, and nothing of the others that lies later is next.
    async fn several_entries_of_one_family_hide_no_other(world) {
        let families = [0x10, 0x20, 0x21].map(|number| issued(number, at(1_000), None));
        let store = world.with(&families).await;
        for days_ago in 2..5 {
            let index = world.client("web", families[0].id);
            put(&world, &index, &entry(families[0].id, days_ago)).await;
        }
        let web = Selector::client("web");
        for limit in 1..=3 {
            let found = store.select(&web, page(None, limit)).await.unwrap();
            let expected: Vec<_> = families[..limit].iter().cloned().map(Ok).collect();
            assert_eq!(found, expected);
        }
    }

    async fn what_is_no_entry_is_passed_over(world) {
        let family = issued(7, at(1_000), None);
        let store = world.with([&family]).await;
        for index in [world.subject("alice"), world.client("web", family.id)] {
            for stray in ["", "0", "@", "no-entry", "zzz", &format!("{}@x", id(9)), &id(8).to_string()] {
                put(&world, &index, stray).await;
            }
        }
        for selector in [Selector::subject("alice"), Selector::client("web")] {
            for limit in [1, 2, 100] {
                let found = store.select(&selector, page(None, limit)).await.unwrap();
                assert_eq!(found, [Ok(family.clone())]);
                let rest = store.select(&selector, page(Some(family.id), limit)).await.unwrap();
                assert_eq!(rest, []);
            }
        }
    }

    async fn an_index_of_another_kind_is_an_error_and_no_empty_page(world) {
        let store = world.open().await;
        let _: () = world.ask(cmd("SET").arg(world.subject("alice")).arg("x")).await;
        let error = store.select(&Selector::subject("alice"), page(None, 1)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        let created = store.create(heirloom::testing::create(fresh())).await;
        assert!(created.is_err(), "a family without an index entry");
        assert_eq!(store.load(fresh().id).await.unwrap(), None);
    }
}
