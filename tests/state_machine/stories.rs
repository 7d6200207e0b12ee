//! What random operations come to too seldom, told one by one.

use crate::model::driver::Driver;
use crate::model::operation::{
    AdoptionShape, Call, Edge, GrantShape, KeyChange, LeewayShape, Length, LimitShape, ModeShape,
    Operation, PolicyShape, Presentation, ReachShape, ScopeShape, Side, Spelling, Step,
    Surroundings, Timer,
};
use crate::model::words::{Answer, Failure, Why};

/// The branch is used just before both would have ended, and the first branch ends a retention before it.
#[test]
fn a_family_outlives_its_first_branch() {
    let mut driver = issued(ModeShape::Fork(0), 0);
    refresh(&mut driver, 0, 0);
    refresh(&mut driver, 0, 1);
    surround(&mut driver, Surroundings::Edge(0, Edge::Idle, Side::Before));
    refresh(&mut driver, 0, 0);
    surround(&mut driver, Surroundings::Edge(0, Edge::Idle, Side::Before));
    // The first branch ended an idle lifetime ago, which is more than the retention.
    call(&mut driver, Call::Purge(4));
    assert_eq!(driver.answers.last(), Some(&Answer::Count(0)));
    surround(&mut driver, Surroundings::Edge(0, Edge::Retention, Side::At));
    call(&mut driver, Call::Purge(4));
    assert_eq!(driver.answers.last(), Some(&Answer::Count(0)));
    surround(&mut driver, Surroundings::Edge(0, Edge::Retention, Side::After));
    call(&mut driver, Call::Purge(4));
    assert_eq!(driver.answers.last(), Some(&Answer::Count(1)));
}

/// The second node rotates with a key that the first does not have: its failure takes no use from the client.
#[test]
fn what_cannot_be_answered_is_not_counted() {
    let mut driver = issued(ModeShape::Replay, 1);
    surround(&mut driver, Surroundings::Keys(1, KeyChange::Activate(1)));
    refresh(&mut driver, 1, 0);
    refresh(&mut driver, 0, 1);
    refresh(&mut driver, 1, 1);
    assert!(matches!(driver.answers.last(), Some(Answer::Granted(_))), "{:?}", driver.answers);
}

/// A host changes the grant of a family that was purged, as it was, while its legacy token is adopted again for another client: no
/// grant of one client becomes another's. The model had changed the scope of whatever it was adopted for.
#[test]
fn a_grant_that_was_looked_up_before_another_adoption_is_not_changed() {
    let mut driver = Driver::default();
    call(&mut driver, adopt(false));
    surround(&mut driver, Surroundings::Edge(0, Edge::Retention, Side::After));
    call(&mut driver, Call::Purge(1));
    driver.apply(&Operation::Race(adopt(true), Call::ChangeGrant(0, ScopeShape::Read), 0));
    let refused = [Answer::Adopted(0), Answer::Failed(Failure::Consent)];
    assert!(driver.answers.ends_with(&refused), "{:?}", driver.answers);
}

fn issued(mode: ModeShape, uses: u8) -> Driver {
    let leeway = LeewayShape { mode, timer: Timer::After(Length::Short), uses };
    let mut driver = Driver::default();
    call(&mut driver, Call::Issue(grant(), PolicyShape { leeway, ..policy() }));
    driver
}

/// What is consented to: nothing out of the ordinary.
pub fn grant() -> GrantShape {
    GrantShape {
        node: 0,
        second_client: false,
        second_subject: false,
        bound: false,
        scope: ScopeShape::ReadWrite,
        resource: false,
        ends: false,
    }
}

/// A leeway of ten seconds that repeats the answer, an idle lifetime, and no other end.
pub fn policy() -> PolicyShape {
    PolicyShape {
        keep: false,
        leeway: LeewayShape {
            mode: ModeShape::Replay,
            timer: Timer::After(Length::Short),
            uses: 0,
        },
        idle: Length::Long,
        absolute: Length::None,
        live: false,
        wrong_client_ends: false,
        wrong_key_ends: false,
        displaced_ends: false,
        on_reuse: ReachShape::Family,
        limit: LimitShape::None,
    }
}

/// A search for other lists has come to this: a legacy token is shown while it is being adopted, and the store is asked for it just
/// before. The model tried the other order first, and then looked for the token in the history before the adoption.
#[test]
fn a_token_that_is_adopted_meanwhile_may_still_be_unknown() {
    let mut driver = Driver::default();
    call(&mut driver, Call::Issue(grant(), policy()));
    let legacy = Presentation { node: 1, spelling: Spelling::Legacy(0), ..shown(0) };
    driver.apply(&Operation::Race(adopt(false), Call::Refresh(legacy), 0x5555));
    let answers = [Answer::Adopted(1), Answer::Refused(Why::NeverMinted)];
    assert_eq!(driver.answers[1..], answers);
}

/// The adoption of the first legacy token, which is good for half a minute.
pub fn adopt(second_client: bool) -> Call {
    let adoption = AdoptionShape {
        legacy: 0,
        by_hash: false,
        other_grant: true,
        grant: GrantShape { node: 1, second_client, ..grant() },
        until: Length::Short,
    };
    Call::Adopt(adoption, policy())
}

/// A token, so many back from the newest, is shown to a node.
pub fn refresh(driver: &mut Driver, node: u8, back: u8) {
    call(driver, Call::Refresh(Presentation { node, ..shown(back) }));
}

/// The first family's token, so many back from the newest, in its client's hands.
pub fn shown(back: u8) -> Presentation {
    Presentation::plain(0, back)
}

pub fn call(driver: &mut Driver, call: Call) {
    driver.apply(&Operation::Step(Step::Call(call)));
}

pub fn surround(driver: &mut Driver, change: Surroundings) {
    driver.apply(&Operation::Step(Step::Surroundings(change)));
}
