//! The scenarios' policy keys: what they mean to the engine, what the host plays, what is lacking.

use std::time::Duration;

use heirloom::{Ends, FamilyLimit, Leeway, LeewayMode, Mismatch, Policy, Reaction, Rotation};
use serde_json::{Map, Value};

use super::fields::{Check, Fields};

/// A policy as a scenario states it, every key of it.
#[derive(Clone, Debug)]
pub struct Spec {
    rotation: RotationKey,
    leeway: Length,
    leeway_mode: LeewayKey,
    leeway_uses: Option<u32>,
    reject_displaced: bool,
    on_reuse: Reaction,
    families: Option<u32>,
    idle: Length,
    absolute: Length,
    inherit: bool,
    live_ends: bool,
    revoke_on_wrong_key: bool,
    not_before: Length,
    clock_skew: Length,
    /// A narrowed refresh narrows the family.
    pub sticky_scope: bool,
    /// Revoking another client's token is answered like success.
    pub silent_on_foreign: bool,
    /// Revoking a token that was rotated away is answered like success, and ends nothing.
    pub spare_on_spent: bool,
    /// When a presented key binds the family.
    pub bind: Bind,
    /// A key shown for a family that was issued without one is refused.
    pub reject_unbound: bool,
    lacking: Vec<&'static str>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum RotationKey {
    Always,
    Never,
    Predicate,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum LeewayKey {
    None,
    Replay,
    Reject,
    Sibling,
    Replace,
}

impl RotationKey {
    const ALL: [(&str, Self); 3] =
        [("always", Self::Always), ("never", Self::Never), ("predicate", Self::Predicate)];
}

impl LeewayKey {
    const ALL: [(&str, Self); 5] = [
        ("none", Self::None),
        ("replay", Self::Replay),
        ("reject", Self::Reject),
        ("sibling", Self::Sibling),
        ("replace", Self::Replace),
    ];
}

/// `on_reuse`.
const REACTIONS: [(&str, Reaction); 3] = [
    ("revoke_family", Reaction::Family),
    ("revoke_subject_client", Reaction::SubjectAndClient),
    ("reject", Reaction::Refuse),
];

/// How many siblings may live at once. The scenarios set no bound, so the host takes the highest.
const BRANCHES: u8 = Leeway::MAX_BRANCHES;

/// How many retries are answered with a new token where the engine demands a number and the scenario states none: the host's
/// choice.
const USES: u32 = 100;

/// `bind`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bind {
    IfKey,
    PublicOnly,
    Off,
}

impl Bind {
    const ALL: [(&str, Self); 3] =
        [("if_key", Self::IfKey), ("public_only", Self::PublicOnly), ("off", Self::Off)];
}

/// A length of time as a policy key states it, nonsense included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Length {
    None,
    UntilUsed,
    Negative,
    Exactly(Duration),
}

impl Spec {
    /// Reads the defaults with the changed keys laid over.
    pub fn parse(defaults: &Map<String, Value>, changes: &[&Map<String, Value>]) -> Check<Self> {
        let mut all = defaults.clone();
        for (key, value) in changes.iter().copied().flatten() {
            all.insert(key.clone(), value.clone());
        }
        let mut keys = Fields::new("policy", &Value::Object(all))?;
        let mut lacking = lacking(&mut keys)?;
        let spec = Self {
            rotation: choice(&mut keys, "rotation", &RotationKey::ALL)?,
            leeway: length(&mut keys, "leeway_s")?,
            leeway_mode: choice(&mut keys, "leeway_mode", &LeewayKey::ALL)?,
            leeway_uses: number(&mut keys, "leeway_max_reuse")?,
            reject_displaced: switch(&mut keys, "displaced", ["breach", "reject"])?,
            on_reuse: choice(&mut keys, "on_reuse", &REACTIONS)?,
            families: number(&mut keys, "families_per_subject_client")?,
            idle: length(&mut keys, "idle_s")?,
            absolute: length(&mut keys, "absolute_s")?,
            inherit: switch(&mut keys, "successor_expiry", ["fresh", "inherit"])?,
            live_ends: switch(&mut keys, "lifetime_source", ["at_issue", "live"])?,
            revoke_on_wrong_key: switch(&mut keys, "key_mismatch", ["reject", "revoke_family"])?,
            not_before: length(&mut keys, "not_before_s")?,
            clock_skew: length(&mut keys, "clock_skew_s")?,
            sticky_scope: switch(&mut keys, "scope_narrowing", ["per_request", "sticky"])?,
            silent_on_foreign: switch(&mut keys, "revoke_foreign", ["error", "silent"])?,
            spare_on_spent: switch(&mut keys, "revoke_spent", ["family", "noop"])?,
            bind: choice(&mut keys, "bind", &Bind::ALL)?,
            reject_unbound: switch(&mut keys, "unbound_with_key", ["ignore", "reject"])?,
            lacking: Vec::new(),
        };
        keys.finish()?;
        spec.lacking_leeway(&mut lacking);
        Ok(Self { lacking, ..spec })
    }

    /// Feature tags of the values that the engine lacks, whether a scenario lists them or not.
    pub fn lacking(&self) -> &[&'static str] {
        &self.lacking
    }

    /// The same policy with a leeway that the engine has, for scenarios to which any will do.
    pub fn with_some_leeway(mut self) -> Self {
        const OF_SIBLINGS: &str = "sibling_validity.first";
        if self.lacking.contains(&OF_SIBLINGS) {
            self.leeway_mode = LeewayKey::Replay;
            self.lacking.retain(|tag| *tag != OF_SIBLINGS);
        }
        self
    }

    /// The engine's policy; `rotate` is the host's answer where it is asked for every request.
    ///
    /// # Errors
    ///
    /// What the engine, or the type of its lengths, refuses.
    pub fn build(&self, rotate: Option<bool>) -> Check<Policy> {
        let rotates = match self.rotation {
            RotationKey::Always => true,
            RotationKey::Never => false,
            RotationKey::Predicate => rotate.unwrap_or(true),
        };
        let idle = self.idle.value("idle_s")?;
        let absolute = self.absolute.value("absolute_s")?;
        self.not_before.value("not_before_s")?;
        self.clock_skew.value("clock_skew_s")?;
        // Where a successor keeps its predecessor's end, the first token's end is the family's.
        let (idle, absolute) = match (self.inherit, idle, absolute) {
            (true, Some(idle), Some(absolute)) => (None, Some(idle.min(absolute))),
            (true, idle, absolute) => (None, idle.or(absolute)),
            (false, idle, absolute) => (idle, absolute),
        };
        // Ends that are counted anew need one to count: the longest lifetime stands for none.
        let endless = self.live_ends && idle.is_none() && absolute.is_none();
        // What is displaced is reuse, whatever reuse does: if that is nothing, it is refused.
        let displaced = match self.reject_displaced || self.on_reuse == Reaction::Refuse {
            true => Mismatch::Refuse,
            false => Mismatch::Revoke,
        };
        let policy = Policy::builder()
            .displaced(displaced)
            .on_reuse(self.on_reuse)
            .limit(self.families.map(FamilyLimit::evict))
            .rotation(if rotates { Rotation::EveryUse } else { Rotation::Never })
            .leeway(self.leeway()?)
            .idle(idle)
            .absolute(if endless { Some(Policy::MAX_LENGTH) } else { absolute })
            .ends(if self.live_ends { Ends::Live } else { Ends::Stored })
            .wrong_binding(match self.revoke_on_wrong_key {
                true => Mismatch::Revoke,
                false => Mismatch::Refuse,
            });
        policy.build().map_err(|error| error.to_string())
    }

    /// Whether the oldest families are ended for new ones.
    pub fn limits_families(&self) -> bool {
        self.families.is_some()
    }

    /// How long after its making a token may not be used, less the tolerated skew.
    pub fn not_before(&self) -> Option<Duration> {
        match (self.not_before, self.clock_skew) {
            (Length::Exactly(wait), Length::Exactly(skew)) if !wait.is_zero() => {
                Some(wait.saturating_sub(skew))
            }
            (Length::Exactly(wait), _) if !wait.is_zero() => Some(wait),
            _ => None,
        }
    }

    /// Zero is strict mode, whatever the mode, and so is no retry at all.
    fn leeway(&self) -> Check<Option<Leeway>> {
        let mode = match self.leeway_mode {
            LeewayKey::None => return Ok(None),
            LeewayKey::Replay => LeewayMode::Replay,
            LeewayKey::Reject => LeewayMode::Refuse,
            LeewayKey::Replace => LeewayMode::Newest,
            LeewayKey::Sibling => LeewayMode::Fork { branches: BRANCHES },
        };
        let window = match self.leeway {
            Length::UntilUsed => None,
            length => match length.value("leeway_s")? {
                Some(window) if !window.is_zero() => Some(window),
                _ => return Ok(None),
            },
        };
        if self.leeway_uses == Some(0) {
            return Ok(None);
        }
        let leeway = match (window, mode) {
            (None, mode) => Leeway::until_used(mode),
            (Some(window), LeewayMode::Newest) => Leeway::newest(window),
            (Some(window), LeewayMode::Refuse) => Leeway::refuse(window),
            (Some(window), LeewayMode::Fork { branches }) => Leeway::fork(window, branches),
            (Some(window), _) => Leeway::replay(window),
        };
        let makes_new = matches!(mode, LeewayMode::Newest | LeewayMode::Fork { .. });
        let demanded = makes_new && window.is_none_or(|window| window > Leeway::UNCOUNTED);
        // A retry that is refused is no use.
        let stated = self.leeway_uses.filter(|_| mode != LeewayMode::Refuse);
        let uses = stated.or(demanded.then_some(USES));
        Ok(Some(uses.map_or(leeway, |uses| leeway.uses(uses))))
    }

    /// Without a length, or a mode, it is strict mode, and no key of the leeway means anything. One key means something
    /// with siblings only.
    fn lacking_leeway(&self, lacking: &mut Vec<&'static str>) {
        let strict = matches!(self.leeway, Length::None | Length::Exactly(Duration::ZERO))
            || self.leeway_mode == LeewayKey::None;
        if strict {
            lacking.retain(|tag| !tag.starts_with("leeway"));
        }
        if strict || self.leeway_mode != LeewayKey::Sibling {
            lacking.retain(|tag| *tag != "sibling_validity.first");
        }
    }
}

impl Length {
    fn value(self, key: &str) -> Check<Option<Duration>> {
        match self {
            Self::None => Ok(None),
            Self::Exactly(length) => Ok(Some(length)),
            Self::UntilUsed => Err(format!("{key}: only a leeway can last until it is used")),
            Self::Negative => Err(format!("{key}: negative, which a Duration cannot be")),
        }
    }
}

/// Keys of which the engine has but one value.
const ONE_VALUE: [(&str, &str); 3] =
    [("leeway_scope", "predecessor"), ("sibling_validity", "all"), ("spent_expired", "breach")];

/// Their other values, each with its tag.
const OTHER_VALUES: [(&str, &str, &str); 4] = [
    ("leeway_scope", "any", "leeway_scope.any"),
    ("leeway_scope", "head", "leeway_scope.head"),
    ("sibling_validity", "first", "sibling_validity.first"),
    ("spent_expired", "expired", "spent_expired.expired"),
];

/// The tags of values that the engine lacks.
fn lacking(keys: &mut Fields) -> Check<Vec<&'static str>> {
    let mut lacking = Vec::new();
    for (key, own) in ONE_VALUE {
        let Some(value) = keys.text(key)?.filter(|value| value != own) else { continue };
        let found = OTHER_VALUES.iter().find(|(k, other, _)| *k == key && *other == value);
        let (_, _, tag) = found.ok_or_else(|| format!("policy: unknown {key} `{value}`"))?;
        lacking.push(*tag);
    }
    Ok(lacking)
}

/// A whole number, or none.
fn number(keys: &mut Fields, key: &str) -> Check<Option<u32>> {
    match keys.take(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
            number.map(Some).ok_or_else(|| format!("policy: `{key}` is not a number: {value}"))
        }
    }
}

/// One of the named values; the first when the key is absent.
fn choice<T: Copy>(keys: &mut Fields, key: &str, values: &[(&str, T)]) -> Check<T> {
    let value = keys.text(key)?;
    let found = match &value {
        None => values.first(),
        Some(value) => values.iter().find(|(name, _)| name == value),
    };
    found.map(|(_, value)| *value).ok_or_else(|| format!("policy: unknown {key} {value:?}"))
}

/// A key with two values: whether it has the second.
fn switch(keys: &mut Fields, key: &str, [off, on]: [&str; 2]) -> Check<bool> {
    choice(keys, key, &[(off, false), (on, true)])
}

fn length(keys: &mut Fields, key: &str) -> Check<Length> {
    match keys.take(key) {
        None | Some(Value::Null) => Ok(Length::None),
        Some(Value::String(word)) if word == "until_used" && key == "leeway_s" => {
            Ok(Length::UntilUsed)
        }
        Some(Value::String(word)) if word == "max" => Ok(Length::Exactly(Policy::MAX_LENGTH)),
        Some(Value::Number(number)) => Ok(match number.as_f64() {
            Some(seconds) if seconds < 0.0 => Length::Negative,
            seconds => Length::Exactly(
                seconds
                    .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                    .unwrap_or(Duration::MAX),
            ),
        }),
        Some(other) => Err(format!("policy: `{key}` is not a length: {other}")),
    }
}
