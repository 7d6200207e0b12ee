//! A web application's story. It is open in two tabs; both wake up when the access token has run out, and both refresh. The
//! train is in a tunnel when a response comes. And one day somebody has copied the token.

use std::sync::{Arc, Mutex};

use heirloom::event::EventKind;
use heirloom::family::Reuse;
use heirloom::{Engine, Event, KeyRing, Leeway, Policy, Reason, Refusal, profile};
use pollster::block_on;

use crate::support::{grant, granted, key, request, text};
use crate::systems::stage::{HOUR, MINUTE, MS, SECOND, Shown, Stage};

/// Without a leeway the second tab is taken for a thief, three tenths of a second after the first: a logout in both.
#[test]
fn without_a_leeway_the_second_tab_logs_the_first_out() {
    let stage = Stage::new(profile::rfc9700_public());
    let token = stage.consent();
    stage.at(HOUR);
    let of_the_first = stage.show(&token).new_token();
    stage.wait(SECOND * 3 / 10);
    let evidence = stage.show(&token).breach();
    assert_eq!((evidence.generations_behind, evidence.successor_used), (1, false));
    assert!(!stage.is_good(&of_the_first));
}

/// With a leeway that replays both tabs have the same token, round after round, also when they look before either writes.
#[test]
fn with_a_leeway_two_tabs_have_one_token() {
    let stage = Stage::new(profile::lucid());
    let mut token = stage.consent();
    for round in 1..=24 {
        stage.at(round * HOUR);
        let answers = stage.show_at_once(&token, 2);
        let [Shown::New(one), Shown::Again(other)] = answers.as_slice() else {
            panic!("{answers:?}")
        };
        assert_eq!(one, other);
        stage.wait(MINUTE - MS);
        assert_eq!(&stage.show(&token).again(), one);
        token = one.clone();
    }
}

/// The response is lost in the tunnel. The tab has nothing but the old token, and five seconds later it asks again.
#[test]
fn a_lost_response_is_asked_for_again() {
    let stage = Stage::new(profile::lucid());
    let token = stage.consent();
    stage.at(HOUR);
    let lost = stage.show(&token).new_token();
    stage.wait(5 * SECOND);
    let found = stage.show(&token).again();
    assert_eq!(found, lost);
    stage.wait(HOUR);
    stage.show(&found).new_token();

    // The tunnel is longer than the leeway: the user signs in again, and the evidence says that nobody else was there.
    let stage = Stage::new(profile::lucid());
    let token = stage.consent();
    stage.show(&token).new_token();
    stage.wait(MINUTE);
    let evidence = stage.show(&token).breach();
    let wanted = Reuse { generations_behind: 1, since_rotation: MINUTE, successor_used: false };
    assert_eq!(evidence, wanted);
}

/// Somebody has copied the token and shows it inside the leeway, after its owner. He is answered like a second tab, and nobody
/// can know yet. But both now hold the same token and nothing else: in the next round the one who is second, and later
/// than the leeway, is found out, whoever it is.
#[test]
fn a_thief_inside_the_leeway_is_found_out_in_the_next_round() {
    for thief_is_second in [true, false] {
        let stage = Stage::new(profile::lucid());
        let token = stage.consent();
        stage.at(HOUR);
        let of_the_owner = stage.show(&token).new_token();
        stage.wait(30 * SECOND);
        let of_the_thief = stage.show(&token).again();
        assert_eq!(of_the_owner, of_the_thief);

        let (first, second) = match thief_is_second {
            true => (of_the_owner, of_the_thief),
            false => (of_the_thief, of_the_owner),
        };
        stage.at(2 * HOUR);
        let next = stage.show(&first).new_token();
        stage.wait(20 * MINUTE);
        let evidence = stage.show(&second).breach();
        assert_eq!((evidence.generations_behind, evidence.since_rotation), (1, 20 * MINUTE));
        // Neither has anything that is good: the owner signs in again, the thief cannot.
        assert!(!stage.is_good(&next) && !stage.is_good(&second) && !stage.is_good(&token));
        assert!(matches!(stage.show(&next).refused(), Refusal::Revoked(Reason::Reuse(_))));
    }
}

/// Once the chain has gone on, the thief's copy is older than the predecessor: found out at once, leeway or not.
#[test]
fn a_thief_who_comes_after_the_next_exchange_is_found_out_at_once() {
    let stage = Stage::new(profile::lucid());
    let copied = stage.consent();
    let second = stage.show(&copied).new_token();
    let third = stage.show(&second).new_token();
    stage.wait(MS);
    let evidence = stage.show(&copied).breach();
    assert_eq!((evidence.generations_behind, evidence.successor_used), (2, true));
    assert!(!stage.is_good(&third));
}

/// What the leeway costs: a thief who keeps pace, inside it at every round, is never found out by the rule. Each of his
/// presentations is an event, and a pattern of them is what an operator looks for.
#[test]
fn a_thief_who_keeps_pace_shows_in_the_events_alone() {
    let stage = Stage::new(profile::lucid());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heard);
    let node = Engine::new(stage.world.store.clone(), KeyRing::new(key(1)), profile::lucid())
        .with_clock(stage.world.clock.clone())
        .with_observer(Arc::new(move |event: &Event| log.lock().unwrap().push(event.kind)));
    let shown = |token: &str| granted(block_on(node.refresh(token, request())).unwrap());
    let issued = block_on(node.issue(grant())).unwrap();
    let mut token = text(&issued).to_owned();
    for round in 1..=10 {
        stage.at(round * HOUR);
        let of_the_owner = text(&shown(&token)).to_owned();
        stage.wait(40 * SECOND);
        assert_eq!(text(&shown(&token)), of_the_owner);
        token = of_the_owner;
    }
    let late = EventKind::Replayed { since_rotation: 40 * SECOND };
    let events = heard.lock().unwrap();
    assert_eq!(events.iter().filter(|kind| **kind == late).count(), 10);
    assert!(!events.iter().any(|kind| matches!(kind, EventKind::Revoked(_))));
}

/// Under a fork the thief has a chain of his own: owner and thief never meet, and nothing ever tells.
#[test]
fn under_a_fork_the_thief_keeps_what_he_has() {
    let stage = Stage::new(Policy::builder().leeway(Leeway::fork(MINUTE, 2)).build().unwrap());
    let token = stage.consent();
    let mut of_the_owner = stage.show(&token).new_token();
    stage.wait(30 * SECOND);
    let mut of_the_thief = stage.show(&token).new_token();
    for _ in 0..100 {
        stage.wait(HOUR);
        of_the_owner = stage.show(&of_the_owner).new_token();
        of_the_thief = stage.show(&of_the_thief).new_token();
    }
}

/// Where the newest wins, the thief shuts the owner out, who notices in the next round; where a displaced token is theft,
/// the thief is out as well.
#[test]
fn under_newest_the_owner_notices_in_the_next_round() {
    use heirloom::Mismatch;
    for (displaced, thief_stays) in [(Mismatch::Refuse, true), (Mismatch::Revoke, false)] {
        let policy = Policy::builder().leeway(Leeway::newest(MINUTE)).displaced(displaced);
        let stage = Stage::new(policy.build().unwrap());
        let token = stage.consent();
        let of_the_owner = stage.show(&token).new_token();
        stage.wait(30 * SECOND);
        let of_the_thief = stage.show(&token).new_token();
        stage.wait(HOUR);
        match stage.show(&of_the_owner) {
            Shown::Refused(why) => assert_eq!(why, Refusal::Displaced),
            other => assert_eq!(other.breach().generations_behind, 0),
        }
        assert_eq!(stage.is_good(&of_the_thief), thief_stays);
    }
}
