//! P1 to P19 as invariants of everything that clients, thieves, clocks, key rings, failing and lossy stores, dropped
//! futures, races and purges can do, against the independent model in `tests/model`.
//!
//! Bugs that were planted one at a time, and what finds each. "Agreement" is that with the model on the answer, the
//! events, the string released and the record, which finds all of them; the properties are what finds them when the
//! agreement is taken out.
//!
//! | planted | found by |
//! |---|---|
//! | `<=` for `<` in the leeway | P2 |
//! | `>` for `>=` in ends | P9 |
//! | a breach that is not written | P2 |
//! | a breach told before it is durable | the observer: P2, P3 |
//! | leeway anchored at the last replay | P7 |
//! | leeway for any generation | P2 |
//! | leeway past the known use of the successor | P2 |
//! | replay after a revocation | P3 |
//! | released before it is committed | P18 |
//! | ratchet whose salt is not kept | P14 |
//! | purge that ignores the retention, or by a millisecond | P11 |
//! | wrong client looked at after the breach | P4 |
//! | guard without client, binding, status, digest | P14, P4, P8, P5 |
//! | guard without idle end, absolute end, version | P9, P9, P10 |
//! | own success not recognised after a conflict | P5, P10 |
//! | ahead of the store taken for reuse; divergence taken for reuse | P16 |
//! | tag not verified; current digest not compared | P18 |
//! | binding not checked; any client may revoke | P4 |
//! | scope never too wide; a refused scope consumes | P10; P9 |
//! | a changed grant leaves the leeway open | agreement |
//! | commit keeps the time of `begin` | P9 |
//! | commit does not compare the grant | P9, agreement |
//! | `begin` consumes; a look before every write | P18 |
//! | a later revocation replaces the first; a dead family is written | P8 |
//! | the absolute end moves with a rotation | P9 |
//! | order by the clock; a use that a clock takes back | P8; P6 (an impossible record) |
//! | a digest, a salt, a token is printed | P12 |
//! | the secret is stored for its digest | P6 |
//! | a record grows with each rotation | P6 (it is not read again) |
//! | a rotation in two writes, between which a future can be dropped | P17 |
//! | a lost race is not looked at again | agreement on races |
//! | introspection that forgets the end | P3 |
//! | newest that does not displace, or forgets what it displaced | P1 |
//! | fork without the bound, or with one more | P1 |
//! | a used sibling ignored; a use too many | P7 |
//! | a renewal that begins the leeway anew | agreement |
//! | related families ended before the family, or not at all; a failure at one of them that shields the others | P2 |
//! | a changed grant that closes the first branch only | P7 |
//! | recovery without an end, a window, or the issue date | P16 |
//! | purge that ignores a legacy token's date, or the branches | P11 |
//! | a legacy token that is good for longer than its date | P9 |
//! | adoption for another grant; the newest evicted; one family too many | agreement |
//!
//! Not seen here, because between its last write and its answer a call cannot be told from one that came first: a
//! rotation whose family was revoked after its write and before its retry (see the tests of races and faults). Real
//! threads are the business of those as well.

mod losses;
mod reach;
mod stories;
mod strategy;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;

use crate::model::driver::Driver;
use crate::model::operation::{Call, Operation, Step};
use crate::support::random;
use crate::support::schedule::fewer;

/// What generation must know of the state: operations select among what exists, so only whether anything does.
#[derive(Clone, Debug)]
struct Outline {
    issued: bool,
}

struct Reference;

impl ReferenceStateMachine for Reference {
    type State = Outline;
    type Transition = Operation;

    fn init_state() -> BoxedStrategy<Self::State> {
        Just(Outline { issued: false }).boxed()
    }

    fn transitions(outline: &Self::State) -> BoxedStrategy<Self::Transition> {
        if outline.issued {
            strategy::operation()
        } else {
            strategy::issue().prop_map(Step::Call).prop_map(Operation::Step).boxed()
        }
    }

    fn apply(outline: Self::State, operation: &Self::Transition) -> Self::State {
        Outline { issued: outline.issued || is_issue(operation) }
    }

    /// Shrinking keeps the first issue: without a family nothing else means anything.
    fn preconditions(outline: &Self::State, operation: &Self::Transition) -> bool {
        outline.issued || is_issue(operation)
    }
}

fn is_issue(operation: &Operation) -> bool {
    matches!(operation, Operation::Step(Step::Call(Call::Issue(..))))
}

/// Enough for every planted bug, in a debug build within half a minute; fewer over a store that waits for a disk or a
/// server. Failures are printed as lists of operations and not kept in files: a real one becomes a test of its own.
#[test]
fn the_engine_keeps_p1_to_p19_whatever_happens() {
    random::check(fewer(1_500, 200), &lists(), |list| {
        run(list);
        Ok(())
    });
}

/// Lists of operations, each possible where it stands; and how many of them a run has come to, for shrinking.
fn lists() -> impl Strategy<Value = List> {
    Reference::sequential_strategy(1..40)
}

type List = (Outline, Vec<Operation>, Option<Arc<AtomicUsize>>);

fn run((_, operations, seen): List) {
    let mut driver = Driver::default();
    for operation in &operations {
        if let Some(seen) = &seen {
            seen.fetch_add(1, SeqCst);
        }
        driver.apply(operation);
    }
}
