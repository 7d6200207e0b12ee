//! Redis and Redis Cluster: keys of its own, by their prefix.

use heirloom::entropy::{Entropy, OsEntropy};
use heirloom::store::redis::{RedisSettings, RedisStore};
use redis::RedisError;
use redis::aio::{ConnectionLike, MultiplexedConnection};

use super::blocking::{Blocking, Remains, at_the_end, wait};
use super::connect;
use super::place::Place;

type Failure = Box<dyn std::error::Error>;

pub fn open(server: &str) -> Result<Box<dyn Place>, String> {
    let open = async {
        let connection = connect::one(server).await?;
        place(connection.clone(), vec![connection]).await
    };
    wait(open).map_err(|error| format!("redis: {error}"))
}

pub fn open_cluster(servers: &str) -> Result<Box<dyn Place>, String> {
    let open = async {
        let mut nodes = Vec::new();
        for node in servers.split(',') {
            nodes.push(connect::one(node).await?);
        }
        place(connect::cluster(servers).await?, nodes).await
    };
    wait(open).map_err(|error| format!("redis-cluster: {error}"))
}

async fn place<C>(
    connection: C,
    nodes: Vec<MultiplexedConnection>,
) -> Result<Box<dyn Place>, Failure>
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    let mut random = [0; 8];
    OsEntropy.fill(&mut random)?;
    let prefix = format!("test-{:016x}", u64::from_le_bytes(random));
    let settings = RedisSettings::default().prefix(&prefix);
    let store = RedisStore::open_with(connection, settings).await?;
    Ok(Box::new(Blocking { store, remains: Keys { prefix, nodes } }))
}

struct Keys {
    prefix: String,
    nodes: Vec<MultiplexedConnection>,
}

impl Keys {
    /// Removes keys from every master; a replica follows its own.
    async fn remove(
        nodes: Vec<MultiplexedConnection>,
        pattern: String,
        keep: Option<String>,
    ) -> Result<(), RedisError> {
        for mut node in nodes {
            let info: String = redis::cmd("INFO").arg("replication").query_async(&mut node).await?;
            if info.contains("role:master") {
                Self::remove_from(&mut node, &pattern, keep.as_deref()).await?;
            }
        }
        Ok(())
    }

    async fn remove_from(
        node: &mut MultiplexedConnection,
        pattern: &str,
        keep: Option<&str>,
    ) -> Result<(), RedisError> {
        let mut cursor = 0_u64;
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(1_000);
            let (next, keys): (u64, Vec<String>) = scan.query_async(node).await?;
            // One by one, as they are in different slots.
            let mut unlink = redis::pipe();
            for key in keys.iter().filter(|key| Some(key.as_str()) != keep) {
                unlink.cmd("UNLINK").arg(key).ignore();
            }
            if !unlink.is_empty() {
                unlink.query_async::<()>(node).await?;
            }
            cursor = next;
            if cursor == 0 {
                return Ok(());
            }
        }
    }
}

impl Remains for Keys {
    fn clear(&self) {
        let (pattern, keep) = (format!("{}:*", self.prefix), format!("{}:format", self.prefix));
        wait(Self::remove(self.nodes.clone(), pattern, Some(keep))).expect("a server");
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let (nodes, pattern) = (self.nodes.clone(), format!("{}:*", self.prefix));
        at_the_end(move || wait(Self::remove(nodes, pattern, None)).expect("a server"));
    }
}
