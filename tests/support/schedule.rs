//! A scheduler that polls futures in an order of its own choice: every order there is, or random ones.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};

use heirloom::entropy::Entropy;
use heirloom::testing::SeededEntropy;

/// A future that reports through what it captures.
pub type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// The order in which the tasks of one run are polled.
pub struct Schedule {
    choices: Vec<Choice>,
    depth: usize,
    random: Option<SeededEntropy>,
}

/// Which of so many unfinished tasks was polled.
struct Choice {
    taken: usize,
    options: usize,
}

/// Runs a story once for each order in which its tasks can be polled; says how many there are.
///
/// Over a store that waits for a disk or a server, if there are many: so many first ones, and as many at random.
pub fn every_order(mut story: impl FnMut(&mut Schedule)) -> Orders {
    let mut schedule = Schedule { choices: Vec::new(), depth: 0, random: None };
    let some = fewer(usize::MAX, 80);
    for orders in 1..=some {
        story(&mut schedule);
        if !schedule.turn() {
            return Orders::All(orders);
        }
    }
    random_orders(some, 1, story);
    Orders::Some
}

/// How many orders a story has been run in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Orders {
    All(usize),
    Some,
}

/// How often something is tried: over memory, and over a store that waits for a disk or a server.
pub fn fewer<T>(over_memory: T, elsewhere: T) -> T {
    let in_memory = std::env::var_os("HEIRLOOM_STORE").is_none_or(|store| store == "memory");
    if in_memory { over_memory } else { elsewhere }
}

/// Runs a story in so many random orders: for tasks with too many polls to try them all.
pub fn random_orders(orders: usize, seed: u64, mut story: impl FnMut(&mut Schedule)) {
    let random = Some(SeededEntropy::new(seed));
    let mut schedule = Schedule { choices: Vec::new(), depth: 0, random };
    for _ in 0..orders {
        story(&mut schedule);
    }
}

impl Schedule {
    /// Polls all tasks to their end.
    pub fn all(&mut self, mut tasks: Vec<Task<'_>>) {
        let mut context = Context::from_waker(Waker::noop());
        while !tasks.is_empty() {
            let chosen = self.choose(tasks.len());
            if tasks[chosen].as_mut().poll(&mut context).is_ready() {
                drop(tasks.remove(chosen));
            }
        }
    }

    /// Polls two futures to their end.
    pub fn pair<A, B>(
        &mut self,
        one: impl Future<Output = A>,
        other: impl Future<Output = B>,
    ) -> (A, B) {
        let (first, second) = (Cell::new(None), Cell::new(None));
        self.all(vec![
            Box::pin(async { first.set(Some(one.await)) }),
            Box::pin(async { second.set(Some(other.await)) }),
        ]);
        (first.into_inner().expect("polled to its end"), second.into_inner().expect("likewise"))
    }

    fn choose(&mut self, options: usize) -> usize {
        if let Some(random) = &self.random {
            let mut byte = [0];
            random.fill(&mut byte).unwrap();
            return usize::from(byte[0]) % options;
        }
        if self.depth == self.choices.len() {
            self.choices.push(Choice { taken: 0, options });
        }
        let choice = &self.choices[self.depth];
        assert_eq!(choice.options, options, "a story must run alike when polled alike");
        self.depth += 1;
        choice.taken
    }

    /// Turns to the next order, as an odometer; `false` after the last.
    fn turn(&mut self) -> bool {
        self.depth = 0;
        while let Some(choice) = self.choices.last_mut() {
            choice.taken += 1;
            if choice.taken < choice.options {
                return true;
            }
            self.choices.pop();
        }
        false
    }
}
