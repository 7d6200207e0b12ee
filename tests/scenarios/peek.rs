//! Looking without touching: the state of a token or a family, by the rule itself and no engine call.

use heirloom::decide::{Decision, decide};
use heirloom::family::{Family, Status};
use heirloom::token::Presented;
use heirloom::{FamilyId, Refusal, Request};

use super::fields::{Check, Fields, texts};
use super::outcome::end_in_words;
use super::world::World;
use serde_json::Value;

/// Every state word.
const STATES: [&str; 7] = ["live", "grace", "spent", "displaced", "revoked", "expired", "unknown"];

/// States that tokens should be in: any of the words.
pub struct States(Vec<(String, Vec<String>)>);

impl States {
    pub fn parse(fields: &mut Fields, name: &str) -> Check<Self> {
        let mut states = Vec::new();
        for (token, value) in fields.object(name)?.unwrap_or_default() {
            let words = texts(&value).ok_or_else(|| format!("`{token}`: not a state: {value}"))?;
            if let Some(word) = words.iter().find(|word| !STATES.contains(&word.as_str())) {
                return Err(format!("unknown token state `{word}`"));
            }
            states.push((token, words));
        }
        Ok(Self(states))
    }

    pub fn check(&self, world: &World) -> Check {
        for (name, wanted) in &self.0 {
            let Some(text) = world.names.text(name)? else { continue };
            let found = world.states(text)?;
            if !wanted.iter().any(|word| found.contains(&word.as_str())) {
                let (wanted, found) = (wanted.join(" or "), found.join(", "));
                return Err(format!("{name} should be {wanted} and is {found}"));
            }
        }
        Ok(())
    }
}

/// `active` or `revoked`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FamilyState {
    Active,
    Revoked,
}

impl FamilyState {
    pub fn parse(value: &Value) -> Check<Self> {
        match value.as_str() {
            Some("active") => Ok(Self::Active),
            Some("revoked") => Ok(Self::Revoked),
            _ => Err(format!("unknown family state {value}")),
        }
    }
}

impl World {
    /// The words that are true of a token. A spent token of an ended family is both.
    pub fn states(&self, text: &str) -> Check<Vec<&'static str>> {
        let Ok(presented) = Presented::verify(text, self.ring()) else {
            return Ok(vec!["unknown"]);
        };
        let position = presented.position();
        let Some(family) = self.store.family(position.family) else {
            return Ok(vec!["unknown"]);
        };
        let policy = self.keys().spec(Some(&*family.grant.client))?.build(None)?;
        let owner = Request::new(&family.grant.client).binding(family.grant.binding);
        let spent = position.generation < family.head.generation;
        let or_spent = |state| if spent { vec!["spent", state] } else { vec![state] };
        match decide(&family, &presented, &owner, &policy, self.now()) {
            Decision::Rotate { .. } | Decision::Keep { .. } => Ok(vec!["live"]),
            // A token in its leeway is a spent one.
            Decision::Replay { .. } | Decision::Refuse(Refusal::AlreadyRotated) => {
                Ok(vec!["grace", "spent"])
            }
            Decision::Refuse(Refusal::Revoked(_)) => Ok(or_spent("revoked")),
            Decision::Refuse(Refusal::Expired | Refusal::Idle) => Ok(or_spent("expired")),
            Decision::Refuse(Refusal::LeewayClosed) => Ok(vec!["spent"]),
            Decision::Revoke(heirloom::Reason::Reuse(_)) => Ok(vec!["spent"]),
            // Of a line that the store has lost, or that was overwritten since.
            Decision::Refuse(Refusal::AheadOfStore) | Decision::Revoke(_) => {
                Ok(vec!["unknown", "displaced"])
            }
            decision @ (Decision::Refuse(_) | Decision::Fault(_)) => {
                Err(format!("its own client would meet: {decision}"))
            }
        }
    }

    /// A family without a record can never be refreshed again: it is over.
    pub fn family_state(&self, name: &str) -> Check<FamilyState> {
        Ok(match self.record(name)? {
            Some(Family { status: Status::Live, .. }) => FamilyState::Active,
            Some(Family { status: Status::Revoked(_), .. }) | None => FamilyState::Revoked,
        })
    }

    /// The live token of a family, if it has one that was handed out.
    pub fn live_token(&self, id: FamilyId) -> Option<String> {
        let own = |text: &&String| {
            Presented::verify(text, self.ring())
                .is_ok_and(|presented| presented.position().family == id)
                && self.states(text).is_ok_and(|states| states.contains(&"live"))
        };
        self.released.iter().rev().find(own).cloned()
    }

    /// How many of all strings ever released are live tokens of this family.
    pub fn live_count(&self, name: &str) -> Check<usize> {
        let id = self.family(name)?.id;
        let mut live = 0;
        for text in &self.released {
            let own = Presented::verify(text, self.ring())
                .is_ok_and(|presented| presented.position().family == id);
            live += usize::from(own && self.states(text)?.contains(&"live"));
        }
        Ok(live)
    }

    /// A family in a few words, for people.
    pub fn describe(&self, id: FamilyId) -> String {
        let issued = self.families.iter().find(|(_, issued)| issued.id == id);
        let name = issued.map_or("?", |(name, _)| name.as_str());
        match self.store.family(id) {
            None => format!("{name}: gone"),
            Some(family) => match family.status {
                Status::Live => format!("{name}: live, generation {}", family.head.generation),
                Status::Revoked(revocation) => {
                    format!("{name}: ended ({})", end_in_words(&revocation.reason))
                }
            },
        }
    }
}
