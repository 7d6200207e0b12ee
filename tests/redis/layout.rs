//! What an operator finds under which key. None of it may change within a format.

use std::collections::BTreeMap;

use heirloom::store::{Store, Written};
use redis::cmd;

use crate::redis::sample::{
    DAY, adopted, at, displaced, forked, fresh, full, id, issued, rotation, stated,
};
use crate::redis::world::on_both;

on_both! {
    async fn a_family_is_a_hash_of_readable_columns(world) {
        let family = fresh();
        world.with([&family]).await;
        let key = format!("{}:{{269}}:018bcfe5-6800-7118-b0d3-641a68f94a69", world.prefix);
        let mut fields: BTreeMap<String, Vec<u8>> = world.ask(cmd("HGETALL").arg(key)).await;
        // Random, and of each call: no column.
        assert!(fields.remove("created_by").is_some_and(|mark| mark.ends_with(b"-0")));
        let text = |text: &str| text.as_bytes().to_vec();
        assert_eq!(fields, BTreeMap::from([
            ("id".into(), family.id.as_bytes().to_vec()),
            ("version".into(), text("1")),
            ("status".into(), text("live")),
            ("subject".into(), text("alice")),
            ("client".into(), text("web")),
            ("scope".into(), text("")),
            ("resources".into(), text("[]")),
            ("attributes".into(), text("{}")),
            ("created_at".into(), text("1000")),
            ("generation".into(), text("0")),
            ("digest".into(), vec![0x11; 32]),
            ("key_id".into(), text("1")),
            ("rotated_at".into(), text("1000")),
            ("used_at".into(), text("1000")),
        ]));
    }

    async fn beside_it_are_its_bucket_two_index_entries_and_the_format(world) {
        let mut ending = full();
        ending.id = id(0x0403);
        let endless = fresh();
        world.with([&ending, &endless]).await;
        assert_eq!(world.keys().await, [
            world.client("web", ending.id),
            world.client("web", endless.id),
            format!("{}:format", world.prefix),
            world.subject("alice"),
            world.subject("\u{e5}lice"),
            world.family(ending.id),
            world.ends(ending.id),
            world.family(endless.id),
            world.ends(endless.id),
        ].into_iter().collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>());
        assert_eq!(world.ends(ending.id), format!("{}:{{003}}:ends", world.prefix));
        let score: String = world.ask(cmd("ZSCORE").arg(world.ends(ending.id)).arg(ending.id.to_string())).await;
        assert_eq!(score, "60000");
        let score: String = world.ask(cmd("ZSCORE").arg(world.ends(endless.id)).arg(endless.id.to_string())).await;
        assert_eq!(score, "inf");
        let entries: Vec<String> = world.ask(cmd("ZRANGE").arg(world.subject("alice")).arg(0).arg(-1)).await;
        let [entry] = &*entries else { panic!("{entries:?}") };
        let (family, made) = entry.split_once('@').unwrap();
        assert_eq!((family, made.len()), (&*endless.id.to_string(), 15));
        let format: String = world.ask(cmd("GET").arg(format!("{}:format", world.prefix))).await;
        assert_eq!(format, "2");
    }

    async fn every_family_is_read_back_as_it_was_written(world) {
        let mut families = stated().to_vec();
        families.extend([forked(&[(1, Some(70_000)), (3, None)]), forked(&[])]);
        for (family, number) in families.iter_mut().zip(0..) {
            family.id = id(number);
        }
        let store = world.with(&families).await;
        for family in &families {
            assert_eq!(store.load(family.id).await.unwrap().as_ref(), Some(family));
        }
    }

    /// What is 0 is not there: a plain family takes no more than it did in format 1.
    async fn what_is_not_plain_has_fields_of_its_own(world) {
        let mut families = [displaced(), adopted(), forked(&[(2, Some(70_000))])];
        for (family, number) in families.iter_mut().zip(0..) {
            family.id = id(number);
        }
        world.with(&families).await;
        let branch = format!(
            concat!(
                r#"{{"made":2,"live":[{{"number":2,"origin":0,"born":1,"generation":1,"digest":"{}","key_id":1,"rotated_at":5000,"#,
                r#""used_at":7000,"idle_expires_at":70000,"predecessor_digest":"{}","predecessor_salt":"{}","#,
                r#""predecessor_closed":false,"predecessor_replays":0,"predecessor_displaced":false,"displaced":false}}]}}"#,
            ),
            "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI", "goKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoI", "_f39_f39_f39_f39_f39_Q",
        );
        let expected = [
            vec![("displaced", "1"), ("predecessor_replays", "3"), ("predecessor_displaced", "1")],
            vec![("kept_until", "95000")],
            vec![("branches", &*branch), ("branches_end_at", "70000")],
        ];
        let names = ["kept_until", "branches", "branches_end_at", "displaced", "predecessor_replays", "predecessor_displaced"];
        for (family, expected) in families.iter().zip(expected) {
            let fields: Vec<Option<String>> =
                world.ask(cmd("HMGET").arg(world.family(family.id)).arg(&names)).await;
            let found: BTreeMap<_, _> = names.iter().zip(fields).filter_map(|(name, it)| Some((*name, it?))).collect();
            let expected: BTreeMap<_, _> = expected.into_iter().map(|(name, text)| (name, text.to_owned())).collect();
            assert_eq!(found, expected);
        }
    }

    async fn a_rotation_leaves_nothing_of_the_head_before(world) {
        let mut family = full();
        family.head.idle_expires_at = Some(at(60_000));
        let store = world.with([&family]).await;
        let step = rotation(&family, at(7_000), None);
        let Ok(Written::Committed(_)) = store.advance(step).await else { panic!("declined") };
        let fields: BTreeMap<String, Vec<u8>> = world.ask(cmd("HGETALL").arg(world.family(family.id))).await;
        assert!(!fields.contains_key("idle_expires_at"), "{:?}", fields.keys());
        assert_eq!(fields["version"], b"10");
        assert_eq!(fields["predecessor_closed"], b"0");
    }

    /// Braces end a hash tag, and percent signs stand for them.
    async fn no_two_names_share_an_index(world) {
        let names = ["{", "}", "{}", "a}b", "a{b}c", "%7B", "%7D", "%", "%25", "7:web", "{3ff}:ends", "x{y"];
        let mut families = Vec::new();
        for (name, number) in names.iter().zip(0..) {
            let mut family = issued(number, at(1_000), Some(DAY));
            let mut grant = heirloom::Grant::new(name, "web");
            grant.client = (*name).into();
            family.grant = grant.into();
            families.push(family);
        }
        let store = world.with(&families).await;
        for (name, family) in names.iter().zip(&families) {
            for selector in [
                heirloom::Selector::subject(name),
                heirloom::Selector::client(name),
                heirloom::Selector::subject_and_client(name, name),
            ] {
                let found = store.select(&selector, crate::redis::sample::page(None, 100)).await.unwrap();
                assert_eq!(found, [Ok(family.clone())], "{name}");
            }
        }
        let keys = world.keys().await;
        let indexes = keys.iter().filter(|key| key.contains(":subject:")).count();
        assert_eq!(indexes, names.len(), "{keys:?}");
        // One tag each, or a cluster could not tell where they lie.
        assert!(keys.iter().all(|key| key.matches('{').count() <= 1 && key.matches('}').count() <= 1), "{keys:?}");
    }
}
