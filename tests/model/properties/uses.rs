//! P1 to P8: what a use of a token means.

use heirloom::EventKind;
use heirloom::family::{Reason, Status};
use heirloom::record;
use heirloom::token::Presented;

use super::Moment;
use crate::model::history::Standing;
use crate::model::log::Log;
use crate::model::said;
use crate::model::translate;
use crate::model::words::{Answer, Asked, Cause, How, Leeway, Millis};

/// P1. A store that has lost a family's writes may let one more line begin.
pub fn p01_at_most_one_successor(log: &Log) {
    for ((id, generation), strings) in &log.released {
        let lines = 1 + log.losses.get(id).copied().unwrap_or_default();
        assert!(strings.len() <= lines, "P1: {} strings at {generation} of {id}", strings.len());
    }
}

/// P2. Told by the history: a token that was spent, outside its leeway, in its owner's hands.
pub fn p02_reuse_ends_the_family_before_the_refusal(moment: &Moment<'_>) {
    let Some((showing, token, standing)) = moment.refreshed() else { return };
    let Some((before, after)) = moment.records() else { return };
    let now = moment.ask.now;
    let family = &moment.model.kept[&moment.model.tokens[token].family];
    let (absolute, idle) = family.ends(&showing.rules);
    let in_time = [absolute, idle].into_iter().flatten().all(|end| now < end)
        && family.issued_at <= now + 60_000;
    let current = family.current();
    let leeway_end = current.since + showing.rules.leeway.length().unwrap_or_default();
    let spent = match standing {
        Standing::Spent(_) => true,
        // Shown inside its leeway is inside, however long the host looks at the grant.
        Standing::Predecessor => {
            now.min(moment.ask.shown_at) >= leeway_end || current.used_at > current.since
        }
        Standing::Current | Standing::Forgotten | Standing::Overwritten => false,
    };
    let ours = moment.ask.ring.accepted.contains(&moment.model.tokens[token].key);
    let live = ours && before.status == Status::Live;
    let due = spent && live && in_time && moment.is_owner(showing, token);
    if !due || !moment.is_answered() {
        return;
    }
    let durable = match &after.status {
        Status::Revoked(end) => matches!(end.reason, Reason::Reuse(_)),
        Status::Live => false,
    };
    assert!(durable, "P2: reuse, answered with {:?}, and the family is {:?}", moment.answer, after);
    assert!(matches!(moment.answer, Some(Answer::Ended(Cause::Reuse { .. }))), "P2: not told");
    let told = moment
        .events
        .iter()
        .filter(|event| matches!(event.kind, EventKind::Revoked(Reason::Reuse(_))));
    assert_eq!(told.count(), 1, "P2: a breach is told once: {:?}", moment.events);
}

/// P3. Whoever has been told of the end, by whichever node, is never again granted anything.
pub fn p03_revoked_is_absorbing(moment: &Moment<'_>, log: &Log) {
    for id in &log.acknowledged {
        let status = moment.after.get(id).map(|family| &family.status);
        assert_ne!(status, Some(&Status::Live), "P3: {id} lives again");
    }
    if let Some((_, granted)) = moment.granted() {
        let id = moment.ids[granted.family];
        assert!(!log.acknowledged.contains(&id), "P3: granted on {id}, which was revoked");
    }
    let active = matches!(moment.answer, Some(Answer::Active { .. }));
    assert!(!active || moment.about().is_disjoint(&log.acknowledged), "P3: active after its end");
}

/// P4. No string that was never released, no other client and no other key changes any record, unless the rules of
/// the call say so.
pub fn p04_strangers_change_nothing(moment: &Moment<'_>) {
    let (showing, is_refresh) = match &moment.ask.call {
        Asked::Revoke(showing) => (showing, false),
        _ => match moment.ask.refresh() {
            Some(showing) => (showing, true),
            None => return,
        },
    };
    let harmless = showing.token.is_none_or(|token| {
        let consent = &moment.model.issued[moment.model.tokens[token].family].0;
        let other_client = consent.client != showing.client;
        let other_key = consent.key.is_some() && consent.key != showing.proof;
        // RFC 7009 asks for no proof: a revocation without one is no stranger's.
        let other_key = other_key && (is_refresh || showing.proof.is_some());
        let ends = other_client && showing.rules.wrong_client_ends
            || other_key && showing.rules.wrong_key_ends;
        (other_client || other_key) && !(is_refresh && ends)
    });
    if harmless {
        assert_eq!(moment.before, moment.after, "P4: a stranger has changed something");
        assert_eq!(moment.released, None, "P4: a stranger was given a token");
        assert!(moment.granted().is_none(), "P4: a stranger was granted something");
    }
}

/// P5. The tag by the ring of the node that was asked, the digest by the record before the call.
pub fn p05_tag_and_digest_both_match(moment: &Moment<'_>) {
    let Some((showing, granted)) = moment.granted() else { return };
    let ring = translate::ring(&moment.ask.ring);
    let presented =
        Presented::verify(&showing.text, &ring).expect("P5: granted, and no tag of ours");
    let head = &moment.before[&moment.ids[granted.family]].head;
    let predecessor = head.predecessor.as_ref().map(|predecessor| predecessor.digest);
    let live = match granted.how {
        How::Replayed => predecessor == Some(presented.digest()),
        How::Issued | How::Rotated | How::Kept => head.digest == presented.digest(),
    };
    assert!(live, "P5: {:?} for a digest that is not stored", granted.how);
}

/// P6. No record ever written holds a piece of a secret that was ever released. That it does not become redeemable
/// with the keys is P5's: thieves of keys and records are among those who make the strings that are shown.
pub fn p06_nothing_at_rest_is_redeemable(moment: &Moment<'_>) {
    let changed = |id, record| moment.before.get(id) != Some(record);
    for (id, record) in moment.after.iter().filter(|(id, record)| changed(id, record)) {
        let bytes = record::encode(record);
        assert_eq!(record::decode(*id, &bytes).as_ref(), Ok(record), "P6: another record is read");
        let texts = moment.model.texts(|no| moment.ids[no] == *id);
        for text in texts.chain(moment.released) {
            let secret = said::secret(text);
            let at_rest = |piece: &[u8]| bytes.windows(8).any(|window| window == piece);
            assert!(!secret.chunks(8).any(at_rest), "P6: a secret is at rest in {id}");
        }
    }
}

/// P7. By the driver's own notes of first uses: not those of the record.
pub fn p07_leeway_is_the_predecessors_and_never_extended(moment: &Moment<'_>, log: &Log) {
    let Some((showing, granted)) = moment.granted() else { return };
    if granted.how != How::Replayed {
        return;
    }
    let id = moment.ids[granted.family];
    let record = &moment.before[&id];
    let generation = record.head.generation;
    let token = showing.token.expect("P7: a replay for a string that was never minted");
    let place = moment.model.tokens[token].place;
    assert_eq!(place + 1, granted.place, "P7: a replay for another than the predecessor");
    assert_eq!(record.status, Status::Live, "P7: a replay after the end");
    assert_eq!(
        record.head.used_at, record.head.rotated_at,
        "P7: a replay past the successor's use"
    );
    let window: Millis = match showing.rules.leeway {
        Leeway::Replay(length) => length,
        Leeway::None | Leeway::Refuse(_) => 0,
    };
    let first_use = log.exchanged_at[&(id, generation)];
    let shown_at = moment.ask.now.min(moment.ask.shown_at);
    assert!(shown_at < first_use + window, "P7: a replay after the leeway");
    assert_ne!(log.regranted.get(&id), Some(&generation), "P7: a replay across a changed grant");
    assert_eq!(moment.before, moment.after, "P7: a replay has written something");
}

/// P8. Whatever the clocks show: the current token is no reuse, and an end stays what it is.
pub fn p08_order_is_by_generation(moment: &Moment<'_>) {
    for (id, before) in moment.before {
        let Some(after) = moment.after.get(id) else { continue };
        let order = after.head.generation.checked_sub(before.head.generation);
        assert!(matches!(order, Some(0 | 1)), "P8: {order:?} generations by one call");
        if before.status != Status::Live {
            assert_eq!(before, after, "P8: a dead family was changed");
        }
    }
    if let Some((_, _, Standing::Current)) = moment.refreshed() {
        let breach = matches!(moment.answer, Some(Answer::Ended(Cause::Reuse { .. })));
        assert!(!breach, "P8: the current token was taken for a spent one");
    }
    if let Some((_, _, standing)) = moment.refreshed()
        && let Some((_, granted)) = moment.granted()
    {
        let right = match granted.how {
            How::Rotated | How::Kept => standing == Standing::Current,
            How::Replayed => standing == Standing::Predecessor,
            How::Issued => false,
        };
        assert!(right, "P8: {:?} for a token that is {standing:?}", granted.how);
    }
}
