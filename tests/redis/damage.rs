//! Records that cannot be: refused with their id and field, and not written.

use heirloom::family::Family;
use heirloom::store::{Created, Revoked, Store, StoreError, StoreErrorKind, Written};
use heirloom::testing::{create, replace};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use redis::cmd;

use crate::redis::sample::{
    adopted, any_family, at, displaced, end, forked, fresh, full, rotation,
};
use crate::redis::world::{Connection, World, on_both};
use crate::support::random;

/// The steps that would change a family, and what each has met.
async fn errors<C: Connection>(
    world: &World<C>,
    family: &Family,
) -> [(&'static str, Option<StoreError>); 4] {
    let store = world.open().await;
    let now = family.head.used_at;
    [
        ("load", store.load(family.id).await.err()),
        ("advance", store.advance(rotation(family, now, None)).await.err()),
        ("replace", store.replace(replace(family, |_| {})).await.err()),
        ("revoke", store.revoke(end(family.id, now)).await.err()),
    ]
}

async fn assert_refused<C: Connection>(world: &World<C>, family: &Family, field: &str) {
    let keys = [world.family(family.id), world.ends(family.id)];
    let before = world.contents(&keys).await;
    for (step, error) in errors(world, family).await {
        let error = error.unwrap_or_else(|| panic!("{step} took {field}"));
        let StoreErrorKind::Impossible(impossible) = error.kind() else {
            panic!("{step}: {error:?}")
        };
        assert_eq!((impossible.family, impossible.field), (family.id, field), "{step}");
    }
    assert_eq!(world.contents(&keys).await, before, "written in spite of {field}");
}

on_both! {
    async fn a_damaged_field_is_named_and_nothing_is_written(world) {
        let family = full();
        let key = world.family(family.id);
        let long = "9".repeat(16);
        let damages: [(&str, Option<&[u8]>); 33] = [
            ("status", Some(b"dead")), ("status", Some(b"")), ("status", None), ("status", Some(b"revoked")),
            ("subject", Some(b"\xff")), ("subject", None), ("subject", Some(b"al\xc3")), ("client", Some(b"\xed\xa0\x80")),
            ("scope", Some(b"read  write")), ("scope", Some(b"read read")), ("scope", None),
            ("resources", Some(b"[")), ("resources", Some(b"{}")), ("resources", Some(b"[1]")),
            ("attributes", Some(b"{\"a\":\"\xff\"}")), ("attributes", Some(b"{\"a\":null}")), ("attributes", None),
            ("version", Some(b"-1")), ("version", Some(b"1e3")), ("version", Some(b" 1")), ("version", None),
            ("created_at", Some(b"01")), ("used_at", Some(long.as_bytes())), ("generation", Some(b"4294967296")),
            ("key_id", Some(b"256")), ("digest", Some(b"short")), ("digest", None), ("id", Some(b"0123456789abcdef")),
            ("binding_method", Some(b"mtls")), ("binding_thumbprint", None),
            ("predecessor_salt", None), ("predecessor_closed", Some(b"2")), ("revoked_at", Some(b"7")),
        ];
        for (field, damaged) in damages {
            world.with([&family]).await;
            let _: () = match damaged {
                Some(text) => world.ask(cmd("HSET").arg(&key).arg(field).arg(text)).await,
                None => world.ask(cmd("HDEL").arg(&key).arg(field)).await,
            };
            // A status without its revocation is told by the first column of that.
            let told = if damaged == Some(b"revoked") { "revoked_at" } else { field };
            assert_refused(&world, &family, told).await;
            let _: () = world.ask(cmd("UNLINK").arg(&key)).await;
        }
    }

    async fn a_damaged_field_of_what_is_not_plain_is_named(world) {
        let two = forked(&[(1, Some(70_000)), (3, Some(65_000))]);
        let endless = forked(&[(1, Some(70_000)), (3, None)]);
        let damages: [(Family, &str, Option<&str>, &str); 27] = [
            (adopted(), "kept_until", Some("x"), "kept_until"),
            (adopted(), "kept_until", Some(""), "kept_until"),
            (adopted(), "kept_until", Some("999"), "kept_until"),
            (fresh(), "kept_until", Some("9007199254740992"), "kept_until"),
            (displaced(), "displaced", Some("2"), "displaced"),
            (displaced(), "displaced", Some("true"), "displaced"),
            (fresh(), "displaced", Some("1"), "displaced"),
            (displaced(), "predecessor_replays", Some("4294967296"), "predecessor_replays"),
            (displaced(), "predecessor_replays", Some("-1"), "predecessor_replays"),
            (fresh(), "predecessor_replays", Some("0"), "predecessor_replays"),
            (displaced(), "predecessor_displaced", Some("2"), "predecessor_displaced"),
            (fresh(), "predecessor_displaced", Some("0"), "predecessor_displaced"),
            (displaced(), "reason", Some("moved"), "reason"),
            (full(), "branches_end_at", Some("60000"), "branches_end_at"),
            (two.clone(), "branches_end_at", None, "branches_end_at"),
            (two.clone(), "branches_end_at", Some("69999"), "branches_end_at"),
            (two.clone(), "branches_end_at", Some("70001"), "branches_end_at"),
            (two.clone(), "branches_end_at", Some("070000"), "branches_end_at"),
            (endless, "branches_end_at", Some("70000"), "branches_end_at"),
            (forked(&[]), "branches_end_at", Some("70000"), "branches_end_at"),
            (two.clone(), "branches", None, "branches_end_at"),
            (two.clone(), "expires_at", Some("68000"), "branches_end_at"),
            (two.clone(), "branches", Some(""), "branches"),
            (two.clone(), "branches", Some("[]"), "branches"),
            (two.clone(), "branches", Some("{}"), "branches"),
            (two.clone(), "branches", Some("null"), "branches"),
            (two, "branches", Some("{\"made\":3,\"live\":[null]}"), "branches"),
        ];
        for (family, field, damaged, told) in damages {
            world.with([&family]).await;
            let key = world.family(family.id);
            let _: () = match damaged {
                Some(text) => world.ask(cmd("HSET").arg(&key).arg(field).arg(text)).await,
                None => world.ask(cmd("HDEL").arg(&key).arg(field)).await,
            };
            assert_refused(&world, &family, told).await;
            let _: () = world.ask(cmd("UNLINK").arg(&key)).await;
        }
    }

    /// One branch that cannot be is enough; and no other spelling of one that can.
    async fn a_damaged_branch_is_refused(world) {
        let family = forked(&[(1, Some(70_000)), (3, Some(65_000))]);
        let key = world.family(family.id);
        world.with([&family]).await;
        let whole: String = world.ask(cmd("HGET").arg(&key).arg("branches")).await;
        for (from, to) in BRANCH_DAMAGES {
            let damaged = whole.replacen(from, to, 1);
            assert_ne!(damaged, whole, "{from}");
            let _: () = world.ask(cmd("HSET").arg(&key).arg("branches").arg(damaged)).await;
            assert_refused(&world, &family, "branches").await;
        }
        let most: Vec<_> = (1..=32).map(|number| (number, Some(60_000))).collect();
        let _: () = world.ask(cmd("UNLINK").arg(&key)).await;
        let family = forked(&most);
        world.with([&family]).await;
        assert_refused(&world, &family, "branches").await;
    }

    async fn as_many_branches_as_there_can_be_take_every_step(world) {
        let most: Vec<_> = (2..=32).map(|number| (number * 2047, Some(60_000))).collect();
        let family = forked(&most);
        let store = world.with([&family]).await;
        let declined = store.advance(rotation(&family, at(7_000), None)).await.unwrap();
        assert!(matches!(declined, Written::Declined(Some(found)) if found == family));
        let replaced = store.replace(replace(&family, |next| next.head.used_at = at(7_000))).await.unwrap();
        let Written::Committed(replaced) = replaced else { panic!("{replaced:?}") };
        let revoked = store.revoke(end(family.id, at(8_000))).await.unwrap();
        let Revoked::ByThisCall(revoked) = revoked else { panic!("{revoked:?}") };
        assert_eq!(revoked.family().branches, replaced.family().branches);
        assert_eq!(store.load(family.id).await.unwrap().as_ref(), Some(revoked.family()));
    }

    /// Each of the three things by which a family is not plain declines a rotation by itself.
    async fn what_is_not_plain_is_not_advanced(world) {
        let store = world.open().await;
        let mut kept = adopted();
        kept.head.idle_expires_at = None;
        let mut once = full();
        once.head.displaced = true;
        for family in [kept.clone(), once, forked(&[]), forked(&[(1, None)])] {
            world.with([&family]).await;
            let keys = [world.family(family.id), world.ends(family.id)];
            let before = world.contents(&keys).await;
            let declined = store.advance(rotation(&family, at(7_000), None)).await.unwrap();
            assert!(matches!(&declined, Written::Declined(Some(found)) if *found == family), "{declined:?}");
            assert_eq!(world.contents(&keys).await, before);
            let _: () = world.ask(cmd("UNLINK").arg(&keys[0])).await;
        }
        // What is past is no matter.
        let mut later = full();
        later.kept_until = Some(at(50_000));
        let predecessor = later.head.predecessor.as_mut().unwrap();
        (predecessor.replays, predecessor.displaced) = (7, true);
        world.with([&later]).await;
        let advanced = store.advance(rotation(&later, at(7_000), None)).await.unwrap();
        let Written::Committed(advanced) = advanced else { panic!("{advanced:?}") };
        let predecessor = advanced.family().head.predecessor.as_ref().unwrap();
        assert_eq!((predecessor.replays, predecessor.displaced), (0, false));
        assert_eq!(advanced.family().kept_until, Some(at(50_000)));
    }

    async fn a_key_of_another_kind_is_refused(world) {
        let family = full();
        let key = world.family(family.id);
        let store = world.open().await;
        let _: () = world.ask(cmd("RPUSH").arg(&key).arg("x")).await;
        assert_refused(&world, &family, "record").await;
        let created = store.create(create(family)).await.unwrap();
        assert!(matches!(created, Created::Taken));
    }

    /// The first write of a script is the one that can fail.
    async fn a_bucket_of_another_kind_leaves_the_family_as_it_was(world) {
        let family = full();
        let store = world.with([&family]).await;
        let ends = world.ends(family.id);
        let _: () = world.ask(cmd("UNLINK").arg(&ends)).await;
        let _: () = world.ask(cmd("SET").arg(&ends).arg("x")).await;
        for (step, error) in errors(&world, &family).await {
            match error {
                None => assert_eq!(step, "load"),
                Some(error) => {
                    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{step}");
                    let source = std::error::Error::source(&error).unwrap().to_string();
                    assert!(source.contains("WRONGTYPE") || source.contains("wrong kind"), "{source}");
                }
            }
        }
        assert_eq!(store.load(family.id).await.unwrap(), Some(family));
    }

    /// Lua reads records as Rust does: whatever one of them refuses, neither takes.
    async fn what_rust_refuses_no_script_writes(world) {
        let mut runner = random::runner("redis::damage::what_rust_refuses", cases());
        let (mut refused, mut taken) = (0, 0);
        for _ in 0..cases() {
            let family = any_family().new_tree(&mut runner).unwrap().current();
            let (field, junk) = damage().new_tree(&mut runner).unwrap().current();
            // The next version would not be stored.
            let last = |version: u64| version >= (1 << 53) - 2;
            let damaged = junk.as_ref().and_then(|junk| std::str::from_utf8(junk).ok()?.parse().ok());
            if last(family.version) || (field == "version" && damaged.is_some_and(last)) {
                continue;
            }
            world.with([&family]).await;
            let (key, ends) = (world.family(family.id), world.ends(family.id));
            let _: () = match &junk {
                Some(text) => world.ask(cmd("HSET").arg(&key).arg(field).arg(text)).await,
                None => world.ask(cmd("HDEL").arg(&key).arg(field)).await,
            };
            let keys = [key.clone(), ends.clone()];
            let before = world.contents(&keys).await;
            let [(_, load), writes @ ..] = errors(&world, &family).await;
            match load {
                Some(error) => {
                    refused += 1;
                    for (step, other) in writes {
                        assert_eq!(Some(error.kind()), other.map(|it| it.kind()), "{step} of {family:?}: {field} {junk:?}");
                    }
                    assert_eq!(world.contents(&keys).await, before, "{family:?}: {field} {junk:?}");
                }
                None => {
                    taken += 1;
                    for (step, other) in writes {
                        assert!(other.is_none(), "{step} of {family:?}: {field} {junk:?}: {other:?}");
                    }
                }
            }
            for key in keys {
                let _: () = world.ask(cmd("UNLINK").arg(key)).await;
            }
        }
        assert!(refused > 20 && taken > 20, "{refused} refused, {taken} taken");
    }
}

/// What is put in the place of a part of two branches, 1 and 3 of 3 that were made.
const BRANCH_DAMAGES: [(&str, &str); 46] = [
    ("\"made\":3", "\"made\":0"),
    ("\"made\":3", "\"made\":2"),
    ("\"made\":3", "\"made\":03"),
    ("\"made\":3", "\"made\":3.0"),
    ("\"made\":3", "\"made\":3e0"),
    ("\"made\":3", "\"made\":65536"),
    ("\"made\":3", "\"made\": 3"),
    ("\"made\":3,", ""),
    ("{\"made\":3", " {\"made\":3"),
    ("]}", "]} "),
    ("]}", "],\"made\":3}"),
    ("]}", ",]}"),
    ("]}", "]"),
    ("[{", "[,{"),
    ("},{", "}{"),
    ("},{", "}, {"),
    ("},{", ",\"number\":1},{"),
    ("},{", ",\"more\":1},{"),
    ("\"number\":1", "\"number\":0"),
    ("\"number\":1", "\"number\":3"),
    ("\"number\":1", "\"number\":4"),
    ("\"number\":3", "\"number\":1"),
    ("\"number\":1,\"origin\":0", "\"origin\":0,\"number\":1"),
    ("\"origin\":0", "\"origin\":1"),
    ("\"origin\":0", "\"origin\":-0"),
    ("\"origin\":0", "\"origin\":null"),
    ("\"born\":1", "\"born\":0"),
    ("\"born\":1", "\"born\":2"),
    ("\"generation\":1", "\"generation\":0"),
    ("\"generation\":1", "\"generation\":4294967296"),
    ("AQEB", "AQE"),
    ("AQEB", "AQEBA"),
    ("AQEBAQE\"", "AQEBAQF\""),
    ("AQEBAQE\"", "AQEBAQ+\""),
    ("AQEBAQE\"", "AQEBAQE=\""),
    ("\"key_id\":1", "\"key_id\":256"),
    ("\"rotated_at\":5000", "\"rotated_at\":7001"),
    ("\"rotated_at\":5000", "\"rotated_at\":\"5000\""),
    ("\"used_at\":7000", "\"used_at\":4999"),
    ("\"used_at\":7000", "\"used_at\":70000"),
    ("\"used_at\":7000", "\"used_at\":9007199254740992"),
    ("\"idle_expires_at\":70000", "\"idle_expires_at\":70000.0"),
    ("_g\"", "_h\""),
    ("\"predecessor_closed\":false", "\"predecessor_closed\":0"),
    ("\"predecessor_replays\":0", "\"predecessor_replays\":4294967296"),
    (",\"displaced\":false", ""),
];

fn cases() -> usize {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(300)
}

/// A field and what is put there; `None`: it is taken out.
fn damage() -> impl Strategy<Value = (&'static str, Option<Vec<u8>>)> {
    let names: Vec<&'static str> =
        heirloom::record::columns::COLUMNS.iter().map(|column| column.name).collect();
    let texts = select(vec![
        "",
        "0",
        "1",
        "2",
        "00",
        "+1",
        "1.0",
        "255",
        "256",
        "4294967295",
        "4294967296",
        "9007199254740991",
        "9007199254740992",
        "live",
        "revoked",
        "reuse",
        "logout",
        "other",
        "jkt",
        "x5t#S256",
        "[]",
        "{}",
        "[ ]",
        "[\"a:b\"]",
        "[\"a\"]",
        "[\"a:#\"]",
        "{\"a\":\"b\"}",
        "{\"a\":\"\\u0000\\ud83d\\ude00\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":[]}",
        "{\"a\":\"b\"} x",
        "[\"a:b\",]",
        "[\"a:b\"\n]",
        " []",
        "a b",
        "a a",
        " a",
        "a ",
        "a\u{7f}",
        "\u{85}",
        "\u{e5}\u{10348}\u{fffd}",
        "a\"b",
        "null",
        "NaN",
        "evicted",
        "moved",
        "{\"made\":1,\"live\":[]}",
        "{\"made\":0,\"live\":[]}",
        "{\"made\":1,\"live\":[{}]}",
        "{\"made\":65535,\"live\":[ ]}",
    ]);
    let junk = prop_oneof![
        6 => texts.prop_map(|text| Some(text.into())),
        1 => any::<[u8; 32]>().prop_map(|bytes| Some(bytes.to_vec())),
        1 => any::<[u8; 16]>().prop_map(|bytes| Some(bytes.to_vec())),
        1 => proptest::collection::vec(any::<u8>(), 0..6).prop_map(Some),
        1 => select(vec![
            &b"\xc0\x80"[..], b"\xc3", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf0\x80\x80\x80", b"\xf4\x90\x80\x80", b"\x80",
            b"\xf0\x9f\x98\x80", b"\xef\xbf\xbf", b"\xc2\x9f", b"\xc2\xa0", b"a\0b",
        ]).prop_map(|bytes| Some(bytes.to_vec())),
        2 => Just(None),
    ];
    (select(names), junk)
}
