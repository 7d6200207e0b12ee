//! What a test has left on a server, and its removal.

use crate::connect;
use crate::fleet::place::{Failure, Place, pool, wait};

/// Removed when it is dropped: in a panic of the test, too.
pub struct Removed(pub Place);

impl Drop for Removed {
    fn drop(&mut self) {
        if let Err(error) = wait(remove(&self.0)) {
            eprintln!("{}: not removed: {error}", self.0);
        }
    }
}

async fn remove(place: &Place) -> Result<(), Failure> {
    match place {
        Place::Sqlite(_) => {}
        Place::Postgres(server, schema) => {
            let pool = pool(server, schema)?;
            pool.get().await?.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")).await?;
        }
        Place::Redis(nodes, prefix) | Place::RedisCluster(nodes, prefix) => {
            for node in nodes.split(',') {
                remove_keys(node, prefix).await?;
            }
        }
    }
    Ok(())
}

/// Of a node that is a master; a replica follows its own.
async fn remove_keys(node: &str, prefix: &str) -> Result<(), Failure> {
    let mut node = connect::one(node).await?;
    let role: String = redis::cmd("INFO").arg("replication").query_async(&mut node).await?;
    let mut cursor = 0_u64;
    while role.contains("role:master") {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(format!("{prefix}:*")).arg("COUNT").arg(1_000);
        let (next, keys): (u64, Vec<String>) = scan.query_async(&mut node).await?;
        // One by one, as they are in different slots.
        let mut unlink = redis::pipe();
        for key in keys {
            unlink.cmd("UNLINK").arg(key).ignore();
        }
        unlink.query_async::<()>(&mut node).await?;
        cursor = next;
        if cursor == 0 {
            break;
        }
    }
    Ok(())
}
