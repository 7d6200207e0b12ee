//! A store on one server and on a cluster: each test under a prefix of its own, removed at its end.

use std::collections::BTreeMap;
use std::env;
use std::panic::resume_unwind;

use heirloom::entropy::{Entropy, OsEntropy};
use heirloom::family::Family;
use heirloom::store::redis::{RedisSettings, RedisStore};
use heirloom::store::{Created, Store};
use heirloom::testing::create;
use heirloom::token::FamilyId;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Cmd, FromRedisValue, cmd};

use crate::support::wait::spawn;
pub use crate::support::wait::wait;

/// What a store can be opened on.
pub trait Connection: ConnectionLike + Clone + Send + Sync + 'static {}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Connection for C {}

/// The servers and keys of one test.
#[derive(Clone)]
pub struct World<C> {
    pub connection: C,
    /// Each server alone, replicas too.
    pub nodes: Vec<MultiplexedConnection>,
    pub prefix: String,
}

/// Declares tests that run on one server and on a cluster.
macro_rules! on_both {
    ($($(#[$doc:meta])* async fn $name:ident($world:ident) $body:block)*) => {$(
        $(#[$doc])*
        mod $name {
            use super::*;

            async fn story<C: crate::redis::world::Connection>($world: crate::redis::world::World<C>) $body

            #[test]
            #[ignore = "needs Redis: bash scripts/test.sh"]
            fn on_one_server() {
                crate::redis::world::one(&crate::redis::world::url("HEIRLOOM_REDIS"), story);
            }

            #[test]
            #[ignore = "needs Redis Cluster: bash scripts/test.sh"]
            fn on_a_cluster() {
                crate::redis::world::cluster(&crate::redis::world::url("HEIRLOOM_REDIS_CLUSTER"), story);
            }
        }
    )*};
}
pub(crate) use on_both;

/// Tells a story on one server.
pub fn one<F: Future<Output = ()> + Send + 'static>(
    url: &str,
    story: impl FnOnce(World<MultiplexedConnection>) -> F,
) {
    wait(async {
        let node = connect(url).await;
        tell(World { connection: node.clone(), nodes: vec![node], prefix: prefix() }, story).await;
    });
}

/// Tells a story on a cluster; its nodes have commas between.
pub fn cluster<F: Future<Output = ()> + Send + 'static>(
    urls: &str,
    story: impl FnOnce(World<redis::cluster_async::ClusterConnection>) -> F,
) {
    wait(async {
        let mut nodes = Vec::new();
        for url in urls.split(',') {
            nodes.push(connect(url).await);
        }
        let connection = crate::backend::connect::cluster(urls).await.unwrap();
        tell(World { connection, nodes, prefix: prefix() }, story).await;
    });
}

pub async fn connect(url: &str) -> MultiplexedConnection {
    crate::backend::connect::one(url).await.unwrap()
}

/// The keys go at the end, also when the story ends badly.
async fn tell<C: Connection, F: Future<Output = ()> + Send + 'static>(
    world: World<C>,
    story: impl FnOnce(World<C>) -> F,
) {
    let told = spawn(story(world.clone())).await;
    for key in world.keys().await {
        let _: () = world.ask(cmd("UNLINK").arg(key)).await;
    }
    if let Err(panic) = told {
        resume_unwind(panic.into_panic());
    }
}

/// Servers that other tests use as well.
pub fn url(variable: &str) -> String {
    env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set: bash scripts/test.sh"))
}

fn prefix() -> String {
    let mut random = [0; 8];
    OsEntropy.fill(&mut random).unwrap();
    format!("test-redis-{:016x}", u64::from_ne_bytes(random))
}

impl<C: Connection> World<C> {
    pub async fn open(&self) -> RedisStore<C> {
        let settings = RedisSettings::default().prefix(&self.prefix);
        RedisStore::open_with(self.connection.clone(), settings).await.unwrap()
    }

    /// A store that holds these.
    pub async fn with(&self, families: impl IntoIterator<Item = &Family>) -> RedisStore<C> {
        let store = self.open().await;
        for family in families {
            let created = store.create(create(family.clone())).await;
            assert!(matches!(created, Ok(Created::New(_))), "{created:?}");
        }
        store
    }

    /// Asks the servers, past the store.
    pub async fn ask<T: FromRedisValue>(&self, command: &mut Cmd) -> T {
        command.query_async(&mut self.connection.clone()).await.unwrap()
    }

    /// The key of a family, as it is promised to operators.
    pub fn family(&self, id: FamilyId) -> String {
        format!("{}:{{{}}}:{id}", self.prefix, bucket(id))
    }

    /// The key of the ends of a family's bucket.
    pub fn ends(&self, id: FamilyId) -> String {
        format!("{}:{{{}}}:ends", self.prefix, bucket(id))
    }

    /// The key of a name's index; a client's is in 16 parts.
    pub fn subject(&self, name: &str) -> String {
        format!("{}:subject:{{{name}}}", self.prefix)
    }

    pub fn client(&self, name: &str, id: FamilyId) -> String {
        format!("{}:client:{{{:x}:{name}}}", self.prefix, id.as_bytes()[15] % 16)
    }

    /// All keys of this test, of all masters.
    pub async fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        for mut node in self.nodes.clone() {
            let info: String = cmd("INFO").arg("replication").query_async(&mut node).await.unwrap();
            if info.contains("role:master") {
                let pattern = format!("{}:*", self.prefix);
                let found: Vec<String> =
                    cmd("KEYS").arg(pattern).query_async(&mut node).await.unwrap();
                keys.extend(found);
            }
        }
        keys.sort();
        keys
    }

    /// What is stored under these keys, and nothing of when it expires.
    pub async fn contents(&self, keys: &[String]) -> Vec<String> {
        let mut contents = Vec::new();
        for key in keys {
            let kind: String = self.ask(cmd("TYPE").arg(key)).await;
            contents.push(if kind == "hash" {
                // A dump has the fields in any order.
                let fields: BTreeMap<Vec<u8>, Vec<u8>> = self.ask(cmd("HGETALL").arg(key)).await;
                format!("{key}: {fields:?}")
            } else {
                let dump: Option<Vec<u8>> = self.ask(cmd("DUMP").arg(key)).await;
                format!("{key}: {dump:?}")
            });
        }
        contents
    }
}

/// The last ten bits of the id, in hexadecimal.
fn bucket(id: FamilyId) -> String {
    let text = id.to_string();
    let bits = u16::from_str_radix(&text[text.len() - 4..], 16).unwrap();
    format!("{:03x}", bits & 0x3ff)
}
