//! Futures side by side on threads of the operating system: where a store has no await point, only these come between.

use std::any::Any;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Builder, ScopedJoinHandle, Thread};

use super::race::{Contender, delays};
use super::sample::Sample;

/// Turns of a busy wait before the processor is left to others.
const SPINS: usize = 4000;

/// How often the contenders meet before they are let off. The last to arrive has met one that may be asleep by then;
/// when they have met again and again, they run.
const MEETINGS: usize = 4;

/// Runs each contender on a thread of its own; the answers in the order given. They begin together, or each after a
/// busy wait of its own. Says why if a thread cannot be had or panics; the others run to their ends all the same.
pub(super) fn race<T: Send>(
    sample: &Sample,
    contenders: Vec<Contender<'_, T>>,
) -> Result<Vec<T>, String> {
    let gate = &Gate { open: contenders.len(), arrived: AtomicUsize::new(0) };
    let answers: Vec<Result<T, String>> = thread::scope(|scope| {
        let spawn = |(contender, delay)| {
            let run = move || {
                gate.pass();
                (0..delay).for_each(|_| std::hint::spin_loop());
                wait(contender)
            };
            // One that cannot come must not be waited for.
            Builder::new().spawn_scoped(scope, run).inspect_err(|_| gate.arrive(MEETINGS))
        };
        let threads: Vec<_> = contenders.into_iter().zip(delays(sample)).map(spawn).collect();
        let join = |thread: io::Result<ScopedJoinHandle<'_, T>>| {
            let thread = thread.map_err(|error| format!("a thread cannot be had: {error}"))?;
            thread.join().map_err(|panic| format!("a thread panicked: {}", message(&*panic)))
        };
        threads.into_iter().map(join).collect()
    });
    answers.into_iter().collect()
}

/// Opens when all have arrived so many times. They wait busily, so that they are off within the same microsecond: a
/// sleeping thread wakes later than a short call takes.
struct Gate {
    open: usize,
    arrived: AtomicUsize,
}

impl Gate {
    fn arrive(&self, times: usize) {
        self.arrived.fetch_add(times, Ordering::AcqRel);
    }

    fn pass(&self) {
        for meeting in 1..=MEETINGS {
            self.arrive(1);
            let mut spins = 0;
            while self.arrived.load(Ordering::Acquire) < meeting * self.open {
                spins += 1;
                if spins % SPINS == 0 { thread::yield_now() } else { std::hint::spin_loop() }
            }
        }
    }
}

/// Wakes the thread that waits for a future.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn wait<T>(mut future: Contender<'_, T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => thread::park(),
        }
    }
}

/// What `panic!` was given.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn nobody_passes_the_gate_before_all_have_come_to_the_last_meeting() {
        let gate = Gate { open: 2, arrived: AtomicUsize::new(0) };
        let passed = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                gate.pass();
                passed.store(true, Ordering::Release);
            });
            for meeting in 1..=MEETINGS {
                // When the other has come, it stays for as long as this one does not come.
                let mut yields = 0;
                while gate.arrived.load(Ordering::Acquire) < 2 * meeting - 1 || yields < 100 {
                    assert!(!passed.load(Ordering::Acquire), "at meeting {meeting}");
                    thread::yield_now();
                    yields += 1;
                }
                gate.arrive(1);
            }
        });
        assert!(passed.into_inner());
    }
}
