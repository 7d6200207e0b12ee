//! Records: what was written is read again, also by later releases; whatever else is refused by id and field, never
//! repaired, and never a panic (S9).

pub mod families;
mod hex;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod stored;

use heirloom::family::{Family, Impossible};
use heirloom::record::{decode, encode};
use heirloom::token::FamilyId;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::support::random;
use families::{ID, any_family, branched, ended, fresh, full, stated};

const CASES: u32 = 2_000;

const CHECKSUM: usize = 8;

/// The records of releases and what they say.
fn golden() -> Vec<(&'static str, Family)> {
    let old =
        [("0.1.0/fresh.hex", fresh()), ("0.1.0/full.hex", full()), ("0.1.0/ended.hex", ended())];
    let names = [
        "0.2.0/fresh.hex",
        "0.2.0/full.hex",
        "0.2.0/ended.hex",
        "0.2.0/branched.hex",
        "0.2.0/displaced.hex",
        "0.2.0/adopted.hex",
        "0.2.0/evicted.hex",
    ];
    old.into_iter().chain(names.into_iter().zip(stated())).collect()
}

/// Those of the last release that has changed them.
fn current() -> impl Iterator<Item = (&'static str, Family)> {
    golden().into_iter().filter(|(name, _)| name.starts_with("0.2.0"))
}

/// The record with a checksum that is right for its other bytes: what a bug, not a damaged disk, would write.
fn sealed(mut body: Vec<u8>) -> Vec<u8> {
    let sum: [u8; 32] = Sha256::digest(&body).into();
    body.extend_from_slice(&sum[..CHECKSUM]);
    body
}

fn body(family: &Family) -> Vec<u8> {
    let mut record = encode(family);
    record.truncate(record.len() - CHECKSUM);
    record
}

fn refused(result: Result<Family, Impossible>) -> &'static str {
    let impossible = result.unwrap_err();
    assert_eq!(impossible.family, ID);
    impossible.field
}

#[test]
fn a_record_of_an_earlier_release_still_says_the_same() {
    for (name, family) in golden() {
        hex::write_once(name, &encode(&family));
        assert_eq!(decode(ID, &hex::read(name)), Ok(family), "{name}");
    }
}

#[test]
fn this_release_writes_the_format_of_0_2_0() {
    for (name, family) in current() {
        assert_eq!(encode(&family), hex::read(name), "{name}");
    }
}

#[test]
fn what_was_written_is_read_again() {
    random::check(CASES, &any_family(), |family| {
        prop_assert_eq!(family.check(), Ok(()));
        prop_assert_eq!(decode(family.id, &encode(&family)), Ok(family));
        Ok(())
    });
}

#[test]
fn any_bytes_are_refused_by_the_id_that_was_asked_for() {
    random::check(CASES, &any::<Vec<u8>>(), |bytes| {
        prop_assert_eq!(refused(decode(ID, &bytes)), "checksum");
        let result = decode(ID, &sealed(bytes));
        prop_assert_eq!(result.map_err(|impossible| impossible.family), Err(ID));
        Ok(())
    });
}

#[test]
fn a_record_cut_short_is_refused_at_every_length() {
    for (_, family) in current() {
        let record = encode(&family);
        for length in 0..record.len() {
            assert_eq!(refused(decode(ID, &record[..length])), "checksum");
        }
        let body = body(&family);
        for length in 0..body.len() {
            let field = refused(decode(ID, &sealed(body[..length].to_vec())));
            assert!(!field.is_empty() && field != "checksum" && field != "length", "{field}");
        }
    }
}

#[test]
fn a_record_that_goes_on_is_refused() {
    for (_, family) in current() {
        let mut record = encode(&family);
        record.push(0);
        assert_eq!(refused(decode(ID, &record)), "checksum");
        let mut longer = body(&family);
        longer.push(0);
        assert_eq!(refused(decode(ID, &sealed(longer))), "length");
        let twice = [body(&family), body(&family)].concat();
        assert_eq!(refused(decode(ID, &sealed(twice))), "length");
    }
}

#[test]
fn a_record_with_any_bit_flipped_is_refused() {
    for (_, family) in current() {
        let record = encode(&family);
        for bit in 0..record.len() * 8 {
            let mut record = record.clone();
            record[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(refused(decode(ID, &record)), "checksum");
        }
    }
}

/// Whatever is read would be written again as it stood: nothing is repaired on the way.
#[test]
fn a_changed_byte_under_a_right_checksum_is_refused_or_read_as_it_stands() {
    let mut read = 0;
    for (_, family) in current() {
        let body = body(&family);
        let values = |byte: u8| (0..8).map(move |bit| byte ^ (1 << bit)).chain([0, b' ', 0xff]);
        for place in 0..body.len() {
            for value in values(body[place]) {
                let mut changed = body.clone();
                changed[place] = value;
                let record = sealed(changed);
                if let Ok(family) = decode(ID, &record) {
                    assert_eq!(encode(&family), record, "byte {place} as {value:#x}: {family:?}");
                    read += 1;
                }
            }
        }
    }
    assert!(read > 1_000, "{read}");
}

#[test]
fn a_record_of_another_family_is_refused() {
    let asked = FamilyId::from_bytes([9; 16]);
    let expected = Impossible { family: asked, field: "id" };
    assert_eq!(decode(asked, &encode(&fresh())), Err(expected));
}

#[test]
fn a_record_of_another_format_is_refused() {
    for format in (0..=u8::MAX).filter(|format| ![1, 2].contains(format)) {
        let mut other = body(&full());
        other[0] = format;
        assert_eq!(refused(decode(ID, &sealed(other))), "format");
    }
}

type Edit = fn(&mut Family);

/// A family, edited so that one field cannot be, is refused by that field.
#[test]
fn a_record_of_a_state_that_cannot_be_is_refused_by_its_field() {
    let edits: [(&str, Edit); 20] = [
        ("version", |family| family.version = 0),
        ("expires_at", |family| family.expires_at = Some(heirloom::Timestamp::ZERO)),
        ("expires_at", |family| family.expires_at = None),
        ("expires_at", |family| family.expires_at = Some(heirloom::Timestamp::MAX)),
        ("used_at", |family| family.head.used_at = heirloom::Timestamp::ZERO),
        ("idle_expires_at", |family| family.head.idle_expires_at = Some(family.head.used_at)),
        ("predecessor", |family| family.head.predecessor = None),
        ("predecessor", |family| family.head.generation = 0),
        ("kept_until", |family| family.kept_until = Some(heirloom::Timestamp::ZERO)),
        ("displaced", |family| {
            *family = fresh();
            family.head.displaced = true;
        }),
        ("branches", |family| family.branches.made = 4),
        ("branches", |family| family.branches.live.swap(0, 1)),
        ("branches", |family| family.branches.live[0].number = 0),
        ("branches", |family| family.branches.live[1].number = 2),
        ("branches", |family| family.branches.live[1].origin = 5),
        ("branches", |family| family.branches.live[1].born = 0),
        ("branches", |family| family.branches.live[1].born = 13),
        ("branches", |family| family.branches.live[1].head.predecessor = None),
        ("branches", |family| {
            let numbers: Vec<_> = (1..=32).map(|number| (number, 0, 60_000)).collect();
            family.branches = families::branches(&numbers);
        }),
        ("grant", |family| {
            let mut grant = heirloom::Grant::clone(&family.grant);
            grant.subject = "".into();
            family.grant = std::sync::Arc::new(grant);
        }),
    ];
    for (field, edit) in edits {
        let mut family = branched();
        edit(&mut family);
        assert_eq!(refused(decode(ID, &encode(&family))), field);
    }
}

/// Where a text begins whose bytes occur once: four bytes of length come before it.
fn place(body: &[u8], text: &str) -> usize {
    body.windows(text.len()).position(|window| window == text.as_bytes()).unwrap()
}

#[test]
fn a_count_beyond_the_record_is_refused_and_nothing_is_reserved_for_it() {
    let whole = body(&full());
    let resources = place(&whole, "https://a.example/") - 8;
    let attributes = place(&whole, "acr") - 8;
    let at = |text| place(&whole, text) - 4;
    for (field, place) in [
        ("subject", at("\u{e5}lice")),
        ("client", at("web")),
        ("scope", at("read write")),
        ("resources", resources),
        ("resources", at("urn:b")),
        ("attributes", attributes),
        ("attributes", at("pwd\notp")),
    ] {
        for count in [u32::MAX, 1 << 31, 1 << 16] {
            let mut changed = whole.clone();
            changed[place..place + 4].copy_from_slice(&count.to_be_bytes());
            assert_eq!(refused(decode(ID, &sealed(changed))), field, "{count}");
        }
    }
}

#[test]
fn text_that_is_not_utf_8_is_refused_by_its_field() {
    let whole = body(&full());
    for (field, text) in [
        ("subject", "\u{e5}lice"),
        ("client", "web"),
        ("scope", "read write"),
        ("resources", "urn:b"),
        ("attributes", "acr"),
        ("attributes", "pwd\notp"),
    ] {
        let mut changed = whole.clone();
        changed[place(&whole, text)] = 0xff;
        assert_eq!(refused(decode(ID, &sealed(changed))), field, "{text:?}");
    }
}

#[test]
fn a_flag_or_a_code_that_means_nothing_is_refused_by_its_field() {
    let whole = body(&ended());
    // Format 1, id 16, version 8, creation 8; then the flag of the absolute end and the end; the flag of a date to be kept until.
    let expires_at = 33;
    let kept_until = expires_at + 9;
    let status = kept_until + 1;
    for (field, place) in [
        ("expires_at", expires_at),
        ("kept_until", kept_until),
        ("status", status),
        ("reason", status + 9),
        ("successor_used", status + 22),
    ] {
        for value in [13, 0xff] {
            let mut changed = whole.clone();
            changed[place] = value;
            assert_eq!(refused(decode(ID, &sealed(changed))), field);
        }
    }
}

#[test]
fn an_instant_past_the_last_one_is_refused_by_its_field() {
    let whole = body(&ended());
    for (field, place) in [("created_at", 25), ("expires_at", 34), ("revoked_at", 44)] {
        let mut changed = whole.clone();
        changed[place..place + 8].copy_from_slice(&(1_u64 << 53).to_be_bytes());
        assert_eq!(refused(decode(ID, &sealed(changed))), field);
    }
}
