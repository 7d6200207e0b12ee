//! The same seven sequences under each system's policy, and where they come to something else than in the system itself.
//!
//! R1 is exchanged for R2. Inside is the last millisecond of the leeway, outside the instant of its end; where a leeway has no
//! timer, both are a week later.

use std::time::Duration;

use heirloom::policy::PolicyError;
use heirloom::{
    Leeway, LeewayEnd, LeewayMode, Mismatch, Policy, Reaction, Refusal, Rotation, profile,
};

use crate::systems::stage::{DAY, MINUTE, MS, SECOND, Shown, Stage};

/// What each sequence comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Row {
    /// R1 again, inside.
    inside: &'static str,
    /// Then R2 is used.
    then_successor: &'static str,
    /// R2 is exchanged for R3; then R1, inside.
    grandparent: &'static str,
    /// R1 again, outside.
    outside: &'static str,
    /// R1 twice at once.
    at_once: &'static str,
    /// The family is ended; then R1, inside.
    after_end: &'static str,
    /// Another client shows R1.
    other_client: &'static str,
}

impl Row {
    fn of(policy: &Policy) -> Self {
        Self {
            inside: inside(policy),
            then_successor: then_successor(policy),
            grandparent: grandparent(policy),
            outside: outside(policy),
            at_once: at_once(policy),
            after_end: after_end(policy),
            other_client: other_client(policy),
        }
    }
}

/// How long after its exchange R1 is still inside, and when it is outside.
fn edges(policy: &Policy) -> (Duration, Duration) {
    match policy.leeway().map(|leeway| leeway.end()) {
        Some(LeewayEnd::After(window)) => (window - MS, window),
        Some(_) => (7 * DAY, 7 * DAY),
        None => (Duration::ZERO, Duration::ZERO),
    }
}

/// A stage on which R1 has just been exchanged for R2.
fn exchanged(policy: &Policy) -> (Stage, String, String) {
    let stage = Stage::new(policy.clone());
    let first = stage.consent();
    stage.wait(MINUTE);
    let second = stage.show(&first).new_token();
    (stage, first, second)
}

/// A word for an answer beside an earlier one, whether that is still good or not.
fn word(stage: &Stage, shown: &Shown, earlier: &str) -> &'static str {
    match shown {
        Shown::Again(token) if token == earlier => "the same",
        Shown::Again(_) => "an earlier one",
        Shown::New(_) if stage.is_good(earlier) => "another",
        Shown::New(_) => "another, the first dead",
        Shown::Kept => "kept",
        Shown::Breach(_) => "breach",
        Shown::Refused(_) => "refused",
    }
}

fn inside(policy: &Policy) -> &'static str {
    let (stage, first, second) = exchanged(policy);
    stage.wait(edges(policy).0);
    word(&stage, &stage.show(&first), &second)
}

fn then_successor(policy: &Policy) -> &'static str {
    let (stage, first, second) = exchanged(policy);
    stage.wait(edges(policy).0);
    stage.show(&first);
    match stage.show(&second) {
        Shown::New(_) => "ok",
        Shown::Breach(_) => "breach",
        other => word(&stage, &other, &second),
    }
}

fn grandparent(policy: &Policy) -> &'static str {
    let (stage, first, second) = exchanged(policy);
    let third = stage.show(&second).new_token();
    stage.wait(edges(policy).0);
    word(&stage, &stage.show(&first), &third)
}

fn outside(policy: &Policy) -> &'static str {
    let (stage, first, second) = exchanged(policy);
    stage.wait(edges(policy).1);
    word(&stage, &stage.show(&first), &second)
}

fn at_once(policy: &Policy) -> &'static str {
    let stage = Stage::new(policy.clone());
    let first = stage.consent();
    let answers = stage.show_at_once(&first, 2);
    word(&stage, &answers[1], &answers[0].clone().new_token())
}

fn after_end(policy: &Policy) -> &'static str {
    let (stage, first, second) = exchanged(policy);
    stage.logs_out(&second);
    stage.wait(edges(policy).0);
    word(&stage, &stage.show(&first), &second)
}

fn other_client(policy: &Policy) -> &'static str {
    let (stage, first, second) = exchanged(policy);
    let why = stage.show_by(&first, "other-app").refused();
    assert!(matches!(why, Refusal::ClientMismatch { .. }), "{why}");
    if stage.is_good(&second) { "no effect" } else { "family ended" }
}

/// What every policy answers alike.
const REPLAY: Row = Row {
    inside: "the same",
    then_successor: "ok",
    grandparent: "breach",
    outside: "breach",
    at_once: "the same",
    after_end: "refused",
    other_client: "no effect",
};

const SIBLINGS: Row = Row { inside: "another", at_once: "another", ..REPLAY };

const STRICT: Row =
    Row { inside: "breach", at_once: "breach", then_successor: "refused", ..REPLAY };

#[test]
fn heirloom_by_default() {
    assert_eq!(Row::of(&Policy::default()), REPLAY);
}

/// As documented, in all five sequences. After a logout Auth0's answer is undocumented, and so is what another client does.
#[test]
fn auth0() {
    assert_eq!(Row::of(&profile::auth0(MINUTE).unwrap()), SIBLINGS);
    assert_eq!(Row::of(&profile::auth0(Duration::ZERO).unwrap()), STRICT);
}

/// As documented, but for the last: another client that shows a spent token ends the family there. Here it has no effect,
/// unless the policy says so; then it is as there.
#[test]
fn django_oauth_toolkit() {
    let own = profile::django_oauth_toolkit(MINUTE).unwrap();
    assert_eq!(Row::of(&own), REPLAY);
    let as_there = own.to_builder().wrong_client(Mismatch::Revoke).build().unwrap();
    assert_eq!(Row::of(&as_there), Row { other_client: "family ended", ..REPLAY });
    // Its default: the grace period is zero, and reuse is protected from only where that is turned on.
    let bare = profile::django_oauth_toolkit(Duration::ZERO).unwrap();
    let bare = bare.to_builder().on_reuse(Reaction::Refuse).build().unwrap();
    let refused = Row {
        inside: "refused",
        then_successor: "ok",
        grandparent: "refused",
        outside: "refused",
        at_once: "refused",
        ..REPLAY
    };
    assert_eq!(Row::of(&bare), refused);
}

/// Version 2, as documented, but for the grandparent: there it is answered with the active token, whoever shows it. Here
/// it is a breach: its successor has been used.
#[test]
fn supabase() {
    let nearest = Policy::builder().leeway(Leeway::until_used(LeewayMode::Replay));
    let nearest = nearest.build().unwrap();
    assert_eq!(Row::of(&nearest), Row { outside: "the same", ..REPLAY });
}

/// As documented, in all sequences: the newest wins, and what it displaced is theft.
#[test]
fn supertokens() {
    let nearest = Policy::builder().leeway(Leeway::newest(30 * SECOND));
    let nearest = nearest.displaced(Mismatch::Revoke).idle(100 * DAY).absolute(None);
    let row = Row {
        inside: "another, the first dead",
        then_successor: "breach",
        at_once: "another, the first dead",
        ..REPLAY
    };
    assert_eq!(Row::of(&nearest.build().unwrap()), row);
}

/// As documented, but for the grandparent, which forks there and is a breach here, and for another client, which ends
/// the family there and has no effect here.
#[test]
fn hydra() {
    let nearest = Policy::builder().leeway(Leeway::fork(MINUTE, 32)).build().unwrap();
    assert_eq!(Row::of(&nearest), SIBLINGS);
}

/// A count and no timer: the second retry is one too many. Which answer stays good there is undocumented.
#[test]
fn keycloak() {
    let nearest = Policy::builder().leeway(Leeway::until_used(LeewayMode::Newest).uses(1));
    let nearest = nearest.build().unwrap();
    let newest = Row {
        inside: "another, the first dead",
        then_successor: "refused",
        outside: "another, the first dead",
        at_once: "another, the first dead",
        ..REPLAY
    };
    assert_eq!(Row::of(&nearest), newest);
    let (stage, first, _) = exchanged(&nearest);
    stage.show(&first).new_token();
    assert!(!stage.show(&first).breach().successor_used);
}

/// As documented: of three at once one succeeds, and then all is over.
#[test]
fn node_oidc_provider() {
    let stage = Stage::new(Policy::builder().leeway(None).build().unwrap());
    let first = stage.consent();
    let answers = stage.show_at_once(&first, 3);
    let Shown::New(second) = &answers[0] else { panic!("{answers:?}") };
    answers[1].clone().breach();
    answers[2].clone().refused();
    assert!(!stage.is_good(second));
}

/// As documented: a new token at each presentation. What the first of them is good for is undocumented; here each is a
/// chain of its own.
#[test]
fn atlassian() {
    for (policy, window) in
        [(profile::atlassian_2021(), 3 * SECOND), (profile::atlassian(), 10 * MINUTE)]
    {
        assert_eq!(edges(&policy), (window - MS, window));
        assert_eq!(Row::of(&policy), SIBLINGS);
    }
}

/// Undocumented: which token a retry is answered with, and the grandparent.
#[test]
fn okta() {
    assert_eq!(edges(&profile::okta()).1, 30 * SECOND);
    assert_eq!(Row::of(&profile::okta()), REPLAY);
}

/// As documented, but that the successor's use ends the leeway here.
#[test]
fn lucid() {
    assert_eq!(Row::of(&profile::lucid()), REPLAY);
}

/// Two at most: the third presentation is refused here, where the oldest dies there. Of three families the oldest is ended.
#[test]
fn slack() {
    assert_eq!(Row::of(&profile::slack()), SIBLINGS);
    let (stage, first, second) = exchanged(&profile::slack());
    let beside = stage.show(&first).new_token();
    assert_eq!(stage.show(&first).refused(), Refusal::TooManyBranches);
    assert!(stage.is_good(&second) && stage.is_good(&beside));
    stage.wait(MS);
    let (other, _) = (stage.consent(), stage.wait(MS));
    let newest = stage.consent();
    let good = [&second, &beside, &other, &newest].map(|token| stage.is_good(token));
    assert_eq!(good, [false, false, true, true]);
}

#[test]
fn fitbit() {
    assert_eq!(edges(&profile::fitbit()).1, 2 * MINUTE);
    assert_eq!(Row::of(&profile::fitbit()), REPLAY);
}

/// Reuse ends nothing, as documented. There each retry extends the window, and the grandparent is answered too: here it is
/// refused.
#[test]
fn fauna_blueprint() {
    let row = Row { grandparent: "refused", outside: "refused", ..SIBLINGS };
    assert_eq!(Row::of(&profile::fauna_blueprint()), row);
    let (stage, first, second) = exchanged(&profile::fauna_blueprint());
    stage.wait(20 * SECOND);
    assert!(matches!(stage.show(&first).refused(), Refusal::Spent(_)));
    assert!(stage.is_good(&second));
}

/// RFC 9700 section 4.14.2: the second use of a token, whoever makes it, ends the family.
#[test]
fn rfc9700_public() {
    assert_eq!(Row::of(&profile::rfc9700_public()), STRICT);
}

/// FAPI 2.0 section 5.3.2.1: the token stays as it is.
#[test]
fn fapi2_confidential() -> Result<(), PolicyError> {
    let policy = profile::fapi2_confidential();
    let stage = Stage::new(policy.clone());
    let token = stage.consent();
    for _ in 0..3 {
        stage.wait(DAY);
        assert_eq!(stage.show_at_once(&token, 2), [Shown::Kept, Shown::Kept]);
    }
    // In extraordinary circumstances it rotates, and an honest retry is answered.
    let rotating = policy.to_builder().rotation(Rotation::EveryUse).build()?;
    assert_eq!(Row::of(&rotating), REPLAY);
    Ok(())
}
