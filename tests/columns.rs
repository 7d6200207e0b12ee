//! Families as rows: what was written is read again, also by later releases; whatever else is refused by id and column
//! (S9).

mod damage;
mod row;

use std::time::Duration;

use heirloom::family::{Family, Status};
use heirloom::record::columns::{COLUMNS, HEAD, REVOCATION, write, write_head, write_revocation};
use heirloom::token::FamilyId;
use heirloom::{Reason, Timestamp};
use proptest::prelude::*;

use crate::records::families::{ID, any_family, ended, fresh, full, stated};
use crate::support::random;
use row::{Golden, read, row};

const CASES: u32 = 2_000;

/// The rows of releases and what they say.
fn golden() -> Vec<(&'static str, Family)> {
    let old =
        [("0.1.0/fresh.row", fresh()), ("0.1.0/full.row", full()), ("0.1.0/ended.row", ended())];
    let names = [
        "0.2.0/fresh.row",
        "0.2.0/full.row",
        "0.2.0/ended.row",
        "0.2.0/branched.row",
        "0.2.0/displaced.row",
        "0.2.0/adopted.row",
        "0.2.0/evicted.row",
    ];
    old.into_iter().chain(names.into_iter().zip(stated())).collect()
}

/// Those of the last release that has changed them.
fn current() -> impl Iterator<Item = (&'static str, Family)> {
    golden().into_iter().filter(|(name, _)| name.starts_with("0.2.0"))
}

#[test]
fn a_row_of_an_earlier_release_still_says_the_same() {
    for (name, family) in golden() {
        Golden::write_once(name, &write(&family));
        assert_eq!(read(ID, &Golden::read(name).values()), Ok(family), "{name}");
    }
}

#[test]
fn this_release_writes_the_columns_of_0_2_0() {
    for (name, family) in current() {
        assert_eq!(Golden::of(&write(&family)), Golden::read(name), "{name}");
    }
}

#[test]
fn what_was_written_is_read_again() {
    random::check(CASES, &(any_family(), 0..1_u64 << 53), |(family, call)| {
        let family = stored(family, call);
        prop_assert_eq!(family.check(), Ok(()));
        prop_assert_eq!(read(family.id, &write(&family)), Ok(family));
        Ok(())
    });
}

#[test]
fn the_last_columns_are_those_of_the_head() {
    random::check(CASES, &any_family(), |family| {
        let row = write(&family);
        prop_assert!(row[COLUMNS.len() - HEAD..] == write_head(&family.head));
        Ok(())
    });
}

/// A length that no store holds is told as the longest that it does.
fn stored(mut family: Family, mark: u64) -> Family {
    if let Status::Revoked(revocation) = &mut family.status {
        revocation.call = mark;
        if let Reason::Reuse(reuse) = &mut revocation.reason {
            let longest = Duration::from_millis(Timestamp::MAX.as_millis());
            reuse.since_rotation = reuse.since_rotation.min(longest);
        }
    }
    family
}

#[test]
fn every_reason_is_written_and_read_again_and_no_two_alike() {
    let reuse = heirloom::family::Reuse {
        generations_behind: u32::MAX,
        since_rotation: Duration::from_millis(Timestamp::MAX.as_millis()),
        successor_used: false,
    };
    let reasons = [
        Reason::Reuse(reuse),
        Reason::Diverged,
        Reason::WrongClient,
        Reason::WrongBinding,
        Reason::ClientRequest,
        Reason::Logout,
        Reason::ConsentWithdrawn,
        Reason::CredentialChange,
        Reason::Administrator,
        Reason::Evicted,
        Reason::RelatedReuse,
        Reason::Moved,
    ];
    let mut names = std::collections::BTreeSet::new();
    for reason in reasons {
        let mut family = ended();
        let Status::Revoked(revocation) = &mut family.status else { panic!("live") };
        revocation.reason = reason;
        names.insert(Golden::of(&write(&family)).line("reason").to_owned());
        assert_eq!(read(ID, &write(&family)), Ok(family));
    }
    assert_eq!(names.len(), reasons.len());
}

#[test]
fn a_revocation_writes_the_columns_from_revoked_at_on() {
    let family = ended();
    let Status::Revoked(revocation) = &family.status else { panic!("live") };
    let from = COLUMNS.iter().position(|column| column.name == "revoked_at").unwrap();
    assert!(write(&family)[from..from + REVOCATION] == write_revocation(revocation));
}

#[test]
fn a_row_of_another_family_is_refused() {
    let asked = FamilyId::from_bytes([9; 16]);
    let refused = read(asked, &row(&fresh())).unwrap_err();
    assert_eq!((refused.family, refused.field), (asked, "id"));
}

#[test]
fn no_two_columns_have_one_name() {
    let names: std::collections::BTreeSet<_> = COLUMNS.iter().map(|column| column.name).collect();
    assert_eq!(names.len(), COLUMNS.len());
}
