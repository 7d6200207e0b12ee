//! Redis and Redis Cluster for one test at a time.

use std::env;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;

use redis::aio::MultiplexedConnection;
use redis::cluster_async::ClusterConnection;
use redis::cmd;

use crate::backend::connect;
use crate::postgres::server::unique;
use crate::redis::world::{Connection, World};
use crate::support::wait::{spawn, wait_beside};

/// Tells a story on one server.
pub fn one<F: Future<Output = ()> + Send + 'static>(
    story: impl FnOnce(World<MultiplexedConnection>) -> F,
) {
    wait(async {
        let (_, nodes) = nodes("HEIRLOOM_REDIS").await;
        let connection = nodes[0].clone();
        tell(World { connection, nodes, prefix: unique("millions") }, story).await;
    });
}

/// Tells a story on a cluster.
pub fn cluster<F: Future<Output = ()> + Send + 'static>(
    story: impl FnOnce(World<ClusterConnection>) -> F,
) {
    wait(async {
        let (urls, nodes) = nodes("HEIRLOOM_REDIS_CLUSTER").await;
        let connection = connect::cluster(&urls).await.unwrap();
        tell(World { connection, nodes, prefix: unique("millions") }, story).await;
    });
}

/// Awaits all of them, some at once.
pub async fn at_once<F: Future<Output = ()> + Send>(futures: impl IntoIterator<Item = F> + Send) {
    const SOME: usize = 64;
    let mut waiting: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    while !waiting.is_empty() {
        let mut some = waiting.split_off(waiting.len().saturating_sub(SOME));
        std::future::poll_fn(|context| {
            some.retain_mut(|future| future.as_mut().poll(context).is_pending());
            if some.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// One test has the servers for itself: a million families at a time are enough for the memory of a machine.
fn wait(story: impl Future<Output = ()>) {
    static TURN: Mutex<()> = Mutex::new(());
    let _alone = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    wait_beside(story);
}

async fn nodes(variable: &str) -> (String, Vec<MultiplexedConnection>) {
    let urls = env::var(variable);
    let urls = urls.unwrap_or_else(|_| panic!("{variable} is not set: bash scripts/test.sh"));
    let mut nodes = Vec::new();
    for url in urls.split(',') {
        nodes.push(connect::one(url).await.unwrap());
    }
    (urls, nodes)
}

/// The keys go at the end, also when the story ends badly. Meanwhile the servers flush every second, as is their default: with
/// a flush for every write, which is for other tests, a million families take many minutes.
async fn tell<C: Connection, F: Future<Output = ()> + Send + 'static>(
    world: World<C>,
    story: impl FnOnce(World<C>) -> F,
) {
    flush(&world, "everysec").await;
    let told = spawn(story(world.clone())).await;
    let keys = world.keys().await;
    at_once(keys.iter().map(async |key| world.ask(cmd("UNLINK").arg(key)).await)).await;
    flush(&world, "always").await;
    if let Err(panic) = told {
        std::panic::resume_unwind(panic.into_panic());
    }
}

async fn flush<C: Connection>(world: &World<C>, policy: &str) {
    for mut node in world.nodes.clone() {
        let mut set = cmd("CONFIG");
        set.arg("SET").arg("appendfsync").arg(policy).exec_async(&mut node).await.unwrap();
    }
}
