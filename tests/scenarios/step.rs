//! A step: when, what, and who does it.

use serde_json::Value;

use super::fields::{Check, Fields, Moment};
use super::verbs;
use super::world::World;

/// What a verb does; made when the file is read, so that a bad field fails before anything runs.
pub type Act = Box<dyn Fn(&mut World, &Actor) -> Check + Send>;

/// Who does it, as the scenario comments.
pub struct Actor(Option<String>);

impl Actor {
    pub fn or<'a>(&'a self, default: &'a str) -> &'a str {
        self.0.as_deref().unwrap_or(default)
    }
}

pub struct Step {
    at: Moment,
    verb: String,
    actor: Actor,
    act: Act,
    /// Feature tags of what the step needs, whether the scenario lists them or not.
    pub needs: Vec<String>,
}

impl Step {
    pub fn parse(value: &Value) -> Check<Self> {
        let mut fields = Fields::new("step", value)?;
        let verb = fields.need_text("do")?;
        let in_verb = |error: String| format!("{verb}: {error}");
        let at = fields.moment("at").map_err(in_verb)?.unwrap_or(Moment::ZERO);
        let actor = Actor(fields.text("actor").map_err(in_verb)?);
        // `optional` is for runners that lack a verb: this one lacks none.
        fields.flag("optional").map_err(in_verb)?;
        let (act, needs) = verbs::parse(&verb, &mut fields).map_err(in_verb)?;
        fields.finish().map_err(in_verb)?;
        Ok(Self { at, verb, actor, act, needs })
    }

    pub fn run(&self, world: &mut World) -> Check {
        world.set_clock(self.at);
        world.take_events();
        (self.act)(world, &self.actor)
            .map_err(|why| format!("at {}, {}: {why}", self.at, self.verb))
    }
}
