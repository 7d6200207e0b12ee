//! Stores that come back older, told one by one: what is noted of writes is noted no longer when they are lost.

use super::stories::{adopt, call, grant, policy, refresh, shown, surround};
use crate::model::driver::Driver;
use crate::model::operation::{
    Call, Edge, GrantShape, KeyChange, LeewayShape, Length, ModeShape, Operation, PolicyShape,
    Presentation, Side, Step, Surroundings, Timer, Trouble, WindowShape,
};
use crate::model::words::{Answer, Cause, How, Why};

/// The random test has failed by itself: a family is exchanged once, ends and is purged; the store then comes back as it was before
/// the exchange, and the first token is exchanged again. The driver had counted as lost only what the store still had.
#[test]
fn a_family_that_was_purged_may_come_back_older() {
    let mut driver = Driver::default();
    call(&mut driver, Call::Issue(grant(), PolicyShape { absolute: Length::Short, ..policy() }));
    refresh(&mut driver, 0, 0);
    surround(&mut driver, Surroundings::Edge(0, Edge::Retention, Side::After));
    call(&mut driver, Call::Purge(1));
    assert_eq!(driver.answers.last(), Some(&Answer::Count(1)));
    surround(&mut driver, Surroundings::StepBack(6));
    driver.apply(&Operation::Recovery(2, window(Length::Long), shown(1), None));
    assert_granted(&driver, How::Rotated);
}

/// A family is adopted, is purged, and is adopted again for another client; the store then comes back as it was in between. It is the
/// first client's again, and the second is a stranger. The model went by the later consent.
#[test]
fn a_family_that_was_adopted_for_another_client_may_come_back() {
    let mut driver = Driver::default();
    call(&mut driver, adopt(false));
    surround(&mut driver, Surroundings::Edge(0, Edge::Retention, Side::After));
    call(&mut driver, Call::Purge(1));
    call(&mut driver, adopt(true));
    assert_eq!(driver.answers.last(), Some(&Answer::Adopted(0)));
    surround(&mut driver, Surroundings::StepBack(6));
    surround(&mut driver, Surroundings::Failover(2));
    let wrong_client = Presentation { node: 1, wrong_client: true, ..shown(0) };
    call(&mut driver, Call::Refresh(wrong_client));
    assert_eq!(driver.answers.last(), Some(&Answer::Refused(Why::OtherClient)));
    refresh(&mut driver, 1, 0);
    assert_granted(&driver, How::Rotated);
}

/// A family that is adopted again begins with new notes; and when the store loses an exchange of it, what is exchanged then is the
/// only successor, whatever there was before.
#[test]
fn a_family_that_was_adopted_again_may_come_back_older() {
    let mut driver = Driver::default();
    call(&mut driver, adopt(false));
    refresh(&mut driver, 1, 0);
    surround(&mut driver, Surroundings::Edge(0, Edge::Idle, Side::After));
    surround(&mut driver, Surroundings::Edge(0, Edge::Retention, Side::After));
    call(&mut driver, Call::Purge(1));
    assert_eq!(driver.answers.last(), Some(&Answer::Count(1)));
    call(&mut driver, adopt(false));
    refresh(&mut driver, 1, 1);
    assert_granted(&driver, How::Rotated);
    for lost in [1, 0, 1] {
        surround(&mut driver, Surroundings::Failover(lost));
    }
    call(&mut driver, adopt(false));
    let first = driver.model.released(0).len() - 1;
    refresh(&mut driver, 1, u8::try_from(first).unwrap());
    assert_granted(&driver, How::Rotated);
}

/// A store that has lost the renewal that displaced a token, and everything since, takes the token again; and what is renewed then
/// displaces it again.
#[test]
fn a_token_is_good_again_when_the_store_forgets_what_displaced_it() {
    let mut driver = renewing();
    refresh(&mut driver, 0, 1);
    assert_granted(&driver, How::Renewed);
    surround(&mut driver, Surroundings::Failover(1));
    refresh(&mut driver, 0, 2);
    assert_granted(&driver, How::Renewed);
    surround(&mut driver, Surroundings::Failover(1));
    refresh(&mut driver, 0, 2);
    assert_granted(&driver, How::Rotated);
}

/// The answer to a refresh is lost, and the node drops the key of the token before the retry: the retry is refused, and P13 had taken
/// that for a family lost.
#[test]
fn a_retry_after_its_key_was_dropped_is_no_retry() {
    let mut driver = Driver::default();
    call(&mut driver, Call::Issue(GrantShape { node: 1, ..grant() }, policy()));
    let shown = Presentation { node: 1, ..shown(0) };
    driver.apply(&Operation::Troubled(Call::Refresh(shown), Trouble::After(0)));
    surround(&mut driver, Surroundings::Keys(1, KeyChange::Activate(1)));
    surround(&mut driver, Surroundings::Keys(1, KeyChange::Remove(0)));
    refresh(&mut driver, 1, 0);
    assert_eq!(driver.answers.last(), Some(&Answer::Refused(Why::KeyDropped)));
}

/// A recovery fails, and the operator closes the window before the retry: the token is ahead of the store as before.
#[test]
fn a_retry_after_its_window_was_closed_is_no_retry() {
    let mut driver = recovering(policy());
    driver.apply(&Operation::Troubled(Call::Refresh(shown(0)), Trouble::Before(1)));
    surround(&mut driver, Surroundings::Window(0, window(Length::None)));
    refresh(&mut driver, 0, 0);
    assert_eq!(driver.answers.last(), Some(&Answer::Refused(Why::Ahead)));
}

/// Under rules that exchange nothing and have no leeway, a recovery is an exchange all the same, and a second presentation is reuse:
/// P13 had taken such rules for those by which every retry is answered.
#[test]
fn a_recovery_without_a_leeway_is_not_repeated() {
    let timer = Timer::After(Length::None);
    let leeway = LeewayShape { mode: ModeShape::Replay, timer, uses: 0 };
    let mut driver = recovering(policy());
    let rules = PolicyShape { keep: true, leeway, ..policy() };
    let shown = Presentation { policy: Some(rules), ..shown(0) };
    driver.apply(&Operation::LostAnswer(shown, Trouble::After(1)));
    let reuse = |answer: &Answer| matches!(answer, Answer::Ended(Cause::Reuse { behind: 1, .. }));
    assert!(driver.answers.last().is_some_and(reuse), "{:?}", driver.answers);
}

/// Between `begin` and `commit` the store comes back older and is written as often as before: nothing but the version tells `replace`
/// that it is not what was seen, and the version is the same.
#[test]
fn a_commit_is_not_made_on_another_record_of_the_same_version() {
    let mut driver = renewing();
    refresh(&mut driver, 0, 1);
    assert_granted(&driver, How::Renewed);
    let lost = Step::Surroundings(Surroundings::Failover(2));
    let again = Step::Call(Call::Refresh(shown(1)));
    driver.apply(&Operation::TwoSteps(shown(0), vec![lost, again], Trouble::None));
    assert_granted(&driver, How::Rotated);
    assert_eq!(driver.answers.len(), 5);
}

/// A token of lost writes is shown, and found to have been overwritten; before the family is ended, the token in its place is displaced.
/// In no order of the two is it ended then, and what was decided before is done all the same.
#[test]
fn an_end_that_was_decided_is_made_though_a_token_is_displaced_meanwhile() {
    let mut driver = renewing();
    surround(&mut driver, Surroundings::Failover(1));
    refresh(&mut driver, 0, 1);
    assert_granted(&driver, How::Rotated);
    let [first, lost] = [2, 1].map(|back| Call::Refresh(shown(back)));
    // Two turns of the second call, in which it reads; then the first to its end.
    driver.apply(&Operation::Race(first, lost, 0b0101));
    assert_eq!(driver.answers.last(), Some(&Answer::Ended(Cause::Diverged)));
}

/// The first token of a family has been exchanged, and its leeway makes new tokens.
fn renewing() -> Driver {
    let timer = Timer::After(Length::Short);
    let leeway = LeewayShape { mode: ModeShape::Newest, timer, uses: 0 };
    let mut driver = Driver::default();
    call(&mut driver, Call::Issue(grant(), PolicyShape { leeway, ..policy() }));
    refresh(&mut driver, 0, 0);
    driver
}

/// The store has lost the first exchange of a family, and a window is open.
fn recovering(policy: PolicyShape) -> Driver {
    let mut driver = Driver::default();
    call(&mut driver, Call::Issue(grant(), policy));
    refresh(&mut driver, 0, 0);
    surround(&mut driver, Surroundings::Failover(1));
    surround(&mut driver, Surroundings::Pass(1));
    surround(&mut driver, Surroundings::Window(0, window(Length::Long)));
    driver
}

fn window(length: Length) -> WindowShape {
    WindowShape { length, family: 0, side: Side::Before }
}

fn assert_granted(driver: &Driver, how: How) {
    let granted = matches!(driver.answers.last(), Some(Answer::Granted(it)) if it.how == how);
    assert!(granted, "{:?}", driver.answers.last());
}
