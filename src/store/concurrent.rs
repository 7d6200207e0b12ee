//! Many calls at once, in one task.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use super::StoreError;

/// How many calls are under way at once: enough to share round trips and flushes, few enough that others get their turn.
const AT_ONCE: usize = 64;

/// Awaits all of them, some at once, and returns what they return in their order; or the first error.
///
/// Over one connection, too: to a Redis Cluster, say, which sends each call to its node. A pipeline cannot do that.
pub(super) fn all<T, F>(
    calls: impl IntoIterator<Item = F>,
) -> impl Future<Output = Result<Vec<T>, StoreError>> + Send
where
    F: Future<Output = Result<T, StoreError>> + Send,
    T: Send,
{
    let mut calls: VecDeque<_> =
        calls.into_iter().map(|call| Call::Waiting(Box::pin(call))).collect();
    async move {
        let mut done = Vec::with_capacity(calls.len());
        while !calls.is_empty() {
            let batch = calls.drain(..AT_ONCE.min(calls.len())).collect();
            for result in join(batch).await {
                done.push(result?);
            }
        }
        Ok(done)
    }
}

enum Call<T, F> {
    Waiting(Pin<Box<F>>),
    Done(T),
}

async fn join<F: Future>(mut calls: Vec<Call<F::Output, F>>) -> Vec<F::Output> {
    poll_fn(|context| {
        for call in &mut calls {
            if let Call::Waiting(future) = call
                && let Poll::Ready(output) = future.as_mut().poll(context)
            {
                *call = Call::Done(output);
            }
        }
        match calls.iter().all(|call| matches!(call, Call::Done(_))) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    let done = |call| match call {
        Call::Done(output) => Some(output),
        Call::Waiting(_) => None,
    };
    calls.into_iter().filter_map(done).collect()
}
