//! Where the tests run: a schema of its own on the server that `HEIRLOOM_POSTGRES` names, or a server of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use deadpool_postgres::{Manager, Pool, Runtime};
use heirloom::entropy::{Entropy, OsEntropy};
use heirloom::store::PostgresStore;
use tokio_postgres::{Config, NoTls, Row};

use crate::support::wait::wait;

/// How long a pool waits for one of its connections, on a machine that is busy too.
const WAIT: Duration = Duration::from_secs(60);

/// A schema, dropped in the end.
pub struct Place {
    config: Config,
    schema: String,
}

impl Place {
    /// An empty schema on the common server.
    pub async fn empty() -> Self {
        Self::on(common()).await
    }

    /// With heirloom's tables.
    pub async fn new() -> Self {
        let place = Self::empty().await;
        PostgresStore::migrate(&place.pool(1)).await.unwrap();
        place
    }

    /// An empty schema in a database.
    pub async fn on(config: Config) -> Self {
        let schema = unique("heirloom_test");
        execute(&config, &format!("CREATE SCHEMA {schema}")).await;
        Self { config, schema }
    }

    /// The store, and each way to send its statements.
    pub async fn stores(&self) -> [PostgresStore; 2] {
        let store = self.store().await;
        [store.clone(), store.without_prepared_statements()]
    }

    pub async fn store(&self) -> PostgresStore {
        PostgresStore::open(self.pool(16)).await.unwrap()
    }

    pub fn pool(&self, size: usize) -> Pool {
        self.pool_with(size, "")
    }

    /// With settings for each session: `-c name=value`.
    pub fn pool_with(&self, size: usize, settings: &str) -> Pool {
        pool(self.config(settings), size)
    }

    /// Of one connection, for which nobody waits for long.
    pub fn impatient_pool(&self, patience: Duration) -> Pool {
        let pool = Pool::builder(Manager::new(self.config(""), NoTls)).max_size(1);
        pool.runtime(Runtime::Tokio1).wait_timeout(Some(patience)).build().unwrap()
    }

    pub fn schema(&self) -> &str {
        &self.schema
    }

    pub fn config(&self, settings: &str) -> Config {
        let mut config = self.config.clone();
        config.options(format!("-c search_path={} {settings}", self.schema));
        config
    }

    /// What a DBA types.
    pub async fn sql(&self, statements: &str) {
        execute(&self.config(""), statements).await;
    }

    /// What a DBA asks.
    pub async fn rows(&self, query: &str) -> Vec<Row> {
        let client = self.pool(1).get().await.unwrap();
        client.query(query, &[]).await.unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let (config, drop) = (self.config.clone(), format!("DROP SCHEMA {} CASCADE", self.schema));
        in_the_end(move || wait(execute(&config, &drop)));
    }
}

/// The common server.
pub fn common() -> Config {
    let url = std::env::var("HEIRLOOM_POSTGRES")
        .expect("HEIRLOOM_POSTGRES is not set: bash scripts/test.sh starts a server and sets it");
    url.parse().expect("HEIRLOOM_POSTGRES is a URL of PostgreSQL")
}

/// A database of its own on the common server, dropped in the end: for what is counted by database.
pub struct Database {
    pub name: String,
}

impl Database {
    pub async fn new(encoding: &str) -> Self {
        let name = unique("heirloom_test");
        let create =
            format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'");
        execute(&common(), &create).await;
        Self { name }
    }

    pub fn config(&self) -> Config {
        let mut config = common();
        config.dbname(&self.name);
        config
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        in_the_end(move || wait(execute(&common(), &drop)));
    }
}

/// On a thread with a runtime of its own: the test's cannot be waited for.
fn in_the_end(clean: impl FnOnce() + Send + 'static) {
    let done = thread::spawn(clean).join();
    assert!(done.is_ok() || thread::panicking(), "nothing is left behind");
}

pub fn pool(config: Config, size: usize) -> Pool {
    let pool = Pool::builder(Manager::new(config, NoTls)).max_size(size);
    pool.runtime(Runtime::Tokio1).wait_timeout(Some(WAIT)).build().unwrap()
}

async fn execute(config: &Config, statements: &str) {
    let pool = pool(config.clone(), 1);
    pool.get().await.unwrap().batch_execute(statements).await.unwrap();
}

/// A name that no other test has, in this process or another, on this machine or another.
pub fn unique(prefix: &str) -> String {
    let mut random = [0; 8];
    OsEntropy.fill(&mut random).unwrap();
    format!("{prefix}_{:016x}", u64::from_ne_bytes(random))
}

/// A server of its own, stopped and removed in the end.
pub struct Server {
    folder: PathBuf,
    url: String,
}

impl Server {
    pub fn config(&self) -> Config {
        self.url.parse().unwrap()
    }

    pub fn start() -> Self {
        // PostgreSQL runs as another user, who must get there.
        let folder = std::env::temp_dir().join(unique("heirloom-test"));
        let url = servers(&["start", "postgres"], &folder);
        Self { folder, url }
    }

    /// The server ends at once, as in a crash.
    pub fn kill(&self) {
        servers(&["kill"], &self.folder);
    }

    /// On the same port.
    pub fn restart(&self) {
        servers(&["start", "postgres"], &self.folder);
    }

    /// Makes it a standby from its next start on.
    pub fn demote(&self) {
        fs::write(self.folder.join("data/standby.signal"), "").unwrap();
    }

    /// Makes the standby a primary again.
    pub fn promote(&self) {
        fs::remove_file(self.folder.join("data/standby.signal")).unwrap();
        self.kill();
        self.restart();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        servers(&["stop"], &self.folder);
    }
}

fn servers(arguments: &[&str], folder: &Path) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/servers");
    let mut command = Command::new("bash");
    command.arg(script).args(arguments).arg(folder).stdin(Stdio::null());
    let output = command.output().unwrap();
    let says = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() || thread::panicking(),
        "scripts/servers {arguments:?}: {says}"
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
