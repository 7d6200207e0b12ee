//! Servers for tests that read what a server counts for everybody, or set it up for everybody: nobody else is there, and they run
//! one after the other.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use redis::aio::MultiplexedConnection;
use redis::cluster_async::ClusterConnection;

use crate::redis::servers::Servers;
use crate::redis::world::{self, World};

/// Declares tests that run alone on one server and on a cluster.
macro_rules! alone {
    ($name:ident, $story:ident) => {
        mod $name {
            #[test]
            #[ignore = "needs Redis: bash scripts/test.sh"]
            fn on_one_server() {
                crate::redis::alone::one(super::$story);
            }

            #[test]
            #[ignore = "needs Redis Cluster: bash scripts/test.sh"]
            fn on_a_cluster() {
                crate::redis::alone::cluster(super::$story);
            }
        }
    };
}
pub(crate) use alone;

/// Tells a story on one server.
pub fn one<F: Future<Output = ()> + Send + 'static>(
    story: impl FnOnce(World<MultiplexedConnection>) -> F,
) {
    // Ended with this process.
    static ONE: OnceLock<Servers> = OnceLock::new();
    let _alone = turn();
    world::one(&ONE.get_or_init(|| Servers::start("redis")).url, story);
}

/// Tells a story on a cluster.
pub fn cluster<F: Future<Output = ()> + Send + 'static>(
    story: impl FnOnce(World<ClusterConnection>) -> F,
) {
    static CLUSTER: OnceLock<Servers> = OnceLock::new();
    let _alone = turn();
    world::cluster(&CLUSTER.get_or_init(|| Servers::start("redis-cluster")).url, story);
}

fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
