//! Futures side by side in one task: the kit brings no runtime.
//!
//! What is interleaved is what lies between await points. A store that has none runs each call in one piece here, and
//! needs the threads of [`threads`](super::threads).

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use super::sample::Sample;

/// One contender.
pub(super) type Contender<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Polls all contenders to their ends, in another random order at every turn; the answers in the order given.
///
/// They begin together, or each after a number of turns of its own: whatever a store does in several trips to its server
/// can so be met in between. A call is met at its await points alone.
pub(super) async fn race<T: Send>(sample: &Sample, contenders: Vec<Contender<'_, T>>) -> Vec<T> {
    let mut answers: Vec<Option<T>> = contenders.iter().map(|_| None).collect();
    let mut running: Vec<_> = contenders
        .into_iter()
        .zip(delays(sample))
        .enumerate()
        .map(|(place, (contender, delay))| (place, delay, contender))
        .collect();
    poll_fn(|context| {
        sample.shuffle(&mut running);
        running.retain_mut(|(place, delay, contender)| {
            if *delay > 0 {
                *delay -= 1;
                context.waker().wake_by_ref();
                return true;
            }
            match contender.as_mut().poll(context) {
                Poll::Ready(answer) => {
                    answers[*place] = Some(answer);
                    false
                }
                Poll::Pending => true,
            }
        });
        if running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    answers.into_iter().flatten().collect()
}

/// No delay in every other race; else fewer than 512 turns each, short ones as often as long ones.
pub(super) fn delays(sample: &Sample) -> impl Iterator<Item = usize> {
    let together = sample.below(2) == 0;
    std::iter::repeat_with(move || match together {
        true => 0,
        false => sample.below(1 << sample.below(10)),
    })
}

/// Polls a future so many times, then drops it as a host does that gives up; its answer, if it came before.
pub(super) async fn cut<T>(future: impl Future<Output = T> + Send, mut polls: usize) -> Option<T> {
    let mut future = Some(Box::pin(future));
    poll_fn(|context| {
        let Some(running) = future.as_mut().filter(|_| polls > 0) else {
            future = None;
            return Poll::Ready(None);
        };
        polls -= 1;
        match running.as_mut().poll(context) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending if polls == 0 => {
                future = None;
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
