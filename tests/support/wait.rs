//! Waiting for what a store does, on a runtime of its own. Whatever is waited for, the runtime has a boxed future of nothing but
//! its output: else each test would bring a copy of the runtime.

use std::pin::Pin;

use tokio::runtime::Builder;
#[cfg(feature = "redis")]
use tokio::task::JoinHandle;

/// On the thread that asks.
#[cfg(any(feature = "postgres", feature = "redis"))]
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    wait_on(Builder::new_current_thread(), Box::pin(future))
}

/// On threads beside it too, for connections that must make progress meanwhile.
#[cfg(any(
    feature = "conformance",
    all(feature = "sqlite", feature = "postgres", feature = "redis")
))]
pub fn wait_beside<T>(future: impl Future<Output = T>) -> T {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2);
    wait_on(builder, Box::pin(future))
}

/// A story beside the test, which learns how it ends.
#[cfg(feature = "redis")]
pub fn spawn(story: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let story: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(story);
    tokio::spawn(story)
}

fn wait_on<'a, T>(mut builder: Builder, future: Pin<Box<dyn Future<Output = T> + 'a>>) -> T {
    builder.enable_all().build().expect("a runtime").block_on(future)
}
