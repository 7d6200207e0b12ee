//! Whether the store remembers what the model remembers.

use std::collections::BTreeSet;

use heirloom::family::{Family as Record, Head, Status};
use heirloom::token::{FamilyId, Presented};

use super::history::{Family, Line, Link, Model};
use super::node::Records;
use super::words::{Cause, Millis};
use super::{answers, translate};

/// What both remember of a family.
#[derive(PartialEq, Eq, Debug)]
struct Remembered {
    subject: String,
    client: String,
    scope: BTreeSet<String>,
    issued_at: Millis,
    absolute_end: Option<Millis>,
    kept_until: Option<Millis>,
    ended: Option<(Millis, Cause)>,
    forks: usize,
    lines: Vec<RememberedLine>,
}

/// What both remember of a line.
#[derive(PartialEq, Eq, Debug)]
struct RememberedLine {
    number: usize,
    origin: usize,
    born: usize,
    place: usize,
    /// `None`: another system has made the token.
    key: Option<u8>,
    since: Millis,
    used_at: Millis,
    idle_end: Option<Millis>,
    closed: bool,
    uses: u32,
    displaced: bool,
    predecessor_displaced: bool,
}

/// The store holds the families that the model remembers, and of each the same.
pub fn on_records(model: &Model, ids: &[FamilyId], records: &Records) -> Result<(), String> {
    if records.len() != model.kept.len() {
        let (stored, kept) = (records.len(), model.kept.len());
        return Err(format!("{stored} records, and {kept} families to be remembered"));
    }
    for (no, family) in &model.kept {
        let record = records.get(&ids[*no]).ok_or(format!("family {no} is not stored"))?;
        let (stored, kept) = (stored(record), kept(model, family));
        if stored != kept {
            return Err(format!("family {no}\nthe store: {stored:?}\nthe model: {kept:?}"));
        }
        for line in &family.lines {
            on_digests(model, record, line)
                .ok_or(format!("family {no}: another token is stored"))?;
        }
        if *record.grant != translate::grant(&family.consent) {
            return Err(format!("family {no}: another grant is stored"));
        }
    }
    Ok(())
}

/// Whether the strings that were released for the current token of a line and for the one before are those that are stored. An answer
/// that was lost has released none.
fn on_digests(model: &Model, record: &Record, line: &Line) -> Option<()> {
    let head = record.head_of(u16::try_from(line.number).ok()?)?;
    let keys = translate::every_key();
    let is = |link: &Link, digest| {
        let token = &model.tokens[link.token];
        let text = token.text.as_ref().filter(|_| token.key.is_some());
        text.is_none_or(|text| {
            Presented::verify(text, keys).is_ok_and(|shown| shown.digest() == digest)
        })
    };
    let before = line.chain.iter().rev().nth(1).zip(head.predecessor.as_ref());
    let predecessor = before.is_none_or(|(before, stored)| is(before, stored.digest));
    (is(line.current(), head.digest) && predecessor).then_some(())
}

fn stored(record: &Record) -> Remembered {
    let first = stored_line(record, &record.head, (0, 0, 0));
    let others = record.branches.live.iter().map(|branch| {
        stored_line(record, &branch.head, (branch.number, branch.origin, branch.born))
    });
    Remembered {
        subject: record.grant.subject.to_string(),
        client: record.grant.client.to_string(),
        scope: record.grant.scope.iter().map(str::to_owned).collect(),
        issued_at: record.created_at.as_millis(),
        absolute_end: record.expires_at.map(|end| end.as_millis()),
        kept_until: record.kept_until.map(|end| end.as_millis()),
        ended: ended(record),
        forks: usize::from(record.branches.made),
        lines: std::iter::once(first).chain(others).collect(),
    }
}

fn stored_line(
    record: &Record,
    head: &Head,
    (number, origin, born): (u16, u16, u32),
) -> RememberedLine {
    let legacy = record.kept_until.is_some() && head.generation == 0;
    let predecessor = head.predecessor.as_ref();
    RememberedLine {
        number: usize::from(number),
        origin: usize::from(origin),
        born: answers::place(born),
        place: answers::place(head.generation),
        key: (!legacy).then(|| head.key.as_u8()),
        since: head.rotated_at.as_millis(),
        used_at: head.used_at.as_millis(),
        idle_end: head.idle_expires_at.map(|end| end.as_millis()),
        closed: predecessor.is_some_and(|predecessor| predecessor.closed),
        uses: predecessor.map_or(0, |predecessor| predecessor.replays),
        displaced: head.displaced,
        predecessor_displaced: predecessor.is_some_and(|predecessor| predecessor.displaced),
    }
}

fn kept(model: &Model, family: &Family) -> Remembered {
    Remembered {
        subject: family.consent.subject.to_owned(),
        client: family.consent.client.to_owned(),
        scope: family.consent.scope.iter().map(|word| (*word).to_owned()).collect(),
        issued_at: family.issued_at,
        absolute_end: family.absolute_end,
        kept_until: family.kept_until,
        ended: family.ended,
        forks: family.forks,
        lines: family.lines.iter().map(|line| kept_line(model, line)).collect(),
    }
}

fn kept_line(model: &Model, line: &Line) -> RememberedLine {
    let current = line.current();
    let before = line.chain.iter().rev().nth(1);
    RememberedLine {
        number: line.number,
        origin: line.origin,
        born: line.chain[0].place,
        place: current.place,
        key: model.tokens[current.token].key,
        since: current.since,
        used_at: current.used_at,
        idle_end: current.idle_end,
        closed: current.closed,
        uses: current.uses,
        displaced: !current.earlier.is_empty(),
        predecessor_displaced: before.is_some_and(|before| !before.earlier.is_empty()),
    }
}

/// When and why a stored family was ended.
pub fn ended(record: &Record) -> Option<(Millis, Cause)> {
    match &record.status {
        Status::Live => None,
        Status::Revoked(end) => Some((end.at.as_millis(), answers::cause(end.reason))),
    }
}
