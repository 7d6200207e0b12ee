//! That enough happens: a model that is never asked proves nothing.

use std::collections::BTreeSet;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use proptest_state_machine::ReferenceStateMachine;

use super::Reference;
use crate::model::driver::Driver;
use crate::model::kind::{EVERY_ANSWER, kind};

#[test]
fn every_answer_is_reached() {
    let mut runner = TestRunner::deterministic();
    let lists = Reference::sequential_strategy(40..80);
    let mut reached = BTreeSet::new();
    for _ in 0..1_000 {
        let (_, operations, _) = lists.new_tree(&mut runner).expect("a list").current();
        let mut driver = Driver::default();
        operations.iter().for_each(|operation| driver.apply(operation));
        reached.extend(driver.answers.iter().map(kind));
        if EVERY_ANSWER.iter().all(|kind| reached.contains(kind)) {
            return;
        }
    }
    let missing: Vec<_> = EVERY_ANSWER.iter().filter(|kind| !reached.contains(*kind)).collect();
    panic!("never answered: {missing:?}");
}
