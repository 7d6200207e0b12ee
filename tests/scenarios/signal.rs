//! Events, by the scenarios' names for them, and whom they name.

use heirloom::event::EventKind;
use heirloom::{Event, Reason, Refusal};
use serde_json::Value;

use super::fields::{Check, Fields, texts};
use super::world::World;

/// An event, by the scenarios' name for it.
pub struct Signal(pub &'static str);

impl Signal {
    const ALL: [&'static str; 13] = [
        "breach",
        "family_revoked",
        "issued",
        "rotated",
        "replayed",
        "renewed",
        "forked",
        "adopted",
        "kept",
        "refused",
        "grant_changed",
        "clock_behind",
        "purged",
    ];

    pub fn parse_all(fields: &mut Fields, field: &str) -> Check<Vec<Self>> {
        let names = fields.texts(field)?.unwrap_or_default();
        let known = |name: &String| Self::ALL.into_iter().find(|known| known == name);
        names
            .iter()
            .map(|name| known(name).map(Self).ok_or_else(|| format!("unknown event `{name}`")))
            .collect()
    }

    pub fn matches(&self, kind: &EventKind) -> bool {
        match self.0 {
            "breach" => is_breach(kind),
            "family_revoked" => matches!(kind, EventKind::Revoked(_)),
            "issued" => matches!(kind, EventKind::Issued),
            "rotated" => matches!(kind, EventKind::Rotated),
            "replayed" => matches!(kind, EventKind::Replayed { .. }),
            "renewed" => matches!(kind, EventKind::Renewed { .. }),
            "forked" => matches!(kind, EventKind::Forked { .. }),
            "adopted" => matches!(kind, EventKind::Adopted),
            "kept" => matches!(kind, EventKind::Kept),
            "refused" => matches!(kind, EventKind::Refused { .. }),
            "grant_changed" => matches!(kind, EventKind::GrantChanged),
            "clock_behind" => matches!(kind, EventKind::ClockBehind { .. }),
            _ => matches!(kind, EventKind::Purged { .. }),
        }
    }
}

/// Whether an event tells of reuse, whatever the policy did then.
pub fn is_breach(kind: &EventKind) -> bool {
    match kind {
        EventKind::Revoked(reason) => matches!(reason, Reason::Reuse(_)),
        EventKind::Refused { why, .. } => matches!(why, Refusal::Spent(_)),
        _ => false,
    }
}

/// Whom the audit result names.
pub enum Attributed {
    Nobody,
    /// Values by field; a field without a value only has to be there.
    To(Vec<(String, Option<String>)>),
}

impl Attributed {
    pub fn parse(value: &Value) -> Check<Self> {
        let to: Vec<(String, Option<String>)> = match value {
            Value::String(none) if none == "none" => return Ok(Self::Nobody),
            Value::Object(map) => {
                map.iter().map(|(k, v)| (k.clone(), v.as_str().map(str::to_owned))).collect()
            }
            other => match texts(other) {
                Some(fields) => fields.into_iter().map(|field| (field, None)).collect(),
                None => return Err(format!("`attributed`: neither none nor fields: {other}")),
            },
        };
        match to.iter().find(|(k, _)| !["family", "subject", "client"].contains(&k.as_str())) {
            Some((unknown, _)) => Err(format!("`attributed`: unknown field `{unknown}`")),
            None => Ok(Self::To(to)),
        }
    }

    pub fn check(&self, world: &World, events: &[Event]) -> Check {
        // What a breach ends beside its own family has events of its own.
        let own = |event: &&Event| event.kind != EventKind::Revoked(Reason::RelatedReuse);
        let own = events.iter().filter(own);
        let about: Vec<_> = own.filter_map(|event| event.about.as_ref()).collect();
        let wanted = match (self, about.as_slice()) {
            (Self::Nobody, []) => return Ok(()),
            (Self::Nobody, _) => return Err("an event names a family".to_owned()),
            (Self::To(_), []) => return Err("no event names a family".to_owned()),
            (Self::To(wanted), _) => wanted,
        };
        for (field, value) in wanted {
            let Some(value) = value else { continue };
            let fits = match field.as_str() {
                "family" => {
                    let id = world.family(value)?.id;
                    about.iter().all(|about| about.family == id)
                }
                "subject" => about.iter().all(|about| about.subject() == value),
                _ => about.iter().all(|about| about.client() == value),
            };
            if !fits {
                return Err(format!("an event is attributed to another {field} than {value}"));
            }
        }
        Ok(())
    }
}
