//! Families of several branches, as forks leave them.

use std::time::Duration;

use heirloom::family::{Branch, Family, Head, Revocation, Status};
use heirloom::testing::{ManualClock, SeededEntropy, digest};
use heirloom::{
    Engine, Grant, KeyRing, Leeway, MemoryStore, Outcome, Policy, Reason, Request, Timestamp,
};
use pollster::block_on;

use super::states::{CLIENT, RESOURCE, State, key, secret, secret_of, set_generation};
use super::timeline::{
    ABSOLUTE, BRANCH_END, CREATED, FORKED, IDLE, LEEWAY, ROTATED, ROTATED_BESIDE,
};

/// Every kind of them.
pub fn branched() -> Vec<State> {
    let used_at = FORKED.saturating_add(Duration::from_millis(1));
    vec![
        forked("branch 1 unused", 1, |_| {}),
        forked("branch 1 kept in use", 1, |family| first(family).head.used_at = used_at),
        forked("branch 1 rotated", 1, |family| rotate(first(family), ROTATED_BESIDE)),
        forked("branch 1 rotated, and closed", 1, |family| {
            rotate(first(family), ROTATED_BESIDE);
            close(&mut first(family).head);
            close(&mut family.head);
        }),
        forked("branch 1 rotated under a shorter lifetime", 1, |family| {
            rotate(first(family), ROTATED_BESIDE);
            first(family).head.idle_expires_at = Some(BRANCH_END);
        }),
        forked("branch 1 displaced", 1, |family| first(family).head.displaced = true),
        forked("branch 1 forgotten", 1, |family| family.branches.live.clear()),
        forked("two branches beside", 2, |_| {}),
        forked("two branches beside, 1 over early", 2, |family| {
            first(family).head.idle_expires_at = Some(BRANCH_END);
        }),
        forked("branch 2 of branch 1, unused", 2, |family| {
            rotate(first(family), FORKED);
            descend(family);
        }),
        forked("branch 2 of branch 1, rotated", 2, |family| {
            rotate(first(family), FORKED);
            descend(family);
            rotate(&mut family.branches.live[1], ROTATED_BESIDE);
        }),
        forked("branch 0 rotated, branch 1 unused", 1, |family| {
            set_generation(family, 3);
            (family.head.rotated_at, family.head.used_at) = (ROTATED_BESIDE, ROTATED_BESIDE);
        }),
        forked("every number used", 1, |family| family.branches.made = u16::MAX),
        forked("revoked, branched", 1, |family| {
            let revocation = Revocation { at: FORKED, reason: Reason::Logout, call: 7 };
            family.status = Status::Revoked(revocation);
        }),
    ]
}

fn first(family: &mut Family) -> &mut Branch {
    &mut family.branches.live[0]
}

/// The successor of a branch's current token is its current one.
fn rotate(branch: &mut Branch, at: Timestamp) {
    branch.head.generation += 1;
    let generation = branch.head.generation;
    branch.head.digest = digest(secret_of(branch.number, generation));
    (branch.head.rotated_at, branch.head.used_at) = (at, at);
    branch.head.idle_expires_at = Some(at.saturating_add(IDLE));
    let predecessor = branch.head.predecessor.as_mut().unwrap();
    predecessor.digest = digest(secret_of(branch.number, generation - 1));
}

fn close(head: &mut Head) {
    head.predecessor.as_mut().unwrap().closed = true;
}

/// Branch 2 is another successor of what branch 1 has rotated from.
fn descend(family: &mut Family) {
    let [one, two] = &mut family.branches.live[..] else { panic!("not two") };
    (two.origin, two.born) = (1, one.head.generation);
    two.head.generation = two.born;
    two.head.digest = digest(secret_of(2, two.born));
    two.head.predecessor.as_mut().unwrap().digest = one.head.predecessor.as_ref().unwrap().digest;
}

/// A family that was rotated twice and then forked so often, with secrets that the tests know.
fn forked(name: &str, branches: usize, edit: impl FnOnce(&mut Family)) -> State {
    let clock = ManualClock::at(CREATED);
    let policy = Policy::builder().idle(IDLE).absolute(ABSOLUTE).leeway(Leeway::fork(LEEWAY, 3));
    let engine = Engine::new(MemoryStore::new(), KeyRing::new(key()), policy.build().unwrap())
        .with_clock(clock.clone())
        .with_entropy(SeededEntropy::new(1));
    let grant = Grant::new("alice", CLIENT).scope("r w").resource(RESOURCE);
    let root = block_on(engine.issue(grant)).unwrap().token.unwrap();
    let exchange = |token: &str, at: Timestamp| {
        clock.set(at);
        match block_on(engine.refresh(token, Request::new(CLIENT))).unwrap() {
            Outcome::Granted(granted) => granted.token.unwrap(),
            Outcome::Refused(refusal) => panic!("{refusal}"),
        }
    };
    let spent = exchange(root.expose(), CREATED.saturating_add(Duration::from_secs(50)));
    drop(exchange(spent.expose(), ROTATED));
    (0..branches).for_each(|_| drop(exchange(spent.expose(), FORKED)));
    let mut family = engine.store().snapshot().pop().unwrap();
    set_generation(&mut family, 2);
    for branch in &mut family.branches.live {
        branch.head.digest = digest(secret_of(branch.number, 2));
        branch.head.predecessor.as_mut().unwrap().digest = digest(secret(1));
    }
    edit(&mut family);
    State { name: name.to_owned(), family }
}
