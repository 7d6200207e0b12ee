//! P1 to P8: what a use of a token means.

use heirloom::EventKind;
use heirloom::family::{Family, Reason, Status};
use heirloom::record;
use heirloom::token::{FamilyId, Presented};

use super::Moment;
use crate::model::history::Standing;
use crate::model::log::{Log, heads};
use crate::model::operation::Trouble;
use crate::model::said;
use crate::model::translate;
use crate::model::words::{Answer, Asked, Cause, How, Mode, Reach, Why};

/// P1. For each place, a family's branch and generation, one string that was never displaced, in the history that led to what is
/// stored.
pub fn p01_at_most_one_successor(log: &Log) {
    for (id, notes) in &log.families {
        for (place, strings) in &notes.released {
            let good = strings.difference(&notes.void).count();
            assert!(good <= 1, "P1: {good} strings at {place:?} of {id}");
        }
    }
}

/// P1. What was displaced is granted nothing, now or later, unless the store forgets that it was.
pub fn p01_a_displaced_token_is_good_no_more(moment: &Moment<'_>, log: &Log) {
    let Some((showing, granted)) = moment.granted() else { return };
    // What this call has displaced was good when it was shown.
    let shown_now = granted.how == How::Renewed && moment.before != moment.after;
    let void = log.families[&moment.ids[granted.family]].void.contains(&showing.text);
    let rotated = moment.refreshed().is_some_and(|(_, _, standing)| standing == Standing::Current);
    assert!(!void || shown_now && !rotated, "P1: {:?} for a displaced token", granted.how);
}

/// P1. A fork leaves as many branches as the rules allow, those that are over forgotten.
pub fn p01_so_many_branches_at_most(moment: &Moment<'_>) {
    let Some((showing, granted)) = moment.granted() else { return };
    if granted.how == How::Forked {
        let Some(Mode::Fork(most)) = showing.rules.leeway.map(|leeway| leeway.mode) else {
            panic!("P1: a fork under {:?}", showing.rules.leeway);
        };
        let branches = &moment.after[&moment.ids[granted.family]].branches;
        assert!(branches.live.len() < most, "P1: more than {most} branches: {branches:?}");
    }
}

/// P2. Told by the history: a token that was spent, outside its leeway, in its owner's hands. By rules under which reuse ends
/// nothing it is refused, and nothing else happens.
pub fn p02_reuse_ends_the_family_before_the_refusal(moment: &Moment<'_>) {
    let Some((showing, token, standing)) = moment.refreshed() else { return };
    let Some((before, after)) = moment.records() else { return };
    let now = moment.ask.now;
    let family = &moment.model.kept[&moment.model.tokens[token].family];
    let Some(line) = family.line(moment.model.tokens[token].line) else { return };
    let (absolute, idle) = family.ends(line, &showing.rules);
    // An idle end spares what is spent only if it is the last one's.
    let lives = |end: Option<_>| end.is_none_or(|end| now < end);
    let in_time = lives(absolute)
        && (lives(idle) || family.is_usable(&showing.rules, now))
        && family.issued_at <= now + 60_000;
    let current = line.current();
    let shown_at = now.min(moment.ask.shown_at);
    let in_leeway = showing
        .rules
        .leeway
        .is_some_and(|leeway| leeway.lasts(current.since, shown_at) && leeway.allows(current.uses));
    let spent = match standing {
        Standing::Spent(_) => true,
        // Shown inside its leeway is inside, however long the host looks at the grant.
        Standing::Predecessor => !in_leeway || family.is_answer_used(line),
        Standing::Displaced(_) => showing.rules.displaced_ends,
        Standing::Current
        | Standing::Forgotten
        | Standing::LineForgotten
        | Standing::LineGone
        | Standing::Overwritten => false,
    };
    let shown = &moment.model.tokens[token];
    // A thief's, with a stolen key, in the place of a legacy token is none: this rule once took it for a spent one.
    let is_no_legacy = shown.place == 0 && moment.model.was_adopted(shown.family);
    let ours = match shown.key {
        Some(key) => moment.ask.ring.accepted.contains(&key) && !is_no_legacy,
        None => moment.ask.ring.adopts,
    };
    let live = ours && before.status == Status::Live;
    let due = spent && !moment.shared && live && in_time && moment.is_owner(showing, token);
    if !due || !moment.is_answered() {
        return;
    }
    if showing.rules.on_reuse == Reach::Nothing {
        assert!(matches!(moment.answer, Some(Answer::Refused(Why::Reuse { .. }))), "P2: not told");
        assert_eq!(moment.before, moment.after, "P2: refused, and not only that");
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

/// P2. Where reuse ends more than the family: whoever is answered finds all of it ended. A store that fails at one of them keeps
/// none of the others alive, and says what is left; a call that is dropped has begun with the family itself.
pub fn p02_nothing_that_fails_shields_what_reuse_ends(moment: &Moment<'_>) {
    let Some((showing, _, _)) = moment.refreshed() else { return };
    let Some((before, after)) = moment.records() else { return };
    let is_breach = matches!(moment.expected, Answer::Ended(Cause::Reuse { .. }));
    if !is_breach || !showing.rules.on_reuse.is_wide() || before.status != Status::Live {
        return;
    }
    let related = |other: &&Family| {
        let (grant, other) = (&before.grant, &other.grant);
        other.subject == grant.subject
            && (showing.rules.on_reuse == Reach::Subject || other.client == grant.client)
    };
    let others = moment.after.values().filter(|it| it.id != before.id).filter(related);
    let (left, ended): (Vec<_>, Vec<_>) = others.partition(|it| it.status == Status::Live);
    let this_call = |it: &&&Family| moment.before.get(&it.id) != Some(**it);
    let ended = ended.iter().filter(this_call).count();
    let has_ended = after.status != Status::Live;
    let told = moment.events.iter().any(|event| event.kind == EventKind::RelatedLeft);
    match (moment.trouble, moment.answer) {
        (_, Some(Answer::Ended(_))) => {
            assert!(has_ended && left.is_empty(), "P2: answered, and left: {left:?}");
        }
        (Trouble::Before(_) | Trouble::After(_), Some(_)) if ended > 0 || has_ended => {
            assert!(has_ended && told || left.is_empty(), "P2: not told, and left: {left:?}");
        }
        (Trouble::Dropped(_), None) if ended > 0 => {
            assert!(has_ended, "P2: others were ended before it");
        }
        _ => {}
    }
}

/// P3. Whoever has been told of the end, by whichever node, is never again granted anything.
pub fn p03_revoked_is_absorbing(moment: &Moment<'_>, log: &Log) {
    let acknowledged = |id: &FamilyId| log.families.get(id).is_some_and(|it| it.acknowledged);
    for id in log.families.keys().filter(|id| acknowledged(id)) {
        let status = moment.after.get(id).map(|family| &family.status);
        assert_ne!(status, Some(&Status::Live), "P3: {id} lives again");
    }
    if let Some((_, granted)) = moment.granted() {
        let id = moment.ids[granted.family];
        assert!(!acknowledged(&id), "P3: granted on {id}, which was revoked");
    }
    let active = matches!(moment.answer, Some(Answer::Active { .. }));
    assert!(!active || !moment.about().iter().any(acknowledged), "P3: active after its end");
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
    if !showing.ours {
        let adopted = moment.ask.ring.adopts && moment.heads_shown().is_some();
        assert!(adopted, "P5: granted, and neither made nor adopted by us");
        return;
    }
    let presented =
        Presented::verify(&showing.text, &ring).expect("P5: granted, and no tag of ours");
    let (head, _) = moment.heads_shown().expect("P5: granted on a branch that is not stored");
    let predecessor = head.predecessor.as_ref().map(|predecessor| predecessor.digest);
    let live = match granted.how {
        How::Replayed | How::Renewed | How::Forked => predecessor == Some(presented.digest()),
        How::Issued | How::Rotated | How::Kept => head.digest == presented.digest(),
        // On its tag alone, and only what the store cannot know.
        How::Recovered => {
            moment.ask.window.is_some() && presented.position().generation > head.generation
        }
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
    if !granted.how.is_leeway() {
        return;
    }
    let id = moment.ids[granted.family];
    let record = &moment.before[&id];
    let token = showing.token.expect("P7: a replay for a string that was never minted");
    let branch = u16::try_from(moment.model.tokens[token].line).expect("a small number");
    let (head, _) = moment.heads(token).expect("P7: a replay on a branch that is not stored");
    let generation = head.generation;
    let place = moment.model.tokens[token].place;
    assert_eq!(place + 1, granted.place, "P7: a replay for another than the predecessor");
    assert_eq!(record.status, Status::Live, "P7: a replay after the end");
    let beside = record.branches.live.iter();
    let beside = beside.filter(|other| other.origin == branch && other.born == generation);
    for answer in beside.map(|other| &other.head).chain([head]) {
        let used = answer.generation > generation || answer.used_at > answer.rotated_at;
        assert!(!used, "P7: a replay past the successor's use");
    }
    let leeway = showing.rules.leeway.expect("P7: a replay without a leeway");
    let how = match leeway.mode {
        Mode::Replay => How::Replayed,
        Mode::Newest => How::Renewed,
        Mode::Fork(_) => How::Forked,
        Mode::Refuse => How::Issued,
    };
    assert_eq!(granted.how, how, "P7: not what the rules say");
    let notes = &log.families[&id];
    let first_use = notes.exchanged_at[&(branch, generation)];
    let shown_at = moment.ask.now.min(moment.ask.shown_at);
    assert!(leeway.lasts(first_use, shown_at), "P7: a replay after the leeway");
    let uses = head.predecessor.as_ref().map_or(0, |predecessor| predecessor.replays);
    let uses = uses - u32::from(moment.shared);
    assert!(leeway.uses.is_none_or(|most| uses < most), "P7: a replay too many");
    let regranted = notes.regranted.contains(&(branch, generation));
    assert!(!regranted, "P7: a replay across a changed grant");
    let silent = granted.how == How::Replayed && leeway.uses.is_none();
    assert!(!silent || moment.before == moment.after, "P7: a replay has written something");
}

/// P8. Whatever the clocks show: the current token is no reuse, and an end stays what it is.
pub fn p08_order_is_by_generation(moment: &Moment<'_>) {
    for (id, before) in moment.before {
        let Some(after) = moment.after.get(id) else { continue };
        let recovered = matches!(moment.expected, Answer::Granted(it) if it.how == How::Recovered);
        for (branch, head) in heads(before) {
            // A branch that is over may be forgotten.
            let Some(next) = after.head_of(branch) else { continue };
            let order = next.generation.checked_sub(head.generation);
            let one_more = recovered || matches!(order, Some(0 | 1));
            assert!(order.is_some() && one_more, "P8: {order:?} generations by one call");
        }
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
            How::Replayed | How::Renewed | How::Forked => standing == Standing::Predecessor,
            How::Recovered => standing == Standing::Forgotten,
            How::Issued => false,
        };
        assert!(right, "P8: {:?} for a token that is {standing:?}", granted.how);
    }
}
