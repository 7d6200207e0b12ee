//! Files that are not what was written: each is told from a whole one, and what was imported before is right.

use base64ct::{Base64UrlUnpadded, Encoding};
use heirloom::MemoryStore;
use heirloom::family::Family;
use heirloom::transfer::LineError;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::support::random;
use crate::transfer::sample::{Sample, everything, families, file, import, lines, wrong};

/// Gives every line the checksum that it should have: what an attacker, or another program, can do.
pub fn signed(text: &str) -> Vec<u8> {
    let (mut sum, mut out) = ([0; 16], String::new());
    for line in text.lines() {
        let content = line.rsplit_once(",\"sum\":\"").unwrap().0;
        let hash = Sha256::new().chain_update(sum).chain_update(content).finalize();
        sum.copy_from_slice(&hash[..16]);
        let mut text = [0; 22];
        let text = Base64UrlUnpadded::encode(&sum, &mut text).unwrap();
        out += &format!("{content},\"sum\":\"{text}\"}}\n");
    }
    out.into_bytes()
}

/// What was imported of a file is what was exported, as far as it came.
fn is_right(sample: &[Family], store: &MemoryStore) {
    for family in families(store) {
        assert!(sample.contains(&family), "{family:?}");
    }
}

fn some() -> (Sample, Vec<Family>, Vec<u8>) {
    let sample = everything();
    let (families, file) = (sample.families(), file(&sample.store));
    (sample, families, file)
}

#[test]
fn a_file_that_is_cut_anywhere_is_an_error() {
    let (_, families, whole) = some();
    let mut ends: Vec<usize> = lines(&whole).iter().map(Vec::len).collect();
    for index in 1..ends.len() {
        ends[index] += ends[index - 1];
    }
    // Every byte of the first and the last lines; in between, every seventh and those around each line's end.
    for cut in 0..whole.len() {
        let near_end = ends.iter().any(|end| cut.abs_diff(*end) < 3);
        if !(cut < 2500 || cut + 200 > whole.len() || cut % 7 == 0 || near_end) {
            continue;
        }
        let store = MemoryStore::new();
        let (line, error) = wrong(import(&store, &whole[..cut]));
        assert_eq!(error, LineError::Cut, "{cut}");
        let complete = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(line, u64::try_from(complete).unwrap() + 1);
        assert_eq!(store.len(), complete.saturating_sub(1).min(families.len()));
    }
    is_right(&families, &{
        let store = MemoryStore::new();
        let _ = import(&store, &whole[..whole.len() / 2]);
        store
    });
}

#[test]
fn lines_that_are_missing_doubled_or_out_of_order_are_found_out_at_once() {
    let (_, families, whole) = some();
    let lines = lines(&whole);
    let changed = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut lines = lines.clone();
        change(&mut lines);
        let store = MemoryStore::new();
        let (line, error) = wrong(import(&store, &lines.concat()));
        is_right(&families, &store);
        (line, error)
    };
    let order = |line, found, expected| (line, LineError::Order { found, expected });
    assert_eq!(changed(&|it| it.swap(3, 4)), order(4, 4, 3));
    assert_eq!(changed(&|it| it.insert(4, it[3].clone())), order(5, 3, 4));
    assert_eq!(changed(&|it| drop(it.remove(3))), order(4, 4, 3));
    assert_eq!(changed(&|it| it.insert(4, it[0].clone())), order(5, 0, 4));
    assert_eq!(changed(&|it| drop(it.remove(0))), (1, LineError::Header));
    assert_eq!(changed(&|it| it.swap(0, 1)), (1, LineError::Header));
    let count = u64::try_from(families.len()).unwrap();
    let short = LineError::Count { found: count, read: count - 1 };
    assert_eq!(changed(&|it| drop(it.remove(it.len() - 2))), (count + 1, short));
    let last = count + 3;
    assert_eq!(changed(&|it| it.push(it[1].clone())), (last, LineError::Trailing));
    assert_eq!(changed(&|it| it.push(it[it.len() - 1].clone())), (last, LineError::Trailing));
    assert_eq!(changed(&|it| it.push(b"\n".to_vec())), (last, LineError::Trailing));
    assert_eq!(changed(&|it| it.extend(it.clone())), (last, LineError::Trailing));
}

/// A line with the right number, out of another file.
#[test]
fn a_line_of_another_export_is_found_out() {
    let (_, families, whole) = some();
    let mut mixed = lines(&whole);
    let fewer = MemoryStore::new();
    fewer.restore(families[1..].to_vec());
    let other = lines(&file(&fewer));
    mixed[3] = other[3].clone();
    assert_eq!(wrong(import(&MemoryStore::new(), &mixed.concat())), (4, LineError::Checksum));
}

#[test]
fn what_is_no_export_is_refused_at_its_first_line() {
    for text in [
        "\n",
        "{}\n",
        "[]\n",
        "7\n",
        "id;subject\n",
        "{\"heirloom_families\":0,\"sum\":\"\"}\n",
        "{\"heirloom_families\":\"1\",\"sum\":\"\"}\n",
        "{\"heirloom_families\":-1,\"sum\":\"\"}\n",
        "\u{feff}{\"heirloom_families\":1,\"sum\":\"\"}\n",
    ] {
        let result = import(&MemoryStore::new(), text.as_bytes());
        assert_eq!(wrong(result), (1, LineError::Header), "{text}");
    }
    assert_eq!(wrong(import(&MemoryStore::new(), b"")), (1, LineError::Cut));
    let error = wrong(import(&MemoryStore::new(), b"\xff\xfe\n"));
    assert!(matches!(error, (1, LineError::Form(_))), "{error:?}");
}

#[test]
fn a_file_of_a_newer_release_says_so() {
    for text in [
        "{\"heirloom_families\":2,\"sum\":\"\"}\n",
        "{\"heirloom_families\":2,\"whatever\":[null]}\n{\"else\":1}\n",
        "{\"heirloom_families\":18446744073709551615}\n",
    ] {
        let (line, error) = wrong(import(&MemoryStore::new(), text.as_bytes()));
        assert_eq!(line, 1);
        assert!(matches!(error, LineError::Newer { found: 2.., known: 1 }), "{error:?}");
    }
}

/// It is not read into memory to find out.
#[test]
fn a_line_without_an_end_is_refused_after_a_bound() {
    let whole = file(&everything().store);
    let mut huge = lines(&whole)[0].clone();
    huge.resize(64 * 1024 * 1024, b'x');
    let mut left = &huge[..];
    let result = pollster::block_on(heirloom::transfer::import(&MemoryStore::new(), &mut left));
    let (line, error) = wrong(result);
    assert!(line == 2 && matches!(error, LineError::Form(_)));
    assert!(left.len() > 40 * 1024 * 1024, "{} left unread", left.len());
}

#[test]
fn line_feeds_of_another_system_are_refused_with_a_reason() {
    let whole = String::from_utf8(file(&everything().store)).unwrap().replace('\n', "\r\n");
    let (line, error) = wrong(import(&MemoryStore::new(), whole.as_bytes()));
    assert_eq!((line, error.to_string().contains("checksum")), (1, true), "{error}");
}

/// With the checksum made right again: the form of a family is not trusted to anybody.
#[test]
fn a_family_that_cannot_be_is_refused_with_its_field() {
    let (_, _, whole) = some();
    let text = String::from_utf8(whole).unwrap();
    for (from, to, field) in [
        ("\"version\":1", "\"version\":0", "version"),
        ("\"version\":1", "\"version\":9007199254740992", "version"),
        ("\"status\":\"live\"", "\"status\":\"alive\"", "status"),
        ("\"created_at\":1", "\"created_at\":-1", "created_at"),
        ("\"generation\":", "\"generations\":", "columns"),
        ("\"id\":\"", "\"id\":\"x", "id"),
        ("\"displaced\":false", "\"displaced\":0", "displaced"),
    ] {
        let changed = signed(&text.replacen(from, to, 1));
        let (line, error) = wrong(import(&MemoryStore::new(), &changed));
        assert!(line >= 2);
        assert!(matches!(error, LineError::Impossible(it) if it.field == field), "{to}: {error}");
    }
    let extra = signed(&text.replacen("{\"n\":1,", "{\"n\":1,\"end\":1,", 1));
    assert!(matches!(wrong(import(&MemoryStore::new(), &extra)), (2, LineError::Form(_))));
}

#[test]
fn a_byte_that_was_altered_anywhere_is_found_out() {
    random::check(400, &(any::<prop::sample::Index>(), 0..8_u8), |(place, bit)| {
        let (_, families, mut whole) = some();
        let place = place.index(whole.len());
        whole[place] ^= 1 << bit;
        let store = MemoryStore::new();
        let line = 1 + whole[..place].iter().filter(|byte| **byte == b'\n').count();
        let (found, _) = wrong(import(&store, &whole));
        // A line feed that is gone or that came is found in its line or the next one.
        let line = u64::try_from(line).unwrap();
        prop_assert!(found == line || found == line + 1);
        is_right(&families, &store);
        Ok(())
    });
}
