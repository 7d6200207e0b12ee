//! S9: a record that cannot be is an error with its id and field, on every path that reads it; it is never repaired, and
//! no other family is touched.

use heirloom::family::Family;
use heirloom::store::StoreErrorKind;
use heirloom::testing::ManualClock;
use heirloom::{
    Engine, Error, Grant, Key, KeyRing, MemoryStore, Page, Policy, Request, Selector, SystemClock,
    Timestamp,
};
use pollster::block_on;

type Node = Engine<MemoryStore, ManualClock>;

fn node() -> Node {
    let keys = KeyRing::new(Key::new(1, &[1; 32]).unwrap());
    let clock = ManualClock::at(Timestamp::from_millis(1_700_000_000_000));
    let engine: Engine<MemoryStore, SystemClock> =
        Engine::new(MemoryStore::new(), keys, Policy::default());
    engine.with_clock(clock)
}

fn issue(node: &Node) -> String {
    let issued = block_on(node.issue(Grant::new("alice", "web-app").scope("read"))).unwrap();
    issued.token.unwrap().into_exposed()
}

type Damage = fn(&mut Family);

/// Every way in which a damaged record contradicts itself, with the field that the error must name.
fn damages() -> [(&'static str, Damage); 5] {
    [
        ("version", |family| family.version = 0),
        ("expires_at", |family| family.expires_at = Some(Timestamp::ZERO)),
        ("used_at", |family| family.head.used_at = Timestamp::ZERO),
        ("idle_expires_at", |family| family.head.idle_expires_at = Some(Timestamp::ZERO)),
        ("predecessor", |family| family.head.generation = 1),
    ]
}

#[test]
fn an_impossible_record_is_an_error_with_its_id_and_field_wherever_it_is_read() {
    for (field, damage) in damages() {
        let node = node();
        let token = issue(&node);
        let mut families = node.store().snapshot();
        damage(&mut families[0]);
        let id = families[0].id;
        node.store().restore(families.clone());

        let narrowed = Request::new("web-app").scope("read");
        let page = Page { after: None, limit: 9 };
        for error in [
            block_on(node.refresh(&token, narrowed)).map(drop),
            block_on(node.begin(&token, narrowed)).map(drop),
            block_on(node.introspect(&token)).map(drop),
            block_on(node.explain(&token, narrowed)).map(drop),
            block_on(node.revoke(&token, narrowed)).map(drop),
            block_on(node.change_grant(id, |_| Grant::new("alice", "web-app"))),
            block_on(node.families(&Selector::subject("alice"), page)).map(drop),
        ] {
            is_impossible(&error.unwrap_err(), id, field);
        }
        assert_eq!(node.store().snapshot(), families, "{field}: repaired");
    }
}

/// Also when the guard does not hold, and the family comes back from the write.
#[test]
fn an_impossible_record_that_a_write_returns_is_an_error_too() {
    let node = node();
    let token = issue(&node);
    let mut families = node.store().snapshot();
    families[0].head.generation = 7;
    let id = families[0].id;
    node.store().restore(families);
    let error = block_on(node.refresh(&token, Request::new("web-app"))).unwrap_err();
    is_impossible(&error, id, "predecessor");
}

fn is_impossible(error: &Error, id: heirloom::FamilyId, field: &str) {
    let Error::Store(error) = error else { panic!("{field}: {error:?}") };
    let StoreErrorKind::Impossible(impossible) = error.kind() else { panic!("{field}: {error}") };
    assert_eq!((impossible.family, impossible.field), (id, field));
    assert!(!error.is_retryable());
}
