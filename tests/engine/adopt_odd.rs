//! Odd legacy strings, and legacy tokens under other policies.

use std::time::Duration;

use heirloom::adoption::{Legacy, LegacyError};
use heirloom::engine::Adopted;
use heirloom::testing::token;
use heirloom::token::Position;
use heirloom::{Ends, FamilyId, How, Leeway, LeewayMode, Policy, Refusal, Rotation, Timestamp};
use pollster::block_on;

use crate::engine::adopt::{DAY, LEGACY, adopt, adopted, show, until, world};
use crate::engine::step::{advance, next, refused, stored};
use crate::support::{granted, key, request, text};

#[test]
fn every_byte_of_a_legacy_string_counts_whatever_it_is() {
    let world = world();
    let long = "x".repeat(Legacy::MAX_LEN);
    let strings = [
        "a",
        "a ",
        " a",
        "A",
        "a\n",
        "\0",
        "\u{e9}",
        "e\u{301}",
        "\u{1f511}",
        "rt_",
        "rt_x",
        &long,
    ];
    let mut families = std::collections::BTreeSet::new();
    for string in strings {
        let adopted = adopt(&world.node, string).unwrap();
        assert!(matches!(adopted, Adopted::New(_)), "{string:?}");
        assert!(families.insert(adopted.family()), "{string:?}");
    }
    for string in strings {
        let one = granted(show(&world, string));
        assert_eq!((one.how, one.generation), (How::Rotated, 1), "{string:?}");
        assert!(families.remove(&one.family), "{string:?}");
    }
}

#[test]
fn nothing_and_too_much_are_no_legacy_tokens_and_cost_the_store_nothing() {
    let world = world();
    let huge = "x".repeat(Legacy::MAX_LEN + 1);
    assert_eq!(Legacy::token(""), Err(LegacyError::Empty));
    assert_eq!(Legacy::token(&huge), Err(LegacyError::TooLong { len: Legacy::MAX_LEN + 1 }));
    for string in ["", &huge] {
        assert!(matches!(refused(show(&world, string)), Refusal::Malformed(_)));
    }
    assert_eq!(world.store.take_operations().total(), 0);
}

/// Another system's token may have the form of ours, even the tag of a key that is no more.
#[test]
fn a_legacy_string_that_looks_like_one_of_ours_is_adopted_all_the_same() {
    let world = world();
    let at = Position { family: FamilyId::from_bytes([5; 16]), branch: 0, generation: 3 };
    let foreign = token(&key(77), at, [6; 32]);
    assert!(matches!(refused(show(&world, foreign.expose())), Refusal::UnknownKey(_)));
    adopt(&world.node, foreign.expose()).unwrap();
    assert_eq!(granted(show(&world, foreign.expose())).generation, 1);

    let mut forged = token(&key(1), at, [6; 32]).expose().to_owned();
    forged.replace_range(60..61, if &forged[60..61] == "A" { "B" } else { "A" });
    assert_eq!(refused(show(&world, &forged)), Refusal::Forged);
    adopt(&world.node, &forged).unwrap();
    assert_eq!(granted(show(&world, &forged)).generation, 1);
}

/// What our own keys have tagged is ours, adopted or not.
#[test]
fn a_token_of_ours_is_never_taken_for_a_legacy_one() {
    let world = world();
    let issued = block_on(world.node.issue(crate::support::grant())).unwrap();
    adopt(&world.node, text(&issued)).unwrap();
    assert_eq!(granted(show(&world, text(&issued))).family, issued.family);
}

#[test]
fn a_legacy_token_that_is_never_rotated_is_refused_from_its_date_on_however_it_is_used() {
    for idle in [None, Some(Duration::from_secs(30 * 86_400)), Some(Duration::from_secs(86_400))] {
        for ends in [Ends::Stored, Ends::Live] {
            let world = world();
            let never = Policy::builder().rotation(Rotation::Never).idle(idle).ends(ends);
            world.node.set_policy(never.build().unwrap());
            let id = adopted(&world);
            for _ in 0..19 {
                advance(&world, DAY / 2);
                assert_eq!(granted(show(&world, LEGACY)).how, How::Kept, "{idle:?} {ends:?}");
            }
            stored(&world, id).check().unwrap();
            world.clock.set(Timestamp::from_millis(until().as_millis() - 1));
            assert_eq!(granted(show(&world, LEGACY)).how, How::Kept);
            world.clock.set(until());
            assert_eq!(refused(show(&world, LEGACY)), Refusal::Idle, "{idle:?} {ends:?}");
        }
    }
}

/// A token that is kept costs a write each sixteenth of the idle lifetime at most; without one, none.
#[test]
fn a_legacy_token_that_is_kept_without_an_idle_lifetime_is_written_at_most_once() {
    let world = world();
    let never = Policy::builder().rotation(Rotation::Never).idle(None).build().unwrap();
    world.node.set_policy(never);
    adopted(&world);
    granted(show(&world, LEGACY));
    world.store.take_operations();
    for _ in 0..3 {
        assert_eq!(granted(show(&world, LEGACY)).how, How::Kept);
    }
    assert_eq!(world.store.take_operations().writes(), 0);
}

#[test]
fn a_legacy_token_under_newest_fork_and_counted_leeways_is_like_any_predecessor() {
    let ten = Duration::from_secs(10);
    for (leeway, how) in [
        (Leeway::newest(ten), How::Renewed),
        (Leeway::fork(ten, 2), How::Forked),
        (Leeway::replay(ten).uses(1), How::Replayed),
        (Leeway::until_used(LeewayMode::Replay), How::Replayed),
    ] {
        let world = world();
        world.node.set_policy(Policy::builder().leeway(leeway).build().unwrap());
        adopted(&world);
        let one = granted(show(&world, LEGACY));
        let again = granted(show(&world, LEGACY));
        assert_eq!((again.how, again.generation), (how, 1));
        let onward = granted(block_on(world.node.refresh(text(&again), request())).unwrap());
        assert_eq!(onward.generation, 2);
        drop(one);
    }
}

/// The first exchange looks, because a legacy token is not one that the guard can state; the next need not.
#[test]
fn an_adopted_family_is_as_cheap_as_any_other_after_its_first_exchange() {
    let world = world();
    adopted(&world);
    world.store.take_operations();
    let one = granted(show(&world, LEGACY));
    assert_eq!(world.store.take_operations().total(), 2);
    let two = next(&world, &one);
    assert_eq!(world.store.take_operations().total(), 1);
    next(&world, &two);
    assert_eq!(world.store.take_operations().total(), 1);
}
