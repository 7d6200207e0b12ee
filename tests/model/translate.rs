//! From shapes to the model's words, and from these to heirloom's.

use std::collections::BTreeSet;
use std::time::Duration;

use heirloom::key::{Key, Prefix};
use heirloom::{
    Binding, Ends, Grant, KeyRing, Leeway as EngineLeeway, Mismatch, Policy, Rotation, Selector,
    Timestamp,
};

use super::operation::{GrantShape, LeewayShape, Length, PolicyShape, ScopeShape};
use super::words::{Consent, END_OF_TIME, Leeway, Millis, Ring, Rules};

pub const CLIENTS: [&str; 2] = ["web-app", "mobile-app"];
pub const SUBJECTS: [&str; 2] = ["alice", "bob"];
/// The key that bound families are bound to, and another one.
pub const KEYS: [u8; 2] = [1, 2];
pub const RESOURCE: &str = "https://api.example/";
pub const FOREIGN: &str = "https://elsewhere.example/";

pub fn length(shape: &Length, short: Millis, long: Millis) -> Option<Millis> {
    match shape {
        Length::None => None,
        Length::Short => Some(short),
        Length::Long => Some(long),
    }
}

pub fn rules(shape: &PolicyShape) -> Rules {
    const HOUR: Millis = 3_600_000;
    let idle = length(&shape.idle, 60_000, HOUR);
    let absolute = length(&shape.absolute, 120_000, 24 * HOUR);
    let leeway = |shape| length(shape, 10_000, 90_000);
    Rules {
        keep: shape.keep,
        leeway: match &shape.leeway {
            LeewayShape::Replay(window) => leeway(window).map_or(Leeway::None, Leeway::Replay),
            LeewayShape::Refuse(window) => leeway(window).map_or(Leeway::None, Leeway::Refuse),
        },
        idle,
        absolute,
        live: shape.live && (idle.is_some() || absolute.is_some()),
        wrong_client_ends: shape.wrong_client_ends,
        wrong_key_ends: shape.wrong_key_ends,
    }
}

pub fn words(shape: &ScopeShape) -> Option<BTreeSet<&'static str>> {
    match shape {
        ScopeShape::Omitted => None,
        ScopeShape::Empty => Some(BTreeSet::new()),
        ScopeShape::Read => Some(["read"].into()),
        ScopeShape::ReadWrite => Some(["read", "write"].into()),
        ScopeShape::ReadWriteAdmin => Some(["admin", "read", "write"].into()),
    }
}

pub fn consent(shape: &GrantShape, now: Millis) -> Consent {
    Consent {
        subject: SUBJECTS[usize::from(shape.second_subject)],
        client: CLIENTS[usize::from(shape.second_client)],
        key: shape.bound.then_some(KEYS[0]),
        scope: words(&shape.scope).unwrap_or_default(),
        resource: shape.resource,
        ends_at: shape.ends.then_some((now + 100_000).min(END_OF_TIME)),
    }
}

pub fn policy(rules: &Rules) -> Policy {
    let mismatch = |ends| if ends { Mismatch::Revoke } else { Mismatch::Refuse };
    let leeway = match rules.leeway {
        Leeway::None => None,
        Leeway::Replay(window) => Some(EngineLeeway::replay(Duration::from_millis(window))),
        Leeway::Refuse(window) => Some(EngineLeeway::refuse(Duration::from_millis(window))),
    };
    let policy = Policy::builder()
        .rotation(if rules.keep { Rotation::Never } else { Rotation::EveryUse })
        .leeway(leeway)
        .idle(rules.idle.map(Duration::from_millis))
        .absolute(rules.absolute.map(Duration::from_millis))
        .ends(if rules.live { Ends::Live } else { Ends::Stored })
        .wrong_client(mismatch(rules.wrong_client_ends))
        .wrong_binding(mismatch(rules.wrong_key_ends))
        .build();
    policy.expect("the model's rules contradict nothing")
}

pub fn grant(consent: &Consent) -> Grant {
    let mut grant = Grant::new(consent.subject, consent.client).scope(&text(&consent.scope));
    if consent.resource {
        grant = grant.resource(RESOURCE);
    }
    grant.binding = consent.key.map(binding);
    grant.not_after = consent.ends_at.map(Timestamp::from_millis);
    grant.attribute("acr", "2")
}

pub fn binding(key: u8) -> Binding {
    Binding::Jkt([key; 32])
}

pub fn text(words: &BTreeSet<&str>) -> String {
    words.iter().copied().collect::<Vec<_>>().join(" ")
}

/// The ring that a node of the real engine has. The third key has a prefix of its own.
pub fn ring(ring: &Ring) -> KeyRing {
    let others = ring.accepted.iter().filter(|key| **key != ring.active);
    others.fold(KeyRing::new(key(ring.active, 0)), |ring, other| {
        ring.accept(key(*other, 0)).expect("the ids of a set differ")
    })
}

/// A key; with another `owner`, somebody else's key of the same id.
pub fn key(id: u8, owner: u8) -> Key {
    let prefix = if id == 3 { "acme" } else { "rt" };
    let prefix = Prefix::new(prefix).expect("a good prefix");
    Key::with_prefix(id, prefix, &[id ^ owner ^ 0x40; 32]).expect("32 bytes")
}

pub fn selector(subject: Option<&str>, client: Option<&str>) -> Selector {
    match (subject, client) {
        (Some(subject), Some(client)) => Selector::subject_and_client(subject, client),
        (Some(subject), None) => Selector::subject(subject),
        (None, client) => Selector::client(client.unwrap_or_default()),
    }
}
