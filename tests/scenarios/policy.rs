//! The scenarios' policy keys: what they mean to the engine, what the host plays, what is lacking.

use std::time::Duration;

use heirloom::{Ends, Leeway, Mismatch, Policy, Rotation};
use serde_json::{Map, Value};

use super::fields::{Check, Fields};

/// A policy as a scenario states it, every key of it.
#[derive(Clone, Debug)]
pub struct Spec {
    rotation: RotationKey,
    leeway: Length,
    leeway_mode: LeewayKey,
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
            idle: length(&mut keys, "idle_s")?,
            absolute: length(&mut keys, "absolute_s")?,
            inherit: switch(&mut keys, "successor_expiry", ["fresh", "inherit"])?,
            live_ends: switch(&mut keys, "lifetime_source", ["at_issue", "live"])?,
            revoke_on_wrong_key: switch(&mut keys, "key_mismatch", ["reject", "revoke_family"])?,
            not_before: length(&mut keys, "not_before_s")?,
            clock_skew: length(&mut keys, "clock_skew_s")?,
            sticky_scope: switch(&mut keys, "scope_narrowing", ["per_request", "sticky"])?,
            silent_on_foreign: switch(&mut keys, "revoke_foreign", ["error", "silent"])?,
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

    /// The same policy with a leeway mode that the engine has, for scenarios to which any will do.
    pub fn with_some_leeway(mut self) -> Self {
        match self.leeway_mode {
            LeewayKey::Sibling | LeewayKey::Replace => self.leeway_mode = LeewayKey::Replay,
            LeewayKey::None | LeewayKey::Replay | LeewayKey::Reject => {}
        }
        const OF_OTHER_MODES: [&str; 4] =
            ["leeway.sibling", "leeway.replace", "sibling_validity.first", "displaced.reject"];
        self.lacking.retain(|tag| !OF_OTHER_MODES.contains(tag));
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
        let policy = Policy::builder()
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

    /// Zero is strict mode, whatever the mode.
    fn leeway(&self) -> Check<Option<Leeway>> {
        let window = match self.leeway.value("leeway_s")? {
            Some(window) if !window.is_zero() => window,
            _ => return Ok(None),
        };
        match self.leeway_mode {
            LeewayKey::None => Ok(None),
            LeewayKey::Replay => Ok(Some(Leeway::replay(window))),
            LeewayKey::Reject => Ok(Some(Leeway::refuse(window))),
            LeewayKey::Sibling | LeewayKey::Replace => {
                Err("leeway_mode: the engine has no such mode".to_owned())
            }
        }
    }

    /// Without a length, or a mode, it is strict mode, and no key of the leeway means anything. Some keys mean
    /// something in one mode only.
    fn lacking_leeway(&self, lacking: &mut Vec<&'static str>) {
        let strict = matches!(self.leeway, Length::None | Length::Exactly(Duration::ZERO))
            || self.leeway_mode == LeewayKey::None;
        if strict {
            lacking.retain(|tag| !tag.starts_with("leeway"));
        } else if self.leeway == Length::UntilUsed {
            lacking.push("leeway.until_used");
        }
        let mode = if strict { LeewayKey::None } else { self.leeway_mode };
        lacking.retain(|tag| match *tag {
            "sibling_validity.first" => mode == LeewayKey::Sibling,
            "displaced.reject" => mode == LeewayKey::Replace,
            _ => true,
        });
        match mode {
            LeewayKey::Sibling => lacking.push("leeway.sibling"),
            LeewayKey::Replace => lacking.push("leeway.replace"),
            LeewayKey::None | LeewayKey::Replay | LeewayKey::Reject => {}
        }
    }
}

impl Length {
    fn value(self, key: &str) -> Check<Option<Duration>> {
        match self {
            Self::None => Ok(None),
            Self::Exactly(length) => Ok(Some(length)),
            Self::UntilUsed => Err(format!("{key}: the engine has no leeway without a timer")),
            Self::Negative => Err(format!("{key}: negative, which a Duration cannot be")),
        }
    }
}

/// Keys of which the engine has but one value.
const ONE_VALUE: [(&str, &str); 6] = [
    ("leeway_scope", "predecessor"),
    ("sibling_validity", "all"),
    ("displaced", "breach"),
    ("on_reuse", "revoke_family"),
    ("spent_expired", "breach"),
    ("revoke_spent", "family"),
];

/// Their other values, each with its tag.
const OTHER_VALUES: [(&str, &str, &str); 8] = [
    ("leeway_scope", "any", "leeway_scope.any"),
    ("leeway_scope", "head", "leeway_scope.head"),
    ("sibling_validity", "first", "sibling_validity.first"),
    ("displaced", "reject", "displaced.reject"),
    ("on_reuse", "reject", "on_reuse.reject"),
    ("on_reuse", "revoke_subject_client", "on_reuse.revoke_subject_client"),
    ("spent_expired", "expired", "spent_expired.expired"),
    ("revoke_spent", "noop", "revoke_spent.noop"),
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
    for key in ["leeway_max_reuse", "families_per_subject_client"] {
        match keys.take(key) {
            None | Some(Value::Null) => {}
            Some(Value::Number(_)) => lacking.push(key),
            Some(other) => return Err(format!("policy: `{key}` is not a number: {other}")),
        }
    }
    Ok(lacking)
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
