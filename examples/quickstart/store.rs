//! The store that an operator names by a URL.

use std::sync::Arc;

use heirloom::MemoryStore;
use heirloom::store::DynStore;

use crate::Failure;
use crate::kept::Kept;

/// What may be named.
pub const FORMS: &str =
    "sqlite:FILE, postgres://USER@HOST/DB, redis://HOST:PORT or redis-cluster://HOST:PORT,..";

/// A store, and what has been kept beside it.
pub struct Opened {
    pub store: Arc<dyn DynStore>,
    pub kept: Kept,
}

pub async fn open(url: Option<&str>) -> Result<Opened, Failure> {
    let Some(url) = url else {
        return Ok(Opened { store: Arc::new(MemoryStore::new()), kept: Kept::default() });
    };
    let (scheme, rest) = url.split_once(':').unwrap_or(("", url));
    match scheme {
        "sqlite" if !rest.is_empty() => sqlite(rest.trim_start_matches("//")),
        "postgres" | "postgresql" => postgres(url).await,
        "redis" => redis(url).await,
        "redis-cluster" => cluster(rest).await,
        // Not the whole of it: it may hold a password.
        _ => Err(format!("`{scheme}:..` is none of {FORMS}").into()),
    }
}

#[cfg(feature = "sqlite")]
fn sqlite(path: &str) -> Result<Opened, Failure> {
    let store = Arc::new(heirloom::store::SqliteStore::open(path)?);
    Ok(Opened { store, kept: Kept::beside(format!("{path}-phone").into())? })
}

#[cfg(feature = "postgres")]
async fn postgres(url: &str) -> Result<Opened, Failure> {
    use deadpool_postgres::tokio_postgres::{Config, NoTls};
    use deadpool_postgres::{Manager, Pool};
    use heirloom::store::PostgresStore;

    let manager = Manager::new(url.parse::<Config>()?, NoTls);
    let pool = Pool::builder(manager).max_size(4).build()?;
    PostgresStore::migrate(&pool).await?;
    let store = Arc::new(PostgresStore::open(pool).await?);
    Ok(Opened { store, kept: Kept::default() })
}

#[cfg(feature = "redis")]
async fn redis(url: &str) -> Result<Opened, Failure> {
    let connection = redis::Client::open(url)?.get_connection_manager().await?;
    let store = Arc::new(heirloom::store::RedisStore::open(connection).await?);
    Ok(Opened { store, kept: Kept::default() })
}

#[cfg(feature = "redis")]
async fn cluster(hosts: &str) -> Result<Opened, Failure> {
    let hosts = hosts.trim_start_matches("//").split(',');
    let host = |host: &str| {
        format!("redis://{}/", host.trim_start_matches("redis://").trim_end_matches('/'))
    };
    let nodes: Vec<String> = hosts.map(host).collect();
    let client = redis::cluster::ClusterClient::new(nodes)?;
    let connection = client.get_async_connection().await?;
    let store = Arc::new(heirloom::store::RedisStore::open(connection).await?);
    Ok(Opened { store, kept: Kept::default() })
}

#[cfg(not(feature = "sqlite"))]
fn sqlite(_: &str) -> Result<Opened, Failure> {
    Err("built without the feature `sqlite`: cargo run --all-features ..".into())
}

#[cfg(not(feature = "postgres"))]
async fn postgres(_: &str) -> Result<Opened, Failure> {
    Err("built without the feature `postgres`: cargo run --all-features ..".into())
}

#[cfg(not(feature = "redis"))]
async fn redis(_: &str) -> Result<Opened, Failure> {
    Err("built without the feature `redis`: cargo run --all-features ..".into())
}

#[cfg(not(feature = "redis"))]
async fn cluster(hosts: &str) -> Result<Opened, Failure> {
    redis(hosts).await
}
