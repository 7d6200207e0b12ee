//! Whether calls that raced have answered as if one had come after the other.

use heirloom::token::FamilyId;

use super::agree::{on_release, plain};
use super::answers::Actual;
use super::history::{Model, Token};
use super::properties::Crowd;
use super::remember::{ended, on_records};
use super::words::{Answer, Ask, Asked, Cause, Why};

/// The history in which the calls came one after the other, in whatever order explains all that is seen.
pub fn in_some_order(
    model: &Model,
    crowd: &Crowd<'_>,
    answers: &[Answer],
    ids: &[FamilyId],
) -> Result<Model, String> {
    let mut objections = String::new();
    for order in orders(crowd.asks.len()) {
        match in_order(model, crowd, answers, ids, &order) {
            Ok(next) => return Ok(next),
            Err(why) => objections += &format!("in order {order:?}: {why}\n"),
        }
    }
    Err(objections)
}

fn in_order(
    model: &Model,
    crowd: &Crowd<'_>,
    answers: &[Answer],
    ids: &[FamilyId],
    order: &[usize],
) -> Result<Model, String> {
    let (mut model, mut earlier) = (model.clone(), Vec::new());
    for at in order {
        let (sent, answer) = (&crowd.asks[*at], &answers[*at]);
        let ask = &known(&model, sent);
        let (expected, next) = model.hear(ask);
        let answer = plain(answer, ask);
        let as_expected = blurred(&answer) == blurred(&expected);
        let next =
            as_expected.then_some(next).or_else(|| ended_late(&earlier, &model, sent, &answer));
        let Some(next) = next else {
            return Err(format!("call {at}: the engine {answer:?}, the model {expected:?}"));
        };
        earlier.push(std::mem::replace(&mut model, next));
        let released = Actual::released(&crowd.actuals[*at]);
        on_release(&mut model, Some(&answer), released)?;
    }
    // The evidence of a breach is as of the instant of its decision, which lies between those of the calls.
    for (no, family) in &mut model.kept {
        let seen = crowd.after.get(&ids[*no]).and_then(ended);
        if let (Some((at, cause)), Some((_, seen))) = (family.ended, seen)
            && blurred_cause(cause) == blurred_cause(seen)
        {
            family.ended = Some((at, seen));
        }
    }
    on_records(&model, ids, crowd.after).map(|()| model)
}

/// The history in which a call has ended its family, as it had decided before others came between: a token that has turned out to be
/// one of lost writes then ends the family, even if another has displaced the one in its place since. Each history knows its own tokens.
fn ended_late(earlier: &[Model], model: &Model, sent: &Ask, answer: &Answer) -> Option<Model> {
    let decided = earlier.iter().map(|model| model.hear(&known(model, sent)).0);
    let cause = decided.into_iter().find_map(|decided| match decided {
        Answer::Ended(Cause::Diverged) if decided == *answer => Some(Cause::Diverged),
        _ => None,
    })?;
    let ask = known(model, sent);
    let no = model.tokens[ask.refresh()?.token?].family;
    let mut model = model.clone();
    (model.end(no, ask.now, cause) == Answer::Revoked).then_some(model)
}

/// The same call, by a token that has been adopted since.
fn known(model: &Model, ask: &Ask) -> Ask {
    let mut ask = ask.clone();
    if let Asked::Refresh(showing) | Asked::Revoke(showing) = &mut ask.call
        && showing.token.is_none()
    {
        let is_text = |token: &Token| token.text.as_ref() == Some(&showing.text);
        showing.token = model.tokens.iter().position(is_text);
    }
    ask
}

fn blurred(answer: &Answer) -> Answer {
    match answer {
        Answer::Ended(cause) => Answer::Ended(blurred_cause(*cause)),
        Answer::RevokedBefore(cause) => Answer::RevokedBefore(blurred_cause(*cause)),
        Answer::Refused(Why::Dead(cause)) => Answer::Refused(Why::Dead(blurred_cause(*cause))),
        Answer::Refused(Why::Reuse { .. }) => {
            Answer::Refused(Why::Reuse { behind: 0, successor_used: false })
        }
        other => other.clone(),
    }
}

fn blurred_cause(cause: Cause) -> Cause {
    match cause {
        // A write that came between the decision and the end may have made more of it than a divergence.
        Cause::Reuse { .. } | Cause::Diverged => Cause::Diverged,
        other => other,
    }
}

fn orders(calls: usize) -> Vec<Vec<usize>> {
    let mut orders = vec![Vec::new()];
    for _ in 0..calls {
        let longer = |order: &Vec<usize>| {
            let left = (0..calls).filter(|next| !order.contains(next));
            left.map(|next| [&order[..], &[next]].concat()).collect::<Vec<_>>()
        };
        orders = orders.iter().flat_map(longer).collect();
    }
    orders
}
