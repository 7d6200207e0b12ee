//! All families, whatever happens to the sets that they are found by.

use std::collections::BTreeMap;

use heirloom::family::Family;
use heirloom::store::redis::RedisStore;
use heirloom::store::{Cursor, CursorError, Scanned, Store, StoreErrorKind};
use heirloom::testing::create;
use heirloom::token::FamilyId;
use redis::cmd;

use crate::redis::sample::{DAY, at, fresh, issued};
use crate::redis::server::Server;
use crate::redis::world::{Connection, on_both, wait};

/// Families of one bucket.
fn crowd(numbers: std::ops::Range<u16>) -> Vec<Family> {
    numbers
        .map(|number| {
            let mut family = issued(0, at(1_000), Some(DAY));
            let mut bytes = *family.id.as_bytes();
            // Mixed, so that the order of ids is not that of creation.
            bytes[..2].copy_from_slice(&number.wrapping_mul(40_503).to_be_bytes());
            bytes[14..].copy_from_slice(&[0x0a, 0x69]);
            family.id = FamilyId::from_bytes(bytes);
            family
        })
        .collect()
}

async fn put<C: Connection>(store: &RedisStore<C>, families: &[Family]) {
    for family in families {
        let _ = store.create(create(family.clone())).await.unwrap();
    }
}

/// A walk by a cursor that is written down after every page.
struct Walk {
    limit: usize,
    place: Option<String>,
    is_over: bool,
    shown: BTreeMap<FamilyId, usize>,
    refused: Vec<(FamilyId, &'static str)>,
    pages: usize,
}

impl Walk {
    fn of(limit: usize) -> Self {
        let (shown, refused) = (BTreeMap::new(), Vec::new());
        Self { limit, place: None, is_over: false, shown, refused, pages: 0 }
    }

    async fn page<C: Connection>(&mut self, store: &RedisStore<C>) {
        let after = self.place.take().map(|text| text.parse().unwrap());
        let Scanned { families, next } = store.scan(after, self.limit).await.unwrap();
        assert!(families.len() <= self.limit, "{} of {}", families.len(), self.limit);
        for family in families {
            match family {
                Ok(family) => *self.shown.entry(family.id).or_default() += 1,
                Err(impossible) => self.refused.push((impossible.family, impossible.field)),
            }
        }
        self.is_over = next.is_none();
        self.place = next.map(|cursor| cursor.to_string());
        self.pages += 1;
        assert!(self.pages < 10_000, "it comes to no end");
    }

    async fn pages<C: Connection>(&mut self, store: &RedisStore<C>, count: usize) {
        for _ in 0..count {
            assert!(!self.is_over, "too early");
            self.page(store).await;
        }
    }

    async fn walked<C: Connection>(mut self, store: &RedisStore<C>) -> Self {
        while !self.is_over {
            self.page(store).await;
        }
        self
    }

    fn has_shown(&self, families: &[Family]) {
        let hidden = families.iter().filter(|family| !self.shown.contains_key(&family.id)).count();
        assert_eq!(hidden, 0, "of {}", families.len());
    }
}

on_both! {
    async fn every_family_is_shown_once_in_pages_of_any_size(world) {
        let mut families = crowd(0..100);
        families.extend((0..200).map(|number: u16| issued(number.wrapping_mul(40_503), at(1_000), None)));
        let store = world.with(&families).await;
        for limit in [1, 7, 63, 64, 65, 129, 299, 300, usize::MAX] {
            let walk = Walk::of(limit).walked(&store).await;
            walk.has_shown(&families);
            assert_eq!(walk.shown.values().sum::<usize>(), 300, "{limit}");
        }
    }

    /// Its tables may still grow, which shows a family twice where a page ends in the midst of a stretch.
    async fn a_large_bucket_is_shown_in_pages_of_any_size(world) {
        let families = crowd(0..500);
        let store = world.with(&families).await;
        for limit in [1, 2, 7, 64, 129, usize::MAX] {
            let walk = Walk::of(limit).walked(&store).await;
            walk.has_shown(&families);
            assert!(walk.pages < 1_000, "{limit}: {} pages", walk.pages);
            let shown = walk.shown.values().sum::<usize>();
            assert!(shown == 500 || (limit < 129 && shown < 750), "{limit}: {shown}");
        }
    }

    /// Then it changes between any two pages.
    async fn a_walk_in_small_pages_comes_to_its_end_beside_a_busy_bucket(world) {
        let there = crowd(0..400);
        let store = world.with(&there).await;
        for limit in [1, 10] {
            let mut walk = Walk::of(limit);
            // An odd number: what comes in one round goes in the next.
            let others = crowd(400..421);
            let mut others = others.iter().cycle();
            while !walk.is_over {
                walk.page(&store).await;
                assert!(walk.pages < 5_000, "{limit}: it does not get on");
                let Some(other) = others.next() else { break };
                put(&store, std::slice::from_ref(other)).await;
                let gone = others.next().unwrap();
                let _: () = world.ask(cmd("UNLINK").arg(world.family(gone.id))).await;
                let _: () = world.ask(cmd("ZREM").arg(world.ends(gone.id)).arg(gone.id.to_string())).await;
            }
            walk.has_shown(&there);
        }
    }

    /// A small set is kept as a list and a large one in tables, which double: places in one are none in the other.
    async fn a_bucket_that_grows_meanwhile_hides_none(world) {
        let there = crowd(0..100);
        for limit in [1, 7, 40] {
            let store = world.with(&there).await;
            let mut walk = Walk::of(limit);
            while walk.shown.is_empty() {
                walk.page(&store).await;
            }
            put(&store, &crowd(100..300)).await;
            walk.pages(&store, 2).await;
            put(&store, &crowd(300..700)).await;
            walk.walked(&store).await.has_shown(&there);
            for key in world.keys().await {
                let _: () = world.ask(cmd("UNLINK").arg(key)).await;
            }
        }
    }

    async fn a_bucket_that_shrinks_meanwhile_hides_none(world) {
        let (stay, go) = (crowd(0..150), crowd(150..700));
        let store = world.with(&[&stay[..], &go].concat()).await;
        for limit in [1, 100] {
            put(&store, &go).await;
            let mut walk = Walk::of(limit);
            while walk.shown.len() < 250 {
                walk.page(&store).await;
            }
            for family in &go {
                let _: () = world.ask(cmd("UNLINK").arg(world.family(family.id))).await;
                let _: () = world.ask(cmd("ZREM").arg(world.ends(family.id)).arg(family.id.to_string())).await;
            }
            walk.walked(&store).await.has_shown(&stay);
        }
    }

    async fn what_cannot_be_read_is_shown_with_its_field_and_what_is_gone_is_not(world) {
        let families = crowd(0..9);
        let store = world.with(&families).await;
        let status = cmd("HSET").arg(world.family(families[1].id)).arg("status").arg("?").clone();
        let _: () = world.ask(&mut status.clone()).await;
        let _: () = world.ask(cmd("SET").arg(world.family(families[2].id)).arg("text")).await;
        let _: () = world.ask(cmd("UNLINK").arg(world.family(families[3].id))).await;
        for member in ["no id", &fresh().id.to_string(), &families[4].id.to_string().to_uppercase()] {
            let _: () = world.ask(cmd("ZADD").arg(world.ends(families[0].id)).arg(1).arg(member)).await;
        }
        for limit in [1, 2, 9] {
            let mut walk = Walk::of(limit).walked(&store).await;
            walk.refused.sort();
            let mut refused = [(families[1].id, "status"), (families[2].id, "record")];
            refused.sort();
            assert_eq!(walk.refused, refused, "{limit}");
            assert_eq!(walk.shown.len(), 6, "{limit}");
            walk.has_shown(&families[4..]);
        }
    }

    async fn an_empty_store_is_walked_through_in_few_pages(world) {
        let store = world.open().await;
        let walk = Walk::of(1).walked(&store).await;
        assert!(walk.shown.is_empty() && walk.pages <= 5, "{} pages", walk.pages);
    }

    async fn a_cursor_that_is_not_of_this_store_is_refused(world) {
        let store = world.with(&crowd(0..5)).await;
        let mut walk = Walk::of(2);
        while walk.shown.is_empty() {
            walk.page(&store).await;
        }
        let own = walk.place.clone().unwrap();
        let id = fresh().id;
        let others = [&own[..own.len() - 2], &own[2..], &format!("{own}00"), &"ff".repeat(18), "00"];
        let others = others.into_iter().map(|text| text.parse::<Cursor>().unwrap());
        for other in others.chain([Cursor::after(id)]) {
            let error = store.scan(Some(other.clone()), 9).await.unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Unusable, "{other}");
            let source = std::error::Error::source(&error).unwrap();
            assert_eq!(source.downcast_ref(), Some(&CursorError::Foreign), "{other}");
        }
        walk.walked(&store).await.has_shown(&crowd(0..5));
    }
}

/// Each process shuffles a set in its own way.
#[test]
#[ignore = "needs Redis: bash scripts/test.sh"]
fn a_restart_between_two_pages_hides_none() {
    let server = Server::start();
    wait(async {
        let families = crowd(0..700);
        let mut store = RedisStore::open(server.connect().await).await.unwrap();
        put(&store, &families).await;
        for limit in [30, 100] {
            let mut walk = Walk::of(limit);
            while walk.shown.len() < 150 {
                walk.page(&store).await;
            }
            server.kill();
            server.restart();
            store = RedisStore::open(server.connect().await).await.unwrap();
            walk.pages(&store, 2).await;
            server.kill();
            server.restart();
            store = RedisStore::open(server.connect().await).await.unwrap();
            walk.walked(&store).await.has_shown(&families);
        }
    });
}
