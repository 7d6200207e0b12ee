//! Families of one branch that other leeways than replay, or an adoption, lead to.

use heirloom::Reason;
use heirloom::family::Family;

use super::states::{State, generation_0, revoked, state};
use super::timeline::{ACCEPTABLE_UNTIL, IDLE_END, ROTATED};

/// Every kind of them.
pub fn single() -> Vec<State> {
    let mut states = vec![
        state("generation 2, alone", |_| {}),
        state("current displaced another", |family| {
            family.head.displaced = true;
            replays(family, 1);
        }),
        state("predecessor displaced another", |family| {
            family.head.predecessor.as_mut().unwrap().displaced = true;
        }),
        state("replayed twice", |family| replays(family, 2)),
        state("replayed three times", |family| replays(family, 3)),
        state("used once more, three replays left", |family| {
            family.head.used_at = ROTATED.saturating_add(std::time::Duration::from_millis(1));
        }),
        state("closed by a change of the grant", |family| {
            family.head.predecessor.as_mut().unwrap().closed = true;
        }),
        state("issued when the writes were lost", |family| family.created_at = ROTATED),
        state("adopted", |family| {
            *family = generation_0();
            family.kept_until = Some(ACCEPTABLE_UNTIL);
            family.head.idle_expires_at = Some(ACCEPTABLE_UNTIL);
        }),
        state("adopted, and exchanged", |family| family.kept_until = Some(ACCEPTABLE_UNTIL)),
        state("adopted, and kept for longer than it lives", |family| {
            family.kept_until = Some(IDLE_END.saturating_add(std::time::Duration::from_secs(1)));
        }),
    ];
    states.extend([Reason::Evicted, Reason::RelatedReuse, Reason::Moved].map(revoked));
    states
}

fn replays(family: &mut Family, replays: u32) {
    family.head.predecessor.as_mut().unwrap().replays = replays;
}
