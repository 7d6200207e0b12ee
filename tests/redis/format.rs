//! Keys of format 1, which knows no branches, no displacement and no adoption: they are read as they are, and become of
//! format 2 when a store is opened.

use std::collections::BTreeMap;

use heirloom::family::Family;
use heirloom::store::redis::RedisStore;
use heirloom::store::{Revoked, Store, Written};
use heirloom::testing::{purge, replace};
use heirloom::{Selector, Timestamp};
use redis::cmd;

use crate::redis::sample::{
    DAY, at, displaced, end, ended, fresh, full, id, issued, next, page, rotation,
};
use crate::redis::world::{Connection, World, on_both};

const ROWS: [&str; 3] = [
    include_str!("../golden/0.1.0/fresh.row"),
    include_str!("../golden/0.1.0/full.row"),
    include_str!("../golden/0.1.0/ended.row"),
];

/// The fields of a row, as they were written in format 1.
fn fields(row: &str) -> BTreeMap<String, Vec<u8>> {
    let columns = row.lines().filter_map(|line| {
        let (name, value) = line.split_once(' ')?;
        let field = match value.split_once(' ')? {
            ("bytes", hex) => unhex(hex),
            ("text", json) => serde_json::from_str::<String>(json).unwrap().into_bytes(),
            ("flag", flag) => vec![if flag == "true" { b'1' } else { b'0' }],
            (_, number) => number.as_bytes().to_vec(),
        };
        Some((name.to_owned(), field))
    });
    columns.collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|it| u8::from_str_radix(std::str::from_utf8(it).unwrap(), 16).unwrap()).collect()
}

/// A server as the release before left it, with the three families of its golden rows; and what these are.
async fn left_by_format_1<C: Connection>(world: &World<C>) -> [Family; 3] {
    let mut families = [fresh(), full(), ended()];
    for ((family, row), number) in families.iter_mut().zip(ROWS).zip(0..) {
        family.id = id(number);
        let (key, ends) = (world.family(family.id), world.ends(family.id));
        let mut hash = cmd("HSET");
        hash.arg(&key).arg("created_by").arg("x-0");
        for (name, field) in fields(row) {
            hash.arg(&*name).arg(if name == "id" { family.id.as_bytes().to_vec() } else { field });
        }
        let _: () = world.ask(&mut hash).await;
        let score = family.ended_at().map_or("inf".to_owned(), |end| end.as_millis().to_string());
        let member = family.id.to_string();
        let _: () = world.ask(cmd("ZADD").arg(ends).arg(score).arg(&member)).await;
        let entry = format!("{member}@001700000000000");
        let (subject, client) = (&family.grant.subject, &family.grant.client);
        for index in [world.subject(subject), world.client(client, family.id)] {
            let _: () = world.ask(cmd("ZADD").arg(index).arg(0).arg(&entry)).await;
        }
    }
    let _: () = world.ask(cmd("SET").arg(format(world)).arg("1")).await;
    families
}

fn format<C>(world: &World<C>) -> String {
    format!("{}:format", world.prefix)
}

fn rotated_once(family: &Family, now: Timestamp) -> Family {
    let mut rotated = family.clone();
    rotated.version += 1;
    rotated.head = next(family, now, Some(DAY));
    rotated
}

async fn committed<C: Connection>(store: &RedisStore<C>, family: &Family) -> Family {
    let written = store.advance(rotation(family, at(7_000), Some(DAY))).await.unwrap();
    let Written::Committed(committed) = written else { panic!("{written:?}") };
    committed.family().clone()
}

on_both! {
    async fn an_open_makes_the_keys_of_this_format(world) {
        let _: () = world.ask(cmd("SET").arg(format(&world)).arg("1")).await;
        let store = world.open().await;
        let found: String = world.ask(cmd("GET").arg(format(&world))).await;
        assert_eq!(found, "2");
        // Set back by hand, and met by a timer.
        let _: () = world.ask(cmd("SET").arg(format(&world)).arg("1")).await;
        store.check().await.unwrap();
        let found: String = world.ask(cmd("GET").arg(format(&world))).await;
        assert_eq!(found, "2");
    }

    async fn families_of_format_1_are_as_they_were(world) {
        let families = left_by_format_1(&world).await;
        let before = world.contents(&families.each_ref().map(|family| world.family(family.id))).await;
        let store = world.open().await;
        for family in &families {
            assert_eq!(store.load(family.id).await.unwrap().as_ref(), Some(family));
        }
        let found = store.select(&Selector::client("web"), page(None, 9)).await.unwrap();
        assert_eq!(found, families.clone().map(Ok));
        let mut scanned = Vec::new();
        let mut page = store.scan(None, 100).await.unwrap();
        loop {
            scanned.append(&mut page.families);
            let Some(next) = page.next else { break };
            page = store.scan(Some(next), 100).await.unwrap();
        }
        assert_eq!(scanned, families.clone().map(Ok));
        let after = world.contents(&families.each_ref().map(|family| world.family(family.id))).await;
        assert_eq!(after, before, "nothing is rewritten");
    }

    async fn families_of_format_1_go_on_and_end(world) {
        let [fresh, full, ended] = left_by_format_1(&world).await;
        let store = world.open().await;
        for family in [&fresh, &full] {
            let rotated = committed(&store, family).await;
            let expected = rotated_once(family, at(7_000));
            assert_eq!(rotated, expected);
            assert_eq!(store.load(family.id).await.unwrap(), Some(expected));
            let replaced = store.replace(replace(&rotated, |next| next.head.displaced = true)).await.unwrap();
            let Written::Committed(replaced) = replaced else { panic!("{replaced:?}") };
            assert_eq!(store.load(family.id).await.unwrap().as_ref(), Some(replaced.family()));
            let revoked = store.revoke(end(family.id, at(8_000))).await.unwrap();
            assert!(matches!(revoked, Revoked::ByThisCall(_)), "{revoked:?}");
        }
        let revoked = store.revoke(end(ended.id, at(8_000))).await.unwrap();
        let Revoked::Before(found) = revoked else { panic!("{revoked:?}") };
        assert_eq!(found, ended);
        assert_eq!(store.purge(purge(at(8_000), 9)).await.unwrap(), 1);
        assert_eq!(store.purge(purge(at(8_001), 9)).await.unwrap(), 2);
    }

    /// A node of the release before, which runs on while others are replaced: its rotation writes nine of the head's fields.
    async fn a_rotation_by_a_node_of_format_1_is_read(world) {
        let family = issued(1, at(1_000), Some(DAY));
        let store = world.with([&family]).await;
        let mut seen = family;
        for generation in 1..=2 {
            let mut head = cmd("HSET");
            head.arg(world.family(seen.id)).arg("version").arg(seen.version + 1).arg("generation").arg(generation);
            let expected = rotated_once(&seen, at(2_000));
            let next = &expected.head;
            let predecessor = next.predecessor.as_ref().unwrap();
            head.arg("digest").arg(next.digest.as_bytes()).arg("key_id").arg(next.key.as_u8());
            head.arg("rotated_at").arg(2_000).arg("used_at").arg(2_000);
            head.arg("idle_expires_at").arg(next.idle_expires_at.unwrap().as_millis());
            head.arg("predecessor_digest").arg(predecessor.digest.as_bytes());
            head.arg("predecessor_salt").arg(predecessor.salt.as_bytes()).arg("predecessor_closed").arg(0);
            let _: () = world.ask(&mut head).await;
            assert_eq!(store.load(expected.id).await.unwrap().as_ref(), Some(&expected));
            seen = expected;
        }
        committed(&store, &seen).await;
    }

    /// What a node of format 1 reads of a plain family is what it knows, whoever has written it.
    async fn a_plain_family_has_no_field_that_format_1_has_not(world) {
        let family = displaced();
        let store = world.with([&family]).await;
        let plain = store.replace(replace(&family, |next| {
            next.head = full().head;
        })).await.unwrap();
        let Written::Committed(plain) = plain else { panic!("{plain:?}") };
        let rotated = committed(&store, plain.family()).await;
        let mut names: Vec<String> = world.ask(cmd("HKEYS").arg(world.family(rotated.id))).await;
        names.retain(|name| name != "created_by");
        names.sort();
        let mut known: Vec<String> = fields(ROWS[1]).into_keys().collect();
        known.sort();
        assert_eq!(names, known);
    }
}
