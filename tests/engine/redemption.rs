//! `begin` and `commit`.

use std::time::Duration;

use heirloom::testing::{ManualClock, SeededEntropy};
use heirloom::{Begun, Error, How, Outcome, Policy, Reason, Redemption, Refusal};
use pollster::block_on;

use crate::engine::step::{advance, issue, next, refusal, refused, stored};
use crate::support::{Disk, World, grant, granted, request, text};

type Ready<'a> = Box<Redemption<'a, Disk, ManualClock, SeededEntropy>>;

fn ready<'a>(world: &'a World, token: &str) -> Ready<'a> {
    match block_on(world.node.begin(token, request())).unwrap() {
        Begun::Ready(redemption) => redemption,
        Begun::Refused(why) => panic!("{why}"),
    }
}

#[test]
fn a_redemption_shows_the_grant_and_is_consumed_by_its_commit() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let redemption = ready(&world, text(&root));
    assert_eq!(redemption.grant(), &grant());
    assert_eq!(redemption.family(), &stored(&world, root.family));
    let first = granted(block_on(redemption.commit()).unwrap());
    assert_eq!((first.how, first.generation), (How::Rotated, 1));
}

#[test]
fn a_dropped_redemption_consumes_nothing() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let before = stored(&world, root.family);
    drop(ready(&world, text(&root)));
    assert_eq!(stored(&world, root.family), before);
    assert_eq!(next(&world, &root).how, How::Rotated);
}

#[test]
fn a_replay_waits_for_its_commit_too() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let first = next(&world, &root);
    let again = granted(block_on(ready(&world, text(&root)).commit()).unwrap());
    assert_eq!((again.how, text(&again)), (How::Replayed, text(&first)));
}

#[test]
fn a_breach_is_carried_out_by_begin() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    next(&world, &root);
    advance(&world, 10_000);
    match block_on(world.node.begin(text(&root), request())).unwrap() {
        Begun::Refused(why) => assert!(why.breach().is_some()),
        Begun::Ready(redemption) => panic!("{redemption:?}"),
    }
    assert!(matches!(refusal(&world, &root), Refusal::Revoked(Reason::Reuse(_))));
}

#[test]
fn a_commit_decides_again_and_refuses_what_was_revoked_meanwhile() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let redemption = ready(&world, text(&root));
    block_on(world.node.revoke_family(root.family, Reason::Administrator)).unwrap();
    let why = refused(block_on(redemption.commit()).unwrap());
    assert_eq!(why, Refusal::Revoked(Reason::Administrator));
}

/// A host looked at the grant for as long as was left of the leeway, and its honest client lost the family.
#[test]
fn a_token_that_was_shown_inside_its_leeway_is_replayed_however_long_the_host_looks() {
    for (shown_after, looked, replays) in
        [(9_999, 1, true), (9_999, 60_000, true), (10_000, 0, false)]
    {
        let world = World::new(Policy::default());
        let root = issue(&world);
        let first = next(&world, &root);
        advance(&world, shown_after);
        let begun = block_on(world.node.begin(text(&root), request())).unwrap();
        let Begun::Ready(redemption) = begun else {
            assert!(!replays, "{shown_after}: {begun:?}");
            continue;
        };
        advance(&world, looked);
        let again = granted(block_on(redemption.commit()).unwrap());
        assert_eq!((again.how, text(&again), replays), (How::Replayed, text(&first), true));
    }
}

/// Two tabs were both told that they may; the second committed when the leeway of the first's rotation was over.
#[test]
fn of_two_redemptions_of_one_token_the_later_commit_is_never_taken_for_theft() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let (one, other) = (ready(&world, text(&root)), ready(&world, text(&root)));
    let first = granted(block_on(one.commit()).unwrap());
    advance(&world, 3_600_000);
    let again = granted(block_on(other.commit()).unwrap());
    assert_eq!((again.how, text(&again)), (How::Replayed, text(&first)));
}

#[test]
fn a_commit_reads_the_clock_again_for_the_ends() {
    for (waited, lives) in [(59_999, true), (60_000, false), (60_001, false)] {
        let world = World::new(Policy::builder().idle(Duration::from_secs(60)).build().unwrap());
        let root = issue(&world);
        let redemption = ready(&world, text(&root));
        advance(&world, waited);
        match block_on(redemption.commit()).unwrap() {
            Outcome::Granted(granted) => assert_eq!((granted.how, lives), (How::Rotated, true)),
            Outcome::Refused(why) => assert_eq!((why, lives), (Refusal::Idle, false)),
        }
    }
}

#[test]
fn a_commit_after_another_use_of_the_token_replays_it() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let redemption = ready(&world, text(&root));
    let first = next(&world, &root);
    let again = granted(block_on(redemption.commit()).unwrap());
    assert_eq!((again.how, text(&again)), (How::Replayed, text(&first)));
}

#[test]
fn a_commit_fails_as_retryable_when_the_grant_has_changed_and_consumes_nothing() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let redemption = ready(&world, text(&root));
    block_on(world.node.change_grant(root.family, |_| grant().scope("read"))).unwrap();
    let error = block_on(redemption.commit()).unwrap_err();
    assert!(matches!(error, Error::GrantChanged) && error.is_retryable());
    assert_eq!(stored(&world, root.family).head.generation, 0);
    let first = granted(block_on(ready(&world, text(&root)).commit()).unwrap());
    assert_eq!(first.scope.as_str(), "read");
}

#[test]
fn a_commit_uses_the_policy_that_it_was_begun_with() {
    let world = World::new(Policy::default());
    let never = Policy::builder().rotation(heirloom::Rotation::Never).build().unwrap();
    let root = issue(&world);
    let begun = block_on(world.node.begin(text(&root), request().policy(&never))).unwrap();
    let Begun::Ready(redemption) = begun else { panic!("refused") };
    let kept = granted(block_on(redemption.commit()).unwrap());
    assert_eq!((kept.how, kept.token.is_none()), (How::Kept, true));
}
