//! Where the calls of a race on threads wait for each other, so that one comes between the look and the write of another
//! for certain, however busy the machine is.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// How long one waits for another: of a race of the kit there are always two, at once.
const PATIENCE: Duration = Duration::from_secs(60);

/// The first two calls of a race wait for each other: one that looks before it writes when it has looked, any other before
/// it begins. Then one that has looked writes, but not before the other is over, if that has not looked. The calls after them
/// wait for nobody.
#[derive(Default)]
pub struct Meeting {
    race: Mutex<Race>,
    changed: Condvar,
}

#[derive(Default)]
struct Race {
    looked: usize,
    /// Calls that do not look, and those of them that are over.
    others: usize,
    over: usize,
}

/// A call that does not look, until it is over.
pub struct Visit<'a>(&'a Meeting);

impl Meeting {
    /// No call on another thread is under way: whoever comes next is of another race.
    pub fn is_over(&self) {
        *self.race.lock().unwrap() = Race::default();
    }

    /// By a call that does not look, before it begins.
    pub fn visit(&self) -> Visit<'_> {
        let race = self.change(|race| race.others += 1);
        drop(self.wait(race, Race::is_met));
        Visit(self)
    }

    /// By a call that has looked.
    pub fn looked(&self) {
        let race = self.change(|race| race.looked += 1);
        let race = self.wait(race, Race::is_met);
        drop(self.wait(race, |race| race.others == 0 || race.over > 0));
    }

    fn change(&self, change: impl FnOnce(&mut Race)) -> MutexGuard<'_, Race> {
        let mut race = self.race.lock().unwrap();
        change(&mut race);
        self.changed.notify_all();
        race
    }

    fn wait<'a>(
        &'a self,
        race: MutexGuard<'a, Race>,
        enough: fn(&Race) -> bool,
    ) -> MutexGuard<'a, Race> {
        let (race, wait) =
            self.changed.wait_timeout_while(race, PATIENCE, |race| !enough(race)).unwrap();
        assert!(!wait.timed_out(), "the kit runs no other call at once");
        race
    }
}

impl Race {
    fn is_met(&self) -> bool {
        self.looked + self.others >= 2
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        drop(self.0.change(|race| race.over += 1));
    }
}
