//! Whether the engine and the model agree: on the answer, on the string released, on the events that tell of it.

use heirloom::EventKind;
use heirloom::family::Status;

use super::history::Model;
use super::operation::Trouble;
use super::properties::Moment;
use super::words::{Answer, Ask, Asked, Failure, FamilyNo, How, Verdict, Why};

/// The history after a call, if the answer is right; or what is wrong with it.
pub fn on_answer(moment: &Moment<'_>, whole: Model) -> Result<Model, String> {
    let Moment { ask, model, expected, .. } = moment;
    if moment.struck && is_reported(moment.trouble) && !fails(moment, Failure::Store) {
        return Err(format!("{:?} is not reported: {:?}", moment.trouble, moment.answer));
    }
    let excused = match moment.trouble {
        Trouble::None => false,
        Trouble::Dropped(_) => moment.answer.is_none(),
        Trouble::Before(_) | Trouble::After(_) => moment.struck && fails(moment, Failure::Store),
        // What an attempt had removed before its answer was lost would go uncounted: purge is the host's to try again.
        Trouble::Conflicts(_) | Trouble::ConflictAfter(_)
            if matches!(ask.call, Asked::Purge { .. }) =>
        {
            moment.struck && fails(moment, Failure::Store)
        }
        // Four in a row are not noticed.
        Trouble::Conflicts(times) => *times > 4 && fails(moment, Failure::Contended),
        // Its own write is not known from another worker's, who has adopted the same.
        Trouble::ConflictAfter(_) => match (moment.answer, expected) {
            (Some(Answer::AdoptedBefore(one)), Answer::Adopted(other)) => one == other,
            _ => false,
        },
    };
    let answer = moment.answer.map(|answer| plain(answer, ask));
    if !excused && answer.as_ref() != Some(*expected) {
        return Err(format!("the engine: {answer:?}\nthe model:  {expected:?}"));
    }
    let done = |no: FamilyNo| {
        let id = moment.ids.get(no);
        id.is_some_and(|id| moment.before.get(id) != moment.after.get(id))
    };
    match ask.call {
        Asked::Issue(..) | Asked::Adopt { .. } => begun(moment, whole, excused, done),
        Asked::Purge { .. } => purged(moment, whole, done),
        _ if excused => Ok(model.partly(&whole, done)),
        _ => Ok(whole),
    }
}

/// A family that was stored is the one that was to begin; an answer that was lost may have left it behind, and the limit to be
/// seen to by the next.
fn begun(
    moment: &Moment<'_>,
    whole: Model,
    excused: bool,
    done: impl Fn(FamilyNo) -> bool,
) -> Result<Model, String> {
    if !excused && moment.ids.len() != whole.issued.len() {
        return Err(format!("{} families, for {}", moment.ids.len(), whole.issued.len()));
    }
    let stored = (0..moment.ids.len()).any(|no| !moment.model.kept.contains_key(&no) && done(no));
    if !stored {
        return Ok(if excused { moment.model.clone() } else { whole });
    }
    let mut partly = moment.model.partly(&whole, done);
    partly.issued.truncate(moment.ids.len());
    partly.tokens.retain(|token| token.family < moment.ids.len());
    for (no, family) in &mut partly.kept {
        let lives = moment.after.get(&moment.ids[*no]).is_some_and(|it| it.status == Status::Live);
        family.ended = family.ended.filter(|_| !lives);
    }
    Ok(partly)
}

fn purged(
    moment: &Moment<'_>,
    whole: Model,
    done: impl Fn(FamilyNo) -> bool,
) -> Result<Model, String> {
    let partly = moment.model.partly(&whole, done);
    let gone = moment.model.kept.len() - partly.kept.len();
    match moment.answer {
        Some(Answer::Count(count)) if *count != gone => {
            Err(format!("{count} are said to be removed, and {gone} are"))
        }
        Some(_) | None => Ok(partly),
    }
}

fn is_reported(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Before(_) | Trouble::After(_) => true,
        Trouble::None | Trouble::Conflicts(_) | Trouble::ConflictAfter(_) | Trouble::Dropped(_) => {
            false
        }
    }
}

fn fails(moment: &Moment<'_>, failure: Failure) -> bool {
    moment.answer == Some(&Answer::Failed(failure))
}

/// A string that nobody minted may name any key: it makes no difference how it is found out.
pub fn plain(answer: &Answer, ask: &Ask) -> Answer {
    let shown = match &ask.call {
        Asked::Revoke(showing) | Asked::Explain(showing) => Some(showing),
        _ => ask.refresh(),
    };
    let never_minted = shown.is_some_and(|showing| !showing.ours);
    match answer {
        Answer::Refused(Why::KeyDropped) if never_minted => Answer::Refused(Why::NeverMinted),
        Answer::NoEffect(Why::KeyDropped) if never_minted => Answer::NoEffect(Why::NeverMinted),
        Answer::Would(Verdict::Refuse(Why::KeyDropped)) if never_minted => {
            Answer::Would(Verdict::Refuse(Why::NeverMinted))
        }
        other => other.clone(),
    }
}

/// A string is released for the current token when one is granted, and else none.
pub fn on_release(
    model: &mut Model,
    answer: Option<&Answer>,
    released: Option<&str>,
) -> Result<(), String> {
    match (answer, released) {
        (Some(Answer::Granted(granted)), Some(text)) if granted.how != How::Kept => {
            let line = model.kept[&granted.family].line(granted.line);
            let line = line.ok_or(format!("granted on a line that is not: {granted:?}"))?;
            model.release(line.current().token, text)
        }
        (Some(Answer::Granted(granted)), None) if granted.how == How::Kept => Ok(()),
        (Some(Answer::Granted(granted)), _) => Err(format!("{granted:?} with {released:?}")),
        (_, Some(_)) => Err("a token without a grant".to_owned()),
        (_, None) => Ok(()),
    }
}

/// What has happened is told once, and nothing that has not. An answer that was lost may have lost its event.
pub fn on_events(moment: &Moment<'_>) -> Result<(), String> {
    let mut told: Vec<&str> = moment.events.iter().filter_map(|event| told(event.kind)).collect();
    told.sort_unstable();
    let ended = |id| moment.before.get(id).is_none_or(|before| before.status == Status::Live);
    let ended = moment.after.iter().filter(|(id, now)| now.status != Status::Live && ended(*id));
    let mut due = vec!["revoked"; ended.count()];
    due.splice(
        0..0,
        match moment.answer {
            None | Some(Answer::Failed(_)) => return Ok(()),
            Some(Answer::Granted(granted)) => vec![match granted.how {
                How::Issued => "issued",
                How::Rotated => "rotated",
                How::Replayed => "replayed",
                How::Renewed => "renewed",
                How::Forked => "forked",
                How::Recovered => "recovered",
                How::Kept => "kept",
            }],
            Some(Answer::Adopted(_)) => vec!["adopted"],
            Some(Answer::Refused(_) | Answer::Ended(_)) => vec!["refused"],
            Some(Answer::NoEffect(_)) => match moment.ask.call {
                Asked::Revoke(_) => vec!["refused"],
                _ => Vec::new(),
            },
            // A write of which the store has said conflict is not known again from another's of the same grant.
            Some(Answer::Changed) if matches!(moment.trouble, Trouble::ConflictAfter(_)) => {
                return Ok(());
            }
            Some(Answer::Changed) => vec!["changed"; usize::from(moment.before != moment.after)],
            Some(Answer::Count(count)) => match moment.ask.call {
                Asked::Purge { .. } => vec!["purged"; usize::from(*count > 0)],
                _ => Vec::new(),
            },
            Some(
                Answer::Ready
                | Answer::AdoptedBefore(_)
                | Answer::Revoked
                | Answer::RevokedBefore(_)
                | Answer::NotLive
                | Answer::Active { .. }
                | Answer::Inactive
                | Answer::Would(_),
            ) => Vec::new(),
        },
    );
    if told == due { Ok(()) } else { Err(format!("told: {told:?}, and due: {due:?}")) }
}

fn told(kind: EventKind) -> Option<&'static str> {
    match kind {
        EventKind::Issued => Some("issued"),
        EventKind::Rotated => Some("rotated"),
        EventKind::Replayed { .. } => Some("replayed"),
        EventKind::Renewed { .. } => Some("renewed"),
        EventKind::Forked { .. } => Some("forked"),
        EventKind::Recovered => Some("recovered"),
        EventKind::Adopted => Some("adopted"),
        EventKind::Kept => Some("kept"),
        EventKind::Revoked(_) => Some("revoked"),
        EventKind::Refused { .. } => Some("refused"),
        EventKind::GrantChanged => Some("changed"),
        EventKind::Purged { .. } => Some("purged"),
        // Told besides: how far the clocks differ, and what a store that fails has kept from its end.
        EventKind::ClockBehind { .. } | EventKind::RelatedLeft => None,
        other => panic!("an event that the model does not know: {other:?}"),
    }
}
