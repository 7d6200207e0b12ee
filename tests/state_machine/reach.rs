//! That enough happens: a model that is never asked proves nothing.

use std::collections::BTreeSet;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngSeed, TestRunner};
use proptest_state_machine::ReferenceStateMachine;

use super::Reference;
use crate::backend::Backend;
use crate::model::driver::Driver;
use crate::model::kind::{EVERY_ANSWER, kind};
use crate::model::operation::Operation;

/// In memory first: only lists that bring something new are carried out on the store under test.
#[test]
fn every_answer_is_reached() {
    // Of the first four seeds this one needs fewest lists, some two hundred.
    let mut runner = TestRunner::new(Config { rng_seed: RngSeed::Fixed(0), ..Config::default() });
    let lists = Reference::sequential_strategy(40..80);
    let mut reached = BTreeSet::new();
    for _ in 0..1_000 {
        let (_, operations, _) = lists.new_tree(&mut runner).expect("a list").current();
        let in_memory = answered(Driver::over(Backend::in_memory()), &operations);
        // A list may be answered in another way on another store, or another day: the order of a purge is nobody's promise.
        if !in_memory.is_subset(&reached) {
            reached.extend(answered(Driver::default(), &operations));
        }
        if EVERY_ANSWER.iter().all(|kind| reached.contains(kind)) {
            return;
        }
    }
    let missing: Vec<_> = EVERY_ANSWER.iter().filter(|kind| !reached.contains(*kind)).collect();
    panic!("never answered: {missing:?}");
}

/// The kinds of all answers to a list of operations.
fn answered(mut driver: Driver, operations: &[Operation]) -> BTreeSet<&'static str> {
    operations.iter().for_each(|operation| driver.apply(operation));
    driver.answers.iter().map(kind).collect()
}
