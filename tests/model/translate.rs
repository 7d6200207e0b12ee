//! From shapes to the model's words, and from these to heirloom's.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use heirloom::adoption::Legacy;
use heirloom::key::{Key, Prefix};
use heirloom::{
    AdoptionKey, Binding, Ends, FamilyLimit, Grant, KeyRing, Leeway as EngineLeeway, LeewayMode,
    Mismatch, Policy, Reaction, Recovery, Rotation, Selector, Timestamp,
};
use sha2::{Digest, Sha256};

use super::operation::{
    GrantShape, LeewayShape, Length, LimitShape, ModeShape, PolicyShape, ReachShape, ScopeShape,
    Timer,
};
use super::words::{
    BEGINNING, Consent, END_OF_TIME, Lasts, Leeway, Limit, Millis, Mode, Reach, Ring, Rules,
    Window, legacy_text,
};

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
    let on_reuse = match shape.on_reuse {
        ReachShape::Nothing => Reach::Nothing,
        ReachShape::Family => Reach::Family,
        ReachShape::Client => Reach::Client,
        ReachShape::Subject => Reach::Subject,
    };
    Rules {
        keep: shape.keep,
        leeway: leeway(&shape.leeway),
        idle,
        absolute,
        live: shape.live && (idle.is_some() || absolute.is_some()),
        wrong_client_ends: shape.wrong_client_ends,
        wrong_key_ends: shape.wrong_key_ends,
        displaced_ends: shape.displaced_ends && on_reuse != Reach::Nothing,
        on_reuse,
        limit: match shape.limit {
            LimitShape::None => None,
            LimitShape::Evict(more) => Some(limit(more, true)),
            LimitShape::Refuse(more) => Some(limit(more, false)),
        },
    }
}

fn limit(more: u8, evicts: bool) -> Limit {
    Limit { families: 1 + usize::from(more % 3), evicts }
}

/// Without a timer of minutes, what makes new tokens must count.
fn leeway(shape: &LeewayShape) -> Option<Leeway> {
    let lasts = match &shape.timer {
        Timer::After(window) => Lasts::For(length(window, 10_000, 90_000)?),
        Timer::Until(later) => Lasts::Until(BEGINNING + 20_000 * (1 + Millis::from(later % 16))),
        Timer::UntilUsed => Lasts::UntilUsed,
    };
    let mode = match shape.mode {
        ModeShape::Replay => Mode::Replay,
        ModeShape::Newest => Mode::Newest,
        ModeShape::Fork(more) => Mode::Fork(2 + usize::from(more % 3)),
        ModeShape::Refuse => Mode::Refuse,
    };
    let makes_tokens = matches!(mode, Mode::Newest | Mode::Fork(_));
    let uses = match shape.uses % 4 {
        0 if makes_tokens && !matches!(lasts, Lasts::For(_)) => Some(2),
        0 => None,
        uses => Some(u32::from(uses)),
    };
    Some(Leeway { mode, lasts, uses: uses.filter(|_| mode != Mode::Refuse) })
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
    let reaction = match rules.on_reuse {
        Reach::Nothing => Reaction::Refuse,
        Reach::Family => Reaction::Family,
        Reach::Client => Reaction::SubjectAndClient,
        Reach::Subject => Reaction::Subject,
    };
    let limit = |limit: Limit| {
        let families = u32::try_from(limit.families).expect("a small number");
        if limit.evicts { FamilyLimit::evict(families) } else { FamilyLimit::refuse(families) }
    };
    let policy = Policy::builder()
        .rotation(if rules.keep { Rotation::Never } else { Rotation::EveryUse })
        .leeway(rules.leeway.map(engine_leeway))
        .idle(rules.idle.map(Duration::from_millis))
        .absolute(rules.absolute.map(Duration::from_millis))
        .ends(if rules.live { Ends::Live } else { Ends::Stored })
        .wrong_client(mismatch(rules.wrong_client_ends))
        .wrong_binding(mismatch(rules.wrong_key_ends))
        .displaced(mismatch(rules.displaced_ends))
        .on_reuse(reaction)
        .limit(rules.limit.map(limit))
        .build();
    policy.expect("the model's rules contradict nothing")
}

fn engine_leeway(leeway: Leeway) -> EngineLeeway {
    let mode = match leeway.mode {
        Mode::Replay => LeewayMode::Replay,
        Mode::Newest => LeewayMode::Newest,
        Mode::Fork(most) => LeewayMode::Fork { branches: u8::try_from(most).expect("a few") },
        Mode::Refuse => LeewayMode::Refuse,
    };
    let lasting = match (leeway.lasts, leeway.mode) {
        (Lasts::For(length), mode) => {
            let window = Duration::from_millis(length);
            match mode {
                Mode::Replay => EngineLeeway::replay(window),
                Mode::Newest => EngineLeeway::newest(window),
                Mode::Fork(most) => EngineLeeway::fork(window, u8::try_from(most).expect("a few")),
                Mode::Refuse => EngineLeeway::refuse(window),
            }
        }
        (Lasts::Until(end), _) => EngineLeeway::until(Timestamp::from_millis(end), mode),
        (Lasts::UntilUsed, _) => EngineLeeway::until_used(mode),
    };
    leeway.uses.map_or(lasting, |uses| lasting.uses(uses))
}

/// The window as heirloom has it; `None` when it cannot be opened now.
pub fn recovery(window: Window, now: Millis) -> Option<Recovery> {
    let at = Timestamp::from_millis;
    Recovery::new(at(now), at(window.until), at(window.issued_before)).ok()
}

/// A legacy token, or as the host that has kept only its hash has it.
pub fn legacy(no: usize, by_hash: bool) -> Legacy {
    let text = legacy_text(no);
    let hash = || Legacy::sha256(Sha256::digest(&text).into());
    if by_hash { hash() } else { Legacy::token(&text).expect("not too long") }
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
    let keys = others.fold(KeyRing::new(key(ring.active, 0)), |ring, other| {
        ring.accept(key(*other, 0)).expect("the ids of a set differ")
    });
    if !ring.adopts {
        return keys;
    }
    keys.with_adoption(AdoptionKey::new(&[0xad; 32]).expect("32 bytes"))
}

/// A ring that knows every key of any node's: made once, for it is asked after each operation.
pub fn every_key() -> &'static KeyRing {
    static EVERY_KEY: LazyLock<KeyRing> =
        LazyLock::new(|| ring(&Ring { active: 1, accepted: [1, 2, 3].into(), adopts: false }));
    &EVERY_KEY
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
