//! The store that the families move to.

use std::sync::Arc;

use deadpool_postgres::tokio_postgres::{Config, NoTls};
use deadpool_postgres::{Manager, Pool};
use heirloom::store::{DynStore, PostgresStore, RedisStore, SqliteStore};
use redis::cluster::ClusterClient;

use crate::Failure;
use crate::folder::Folder;

/// What was asked for, or what the environment names, or a file.
pub fn named(asked: Option<String>, folder: &Folder) -> String {
    let named = |name| std::env::var(name).ok().filter(|url: &String| !url.is_empty());
    let file = || format!("sqlite:{}", folder.path().join("new.db").display());
    asked
        .or_else(|| named("HEIRLOOM_POSTGRES"))
        .or_else(|| named("HEIRLOOM_REDIS"))
        .unwrap_or_else(file)
}

pub async fn open(url: &str) -> Result<Arc<dyn DynStore>, Failure> {
    let (scheme, rest) = url.split_once(':').unwrap_or(("", url));
    Ok(match scheme {
        "sqlite" if !rest.is_empty() => Arc::new(SqliteStore::open(rest)?),
        "postgres" | "postgresql" => {
            let manager = Manager::new(url.parse::<Config>()?, NoTls);
            let pool = Pool::builder(manager).max_size(16).build()?;
            PostgresStore::migrate(&pool).await?;
            Arc::new(PostgresStore::open(pool).await?)
        }
        "redis" => {
            let connection = redis::Client::open(url)?.get_connection_manager().await?;
            Arc::new(RedisStore::open(connection).await?)
        }
        "redis-cluster" => {
            let hosts = rest.trim_start_matches("//").split(',');
            let nodes: Vec<String> = hosts.map(|host| format!("redis://{host}/")).collect();
            let connection = ClusterClient::new(nodes)?.get_async_connection().await?;
            Arc::new(RedisStore::open(connection).await?)
        }
        // Not the whole of it: it may hold a password.
        _ => return Err(format!("--to `{scheme}:..` is no store that is known").into()),
    })
}
