//! PostgreSQL: a schema of its own, through the search path of every connection.

use deadpool_postgres::{Manager, Pool, Runtime};
use heirloom::entropy::{Entropy, OsEntropy};
use heirloom::store::PostgresStore;
use tokio_postgres::{Config, NoTls};

use super::blocking::{Blocking, Remains, at_the_end, wait};
use super::place::Place;

/// More threads than this do not use one store.
const CONNECTIONS: usize = 8;

pub fn open(server: &str) -> Result<Box<dyn Place>, String> {
    let config: Config = server.parse().map_err(|error| format!("HEIRLOOM_POSTGRES: {error}"))?;
    wait(open_schema(config)).map_err(|error| {
        let source = std::error::Error::source(&*error).map(|it| format!(": {it}"));
        format!("postgres: {error}{}", source.unwrap_or_default())
    })
}

async fn open_schema(mut config: Config) -> Result<Box<dyn Place>, Box<dyn std::error::Error>> {
    let mut random = [0; 8];
    OsEntropy.fill(&mut random)?;
    let name = format!("test_{:016x}", u64::from_le_bytes(random));
    config.options(format!("-c search_path={name}"));
    let manager = Manager::new(config, NoTls);
    let pool = Pool::builder(manager).max_size(CONNECTIONS).runtime(Runtime::Tokio1).build()?;
    pool.get().await?.batch_execute(&format!("CREATE SCHEMA {name}")).await?;
    let remains = Schema { name, pool: pool.clone() };
    PostgresStore::migrate(&pool).await?;
    let store = PostgresStore::open(pool).await?;
    Ok(Box::new(Blocking { store, remains }))
}

struct Schema {
    name: String,
    pool: Pool,
}

impl Schema {
    async fn execute(pool: &Pool, statement: &str) -> Result<(), Box<dyn std::error::Error>> {
        Ok(pool.get().await?.batch_execute(statement).await?)
    }
}

impl Remains for Schema {
    fn clear(&self) {
        wait(Self::execute(&self.pool, "DELETE FROM heirloom_families")).expect("a server");
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let (pool, drop) = (self.pool.clone(), format!("DROP SCHEMA {} CASCADE", self.name));
        at_the_end(move || {
            wait(Self::execute(&pool, &drop)).expect("a server");
            pool.close();
        });
    }
}
