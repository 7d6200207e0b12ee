//! Where the families are: an address that goes into the environment of a server, and the store behind it.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, Pool};
use heirloom::store::redis::RedisSettings;
use heirloom::store::{DynStore, PostgresStore, RedisStore, SqliteStore};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tokio_postgres::{Config, NoTls};

use crate::connect::{self, PATIENCE};

/// Connections of one process; a test has few.
const CONNECTIONS: usize = 16;

pub type Failure = Box<dyn Error + Send + Sync>;

/// Waits for what a store does.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    // Boxed, so that not every future brings a copy of the runtime.
    let future: Pin<Box<dyn Future<Output = T> + '_>> = Box::pin(future);
    runtime.expect("a runtime").block_on(future)
}

/// A store that several processes can open.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    Sqlite(PathBuf),
    /// The server, and a schema of the test's own.
    Postgres(String, String),
    /// The server, and a prefix of the test's own.
    Redis(String, String),
    /// The nodes with commas between, and a prefix of the test's own.
    RedisCluster(String, String),
}

impl Place {
    /// Opens the store, as every process does for itself.
    pub async fn open(&self) -> Result<Arc<dyn DynStore>, Failure> {
        Ok(match self {
            Self::Sqlite(path) => Arc::new(SqliteStore::open(path)?),
            Self::Postgres(server, schema) => {
                Arc::new(PostgresStore::open(pool(server, schema)?).await?)
            }
            Self::Redis(server, prefix) => {
                let client = redis::Client::open(&**server)?;
                let connection = ConnectionManager::new_with_config(client, impatient()).await?;
                let settings = RedisSettings::default().prefix(prefix);
                Arc::new(RedisStore::open_with(connection, settings).await?)
            }
            Self::RedisCluster(nodes, prefix) => {
                let connection = connect::cluster(nodes).await?;
                let settings = RedisSettings::default().prefix(prefix);
                Arc::new(RedisStore::open_with(connection, settings).await?)
            }
        })
    }

    /// Makes what must be there before a store is opened.
    pub async fn prepare(&self) -> Result<(), Failure> {
        if let Self::Postgres(server, schema) = self {
            let pool = pool(server, schema)?;
            pool.get().await?.batch_execute(&format!("CREATE SCHEMA {schema}")).await?;
            PostgresStore::migrate(&pool).await?;
        }
        Ok(())
    }
}

/// A connection that says soon that nobody is there, as the clients try again; a server that is there has time.
fn impatient() -> ConnectionManagerConfig {
    let delay = Duration::from_millis(50);
    ConnectionManagerConfig::new()
        .set_number_of_retries(1)
        .set_max_delay(delay)
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE))
}

/// Connections to a schema of the test's own.
pub fn pool(server: &str, schema: &str) -> Result<Pool, Failure> {
    let mut config: Config = server.parse()?;
    config.options(format!("-c search_path={schema}"));
    Ok(Pool::builder(Manager::new(config, NoTls)).max_size(CONNECTIONS).build()?)
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite {}", path.display()),
            Self::Postgres(server, schema) => write!(f, "postgres {schema} {server}"),
            Self::Redis(server, prefix) => write!(f, "redis {prefix} {server}"),
            Self::RedisCluster(nodes, prefix) => write!(f, "redis-cluster {prefix} {nodes}"),
        }
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let own = str::to_owned;
        match text.split_once(' ').map(|(kind, rest)| (kind, rest.split_once(' '), rest)) {
            Some(("sqlite", _, path)) => Ok(Self::Sqlite(path.into())),
            Some(("postgres", Some((schema, url)), _)) => Ok(Self::Postgres(own(url), own(schema))),
            Some(("redis", Some((prefix, url)), _)) => Ok(Self::Redis(own(url), own(prefix))),
            Some(("redis-cluster", Some((prefix, nodes)), _)) => {
                Ok(Self::RedisCluster(own(nodes), own(prefix)))
            }
            _ => Err(format!("no store: {text}")),
        }
    }
}
