//! Looking without touching: the state of a token or a family, by the rule itself and no call of the scenario's engines.

use heirloom::decide::{Decision, decide};
use heirloom::family::{Family, Status};
use heirloom::secret::Digest;
use heirloom::testing::create;
use heirloom::token::{Position, Presented};
use heirloom::{Engine, FamilyId, MemoryStore, Policy, Reason, Refusal, Request, Store};
use pollster::block_on;

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

/// A token, its family and what the rule says of it to its own client.
struct Judged {
    position: Position,
    /// `None`: it is another system's, and was adopted.
    digest: Option<Digest>,
    family: Family,
    decision: Decision,
}

impl Judged {
    fn is_spent(&self) -> bool {
        let head = self.family.head_of(self.position.branch);
        head.is_some_and(|head| self.position.generation < head.generation)
    }

    /// Whether a later answer to its predecessor has taken its place.
    fn is_displaced(&self) -> bool {
        let (Some(digest), Some(head)) = (self.digest, self.family.head_of(self.position.branch))
        else {
            return false;
        };
        let predecessor = head.predecessor.as_ref();
        match head.generation.checked_sub(self.position.generation) {
            Some(0) => head.displaced && head.digest != digest,
            Some(1) => predecessor.is_some_and(|it| it.displaced && it.digest != digest),
            _ => false,
        }
    }
}

impl World {
    /// The place of a token in its family; of another system's, if it was adopted.
    pub fn position(&self, text: &str) -> Option<Position> {
        match Presented::verify(text, self.ring()) {
            Ok(presented) => Some(presented.position()),
            Err(_) => {
                let family = *self.host.adopted.get(text)?;
                Some(Position { family, branch: 0, generation: 0 })
            }
        }
    }

    /// The words that are true of a token. A spent token of an ended family is both.
    pub fn states(&self, text: &str) -> Check<Vec<&'static str>> {
        if self.host.expired_legacy.contains(text) {
            return Ok(vec!["expired"]);
        }
        let Some(judged) = self.judge(text)? else { return Ok(vec!["unknown"]) };
        let or_spent = |state| match judged.is_spent() {
            true => vec!["spent", state],
            false => vec![state],
        };
        match &judged.decision {
            Decision::Refuse(Refusal::Revoked(_)) => Ok(or_spent("revoked")),
            Decision::Refuse(Refusal::Expired | Refusal::Idle) => Ok(or_spent("expired")),
            _ if judged.is_displaced() => Ok(or_spent("displaced")),
            Decision::Rotate { .. } | Decision::Keep { .. } => Ok(vec!["live"]),
            // A token in its leeway is a spent one.
            Decision::Replay { .. }
            | Decision::Renew { .. }
            | Decision::Fork { .. }
            | Decision::Refuse(Refusal::AlreadyRotated | Refusal::TooManyBranches) => {
                Ok(vec!["grace", "spent"])
            }
            Decision::Refuse(Refusal::LeewayClosed | Refusal::Spent(_))
            | Decision::Revoke(Reason::Reuse(_)) => Ok(match self.host.displaced.contains(text) {
                // Its record is long gone; only who has seen the answers can tell.
                true => vec!["spent", "displaced"],
                false => vec!["spent"],
            }),
            // Of a line that the store has lost, or that was overwritten since.
            Decision::Refuse(Refusal::AheadOfStore)
            | Decision::Recover { .. }
            | Decision::Revoke(_) => Ok(vec!["unknown", "displaced"]),
            decision @ (Decision::Refuse(_) | Decision::Fault(_)) => {
                Err(format!("its own client would meet: {decision}"))
            }
        }
    }

    fn judge(&self, text: &str) -> Check<Option<Judged>> {
        let Some(position) = self.position(text) else { return Ok(None) };
        let Some(family) = self.store.family(position.family) else { return Ok(None) };
        let policy = self.keys().spec(Some(&*family.grant.client))?.build(None)?;
        let owner = Request::new(&family.grant.client).binding(family.grant.binding);
        let (digest, decision) = match Presented::verify(text, self.ring()) {
            Ok(presented) => {
                let decision = decide(&family, &presented, &owner, &policy, self.now());
                (Some(presented.digest()), decision)
            }
            Err(_) => (None, self.explained(text, &family, owner.policy(&policy))?),
        };
        Ok(Some(Judged { position, digest, family, decision }))
    }

    /// What an engine would do with another system's token, over a copy of the store.
    fn explained(&self, text: &str, family: &Family, request: Request<'_>) -> Check<Decision> {
        let copy = MemoryStore::new();
        block_on(copy.create(create(family.clone()))).map_err(|error| error.to_string())?;
        let engine = Engine::new(copy, self.ring().clone(), Policy::default())
            .with_clock(self.clock.clone());
        let explained = block_on(engine.explain(text, request));
        Ok(explained.map_err(|error| error.to_string())?.decision)
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
            self.position(text).is_some_and(|position| position.family == id)
                && self.states(text).is_ok_and(|states| states.contains(&"live"))
        };
        self.released.iter().rev().find(own).cloned()
    }

    /// How many of all strings ever released are live tokens of this family.
    pub fn live_count(&self, name: &str) -> Check<usize> {
        let id = self.family(name)?.id;
        let mut live = 0;
        for text in self.released.iter().chain(self.host.adopted.keys()) {
            let own = self.position(text).is_some_and(|position| position.family == id);
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
                Status::Live if family.branches.live.is_empty() => {
                    format!("{name}: live, generation {}", family.head.generation)
                }
                Status::Live => {
                    let branches = family.branches.live.iter().map(|it| it.head.generation);
                    let all: Vec<String> = std::iter::once(family.head.generation)
                        .chain(branches)
                        .map(|generation| generation.to_string())
                        .collect();
                    format!("{name}: live, branches at generations {}", all.join(", "))
                }
                Status::Revoked(revocation) => {
                    format!("{name}: ended ({})", end_in_words(&revocation.reason))
                }
            },
        }
    }
}
