//! Stores that return a family that cannot be, or another than was asked for: an error with id and field (S9).

use heirloom::family::{Family, Impossible};
use heirloom::store::StoreErrorKind;
use heirloom::token::FamilyId;
use heirloom::{Error, Page, Reason, Request, Selector, Timestamp};
use pollster::block_on;

use super::world::{CLIENT, START, grant, in_generation_1};

fn assert_impossible<T: std::fmt::Debug>(
    result: Result<T, Error>,
    family: FamilyId,
    field: &'static str,
) {
    let expected = StoreErrorKind::Impossible(Impossible { family, field });
    match result {
        Err(Error::Store(error)) => assert_eq!(error.kind(), expected),
        other => panic!("{field}: {other:?}"),
    }
}

type Edit = fn(&mut Family);

/// Every field that can contradict another, in a family of generation 1.
const IMPOSSIBLE: [(&str, Edit); 8] = [
    ("version", |family| family.version = 0),
    ("expires_at", |family| family.expires_at = Some(Timestamp::ZERO)),
    ("expires_at", |family| {
        let mut grant = heirloom::Grant::clone(&family.grant);
        grant.not_after = Some(START);
        family.grant = std::sync::Arc::new(grant);
    }),
    ("used_at", |family| family.head.used_at = Timestamp::ZERO),
    ("idle_expires_at", |family| family.head.idle_expires_at = Some(family.head.used_at)),
    ("predecessor", |family| family.head.predecessor = None),
    ("predecessor", |family| family.head.generation = 0),
    ("id", |family| family.id = FamilyId::from_bytes([9; 16])),
];

#[test]
fn an_impossible_family_is_refused_by_id_and_field_whatever_is_asked() {
    for (field, edit) in IMPOSSIBLE {
        let world = in_generation_1();
        let (engine, id) = (&world.engine, world.family);
        engine.store().edit(move |family| {
            if family.id == id {
                edit(family)
            }
        });
        let (token, request) = (&*world.token, Request::new(CLIENT));
        assert_impossible(block_on(engine.begin(token, request)), id, field);
        assert_impossible(block_on(engine.introspect(token)), id, field);
        assert_impossible(block_on(engine.explain(token, request)), id, field);
        assert_impossible(block_on(engine.revoke(token, request)), id, field);
        assert_impossible(block_on(engine.revoke_family(id, Reason::Logout)), id, field);
        assert_impossible(block_on(engine.change_grant(id, |_| grant())), id, field);
        let narrowed = block_on(engine.refresh(token, request.scope("read")));
        assert_impossible(narrowed, id, field);
        assert_impossible(world.refresh(token), id, field);
        engine.store().tell(None);
        world.assert_nothing_lost();
    }
}

#[test]
fn an_impossible_family_stops_a_selection_and_nothing_is_ended_by_it() {
    let alice = Selector::subject("alice");
    for (field, edit) in IMPOSSIBLE.into_iter().filter(|(field, _)| *field != "id") {
        let world = in_generation_1();
        let id = world.family;
        world.engine.store().edit(edit);
        let page = Page { after: None, limit: 10 };
        assert_impossible(block_on(world.engine.families(&alice, page)), id, field);
        assert_impossible(block_on(world.engine.revoke_all(&alice, Reason::Logout)), id, field);
        world.engine.store().tell(None);
        world.assert_nothing_lost();
    }
}

#[test]
fn another_familys_record_is_never_taken_for_this_one() {
    let world = in_generation_1();
    let other = block_on(world.engine.issue(grant())).unwrap();
    let record = block_on(heirloom::Store::load(world.engine.store(), other.family)).unwrap();
    let record = record.unwrap();
    world.engine.store().edit(move |family| *family = record.clone());
    assert_impossible(world.refresh(&world.token), world.family, "id");
    let begun = block_on(world.engine.begin(&world.token, Request::new(CLIENT)));
    assert_impossible(begun, world.family, "id");
    let ended = block_on(world.engine.revoke_family(world.family, Reason::Logout));
    assert_impossible(ended, world.family, "id");
    world.engine.store().tell(None);
    world.rotate(other.token.unwrap().expose());
    world.assert_nothing_lost();
}
