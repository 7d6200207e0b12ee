//! What is written is what is read.

use heirloom::family::{Family, Revocation, Status};
use heirloom::store::Created;
use heirloom::token::FamilyId;
use heirloom::{Reason, Store, Timestamp, testing};
use pollster::block_on;
use proptest::strategy::{Strategy, ValueTree};

use crate::records::families::{any_family, stated};
use crate::sqlite::{Disk, at_once};
use crate::support::random;

#[test]
fn every_family_is_read_as_it_was_written_and_ends_when_it_does() {
    let disk = Disk::new();
    let mut runner = random::runner("sqlite::row::every_family_is_read", 300);
    let any = any_family();
    let mut families: Vec<_> =
        (0..300).map(|_| any.new_tree(&mut runner).unwrap().current()).collect();
    families.iter_mut().for_each(within_all_time);
    for (mut family, number) in stated().into_iter().zip(1..) {
        family.id = FamilyId::from_bytes([number; 16]);
        families.push(family);
    }
    let store = &*disk.store;
    let create = |family: &Family| store.create(testing::create(family.clone()));
    for created in at_once(families.iter().map(create).collect()) {
        assert!(matches!(created, Ok(Created::New(_))), "{created:?}");
    }
    let other = disk.other();
    for family in families {
        assert_eq!(block_on(store.load(family.id)).unwrap().as_ref(), Some(&family));
        let sql = "SELECT ended_at FROM families WHERE id = ?1";
        let ended: Option<i64> =
            other.query_row(sql, [family.id.as_bytes()], |row| row.get(0)).unwrap();
        let expected = family.ended_at().map(|end| i64::try_from(end.as_millis()).unwrap());
        assert_eq!(ended, expected, "{family:?}");
    }
}

/// No duration is longer than all time.
fn within_all_time(family: &mut Family) {
    if let Status::Revoked(Revocation { reason: Reason::Reuse(reuse), .. }) = &mut family.status {
        let longest = Timestamp::MAX.saturating_since(Timestamp::ZERO);
        reuse.since_rotation = reuse.since_rotation.min(longest);
    }
}
