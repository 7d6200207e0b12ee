//! Families, requests, policies and readings of the clock: any at all, and most of them near a boundary.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use heirloom::family::{Family, Revocation, Status};
use heirloom::testing::{SeededEntropy, digest, token};
use heirloom::token::{Position, Presented};
use heirloom::{
    Binding, Ends, Engine, Grant, Key, KeyRing, Leeway, LeewayMode, MemoryStore, Mismatch, Outcome,
    Policy, Reaction, Reason, Request, Rotation, Timestamp,
};
use pollster::block_on;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// One presentation.
#[derive(Clone, Debug)]
pub struct Case {
    pub family: Family,
    pub position: Position,
    pub secret: [u8; 32],
    pub client: &'static str,
    pub binding: Option<Binding>,
    pub scope: Option<&'static str>,
    pub resources: &'static [&'static str],
    pub policy: Policy,
    pub now: Timestamp,
}

impl Case {
    pub fn presented(&self) -> Presented {
        let token = token(&key(), self.position, self.secret);
        Presented::verify(token.expose(), &KeyRing::new(key())).unwrap()
    }

    pub fn request(&self) -> Request<'_> {
        let request = Request::new(self.client).scope(self.scope).resources(self.resources);
        request.binding(self.binding)
    }

    pub fn narrows(&self) -> bool {
        self.scope.is_some_and(|scope| !scope.is_empty()) || !self.resources.is_empty()
    }

    /// Whether token and status are right, so that only client, key, time or policy can be wrong.
    pub fn is_near(&self) -> bool {
        let head = &self.family.head;
        let place = (self.position.family, self.position.branch, self.position.generation);
        self.family.status == Status::Live
            && place == (self.family.id, 0, head.generation)
            && head.digest == digest(self.secret)
    }
}

pub fn case() -> impl Strategy<Value = Case> {
    (policy(), now()).prop_flat_map(|(policy, now)| {
        (family(&policy, now), asked(), shown(), Just(policy)).prop_map(move |parts| {
            let (family, (client, binding, scope, resources), shown, policy) = parts;
            let (behind, branch, secret) = shown;
            let generation = family.head.generation.wrapping_sub(behind);
            let position = Position { family: family.id, branch, generation };
            Case { family, position, secret, client, binding, scope, resources, policy, now }
        })
    })
}

const SECRETS: [[u8; 32]; 2] = [[1; 32], [2; 32]];

fn key() -> Key {
    Key::new(1, &[7; 32]).unwrap()
}

fn now() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        6 => (1_000_000..2_000_000_u64).prop_map(Timestamp::from_millis),
        1 => select(vec![Timestamp::ZERO, Timestamp::MAX]),
        1 => any::<u64>().prop_map(Timestamp::from_millis),
        // So late that an idle lifetime may still fit, or no longer.
        1 => (0..5_000_u64).prop_map(|ago| {
            Timestamp::from_millis(Timestamp::MAX.as_millis() - ago)
        }),
    ]
}

fn length() -> impl Strategy<Value = Duration> {
    prop_oneof![
        3 => select(vec![1, 2, 16, 1_000, 5_000]).prop_map(Duration::from_millis),
        1 => (1..100_000_u64).prop_map(Duration::from_millis),
        1 => Just(Policy::MAX_LENGTH),
    ]
}

fn policy() -> impl Strategy<Value = Policy> {
    let reaction = || select(vec![Mismatch::Refuse, Mismatch::Revoke]);
    let on_reuse = select(vec![Reaction::Family, Reaction::Refuse, Reaction::Subject]);
    let rotation = prop_oneof![4 => Just(Rotation::EveryUse), 1 => Just(Rotation::Never)];
    let ends = (select(vec![Ends::Stored, Ends::Live]), option::of(length()), option::of(length()));
    let second = (option::of(leeway()), on_reuse, reaction());
    (rotation, second, ends, reaction(), reaction()).prop_filter_map(
        "contradicts itself",
        |(rotation, (leeway, on_reuse, displaced), (ends, idle, absolute), client, binding)| {
            let policy = Policy::builder().rotation(rotation).leeway(leeway).ends(ends);
            let policy = policy.on_reuse(on_reuse).displaced(displaced);
            let policy = policy.idle(idle).absolute(absolute);
            policy.wrong_client(client).wrong_binding(binding).build().ok()
        },
    )
}

fn leeway() -> impl Strategy<Value = Leeway> {
    let mode = select(vec![
        LeewayMode::Replay,
        LeewayMode::Newest,
        LeewayMode::Fork { branches: 2 },
        LeewayMode::Fork { branches: Leeway::MAX_BRANCHES },
        LeewayMode::Refuse,
    ]);
    let until = (1_000_000..2_000_000_u64).prop_map(Timestamp::from_millis);
    (mode, 0..4_u8, length(), until, option::of(1..4_u32)).prop_map(
        |(mode, end, window, until, uses)| {
            let leeway = match (end, mode) {
                (0, _) => Leeway::until_used(mode),
                (1, _) => Leeway::until(until, mode),
                (_, LeewayMode::Newest) => Leeway::newest(window),
                (_, LeewayMode::Fork { branches }) => Leeway::fork(window, branches),
                (_, LeewayMode::Refuse) => Leeway::refuse(window),
                (..) => Leeway::replay(window),
            };
            uses.map_or(leeway, |uses| leeway.uses(uses))
        },
    )
}

/// Instants at which something can begin or end now, each a millisecond early or late too.
fn instant(policy: &Policy, now: Timestamp) -> impl Strategy<Value = Timestamp> + use<> {
    let leeway = match policy.leeway().map(|leeway| leeway.end()) {
        Some(heirloom::LeewayEnd::After(window)) => Some(window),
        _ => None,
    };
    let lengths = [policy.idle(), policy.absolute(), leeway];
    let mut edges = vec![now, now.saturating_add(Duration::from_secs(60))];
    edges.extend(lengths.into_iter().flatten().map(|length| now.saturating_sub(length)));
    let millis = (select(edges), -1..=1_i64)
        .prop_map(|(edge, off)| edge.as_millis().saturating_add_signed(off));
    prop_oneof![
        8 => millis.prop_map(Timestamp::from_millis),
        1 => select(vec![Timestamp::ZERO, Timestamp::MAX]),
        1 => any::<u64>().prop_map(Timestamp::from_millis),
    ]
}

fn status() -> impl Strategy<Value = Status> {
    let revoked = any::<u64>().prop_map(|at| {
        let at = Timestamp::from_millis(at);
        Status::Revoked(Revocation { at, reason: Reason::Logout, call: 7 })
    });
    prop_oneof![9 => Just(Status::Live), 1 => revoked]
}

fn binding() -> impl Strategy<Value = Option<Binding>> {
    let (jkt, x5t) = (Binding::Jkt([1; 32]), Binding::X5tS256([1; 32]));
    select(vec![None, None, Some(jkt), Some(Binding::Jkt([2; 32])), Some(x5t)])
}

fn family(policy: &Policy, now: Timestamp) -> impl Strategy<Value = Family> + use<> {
    let instant = || instant(policy, now);
    let later = || prop_oneof![2 => Just(None), 1 => Just(Some(Timestamp::MAX)), 1 => option::of(instant())];
    let times = (instant(), instant(), instant(), later(), later(), later());
    let generation = prop_oneof![select(vec![0, 1, 2, u32::MAX - 1, u32::MAX]), any::<u32>()];
    let predecessor = option::of((select(SECRETS.to_vec()), any::<bool>()));
    let rest = (any::<u64>(), status(), binding());
    (times, generation, predecessor, rest).prop_map(|(times, generation, predecessor, rest)| {
        let mut family = ROTATED.clone();
        let mut grant = Grant::clone(&family.grant);
        (family.version, family.status, grant.binding) = rest;
        let head = &mut family.head;
        (family.created_at, head.rotated_at, head.used_at, ..) = times;
        (.., family.expires_at, head.idle_expires_at, grant.not_after) = times;
        (head.generation, head.digest) = (generation, digest(SECRETS[0]));
        head.predecessor = predecessor.and_then(|(secret, closed)| {
            let mut predecessor = head.predecessor.clone()?;
            (predecessor.digest, predecessor.closed) = (digest(secret), closed);
            Some(predecessor)
        });
        family.grant = Arc::new(grant);
        family
    })
}

type Asked = (&'static str, Option<Binding>, Option<&'static str>, &'static [&'static str]);

fn asked() -> impl Strategy<Value = Asked> {
    let client = prop_oneof![9 => Just("web"), 1 => Just("app")];
    let scope = prop_oneof![
        4 => Just(None),
        1 => select(vec![Some(""), Some(" "), Some("read"), Some("write read"), Some("admin")]),
    ];
    let resources = prop_oneof![
        4 => Just(&[][..]),
        1 => select(vec![&["https://a"][..], &["https://b"][..]]),
    ];
    (client, binding(), scope, resources)
}

/// Generations behind the head, branch, and the secret.
fn shown() -> impl Strategy<Value = (u32, u16, [u8; 32])> {
    let behind = prop_oneof![
        6 => Just(0),
        3 => Just(1),
        2 => select(vec![2, u32::MAX, u32::MAX - 1]),
        1 => any::<u32>(),
    ];
    let branch = prop_oneof![19 => Just(0), 1 => any::<u16>()];
    let secret = prop_oneof![9 => Just(SECRETS[0]), 2 => Just(SECRETS[1])];
    (behind, branch, secret)
}

/// A family that was rotated once, to be edited.
static ROTATED: LazyLock<Family> = LazyLock::new(|| {
    let engine = Engine::new(MemoryStore::new(), KeyRing::new(key()), Policy::default())
        .with_clock(Timestamp::from_millis(1_000_000))
        .with_entropy(SeededEntropy::new(1));
    let grant = Grant::new("alice", "web").scope("read write").resource("https://a");
    let token = block_on(engine.issue(grant)).unwrap().token.unwrap();
    let outcome = block_on(engine.refresh(token.expose(), Request::new("web"))).unwrap();
    assert!(matches!(outcome, Outcome::Granted(_)));
    engine.store().snapshot().pop().unwrap()
});
