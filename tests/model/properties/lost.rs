//! P13 to P16 and P19: answers that got lost, and writes.

use heirloom::family::Status;

use super::{Crowd, Moment};
use crate::model::answers::Actual;
use crate::model::history::{Model, Standing};
use crate::model::log::{Log, LostAnswer};
use crate::model::operation::Trouble;
use crate::model::words::{Answer, Ask, Asked, Cause, Granted, How, Mode, Rules, TokenNo};

/// The retry of the refresh just before, whose answer was lost: the same request to the same node at the
/// same instant, under rules by which the answer is to be repeated, while the node still believes the token.
fn retried<'a>(moment: &Moment<'_>, log: &'a Log) -> Option<&'a LostAnswer> {
    let lost = log.lost_answer.as_ref()?;
    let Asked::Refresh(showing) = &moment.ask.call else { return None };
    let same = *showing == lost.showing
        && moment.ask.now == lost.ask.now
        && moment.ask.node == lost.ask.node
        && matches!(moment.trouble, Trouble::None);
    let token = showing.token?;
    let repeated = repeats(&showing.rules, lost) && is_believed(moment, lost, token);
    (same && repeated && moment.is_owner(showing, token)).then_some(lost)
}

/// Whether the node still has the keys of the token and of what is stored, and the window by which a recovery that is not stored is
/// granted.
fn is_believed(moment: &Moment<'_>, lost: &LostAnswer, token: TokenNo) -> bool {
    let Ask { ring, window, now, .. } = moment.ask;
    let accepts = |key: u8| ring.accepted.contains(&key);
    let shown = moment.model.tokens[token].key.map_or(ring.adopts, accepts);
    let stored = moment.heads(token).is_some_and(|(head, _)| accepts(head.key.as_u8()));
    let issued = lost.before.created_at.as_millis();
    let open = window.is_some_and(|it| *now < it.until && issued < it.issued_before);
    let waits = lost.how == How::Recovered && lost.after.version == lost.before.version;
    shown && stored && (open || !waits)
}

/// Whether a retry is granted by these rules: at once, the leeway has not ended, unless it lasts until a fixed instant or it was
/// used as often as it may be. A fork may find all branches taken.
fn repeats(rules: &Rules, lost: &LostAnswer) -> bool {
    let kept = lost.how == How::Kept;
    let Some(leeway) = rules.leeway else { return kept };
    let uses = match lost.how {
        How::Replayed | How::Renewed | How::Forked => {
            let before = lost.head_before.predecessor.as_ref();
            1 + before.map_or(0, |predecessor| predecessor.replays)
        }
        // It begins anew.
        How::Issued | How::Rotated | How::Recovered | How::Kept => 0,
    };
    let answers = match leeway.mode {
        Mode::Replay | Mode::Newest => true,
        Mode::Fork(_) | Mode::Refuse => false,
    };
    kept || answers && leeway.lasts(lost.ask.now, lost.ask.now) && leeway.allows(uses)
}

/// What the retry was granted, or `None` when this is no retry.
fn granted<'a>(moment: &'a Moment<'_>, log: &Log) -> Option<&'a Granted> {
    retried(moment, log)?;
    match moment.answer {
        Some(Answer::Granted(granted)) => Some(granted),
        other => panic!("P13: the retry of a lost answer is answered {other:?}"),
    }
}

/// P13. Nothing but a grant is an answer to the retry, and the family lives.
pub fn p13_an_honest_retry_never_loses_its_family(moment: &Moment<'_>, log: &Log) {
    if let Some(granted) = granted(moment, log) {
        let record = &moment.after[&moment.ids[granted.family]];
        assert_eq!(record.status, Status::Live, "P13: the family is lost");
    }
}

/// P14. All at once, by the token's own client, inside a leeway that repeats answers: one string for all, if one is
/// granted anything.
pub fn p14_presenters_at_once_get_one_successor(
    crowd: &Crowd<'_>,
    answers: &[Answer],
    model: &Model,
) {
    let Some(ask) = crowd.asks.first() else { return };
    let Asked::Refresh(first) = &ask.call else { return };
    let first_now = ask.now;
    let same = |asked: &Asked| match asked {
        Asked::Refresh(showing) => showing.text == first.text,
        _ => false,
    };
    let repeats = !first.rules.keep
        && first.rules.leeway.is_some_and(|leeway| {
            leeway.mode == Mode::Replay && leeway.lasts(first_now, first_now) && leeway.allows(1)
        });
    let Some(token) = first.token.filter(|_| repeats) else { return };
    let Some(family) = model.kept.get(&model.tokens[token].family) else { return };
    let crowded = crowd.asks.len() == 3 && crowd.asks.iter().all(|ask| same(&ask.call));
    if !crowded || model.standing(family, token) != Standing::Current {
        return;
    }
    let granted = |answer: &&Answer| matches!(answer, Answer::Granted(_));
    if answers.iter().any(|answer| granted(&answer)) {
        assert!(answers.iter().all(|answer| granted(&answer)), "P14: {answers:?}");
        let first = crowd.actuals[0].released();
        let one = crowd.actuals.iter().all(|actual| Actual::released(actual) == first);
        assert!(one && first.is_some(), "P14: more than one successor");
    }
}

/// P15. A rotation that was stored is answered with what was stored: the retry writes nothing, but its count where uses are counted.
pub fn p15_a_stored_write_and_a_retry_give_one_successor(moment: &Moment<'_>, log: &Log) {
    if let (Some(lost), Some(granted)) = (retried(moment, log), granted(moment, log)) {
        let stored = lost.after.version != lost.before.version;
        if stored && matches!(lost.how, How::Rotated | How::Recovered) {
            let replays = match lost.showing.rules.leeway {
                Some(leeway) if leeway.mode == Mode::Newest => How::Renewed,
                Some(_) | None => How::Replayed,
            };
            assert_eq!(granted.how, replays, "P15: exchanged twice");
            let counted = lost.showing.rules.leeway.is_some_and(|leeway| leeway.uses.is_some());
            let silent = replays == How::Replayed && !counted;
            let record = &moment.after[&moment.ids[granted.family]];
            assert!(!silent || *record == lost.after, "P15: the retry has written");
        }
    }
    // The lie of a driver that resends: conflict is reported, and it was written. The call itself finds out.
    if let Trouble::ConflictAfter(_) = moment.trouble
        && let (Some(_), Answer::Granted(_)) = (moment.refreshed(), moment.expected)
    {
        assert!(moment.granted().is_some(), "P15: its own write was not recognised");
    }
}

/// P16. While the family has not come past it: ahead is refused as such, or taken in a recovery window, overwritten ends as diverged.
pub fn p16_lost_writes_are_not_taken_for_theft(moment: &Moment<'_>) {
    let Some((showing, token, standing)) = moment.refreshed() else { return };
    let lost = match standing {
        Standing::Forgotten | Standing::LineForgotten | Standing::Overwritten => true,
        Standing::Current
        | Standing::Predecessor
        | Standing::Spent(_)
        | Standing::Displaced(_)
        | Standing::LineGone => false,
    };
    if !lost {
        return;
    }
    let theft = matches!(moment.answer, Some(Answer::Ended(Cause::Reuse { .. })));
    assert!(!theft, "P16: lost writes are taken for theft");
    let Some((before, after)) = moment.records() else { return };
    let issued = before.created_at.as_millis();
    let taken = standing == Standing::Forgotten
        && moment
            .ask
            .window
            .is_some_and(|it| moment.ask.now < it.until && issued < it.issued_before);
    let granted = moment.granted().is_some();
    assert!(!granted || taken, "P16: granted by a token that the store has forgotten");
    let ahead = matches!(standing, Standing::Forgotten | Standing::LineForgotten);
    if ahead && !taken && moment.is_owner(showing, token) {
        assert_eq!(before, after, "P16: a token ahead of the store has changed the family");
    }
}

/// P19. A dropped future is an answer that got lost, wherever it was dropped: it has stored all or nothing, and the
/// retry is granted the successor that is stored, or a first one.
pub fn p19_a_dropped_future_is_a_lost_answer(moment: &Moment<'_>, log: &Log) {
    let dropped = retried(moment, log).filter(|lost| lost.dropped);
    if let (Some(lost), Some(granted)) = (dropped, granted(moment, log)) {
        let stored = lost.after.version - lost.before.version;
        let again = match lost.showing.rules.leeway {
            Some(leeway) if leeway.mode == Mode::Newest => How::Renewed,
            Some(_) | None => How::Replayed,
        };
        let how = match (lost.how, stored) {
            (How::Rotated | How::Recovered, 0) => lost.how,
            (How::Kept | How::Issued, _) => How::Kept,
            (_, _) => again,
        };
        assert_eq!(granted.how, how, "P19: after a drop that had stored {stored} writes");
    }
    if moment.answer.is_none() {
        assert_eq!(moment.released, None, "P19: a dropped future has released a token");
    }
}
