//! The stores of this crate, opened on families of their own, which are gone at the end.

use std::sync::Arc;

use heirloom::conformance::{Factory, Failure};
use heirloom::{FamilyId, MemoryStore};

/// In this process.
#[derive(Default)]
pub struct Memory(pub Arc<MemoryStore>);

impl Memory {
    /// Makes the family one that cannot be. The store keeps it as it is, for the engine to refuse; what it removes goes by
    /// the ends alone, so there are none.
    pub fn damage(&self, id: FamilyId) {
        let mut families = self.0.snapshot();
        for family in families.iter_mut().filter(|family| family.id == id) {
            family.version = u64::MAX;
            (family.expires_at, family.head.idle_expires_at) = (None, None);
        }
        self.0.restore(families);
    }
}

impl Factory for Memory {
    type Store = Arc<MemoryStore>;

    async fn open(&self) -> Result<Self::Store, Failure> {
        Ok(Arc::clone(&self.0))
    }

    async fn damage(&self, id: FamilyId) -> Result<(), Failure> {
        self.damage(id);
        Ok(())
    }

    fn on_any_thread(&self) -> bool {
        true
    }
}

/// Where a server is.
#[cfg(any(feature = "postgres", feature = "redis"))]
fn server(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run `bash scripts/test.sh`"))
}

/// A name that no other test has.
#[cfg(any(feature = "postgres", feature = "redis"))]
fn name() -> String {
    use heirloom::entropy::{Entropy, OsEntropy};
    let mut random = [0; 8];
    OsEntropy.fill(&mut random).unwrap();
    format!("conformance_{:016x}", u64::from_ne_bytes(random))
}

#[cfg(feature = "sqlite")]
pub use self::sqlite::Sqlite;

#[cfg(feature = "sqlite")]
mod sqlite {
    use heirloom::FamilyId;
    use heirloom::conformance::{Factory, Failure};
    use heirloom::store::{SqliteSettings, SqliteStore};

    /// How long one handle waits for the lock of another, on a machine that is busy too.
    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

    /// A file in a folder of its own.
    pub struct Sqlite(tempfile::TempDir);

    impl Sqlite {
        pub fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self) -> std::path::PathBuf {
            self.0.path().join("families.db")
        }
    }

    impl Factory for Sqlite {
        type Store = SqliteStore;

        async fn open(&self) -> Result<SqliteStore, Failure> {
            Ok(SqliteStore::open_with(self.path(), &SqliteSettings::default().lock_wait(PATIENCE))?)
        }

        async fn damage(&self, id: FamilyId) -> Result<(), Failure> {
            let connection = rusqlite::Connection::open(self.path())?;
            connection.busy_timeout(PATIENCE)?;
            let statement = "UPDATE families SET attributes = '{' WHERE id = ?1";
            match connection.execute(statement, [id.as_bytes()])? {
                1 => Ok(()),
                rows => Err(format!("{rows} rows").into()),
            }
        }

        fn on_any_thread(&self) -> bool {
            true
        }
    }
}

#[cfg(feature = "postgres")]
pub use self::postgres::Postgres;

#[cfg(feature = "postgres")]
mod postgres {
    use deadpool_postgres::{Manager, Pool, Runtime};
    use heirloom::FamilyId;
    use heirloom::conformance::{Factory, Failure};
    use heirloom::store::PostgresStore;
    use tokio_postgres::{Config, NoTls};

    /// A schema of its own, at one isolation level.
    pub struct Postgres {
        config: Config,
        schema: String,
        prepared: bool,
    }

    impl Postgres {
        pub async fn new(isolation: &str) -> Result<Self, Failure> {
            let mut config: Config = super::server("HEIRLOOM_POSTGRES").parse()?;
            let schema = super::name();
            let level = isolation.replace(' ', "\\ ");
            config.options(format!(
                "-c search_path={schema} -c default_transaction_isolation={level}"
            ));
            let new = Self { config, schema, prepared: true };
            let pool = new.pool()?;
            let create = format!("CREATE SCHEMA {}", new.schema);
            pool.get().await?.batch_execute(&create).await?;
            PostgresStore::migrate(&pool).await?;
            let level = pool.get().await?.query_one("SHOW transaction_isolation", &[]).await?;
            assert_eq!(level.get::<_, &str>(0), isolation);
            Ok(new)
        }

        /// As behind a pooler that does not keep prepared statements.
        pub fn without_prepared_statements(self) -> Self {
            Self { prepared: false, ..self }
        }

        pub async fn remove(self) -> Result<(), Failure> {
            let drop = format!("DROP SCHEMA {} CASCADE", self.schema);
            Ok(self.pool()?.get().await?.batch_execute(&drop).await?)
        }

        fn pool(&self) -> Result<Pool, Failure> {
            let manager = Manager::new(self.config.clone(), NoTls);
            Ok(Pool::builder(manager).max_size(4).runtime(Runtime::Tokio1).build()?)
        }
    }

    impl Factory for Postgres {
        type Store = PostgresStore;

        async fn open(&self) -> Result<PostgresStore, Failure> {
            let store = PostgresStore::open(self.pool()?).await?;
            Ok(if self.prepared { store } else { store.without_prepared_statements() })
        }

        async fn damage(&self, id: FamilyId) -> Result<(), Failure> {
            let statement = format!(
                "UPDATE heirloom_families SET attributes = '{{\"acr\": 2}}' WHERE id = '{id}'"
            );
            match self.pool()?.get().await?.execute(&statement, &[]).await? {
                1 => Ok(()),
                rows => Err(format!("{rows} rows").into()),
            }
        }
    }
}

#[cfg(feature = "redis")]
pub use self::redis::Redis;

#[cfg(feature = "redis")]
mod redis {
    use heirloom::FamilyId;
    use heirloom::conformance::{Factory, Failure};
    use heirloom::store::{RedisSettings, RedisStore};
    use redis::aio::{ConnectionLike, MultiplexedConnection};
    use redis::cluster_async::ClusterConnection;

    use crate::backend::connect;

    /// How a host connects.
    pub trait Connect: Sync {
        type Connection: ConnectionLike + Clone + Send + Sync + 'static;

        fn connect(
            &self,
        ) -> impl Future<Output = Result<Self::Connection, redis::RedisError>> + Send;
    }

    /// A server.
    pub struct One(String);

    /// The nodes with commas between.
    pub struct Cluster(String);

    impl Connect for One {
        type Connection = MultiplexedConnection;

        async fn connect(&self) -> Result<MultiplexedConnection, redis::RedisError> {
            connect::one(&self.0).await
        }
    }

    impl Connect for Cluster {
        type Connection = ClusterConnection;

        async fn connect(&self) -> Result<ClusterConnection, redis::RedisError> {
            connect::cluster(&self.0).await
        }
    }

    /// Keys of a prefix of its own. They expire, and the servers of the tests are private.
    pub struct Redis<C> {
        servers: C,
        prefix: String,
    }

    impl Redis<One> {
        pub fn standalone() -> Self {
            Self { servers: One(super::server("HEIRLOOM_REDIS")), prefix: super::name() }
        }
    }

    impl Redis<Cluster> {
        pub fn cluster() -> Self {
            let servers = Cluster(super::server("HEIRLOOM_REDIS_CLUSTER"));
            Self { servers, prefix: super::name() }
        }
    }

    impl<C: Connect> Factory for Redis<C> {
        type Store = RedisStore<C::Connection>;

        async fn open(&self) -> Result<Self::Store, Failure> {
            let settings = RedisSettings::default().prefix(&self.prefix);
            Ok(RedisStore::open_with(self.servers.connect().await?, settings).await?)
        }

        async fn damage(&self, id: FamilyId) -> Result<(), Failure> {
            let [.., high, low] = *id.as_bytes();
            let bucket = u16::from_be_bytes([high, low]) % 1024;
            let key = format!("{}:{{{bucket:03x}}}:{id}", self.prefix);
            let mut connection = self.servers.connect().await?;
            let mut set = redis::cmd("HSET");
            match set.arg(key).arg("attributes").arg("{").query_async(&mut connection).await? {
                0 => Ok(()),
                added => Err(format!("no such family: {added} fields added").into()),
            }
        }

        fn scans_may_repeat(&self) -> bool {
            true
        }
    }
}
