//! Policies changed at run time, and all families but one.

use heirloom::family::Status;
use heirloom::{Grant, How, Policy, Reason, Refusal, Rotation, Selector};
use pollster::block_on;

use crate::engine::step::{advance, issue, next, refusal, stored};
use crate::support::{World, text};

#[test]
fn a_policy_that_is_swapped_rules_the_next_call_and_switching_back_leaves_the_newest_token_good() {
    let never = Policy::builder().rotation(Rotation::Never).build().unwrap();
    let world = World::new(never.clone());
    let root = issue(&world);
    assert_eq!(next(&world, &root).how, How::Kept);
    world.node.set_policy(Policy::default());
    assert_eq!(*world.node.policy(), Policy::default());
    let first = next(&world, &root);
    assert_eq!((first.how, first.generation), (How::Rotated, 1));
    // The old token is under the leeway.
    let again = next(&world, &root);
    assert_eq!((again.how, text(&again)), (How::Replayed, text(&first)));
    world.node.set_policy(never);
    assert_eq!(next(&world, &first).how, How::Kept);
    advance(&world, 10_000);
    assert!(refusal(&world, &root).breach().is_some());
}

#[test]
fn a_call_in_flight_goes_on_with_the_policy_that_it_began_with() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let begun = block_on(world.node.begin(text(&root), crate::support::request())).unwrap();
    let heirloom::Begun::Ready(redemption) = begun else { panic!("refused") };
    world.node.set_policy(Policy::builder().rotation(Rotation::Never).build().unwrap());
    let outcome = block_on(redemption.commit()).unwrap();
    assert_eq!(crate::support::granted(outcome).how, How::Rotated);
}

#[test]
fn signing_out_all_other_devices_leaves_this_one() {
    let world = World::new(Policy::default());
    let tokens = [(); 3].map(|()| issue(&world));
    let tv = block_on(world.node.issue(Grant::new("alice", "tv"))).unwrap();
    let bob = block_on(world.node.issue(Grant::new("bob", "web-app"))).unwrap();
    let alice = Selector::subject("alice");
    let keep = tokens[1].family;
    let others = || block_on(world.node.revoke_others(&alice, keep, Reason::Logout)).unwrap();
    assert_eq!((others(), others()), (3, 0));
    for ended in [&tokens[0], &tokens[2], &tv] {
        let status = stored(&world, ended.family).status;
        assert!(matches!(status, Status::Revoked(it) if it.reason == Reason::Logout));
    }
    assert_eq!(next(&world, &tokens[1]).generation, 1);
    assert_eq!(stored(&world, bob.family).status, Status::Live);
}

#[test]
fn to_keep_a_family_that_is_not_selected_keeps_none() {
    let world = World::new(Policy::default());
    let tokens = [(); 2].map(|()| issue(&world));
    let bob = block_on(world.node.issue(Grant::new("bob", "web-app"))).unwrap();
    let alice = Selector::subject("alice");
    let ended = block_on(world.node.revoke_others(&alice, bob.family, Reason::Logout)).unwrap();
    assert_eq!(ended, 2);
    assert_eq!(refusal(&world, &tokens[0]), Refusal::Revoked(Reason::Logout));
    assert_eq!(stored(&world, bob.family).status, Status::Live);
}
