//! P9 to P12, P17 and P18: what is bounded: time, scope, what is kept, what is said, and what it costs.

use std::collections::BTreeSet;

use heirloom::Timestamp;
use heirloom::family::{Family, Status};
use heirloom::record;
use heirloom::testing::Operation as StoreCall;

use super::Moment;
use crate::model::log::{Log, heads};
use crate::model::operation::Trouble;
use crate::model::said;
use crate::model::words::{Answer, Asked, How, RETENTION, Why};

/// P9. A stored absolute end is what it was at first sight; an idle end moves only with a grant; and nothing is
/// granted at an end or after it.
pub fn p09_ends_are_stored_and_enforced(moment: &Moment<'_>, log: &Log) {
    for (id, family) in moment.after {
        assert_eq!(
            family.expires_at, log.families[id].absolute_end,
            "P9: an absolute end has moved"
        );
        let Some(before) = moment.before.get(id) else { continue };
        let granted = matches!(moment.expected, Answer::Granted(_));
        for (branch, head) in heads(before) {
            let now = family.head_of(branch);
            let moved = now.is_some_and(|now| now.idle_expires_at != head.idle_expires_at);
            assert!(!moved || granted, "P9: an idle end has moved without a grant");
        }
        let legacy = family.kept_until.filter(|_| family.head.generation == 0);
        let late = legacy.is_some()
            && family.head.idle_expires_at != before.head.idle_expires_at
            && family.head.idle_expires_at.is_none_or(|end| Some(end) > legacy);
        assert!(!late, "P9: a legacy token outlives its date");
    }
    let Some((showing, _)) = moment.granted() else { return };
    let Some((before, _)) = moment.records() else { return };
    let Some((head, _)) = moment.heads_shown() else { return };
    let now = Timestamp::from_millis(moment.ask.now);
    let own = before.grant.not_after.into_iter();
    let mut ends: Vec<Timestamp> = own.collect();
    if !showing.rules.live {
        ends.extend(before.expires_at.into_iter().chain(head.idle_expires_at));
    }
    assert!(ends.iter().all(|end| now < *end), "P9: granted at {now:?}, after one of {ends:?}");
}

/// P10. By words, against the record; and by all records, when nothing is granted.
pub fn p10_scope_is_within_the_grant_and_refusals_consume_nothing(moment: &Moment<'_>) {
    if let Some((showing, granted)) = moment.granted() {
        let record = &moment.before[&moment.ids[granted.family]];
        let consented: BTreeSet<String> = record.grant.scope.iter().map(str::to_owned).collect();
        assert!(granted.scope.is_subset(&consented), "P10: {:?} of {consented:?}", granted.scope);
        if let Some(asked) = showing.scope.as_ref().filter(|asked| !asked.is_empty()) {
            let asked: BTreeSet<String> = asked.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(granted.scope, asked, "P10: not what was asked for");
        }
        let regranted = moment.after.get(&record.id).is_none_or(|now| now.grant != record.grant);
        assert!(!regranted, "P10: a request has changed the grant");
    }
    if let Some(Answer::Refused(why)) = moment.answer {
        assert_eq!(moment.before, moment.after, "P10: refused for {why:?}, and consumed");
    }
}

/// P11. What is removed had ended a retention ago, by its record; what is not stored is not granted. A restart has
/// nothing to remember: the operations restart nodes, and every other property goes on.
pub fn p11_purge_is_never_permissive(moment: &Moment<'_>) {
    let now = Timestamp::from_millis(moment.ask.now);
    for (id, record) in moment.before.iter().filter(|(id, _)| !moment.after.contains_key(id)) {
        assert!(matches!(moment.ask.call, Asked::Purge { .. }), "P11: {id} is gone");
        let retention = std::time::Duration::from_millis(RETENTION);
        let due = |end: Timestamp| end.saturating_add(retention) < now;
        let over = match &record.status {
            Status::Live => heads(record).all(|(_, head)| {
                [record.expires_at, head.idle_expires_at].into_iter().flatten().any(due)
            }),
            Status::Revoked(end) => due(end.at),
        };
        let legacy = record.kept_until.is_none_or(due);
        assert!(over && legacy, "P11: {id} was removed before its time");
    }
    if let Some((_, granted)) = moment.granted() {
        let id = moment.ids[granted.family];
        assert!(moment.before.contains_key(&id), "P11: granted on {id}, which is not stored");
    }
}

/// P12. No token, secret, digest or salt in anything that was returned, told, or is printed of a record. That
/// secrets are wiped cannot be seen without unsafe code.
pub fn p12_nothing_secret_is_said(moment: &Moment<'_>) {
    let about = moment.about();
    let tokens = moment.model.texts(|no| about.contains(&moment.ids[no]));
    let secrets = tokens.chain(moment.released).flat_map(said::spellings_of_secret);
    let kept = moment.after.iter().filter(|(id, _)| about.contains(id));
    let kept = kept.flat_map(|(_, family)| said::spellings_of_record(family));
    for spelling in secrets.chain(kept) {
        assert!(!moment.said.contains(&spelling), "P12: {spelling} in {}", moment.said);
    }
}

/// P17. A rotation adds no byte and no record, a fork a branch at most; an end is one write; a dead family costs none.
pub fn p17_state_and_writes_are_constant(moment: &Moment<'_>) {
    if !matches!(moment.ask.call, Asked::Issue(..) | Asked::Adopt { .. }) {
        assert!(moment.after.len() <= moment.before.len(), "P17: a record more");
    }
    let Some((before, after)) = moment.records() else { return };
    let shape = |family: &Family| {
        let ends = heads(family).map(|(branch, head)| (branch, head.idle_expires_at.is_some()));
        (family.status.clone(), ends.collect::<Vec<_>>())
    };
    if before.head.generation > 0 && shape(before) == shape(after) && before.grant == after.grant {
        let (before, after) = (record::encode(before).len(), record::encode(after).len());
        assert_eq!(before, after, "P17: a record has grown");
    }
    let writes = after.version - before.version;
    match moment.answer {
        Some(Answer::Refused(Why::Dead(_)) | Answer::RevokedBefore(_)) => {
            assert_eq!(writes, 0, "P17: a dead family was written");
        }
        Some(Answer::Ended(_) | Answer::Revoked) => {
            assert_eq!(writes, 1, "P17: more than one write to end a family");
        }
        Some(_) | None => {
            let twice = matches!(moment.trouble, Trouble::ConflictAfter(_));
            assert!(writes <= 1 + u64::from(twice), "P17: {writes} writes by one call");
        }
    }
}

/// P18. Counted at the store, when nothing goes wrong and nobody came between `begin` and `commit`.
pub fn p18_round_trips_are_bounded(moment: &Moment<'_>) {
    let calls = moment.operations.total();
    let shown = match &moment.ask.call {
        Asked::Revoke(showing) | Asked::Introspect(showing) | Asked::Explain(showing) => {
            Some(showing)
        }
        _ => moment.ask.refresh(),
    };
    if shown.is_some_and(|showing| !showing.ours && showing.token.is_none()) {
        // A string that is no token of ours may be a legacy one.
        let most = usize::from(moment.ask.ring.adopts);
        assert!(
            calls <= most || !matches!(moment.trouble, Trouble::None),
            "P18: the store was asked about a string that was never minted"
        );
    }
    let family = moment.records().map(|(before, _)| before);
    let alone = moment.begun.is_none() || moment.begun == family;
    if !matches!(moment.trouble, Trouble::None) || !alone {
        return;
    }
    let selects = moment.operations.count(StoreCall::Select);
    let ended = |id| moment.before.get(id).is_none_or(|before| before.status == Status::Live);
    let ended = moment.after.iter().filter(|(id, now)| now.status != Status::Live && ended(*id));
    let ended = ended.count();
    let plain = moment.records().is_some_and(|(before, _)| before.is_plain());
    let most = match (&moment.ask.call, moment.answer) {
        (Asked::RevokeAll { .. }, Some(Answer::Count(ended))) => selects + ended,
        (Asked::Refresh(showing), Some(Answer::Granted(granted))) => {
            let common =
                showing.scope.as_ref().is_none_or(BTreeSet::is_empty) && showing.resource.is_none();
            let counted = showing.rules.leeway.is_some_and(|leeway| leeway.uses.is_some());
            match granted.how {
                How::Rotated if common && plain => 1,
                How::Replayed if !counted => 1,
                How::Issued
                | How::Rotated
                | How::Replayed
                | How::Renewed
                | How::Forked
                | How::Recovered
                | How::Kept => 2,
            }
        }
        (Asked::Begin(_), Some(Answer::Ready)) => 1,
        (Asked::Commit(..), Some(Answer::Granted(_))) => 1,
        (Asked::Adopt { .. }, Some(Answer::Adopted(_))) => 1,
        (Asked::Issue(..), _) => {
            let stored = moment.ids.len() - moment.model.issued.len();
            stored.max(1) + selects + ended
        }
        (Asked::RevokeFamily(_) | Asked::Purge { .. }, _) => 1,
        // What reuse ends beside the family.
        (_, Some(Answer::Ended(_))) => 1 + selects + ended,
        _ => 2,
    };
    assert!(calls <= most, "P18: {calls} calls of the store, for {most}");
}
