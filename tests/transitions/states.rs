//! The states that a family can be in, as the engine would leave them.

use std::sync::Arc;
use std::time::Duration;

use heirloom::family::{Family, Reuse, Revocation, Status};
use heirloom::testing::{ManualClock, SeededEntropy, digest};
use heirloom::{
    Binding, Engine, Grant, Key, KeyRing, MemoryStore, Outcome, Policy, Reason, Request,
};
use pollster::block_on;

use super::timeline::{ABSOLUTE, ABSOLUTE_END, CREATED, GRANT_END, IDLE, IDLE_END, ROTATED};

pub const CLIENT: &str = "web";
pub const RESOURCE: &str = "https://api.example";
pub const BINDING: Binding = Binding::Jkt([1; 32]);

/// A state, by name.
pub struct State {
    pub name: String,
    pub family: Family,
}

pub fn key() -> Key {
    Key::new(1, &[7; 32]).unwrap()
}

/// The secret of the token of a generation, in every family here.
pub fn secret(generation: u32) -> [u8; 32] {
    let mut secret = [0x5e; 32];
    secret[..4].copy_from_slice(&generation.to_be_bytes());
    secret
}

/// The secret of the token of a branch and generation.
pub fn secret_of(branch: u16, generation: u32) -> [u8; 32] {
    let mut secret = secret(generation);
    if branch > 0 {
        secret[4..6].copy_from_slice(&branch.to_be_bytes());
    }
    secret
}

/// Every kind of state of a family that has not branched.
pub fn states() -> Vec<State> {
    let mut states = vec![
        state("generation 0", |family| *family = generation_0()),
        state("generation 2", |_| {}),
        state("generation 2, used inside the leeway", |family| {
            family.head.used_at = ROTATED.saturating_add(Duration::from_secs(5));
        }),
        state("generation 2, used late", |family| {
            family.head.used_at = ABSOLUTE_END.saturating_sub(Duration::from_secs(100));
            family.head.idle_expires_at = Some(family.head.used_at.saturating_add(IDLE));
        }),
        state("without stored ends", |family| {
            (family.expires_at, family.head.idle_expires_at) = (None, None);
        }),
        state("without an absolute end", |family| family.expires_at = None),
        state("both ends at once", |family| family.expires_at = Some(IDLE_END)),
        state("the grant ends first", |family| {
            edit_grant(family, |grant| grant.not_after = Some(GRANT_END));
            (family.expires_at, family.head.idle_expires_at) = (Some(GRANT_END), None);
        }),
        state("leeway closed", |family| {
            family.head.predecessor.as_mut().unwrap().closed = true;
        }),
        state("bound", |family| edit_grant(family, |grant| grant.binding = Some(BINDING))),
        state("last generation but one", |family| set_generation(family, u32::MAX - 1)),
        state("last generation", |family| set_generation(family, u32::MAX)),
    ];
    states.extend(reasons().into_iter().map(revoked));
    states
}

pub fn set_generation(family: &mut Family, generation: u32) {
    family.head.generation = generation;
    family.head.digest = digest(secret(generation));
    let predecessor = family.head.predecessor.as_mut().unwrap();
    predecessor.digest = digest(secret(generation - 1));
}

pub fn edit_grant(family: &mut Family, edit: impl FnOnce(&mut Grant)) {
    let mut grant = Grant::clone(&family.grant);
    edit(&mut grant);
    family.grant = Arc::new(grant);
}

/// A family that was rotated twice, the second time at `ROTATED`, with secrets that the tests know.
pub fn generation_2() -> Family {
    let clock = ManualClock::at(CREATED);
    let policy = Policy::builder().idle(IDLE).absolute(ABSOLUTE).build().unwrap();
    let engine = Engine::new(MemoryStore::new(), KeyRing::new(key()), policy)
        .with_clock(clock.clone())
        .with_entropy(SeededEntropy::new(1));
    let grant = Grant::new("alice", CLIENT).scope("r w").resource(RESOURCE);
    let mut token = block_on(engine.issue(grant)).unwrap().token.unwrap();
    for seconds in [50, 50] {
        clock.advance(Duration::from_secs(seconds));
        token = match block_on(engine.refresh(token.expose(), Request::new(CLIENT))).unwrap() {
            Outcome::Granted(granted) => granted.token.unwrap(),
            Outcome::Refused(refusal) => panic!("{refusal}"),
        };
    }
    let mut family = engine.store().snapshot().pop().unwrap();
    set_generation(&mut family, 2);
    family
}

/// Kept once at `ROTATED`, so that its idle end is where the others have theirs.
pub fn generation_0() -> Family {
    let mut family = generation_2();
    family.head.generation = 0;
    family.head.digest = digest(secret(0));
    (family.head.rotated_at, family.head.used_at) = (CREATED, ROTATED);
    family.head.predecessor = None;
    family
}

pub fn state(name: &str, edit: impl FnOnce(&mut Family)) -> State {
    let mut family = generation_2();
    edit(&mut family);
    State { name: name.to_owned(), family }
}

pub fn revoked(reason: Reason) -> State {
    let name = format!("{reason:?}");
    let name = name.split('(').next().unwrap();
    state(&format!("revoked: {name}"), |family| {
        family.status = Status::Revoked(Revocation { at: ROTATED, reason, call: 7 });
    })
}

fn reasons() -> [Reason; 9] {
    [
        Reason::Reuse(Reuse {
            generations_behind: 1,
            since_rotation: Duration::from_secs(60),
            successor_used: false,
        }),
        Reason::Diverged,
        Reason::WrongClient,
        Reason::WrongBinding,
        Reason::ClientRequest,
        Reason::Logout,
        Reason::ConsentWithdrawn,
        Reason::CredentialChange,
        Reason::Administrator,
    ]
}
