//! The key ring in use: rotation of keys, a key that is missing, a prefix that changes.

use std::time::Duration;

use heirloom::key::KeyId;
use heirloom::{Begun, Error, Grant, How, Key, KeyRing, Leeway, Policy, Prefix, Refusal};
use pollster::block_on;

use crate::engine::step::{issue, next, refusal};
use crate::support::{World, key, node, request, text};

/// A second key, with a prefix of its own.
fn acme() -> Key {
    Key::with_prefix(2, Prefix::new("acme").unwrap(), &[2; 32]).unwrap()
}

fn both() -> KeyRing {
    KeyRing::new(key(1)).accept(acme()).unwrap()
}

#[test]
fn a_family_moves_to_the_active_key_at_its_next_rotation() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    world.node.set_keys(both().activate(2).unwrap());
    let first = next(&world, &root);
    assert!(text(&first).starts_with("acme_"), "{first:?}");
    assert_eq!(next(&world, &first).generation, 2);
}

/// P14 across a change of key and prefix: the very same string.
#[test]
fn a_replay_is_made_with_the_key_that_made_it_first() {
    let world = World::new(Policy::default());
    world.node.set_keys(both());
    let root = issue(&world);
    let first = next(&world, &root);
    world.node.set_keys(both().activate(2).unwrap());
    let again = next(&world, &root);
    assert_eq!((again.how, text(&again)), (How::Replayed, text(&first)));
    assert!(text(&again).starts_with("rt_"));
}

#[test]
fn the_tokens_of_a_removed_key_are_refused_for_that_reason() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    world.node.set_keys(both().activate(2).unwrap().remove(1).unwrap());
    // No key of the ring has the prefix `rt` any more, so it is not even looked at further.
    assert!(matches!(refusal(&world, &root), Refusal::Malformed(_)));
    let same_prefix = KeyRing::new(key(2));
    world.node.set_keys(same_prefix);
    assert_eq!(refusal(&world, &root), Refusal::UnknownKey(KeyId::new(1)));
    world.node.set_keys(both());
    assert_eq!(next(&world, &root).how, How::Rotated);
}

#[test]
fn a_successor_whose_key_is_missing_is_our_error_and_no_refusal() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    world.node.set_keys(both().activate(2).unwrap());
    let first = next(&world, &root);
    world.node.set_keys(KeyRing::new(key(1)));
    let error = block_on(world.node.refresh(text(&root), request())).unwrap_err();
    assert!(matches!(&error, Error::KeyMissing { family, key }
        if *family == root.family && *key == KeyId::new(2)));
    world.node.set_keys(both());
    assert_eq!(text(&next(&world, &root)), text(&first));
}

#[test]
fn one_keys_prefix_does_not_open_another_keys_tag() {
    let world = World::new(Policy::default());
    world.node.set_keys(both());
    let root = issue(&world);
    let dressed = text(&root).replacen("rt_", "acme_", 1);
    let outcome = block_on(world.node.refresh(&dressed, request())).unwrap();
    assert_eq!(crate::engine::step::refused(outcome), Refusal::Forged);
}

/// A call in flight goes on with the ring that it began with, also when a commit comes after the swap.
#[test]
fn a_redemption_is_committed_with_the_keys_that_it_was_begun_with() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let begun = block_on(world.node.begin(text(&root), request())).unwrap();
    let heirloom::Begun::Ready(redemption) = begun else { panic!("refused") };
    world.node.set_keys(both().activate(2).unwrap());
    let first = crate::support::granted(block_on(redemption.commit()).unwrap());
    assert!(text(&first).starts_with("rt_"));
    assert_eq!(next(&world, &first).how, How::Rotated);
}

/// A node that lacked the key of a counted replay said so at the commit, though the grant had changed since `begin`: the same
/// replay uncounted was told of the change. What is stored now comes before what this node lacks.
#[test]
fn a_commit_is_told_of_a_changed_grant_before_a_missing_key() {
    for uses in [None, Some(3)] {
        let leeway = Leeway::replay(Duration::from_secs(10));
        let leeway = uses.map_or(leeway, |uses| leeway.uses(uses));
        let world = World::new(Policy::builder().leeway(leeway).build().unwrap());
        let root = issue(&world);
        world.node.set_keys(both().activate(2).unwrap());
        next(&world, &root);
        let lacking = node(&world.store, &world.clock, Policy::clone(&world.node.policy()), 2);
        for changes in [false, true] {
            let Begun::Ready(redemption) = block_on(lacking.begin(text(&root), request())).unwrap()
            else {
                panic!("refused")
            };
            if changes {
                // What it takes away is nothing that the replay would be refused for.
                let change = |grant: &Grant| grant.clone().attribute("device", "phone");
                block_on(world.node.change_grant(root.family, change)).unwrap();
            }
            let error = block_on(redemption.commit()).unwrap_err();
            match changes {
                true => assert!(matches!(error, Error::GrantChanged), "{uses:?}: {error}"),
                false => assert!(matches!(error, Error::KeyMissing { .. }), "{uses:?}: {error}"),
            }
            assert!(error.is_retryable());
        }
    }
}
