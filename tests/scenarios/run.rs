//! Runs a case: once, or as often and in as many ways as it asks for.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Map, Value};

use super::after::After;
use super::fields::Check;
use super::file::{Case, Script};
use super::notes;
use super::policy::Spec;
use super::step::Step;
use super::tags::{self, Skip};
pub use super::world::Line;
use super::world::{Keys, World};

/// What came of a case.
pub enum Verdict {
    /// With what must be said of it.
    Pass(Vec<String>),
    Fail(String),
    /// Something in it is unknown, missing or of the wrong form: nothing was run.
    Malformed(String),
    Skip(Skip),
}

/// Hears of every step.
pub trait Listener {
    /// A run begins: the first and plain one, or a repetition, a substitution, a further run.
    fn begins(&mut self, plain: bool);
    /// Something happened.
    fn line(&mut self, line: &Line);
}

/// A script that has been read: nothing in it is unknown.
struct Play {
    /// The policy of the beginning, and those that steps change it to.
    policies: Vec<Keys>,
    steps: Vec<Step>,
    after: After,
    races: bool,
    skip: Option<Skip>,
}

/// Runs a case with all its repetitions, substitutions and further runs.
pub fn run(case: &Case, defaults: &Map<String, Value>, listener: &mut dyn Listener) -> Verdict {
    match run_all(case, defaults, listener) {
        Ok(verdict) => verdict,
        Err(why) => Verdict::Fail(why),
    }
}

fn run_all(
    case: &Case,
    defaults: &Map<String, Value>,
    listener: &mut dyn Listener,
) -> Check<Verdict> {
    let read = || Ok((Play::read(case, &case.script, defaults)?, case.skip()?));
    let (plain, skip) = match read() {
        Ok(read) => read,
        Err(why) => return Ok(Verdict::Malformed(why)),
    };
    if let Some(skip) = skip.or(plain.skip) {
        return Ok(Verdict::Skip(skip));
    }
    let mut said: Vec<String> =
        notes::unasserted(case).iter().map(|check| format!("not asserted: {check}")).collect();
    if case.policy_may_be_refused
        && let Some(why) = plain.refused()?
    {
        said.push(format!("the policy is refused: {why}"));
        return Ok(Verdict::Pass(said));
    }
    plain.run(case, true, listener)?;
    for (name, script) in others(case, defaults)? {
        let in_run = |why: String| format!("({name}) {why}");
        let other = Play::read(case, &script, defaults).map_err(in_run)?;
        match other.skip {
            Some(skip) => said.push(format!("without the run {name}: {}", skip.tag)),
            None => other.run(case, false, listener).map_err(in_run)?,
        }
    }
    Ok(Verdict::Pass(said))
}

/// The runs beside the plain one.
fn others(case: &Case, defaults: &Map<String, Value>) -> Check<Vec<(String, Script)>> {
    let mut others = notes::further_runs(case);
    for substitutions in &case.also_with {
        let mut script = case.script.clone();
        let mut names = Vec::new();
        for (key, value) in substitutions {
            script = script.substituted(key, value, defaults)?;
            names.push(format!("{key}={}", value.to_string().replace('"', "")));
        }
        others.push((names.join(" "), script));
    }
    Ok(others)
}

impl Play {
    fn read(case: &Case, script: &Script, defaults: &Map<String, Value>) -> Check<Self> {
        let steps: Vec<Step> = script
            .steps
            .iter()
            .enumerate()
            .map(|(index, step)| {
                Step::parse(step).map_err(|why| format!("step {}: {why}", index + 1))
            })
            .collect::<Check<_>>()?;
        let mut clients = BTreeMap::new();
        for (client, policy) in &script.client_policy {
            let policy = policy.as_object().ok_or("client_policy: not an object")?;
            clients.insert(client.clone(), policy.clone());
        }
        let keys = Keys {
            defaults: defaults.clone(),
            base: script.policy.clone(),
            clients,
            some_leeway: case.some_leeway(),
        };
        let races = script
            .steps
            .iter()
            .any(|step| step["do"].as_str().is_some_and(|verb| verb.starts_with("concurrent")));
        let policies = policies(keys, &script.steps);
        let skip = needed(&policies, &steps)?;
        Ok(Self { policies, steps, after: After::parse(script.after.as_ref())?, races, skip })
    }

    /// Why a policy cannot be built, if it cannot.
    fn refused(&self) -> Check<Option<String>> {
        for keys in &self.policies {
            if let Some(why) = keys.specs()?.iter().find_map(|spec| spec.build(None).err()) {
                return Ok(Some(why));
            }
        }
        Ok(None)
    }

    /// Every repetition on a fresh store. Every other one of a race lets all look before any may write.
    fn run(&self, case: &Case, plain: bool, listener: &mut dyn Listener) -> Check {
        let repeat = if self.races { case.repeat.max(2) } else { case.repeat };
        for turn in 0..repeat {
            listener.begins(plain && turn == 0);
            let nth = |why| if repeat > 1 { format!("run {}: {why}", turn + 1) } else { why };
            self.run_once(turn, listener).map_err(nth)?;
        }
        Ok(())
    }

    fn run_once(&self, turn: usize, listener: &mut dyn Listener) -> Check {
        let run = AssertUnwindSafe(|| self.play(turn, listener));
        catch_unwind(run).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or(panic.downcast_ref::<&str>().copied());
            Err(format!("panicked: {}", text.unwrap_or_default()))
        })
    }

    fn play(&self, turn: usize, listener: &mut dyn Listener) -> Check {
        let mut world = World::new(self.policies[0].clone(), turn.try_into().unwrap_or(u64::MAX))?;
        world.two_steps = self.races && turn % 2 == 1;
        world.store.faults().wait(turn % 3);
        for step in &self.steps {
            let result = step.run(&mut world);
            world.told.drain(..).for_each(|line| listener.line(&line));
            result?;
        }
        self.after.check(&world).map_err(|why| format!("after: {why}"))
    }
}

/// The policy of the beginning, and each that a step changes it to.
fn policies(first: Keys, steps: &[Value]) -> Vec<Keys> {
    let mut policies = vec![first];
    for step in steps.iter().filter(|step| step["do"] == "set_policy") {
        if let (Some(last), Some(changes)) = (policies.last(), step["policy"].as_object()) {
            let mut next = last.clone();
            next.base.extend(changes.clone());
            policies.push(next);
        }
    }
    policies
}

/// The first feature that policies and verbs need and the engine lacks, whether the scenario lists it or not.
fn needed(policies: &[Keys], steps: &[Step]) -> Check<Option<Skip>> {
    let mut skipped = None;
    for keys in policies {
        for tag in keys.specs()?.iter().flat_map(Spec::lacking) {
            skipped = skipped.or(tags::skip(tag)?);
        }
    }
    for tag in steps.iter().flat_map(|step| &step.needs) {
        skipped = skipped.or(tags::skip(tag)?);
    }
    Ok(skipped)
}
