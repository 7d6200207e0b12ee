//! Several requests at the same moment: real threads, let go together.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::thread;

use serde_json::Value;

use super::super::expect::fits_word;
use super::super::fields::{Check, Fields, texts};
use super::super::host::Meet;
use super::super::issue::Issue;
use super::super::op::{At, Op};
use super::super::outcome::{Answer, Word};
use super::super::step::{Act, Actor};
use super::super::world::World;
use super::{each, nested};

/// What a race should come to.
#[derive(Default)]
struct Tally {
    ok: Option<usize>,
    ok_min: Option<usize>,
    errors: Option<usize>,
    distinct: Option<usize>,
    codes: Vec<Word>,
}

impl Tally {
    fn parse(fields: &mut Fields) -> Check<Self> {
        let Some(value) = fields.take("expect") else { return Ok(Self::default()) };
        if let Some(words) = texts(&value) {
            // One word for all: nothing else may happen.
            let words = Word::parse_all(&words)?;
            let errors = words.iter().all(|word| word.is_success()).then_some(0);
            let codes = words.into_iter().filter(|word| !word.is_success()).collect();
            return Ok(Self { errors, codes, ..Self::default() });
        }
        let mut tally = Fields::new("expect", &value)?;
        let mut codes = tally.texts("code")?.unwrap_or_default();
        codes.extend(tally.texts("error_codes")?.unwrap_or_default());
        let read = Self {
            ok: tally.count("ok")?,
            ok_min: tally.count("ok_min")?,
            errors: tally.count("errors")?,
            distinct: tally.count("distinct")?,
            codes: Word::parse_all(&codes)?,
        };
        tally.finish()?;
        Ok(read)
    }

    fn check(&self, answers: &[Answer]) -> Check {
        let ok = answers.iter().filter(|answer| succeeded(answer)).count();
        let errors = answers.len() - ok;
        let tokens: BTreeSet<&str> = answers.iter().filter_map(Answer::token).collect();
        for (what, wanted, found) in [
            ("ok", self.ok, ok),
            ("errors", self.errors, errors),
            ("distinct tokens", self.distinct, tokens.len()),
        ] {
            if wanted.is_some_and(|wanted| wanted != found) {
                return Err(format!("{found} {what}: {}", summary(answers)));
            }
        }
        if self.ok_min.is_some_and(|min| ok < min) {
            return Err(format!("only {ok} ok: {}", summary(answers)));
        }
        let stranger = answers.iter().find(|answer| {
            !succeeded(answer) && !self.codes.is_empty() && !self.codes.contains(&answer.word)
        });
        stranger.map_or(Ok(()), |answer| Err(format!("{}: {}", answer.word.as_str(), answer.said)))
    }
}

fn succeeded(answer: &Answer) -> bool {
    answer.word.is_success() || answer.word == Word::Ok
}

fn summary(answers: &[Answer]) -> String {
    let mut counts = std::collections::BTreeMap::new();
    for answer in answers {
        *counts.entry(answer.word.as_str()).or_insert(0) += 1;
    }
    let counts: Vec<_> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    counts.join(", ")
}

/// The same request by so many workers.
pub fn concurrent(fields: &mut Fields) -> Check<Act> {
    let workers = fields.count("n")?.ok_or("no `n`")?;
    let times = fields.count("times")?.unwrap_or(1);
    let nodes = fields.texts("nodes")?.unwrap_or_default();
    let (at, inner) = nested(&fields.take("op").ok_or("no `op`")?)?;
    let named = fields.text("as")?.or(inner);
    let tally = Tally::parse(fields)?;
    Ok(Box::new(move |world: &mut World, actor: &Actor| {
        let node = |worker: usize| match nodes.len() {
            0 => at.node.clone(),
            len => nodes.get(worker % len).cloned(),
        };
        let team: Vec<At> = (0..workers).map(|worker| at.at_node(node(worker))).collect();
        let answers = race(world, &team, |at, meet| repeat(world, at, times, meet))?.concat();
        keep_renderings(world, &answers);
        answers.iter().try_for_each(|answer| world.check_standing(&at, answer))?;
        tally.check(&answers)?;
        if let Some(success) = answers.iter().find(|answer| answer.token().is_some()) {
            world.accept(&at, named.as_deref(), success, false);
        }
        answers.iter().for_each(|answer| world.release(answer));
        let family = answers.first().and_then(|answer| world.concerned(&at, answer));
        let does = format!("({workers} at once) {}", at.does());
        world.tell(actor.or("workers"), does, summary(&answers), family);
        Ok(())
    }))
}

/// Different requests, one worker each.
pub fn concurrent_ops(fields: &mut Fields) -> Check<Act> {
    let list = fields.list("ops")?.ok_or("no `ops`")?;
    let ops = list.iter().map(nested).collect::<Check<Vec<_>>>()?;
    let vectors = match fields.object("expect")? {
        None => Vec::new(),
        Some(map) => {
            let mut expect = Fields::new("expect", &Value::Object(map))?;
            let each = expect.list("each")?.unwrap_or_default();
            expect.finish()?;
            each.iter().map(vector).collect::<Check<Vec<_>>>()?
        }
    };
    Ok(Box::new(move |world: &mut World, actor: &Actor| {
        let team: Vec<At> = ops.iter().map(|(at, _)| at.clone()).collect();
        let answers = race(world, &team, |at, meet| at.perform(world, meet))?;
        let fits = |vector: &Vec<Vec<Word>>| {
            vector.len() == answers.len()
                && vector.iter().zip(&answers).all(|(words, answer)| {
                    words.iter().any(|word| fits_word(*word, answer, None, &world.released))
                })
        };
        if !vectors.is_empty() && !vectors.iter().any(fits) {
            let said: Vec<&str> = answers.iter().map(|answer| answer.said.as_str()).collect();
            return Err(format!("came to {} ({})", summary(&answers), said.join("; ")));
        }
        keep_renderings(world, &answers);
        for ((at, named), answer) in ops.iter().zip(&answers) {
            world.check_standing(at, answer)?;
            world.accept(at, named.as_deref(), answer, false);
            world.narrate(actor, at, answer);
        }
        Ok(())
    }))
}

fn vector(value: &Value) -> Check<Vec<Vec<Word>>> {
    let list = value.as_array().ok_or_else(|| format!("not a list of outcomes: {value}"))?;
    let words =
        |one: &Value| Word::parse_all(&texts(one).ok_or_else(|| format!("not an outcome: {one}"))?);
    list.iter().map(words).collect()
}

/// So many chains side by side, each on a family of its own.
pub fn concurrent_chains(fields: &mut Fields) -> Check<Act> {
    let count = fields.count("count")?;
    let rotations = fields.count("rotations")?.ok_or("no `rotations`")?;
    let families = fields.take("families").unwrap_or(Value::from("F"));
    let families = each::names(&families, count)?;
    let tally = Tally::parse(fields)?;
    Ok(Box::new(move |world: &mut World, actor: &Actor| {
        let team = families.iter().map(|name| started(world, name)).collect::<Check<Vec<_>>>()?;
        let lines = race(world, &team, |at, meet| line(world, at, rotations, meet))?;
        for line in &lines {
            keep_renderings(world, &line.answers);
            line.answers.iter().for_each(|answer| world.release(answer));
        }
        let all: Vec<Answer> = lines.iter().flat_map(|line| line.answers.clone()).collect();
        // `ok` may count rotations, or chains without an error.
        let whole: Vec<Answer> =
            lines.iter().filter_map(|line| line.answers.last().cloned()).collect();
        tally.check(&all).or_else(|why| tally.check(&whole).map_err(|_| why))?;
        let does = format!("({} chains at once) rotate {rotations} times", team.len());
        world.tell(actor.or("workers"), does, summary(&all), None);
        Ok(())
    }))
}

/// A family that may have been issued before; its first token is where the chain starts.
fn started(world: &mut World, family: &str) -> Check<At> {
    let token = format!("({family})");
    let known = world.families.get(family).map(|issued| issued.id);
    let newest = known.and_then(|id| world.live_token(id));
    match newest {
        Some(text) => world.names.bind_text(&token, &text),
        None => {
            let at = At { op: Op::Issue(Box::new(Issue::of(family)?)), node: None };
            let made = world.make(&at)?;
            world.accept(&at, Some(&token), &made.answer, false);
        }
    }
    let (at, _) = nested(&serde_json::json!({ "do": "refresh", "token": token }))?;
    Ok(at)
}

struct Line {
    answers: Vec<Answer>,
}

/// A chain: stops at the first answer without a token.
fn line(world: &World, at: &At, rotations: usize, mut meet: Meet<'_>) -> Check<Line> {
    let Op::Refresh(refresh) = &at.op else { return Err("a chain refreshes".to_owned()) };
    let name = at.presents().unwrap_or_default();
    let mut text = world.names.text(name)?.unwrap_or_default().to_owned();
    let mut answers = Vec::new();
    meet.wait();
    for _ in 0..rotations {
        let answer = world.refresh(&text, refresh, Meet::at(None))?;
        let next = answer.token().map(str::to_owned);
        answers.push(answer);
        match next {
            Some(next) => text = next,
            None => break,
        }
    }
    Ok(Line { answers })
}

fn repeat(world: &World, at: &At, times: usize, meet: Meet<'_>) -> Check<Vec<Answer>> {
    let mut answers = vec![at.perform(world, meet)?];
    for _ in 1..times {
        answers.push(at.perform(world, Meet::at(None))?);
    }
    Ok(answers)
}

/// Lets all workers go at once, and waits for all. A panic of one is a failure.
fn race<T: Send>(
    world: &World,
    team: &[At],
    run: impl Fn(&At, Meet<'_>) -> Check<T> + Sync,
) -> Check<Vec<T>> {
    let (start, middle) = (Barrier::new(team.len()), Barrier::new(team.len()));
    let middle = world.two_steps.then_some(&middle);
    world.take_events();
    thread::scope(|scope| {
        let (start, run) = (&start, &run);
        let workers: Vec<_> = team
            .iter()
            .map(|at| {
                scope.spawn(move || {
                    let meet = Meet::at(middle);
                    start.wait();
                    run(at, meet)
                })
            })
            .collect();
        let joined = workers.into_iter().map(|worker| worker.join());
        joined
            .map(|result| result.unwrap_or_else(|_| Err("a worker panicked".to_owned())))
            .collect()
    })
}

/// Keeps what a log would have shown.
fn keep_renderings(world: &mut World, answers: &[Answer]) {
    let events = world.take_events();
    world.renderings.extend(events.iter().map(|event| format!("{event:?}")));
    world.renderings.extend(answers.iter().map(|answer| answer.rendering.clone()));
}
