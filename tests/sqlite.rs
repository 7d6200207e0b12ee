//! The SQLite store as an operator meets it: files that are not ours or not of this release, a full disk, locks, several
//! handles, damaged rows, and what one flush is for. The contract itself is in `tests/conformance.rs`.

mod damage;
mod file;
mod flush;
mod migration;
mod purge;
mod scan;
mod row;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use heirloom::family::Family;
use heirloom::store::{SqliteSettings, SqliteStore};
use heirloom::testing::ManualClock;
use heirloom::{Engine, Grant, Granted, Key, KeyRing, Policy, Request, Store, Timestamp};
use pollster::block_on;
use rusqlite::Connection;
use tempfile::TempDir;

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// How long one waits for a lock that another is sure to give back, on a machine that is busy too.
const PATIENCE: Duration = Duration::from_secs(60);

type Node = Engine<Arc<SqliteStore>, ManualClock>;

/// A file in a folder of its own, a store on it, and an engine over that.
struct Disk {
    folder: TempDir,
    store: Arc<SqliteStore>,
    node: Node,
    clock: ManualClock,
}

impl Disk {
    fn new() -> Self {
        Self::with(|path| patient(&path))
    }

    fn with(open: impl FnOnce(PathBuf) -> SqliteStore) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, clock) = (Arc::new(open(path(&folder))), ManualClock::at(START));
        let keys = KeyRing::new(Key::new(1, &[1; 32]).unwrap());
        let node = Engine::new(Arc::clone(&store), keys, Policy::default());
        Self { folder, store, node: node.with_clock(clock.clone()), clock }
    }

    fn path(&self) -> PathBuf {
        path(&self.folder)
    }

    /// What a DBA or another process has.
    fn other(&self) -> Connection {
        let connection = Connection::open(self.path()).unwrap();
        connection.busy_timeout(PATIENCE).unwrap();
        connection
    }

    /// Another engine of the deployment, over another handle on the file.
    fn node_over<'a>(&self, store: &'a SqliteStore) -> Engine<&'a SqliteStore, ManualClock> {
        Engine::new(store, KeyRing::new(Key::new(1, &[1; 32]).unwrap()), Policy::default())
            .with_clock(self.clock.clone())
    }

    fn issue(&self, subject: &str) -> Granted {
        block_on(self.node.issue(grant(subject))).unwrap()
    }

    fn load(&self, granted: &Granted) -> Family {
        block_on(self.store.load(granted.family)).unwrap().unwrap()
    }
}

fn patient(path: &Path) -> SqliteStore {
    SqliteStore::open_with(path, &SqliteSettings::default().lock_wait(PATIENCE)).unwrap()
}

fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("families.db")
}

fn grant(subject: &str) -> Grant {
    Grant::new(subject, "web-app").scope("read write").attribute("acr", "2")
}

fn request() -> Request<'static> {
    Request::new("web-app")
}

fn text(granted: &Granted) -> &str {
    granted.token.as_ref().unwrap().expose()
}

/// The messages of an error and of its sources.
fn story(error: &dyn std::error::Error) -> String {
    let source = error.source().map(story).unwrap_or_default();
    format!("{error}; {source}")
}

/// Runs futures at once, each on a thread of its own.
fn at_once<T: Send>(futures: Vec<impl Future<Output = T> + Send>) -> Vec<T> {
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            futures.into_iter().map(|future| scope.spawn(|| block_on(future))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}
