//! Whether the store remembers what the model remembers.

use std::collections::BTreeSet;

use heirloom::family::{Family as Record, Status};
use heirloom::token::FamilyId;

use super::history::{Family, Model};
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
    ended: Option<(Millis, Cause)>,
    place: usize,
    key: u8,
    since: Millis,
    used_at: Millis,
    idle_end: Option<Millis>,
    closed: bool,
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
        if *record.grant != translate::grant(&family.consent) {
            return Err(format!("family {no}: another grant is stored"));
        }
    }
    Ok(())
}

fn stored(record: &Record) -> Remembered {
    let head = &record.head;
    Remembered {
        subject: record.grant.subject.to_string(),
        client: record.grant.client.to_string(),
        scope: record.grant.scope.iter().map(str::to_owned).collect(),
        issued_at: record.created_at.as_millis(),
        absolute_end: record.expires_at.map(|end| end.as_millis()),
        ended: ended(record),
        place: answers::place(head.generation),
        key: head.key.as_u8(),
        since: head.rotated_at.as_millis(),
        used_at: head.used_at.as_millis(),
        idle_end: head.idle_expires_at.map(|end| end.as_millis()),
        closed: head.predecessor.as_ref().is_some_and(|predecessor| predecessor.closed),
    }
}

fn kept(model: &Model, family: &Family) -> Remembered {
    let current = family.current();
    Remembered {
        subject: family.consent.subject.to_owned(),
        client: family.consent.client.to_owned(),
        scope: family.consent.scope.iter().map(|word| (*word).to_owned()).collect(),
        issued_at: family.issued_at,
        absolute_end: family.absolute_end,
        ended: family.ended,
        place: family.chain.len() - 1,
        key: model.tokens[current.token].key,
        since: current.since,
        used_at: current.used_at,
        idle_end: current.idle_end,
        closed: current.closed,
    }
}

/// When and why a stored family was ended.
pub fn ended(record: &Record) -> Option<(Millis, Cause)> {
    match &record.status {
        Status::Live => None,
        Status::Revoked(end) => Some((end.at.as_millis(), answers::cause(end.reason))),
    }
}
