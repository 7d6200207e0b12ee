//! `after`: the state that a scenario must leave behind.

use serde_json::{Map, Value};

use super::fields::{Check, Fields};
use super::peek::{FamilyState, States};
use super::world::World;

/// What is asserted after the last step.
pub struct After {
    tokens: States,
    families: Vec<(String, FamilyState)>,
    all: Option<FamilyState>,
    live: Vec<(String, Count)>,
    live_each: Option<Count>,
}

enum Count {
    Exactly(usize),
    AtMost(usize),
}

impl Count {
    fn parse(value: &Value) -> Check<Self> {
        match value {
            Value::Object(_) => {
                let mut bound = Fields::new("live_count", value)?;
                let max = bound.count("max")?.ok_or("live_count: no `max`")?;
                bound.finish()?;
                Ok(Self::AtMost(max))
            }
            value => count(value).map(Self::Exactly),
        }
    }

    fn check(&self, family: &str, found: usize) -> Check {
        match self {
            Self::Exactly(wanted) if *wanted != found => {
                Err(format!("{family} has {found} live tokens, not {wanted}"))
            }
            Self::AtMost(max) if found > *max => {
                Err(format!("{family} has {found} live tokens, over {max}"))
            }
            Self::Exactly(_) | Self::AtMost(_) => Ok(()),
        }
    }
}

impl After {
    pub fn parse(value: Option<&Value>) -> Check<Self> {
        let nothing = Value::Object(Map::new());
        let mut fields = Fields::new("after", value.unwrap_or(&nothing))?;
        let mut live = Vec::new();
        for (family, value) in fields.object("live_count")?.unwrap_or_default() {
            live.push((family, Count::parse(&value)?));
        }
        for (family, value) in fields.object("live_count_max")?.unwrap_or_default() {
            live.push((family, Count::AtMost(count(&value)?)));
        }
        let mut families = Vec::new();
        for (family, value) in fields.object("families")?.unwrap_or_default() {
            families.push((family, FamilyState::parse(&value)?));
        }
        let all =
            fields.take("families_all").map(|value| FamilyState::parse(&value)).transpose()?;
        let live_each = fields.take("live_count_each").map(|value| Count::parse(&value));
        let tokens = States::parse(&mut fields, "tokens")?;
        fields.finish()?;
        Ok(Self { tokens, families, all, live, live_each: live_each.transpose()? })
    }

    pub fn check(&self, world: &World) -> Check {
        self.tokens.check(world)?;
        let named = self.families.iter().map(|(family, state)| (family.as_str(), *state));
        let all = world.families.keys().filter_map(|family| Some((family.as_str(), self.all?)));
        for (family, wanted) in named.chain(all) {
            if world.refused_families.contains(family) {
                continue;
            }
            let found = world.family_state(family)?;
            if found != wanted {
                return Err(format!("family {family} should be {wanted:?} and is {found:?}"));
            }
        }
        for (family, count) in &self.live {
            count.check(family, world.live_count(family)?)?;
        }
        for family in world.families.keys() {
            if let Some(count) = &self.live_each {
                count.check(family, world.live_count(family)?)?;
            }
        }
        Ok(())
    }
}

fn count(value: &Value) -> Check<usize> {
    let count = value.as_u64().and_then(|count| usize::try_from(count).ok());
    count.ok_or_else(|| format!("not a count: {value}"))
}
