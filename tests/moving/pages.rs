//! Selections and scans while families are everywhere.

use std::collections::{BTreeMap, BTreeSet};

use heirloom::family::{Family, Impossible, Reason, Status};
use heirloom::store::moving::GRACE;
use heirloom::store::{Cursor, Page, Store, StoreErrorKind};
use heirloom::{FamilyId, Refusal};
use pollster::block_on;

use crate::moving::world::{Kind, MOVING, World, alice, is_moved};

/// Families in every place that there is: token, id, and whether it can be used.
fn scattered(world: &World) -> Vec<(String, FamilyId, bool)> {
    let mut families = Vec::new();
    for round in 0..30 {
        if round == 10 {
            world.advance(GRACE);
        }
        let (token, id) = world.issued_by(if round % 7 == 0 { Kind::Pulling } else { Kind::Plain });
        let mut usable = true;
        match round % 5 {
            // Cut short; those before the grace was over have lapsed.
            0 if round % 7 != 0 => {
                world.cut_short(id);
                usable = round >= 10;
            }
            1 => drop(world.granted(Kind::Pulling, &token)),
            2 => {
                block_on(world.node(Kind::Following).revoke_family(id, Reason::Logout)).unwrap();
                usable = false;
            }
            _ => {}
        }
        families.push((token, id, usable));
    }
    families
}

#[test]
fn a_selection_shows_each_family_once_in_order_in_pages_of_every_size() {
    for kind in MOVING {
        for limit in [1, 2, 3, 7, 29, 30, 31] {
            let world = World::new();
            let families = scattered(&world);
            let expected: BTreeSet<FamilyId> = families.iter().map(|(_, id, _)| *id).collect();
            let (moving, mut after, mut shown) = (world.moving(kind), None, Vec::new());
            loop {
                let page = block_on(moving.select(&alice(), Page { after, limit })).unwrap();
                assert!(page.len() <= limit);
                shown.extend(page.iter().map(|found| found.as_ref().unwrap().clone()));
                after = shown.last().map(|family: &Family| family.id);
                if page.len() < limit {
                    break;
                }
            }
            let ids: Vec<FamilyId> = shown.iter().map(|family| family.id).collect();
            assert_eq!(ids, expected.into_iter().collect::<Vec<_>>(), "{kind:?} {limit}");
            for (_, id, usable) in &families {
                let family = shown.iter().find(|family| family.id == *id).unwrap();
                assert_eq!(family.status == Status::Live, *usable, "{family:?}");
            }
        }
    }
}

#[test]
fn to_end_all_ends_them_wherever_they_are() {
    for kind in MOVING {
        let world = World::new();
        let families = scattered(&world);
        let is_lapsed =
            |id| world.in_old(id).is_some_and(|it| is_moved(&it)) && world.in_new(id).is_none();
        let endable = |&&(_, id, usable): &&(String, FamilyId, bool)| usable || is_lapsed(id);
        let endable = families.iter().filter(endable).count();
        let node = world.node(kind);
        let ended = block_on(node.revoke_all(&alice(), Reason::CredentialChange)).unwrap();
        assert_eq!(ended, endable);
        for kind in [Kind::Plain, Kind::Following, Kind::Pulling, Kind::Over] {
            for (token, id, _) in &families {
                let _why: Refusal = world.refused(kind, token);
                assert_eq!(world.live_copies(*id), 0);
            }
        }
    }
}

#[test]
fn a_scan_shows_every_family_in_pages_of_every_size() {
    for kind in MOVING {
        for limit in [0, 1, 2, 7, 100] {
            let world = World::new();
            let families = scattered(&world);
            let (moving, mut after) = (world.moving(kind), None);
            let mut shown: BTreeMap<FamilyId, Vec<Family>> = BTreeMap::new();
            loop {
                let page = block_on(moving.scan(after, limit)).unwrap();
                assert!(page.families.len() <= limit.max(1));
                for found in page.families {
                    let family = found.unwrap();
                    shown.entry(family.id).or_default().push(family);
                }
                // As text, as an operator writes it down.
                after = page.next.map(|next| next.to_string().parse().unwrap());
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(shown.len(), families.len(), "{kind:?} {limit}");
            for (_, id, usable) in &families {
                let live = |family: &Family| family.status == Status::Live;
                assert!(shown[id].iter().all(|family| live(family) == *usable), "{kind:?}");
            }
        }
    }
}

#[test]
fn families_that_move_between_two_pages_are_not_missed() {
    for kind in MOVING {
        let world = World::new();
        let ids: BTreeSet<FamilyId> = (0..12).map(|_| world.issued().1).collect();
        let (moving, mut shown) = (world.moving(kind), BTreeSet::new());
        let first = block_on(moving.scan(None, 4)).unwrap();
        shown.extend(first.families.iter().map(|found| found.as_ref().unwrap().id));
        world.walk(5);
        let mut after = first.next;
        while let Some(cursor) = after {
            let page = block_on(moving.scan(Some(cursor), 4)).unwrap();
            shown.extend(page.families.iter().map(|found| found.as_ref().unwrap().id));
            after = page.next;
        }
        assert_eq!(shown, ids);
    }
}

#[test]
fn a_foreign_cursor_is_refused() {
    let world = World::new();
    let (_, id) = world.issued();
    for bytes in [&[2][..], &[7, 7], &[0], &[0, 1], &[1, 1], id.as_bytes(), &[0; 64], &[1; 64]] {
        let cursor = Cursor::new(bytes).unwrap();
        for kind in MOVING {
            let error = block_on(world.moving(kind).scan(Some(cursor.clone()), 9)).unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Unusable, "{bytes:?}");
        }
    }
}

/// In the old store, or in the new one of what the old one has marked.
#[test]
fn a_damaged_record_hides_no_other() {
    for kind in MOVING {
        for moved in [false, true] {
            let world = World::new();
            let ids: Vec<FamilyId> = (0..3).map(|_| world.issued().1).collect();
            if moved {
                world.walk(9);
            }
            let damage = Impossible { family: ids[1], field: "status" };
            let disk = if moved { &world.new } else { &world.old };
            disk.poison(ids[1], Some(damage));
            let all = Page { after: None, limit: 9 };
            let moving = world.moving(kind);
            let selected = block_on(moving.select(&alice(), all)).unwrap();
            assert_eq!(selected.len(), 3);
            assert_eq!(selected.iter().filter(|found| **found == Err(damage)).count(), 1);
            assert!(selected.iter().flatten().all(|family| !is_moved(family)));
            let mut scanned = block_on(moving.scan(None, 9)).unwrap();
            let rest = block_on(moving.scan(scanned.next.take(), 9)).unwrap();
            scanned.families.extend(rest.families);
            assert!(scanned.families.contains(&Err(damage)));
            assert_eq!(scanned.families.iter().flatten().count(), 2);
        }
    }
}
