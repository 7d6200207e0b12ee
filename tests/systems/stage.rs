//! Where the stories play: one node, a clock set by hand, and what a token comes to when it is shown.

use std::time::Duration;

use heirloom::engine::Introspection;
use heirloom::family::Reuse;
use heirloom::{FamilyId, Grant, Granted, How, Outcome, Policy, Refusal, Request, RevokeOutcome};
use pollster::block_on;

use crate::support::{START, World, granted, request, text};

pub const SECOND: Duration = Duration::from_secs(1);
pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3600);
pub const DAY: Duration = Duration::from_secs(86_400);
pub const MS: Duration = Duration::from_millis(1);

/// What came of a token that was shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Shown {
    /// Exchanged for this one.
    New(String),
    /// This one again.
    Again(String),
    /// It stays good.
    Kept,
    /// Taken for theft: all ends.
    Breach(Reuse),
    /// Refused, and nothing else.
    Refused(Refusal),
}

impl Shown {
    #[track_caller]
    pub fn new_token(self) -> String {
        match self {
            Self::New(token) => token,
            other => panic!("not a new token: {other:?}"),
        }
    }

    #[track_caller]
    pub fn again(self) -> String {
        match self {
            Self::Again(token) => token,
            other => panic!("not the same again: {other:?}"),
        }
    }

    #[track_caller]
    pub fn breach(self) -> Reuse {
        match self {
            Self::Breach(reuse) => reuse,
            other => panic!("not a breach: {other:?}"),
        }
    }

    #[track_caller]
    pub fn refused(self) -> Refusal {
        match self {
            Self::Refused(why) => why,
            other => panic!("not refused: {other:?}"),
        }
    }
}

pub struct Stage {
    pub world: World,
}

impl Stage {
    pub fn new(policy: Policy) -> Self {
        Self { world: World::new(policy) }
    }

    /// The user consents.
    pub fn consent(&self) -> String {
        self.consent_to("web-app")
    }

    pub fn consent_to(&self, client: &str) -> String {
        let issued = block_on(self.world.node.issue(Grant::new("alice", client).scope("read")));
        text(&issued.unwrap()).to_owned()
    }

    /// So long after the beginning.
    pub fn at(&self, since: Duration) {
        self.world.clock.set(START.saturating_add(since));
    }

    pub fn wait(&self, length: Duration) {
        self.world.clock.advance(length);
    }

    pub fn show(&self, token: &str) -> Shown {
        self.show_in(token, request())
    }

    pub fn show_by(&self, token: &str, client: &str) -> Shown {
        self.show_in(token, Request::new(client))
    }

    pub fn show_under(&self, token: &str, policy: &Policy) -> Shown {
        self.show_in(token, request().policy(policy))
    }

    fn show_in(&self, token: &str, request: Request<'_>) -> Shown {
        shown(block_on(self.world.node.refresh(token, request)).unwrap())
    }

    /// Several holders of one token look before any of them writes.
    pub fn show_at_once(&self, token: &str, holders: usize) -> Vec<Shown> {
        let begun: Vec<_> =
            (0..holders).map(|_| block_on(self.world.node.begin(token, request()))).collect();
        let commit = |begun| match begun {
            Ok(heirloom::Begun::Ready(redemption)) => block_on(redemption.commit()).unwrap(),
            Ok(heirloom::Begun::Refused(why)) => Outcome::Refused(why),
            Err(error) => panic!("{error}"),
        };
        begun.into_iter().map(commit).map(shown).collect()
    }

    /// Whether a refresh with it would succeed. Without an effect.
    pub fn is_good(&self, token: &str) -> bool {
        let looked = block_on(self.world.node.introspect(token)).unwrap();
        matches!(looked, Introspection::Active(_))
    }

    pub fn logs_out(&self, token: &str) {
        let outcome = block_on(self.world.node.revoke(token, request())).unwrap();
        assert_eq!(outcome, RevokeOutcome::Ended);
    }

    pub fn family_of(&self, token: &str) -> FamilyId {
        let explained = block_on(self.world.node.explain(token, request())).unwrap();
        explained.presented.expect("one of ours").family
    }
}

fn shown(outcome: Outcome) -> Shown {
    match outcome {
        Outcome::Refused(Refusal::Reused(reuse)) => Shown::Breach(reuse),
        Outcome::Refused(why) => Shown::Refused(why),
        outcome => answered(&granted(outcome)),
    }
}

fn answered(granted: &Granted) -> Shown {
    match granted.how {
        How::Kept => Shown::Kept,
        How::Replayed => Shown::Again(text(granted).to_owned()),
        _ => Shown::New(text(granted).to_owned()),
    }
}
