//! There and back.

use std::collections::BTreeSet;

use heirloom::store::SqliteStore;
use heirloom::transfer::{self, LineError};
use heirloom::{FamilyId, MemoryStore, Outcome, Policy, Request};
use pollster::block_on;

use crate::transfer::sample::{
    everything, families, file, import, is_live, lines, mark_moved, node, wrong,
};

#[test]
fn every_kind_of_family_comes_out_as_it_went_in() {
    let sample = everything();
    let expected = sample.families();
    assert!(expected.iter().any(|family| family.branches.live.len() == 2));
    assert!(expected.iter().any(|family| family.head.displaced));
    assert!(expected.iter().any(|family| family.kept_until.is_some()));
    let whole = file(&sample.store);

    let folder = tempfile::tempdir().unwrap();
    let sqlite = SqliteStore::open(folder.path().join("families.db")).unwrap();
    let imported = import(&sqlite, &whole).unwrap();
    let count = u64::try_from(expected.len()).unwrap();
    assert_eq!((imported.new, imported.known, imported.different), (count, 0, vec![]));
    assert_eq!(families(&sqlite), expected);

    let memory = MemoryStore::new();
    import(&memory, &file(&sqlite)).unwrap();
    assert_eq!(families(&memory), expected);
    assert_eq!(file(&memory), whole, "byte for byte");
}

#[test]
fn a_file_is_checked_without_a_store() {
    let sample = everything();
    let whole = file(&sample.store);
    let count = u64::try_from(sample.families().len()).unwrap();
    assert_eq!(transfer::check(&mut &whole[..]).unwrap(), count);
    assert!(transfer::check(&mut &whole[..whole.len() - 1]).is_err());
}

#[test]
fn an_imported_family_goes_on() {
    let sample = everything();
    let other = std::sync::Arc::new(MemoryStore::new());
    import(&other, &file(&sample.store)).unwrap();
    let node = node(&other, Policy::default(), 9);
    let live = sample.families().into_iter().filter(|family| is_live(&family));
    let unbound = live.filter(|family| family.grant.binding.is_none());
    let expected: BTreeSet<FamilyId> = unbound.map(|family| family.id).collect();
    let mut granted = BTreeSet::new();
    // The newest first: an older one may be a spent one, whose use ends its family.
    for token in sample.tokens.iter().rev() {
        if let Outcome::Granted(it) = block_on(node.refresh(token, Request::new("web"))).unwrap() {
            granted.insert(it.family);
        }
    }
    assert_eq!(granted, expected);
    assert!(expected.len() > 7);
}

#[test]
fn no_token_and_no_secret_is_in_the_file() {
    let sample = everything();
    let text = String::from_utf8(file(&sample.store)).unwrap();
    assert!(sample.tokens.len() > 20);
    for token in &sample.tokens {
        assert!(!text.contains(token.as_str()), "{token}");
        let body = token.rsplit_once('_').map_or(token.as_str(), |(_, body)| body);
        // Every stretch of the secret in the token's own text.
        for stretch in body.as_bytes().windows(20).skip(36).take(20) {
            let stretch = std::str::from_utf8(stretch).unwrap_or("\u{0}");
            assert!(!text.contains(stretch), "{stretch}");
        }
    }
}

/// So that files of one store, made one after the other, can be compared.
#[test]
fn the_fields_of_a_family_come_in_the_order_of_the_columns() {
    use heirloom::record::columns::COLUMNS;
    for line in lines(&file(&everything().store)) {
        let line = String::from_utf8(line).unwrap();
        if !line.contains("\"family\":{") {
            continue;
        }
        let places: Vec<usize> = COLUMNS
            .iter()
            .filter_map(|column| line.find(&format!("\"{}\":", column.name)))
            .collect();
        assert!(places.len() > 10);
        // `branches` names some of them again, but later.
        let plain = !line.contains("\"branches\":");
        assert!(!plain || places.is_sorted(), "{line}");
        assert!(!line.contains("null"), "{line}");
        assert!(line.ends_with("\"}\n") && line.starts_with("{\"n\":"));
    }
}

#[test]
fn an_empty_store_is_a_file_of_two_lines() {
    let whole = file(&MemoryStore::new());
    assert_eq!(lines(&whole).len(), 2);
    let imported = import(&MemoryStore::new(), &whole).unwrap();
    assert_eq!((imported.new, imported.known), (0, 0));
}

#[test]
fn what_goes_on_in_another_store_is_not_exported() {
    let sample = everything();
    let before = sample.families();
    let moved = before.iter().find(is_live).unwrap();
    mark_moved(&sample.store, moved);
    let other = MemoryStore::new();
    let imported = import(&other, &file(&sample.store)).unwrap();
    assert_eq!(imported.new, u64::try_from(before.len() - 1).unwrap());
    assert!(families(&other).iter().all(|family| family.id != moved.id));
}

/// Made by hand, its checksum right: it would keep the family itself out of the store.
#[test]
fn a_mark_is_not_imported_either() {
    let sample = everything();
    let moved = sample.families().into_iter().find(|family| is_live(&family)).unwrap();
    let only = MemoryStore::new();
    only.restore(vec![moved.clone()]);
    let whole = String::from_utf8(file(&only)).unwrap();
    let ended =
        "\"status\":\"revoked\",\"revoked_at\":1700000000000,\"reason\":\"moved\",\"revoked_by\":0";
    let marked = whole.replacen("\"status\":\"live\"", ended, 1);
    let store = MemoryStore::new();
    let (line, error) = wrong(import(&store, &crate::transfer::damage::signed(&marked)));
    assert_eq!(line, 2);
    assert!(
        matches!(error, LineError::Impossible(it) if it.field == "reason" && it.family == moved.id)
    );
    assert!(store.is_empty());
}
