//! Families in a SQLite file: for one machine, with one process or several.
//!
//! # What is promised
//!
//! The file is in WAL mode with `synchronous=FULL`: what returned success survives a crash of the process, of the
//! operating system and of the power supply (S8), as far as the disk honours a flush. One thread writes: it takes
//! whatever calls are waiting, carries them out in one transaction and flushes once for all of them (group commit).
//! Every answer waits for that flush, refusals included; if it fails, all of them get an error, and nobody is told of a
//! success. Readers run beside the writer and see only what is flushed.
//!
//! Several processes may share the file, on one machine and a local file system: WAL needs shared memory, so **never a
//! network file system**. A writer waits for another process's, five seconds by default; then the call fails as
//! [`Unavailable`](super::StoreErrorKind::Unavailable), which is retryable, as it does when the disk is full.
//!
//! # Operating it
//!
//! *Back up* with `sqlite3 FILE ".backup COPY"` or `VACUUM INTO`, never by copying the file: what was committed last may be in
//! `FILE-wal`. *Restore*: stop every process, remove `FILE-wal` and `FILE-shm`, which would undo the restore, put the copy in the place of
//! `FILE`, start. A restored backup has lost its last rotations, which are recognised by generation and not taken for theft
//! (P16), **and its last revocations, which are not**: [the runbook](crate::_runbooks#a-restored-backup-or-a-failover) says what to do. Never move or
//! replace a file that is open.
//!
//! *A wrong path is an empty store*: [`SqliteSettings::must_exist`] makes it an error.
//!
//! *Errors*: a lock that is held too long and a full disk are [`Unavailable`](super::StoreErrorKind::Unavailable), and pass; a file that is damaged, not ours, of a
//! later release, or that may not be written is [`Unusable`](super::StoreErrorKind::Unusable).
//!
//! *Processes*: open the store after a `fork`, not before; the file is made with mode 0600.
//!
//! *Upgrades*: stop every process of the old release, then start the new one: the first to open the file brings it forward, in one transaction
//! that rewrites the rows of families that have rotated, and the others wait for it as for a lock. A failure leaves the file as it was. Back up before: an
//! old release refuses a file that was brought forward.
//!
//! *By hand*: the schema (`src/store/schema/sqlite*.sql`, or `.schema` in `sqlite3`) has a column for every field. `DELETE` of a row ends a family as `Unknown`. The
//! space of purged families is used again; `VACUUM` gives it back.

mod schema;
mod statement;
mod scan;
mod worker;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use self::worker::Workers;
use super::{
    Advance, Create, Created, Cursor, Page, Purge, Replace, Revoke, Revoked, Scanned, Selected,
    Selector, Store, StoreError, Written,
};
use crate::family::Family;
use crate::token::FamilyId;

/// A store in a SQLite file. See the [module](self) for what it promises.
///
/// Cheap to share behind an [`Arc`](std::sync::Arc); on drop, what is under way is finished and the file closed.
///
/// ```no_run
/// # use heirloom::{Engine, KeyRing, Policy};
/// # use heirloom::store::SqliteStore;
/// let store = SqliteStore::open("/var/lib/server/families.db")?;
/// let engine = Engine::new(store, KeyRing::from_env("ROTATION_KEYS")?, Policy::default());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    workers: Workers,
}

/// What an operator may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteSettings {
    /// How long a write waits for that of another process before it fails as
    /// [`Unavailable`](super::StoreErrorKind::Unavailable). Default 5 s.
    pub lock_wait: Duration,
    /// How large the file may grow, in bytes; then writes fail as on a full disk, revocations too: leave room. Default: as the
    /// disk allows.
    pub max_bytes: Option<u64>,
    /// Whether a file that is not there is an error. By default it is made, and a wrong path or a volume that is not mounted
    /// is an empty store: every token is refused as [`Unknown`](crate::Refusal::Unknown), and clients throw theirs away.
    pub must_exist: bool,
}

impl Default for SqliteSettings {
    fn default() -> Self {
        Self { lock_wait: Duration::from_secs(5), max_bytes: None, must_exist: false }
    }
}

impl SqliteSettings {
    /// Waits so long for the write of another process.
    pub fn lock_wait(mut self, length: Duration) -> Self {
        self.lock_wait = length;
        self
    }

    /// Lets the file grow to so many bytes.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Makes no file: for every start but the first.
    pub fn must_exist(mut self) -> Self {
        self.must_exist = true;
        self
    }
}

/// How many families one transaction of a purge removes at most, so that refreshes wait little for it.
const PURGE_BATCH: usize = 500;

impl SqliteStore {
    /// Opens a file, creates it if there is none, and brings an older schema forward.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened or written, is another program's, or has the schema of a later release.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path, &SqliteSettings::default())
    }

    /// Opens a file with settings other than the defaults.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_with(
        path: impl AsRef<Path>,
        settings: &SqliteSettings,
    ) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let writer = schema::open(path, settings)?;
        let reader = || schema::open_reader(path, settings);
        let readers = [reader()?, reader()?];
        let workers = Workers::start(writer, settings.lock_wait, readers);
        let workers = workers.map_err(StoreError::unavailable)?;
        Ok(Self { path: path.to_owned(), workers })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.workers.write(work).await
    }
}

/// Each write reads and changes a row under the lock of its transaction, so that the condition is the guard itself, and
/// a row that cannot be is refused before anything is written.
impl Store for SqliteStore {
    async fn create(&self, step: Create) -> Result<Created, StoreError> {
        self.write(|connection| {
            let inserted = statement::insert(connection, step.family())?;
            Ok(if inserted { step.created() } else { step.taken() })
        })
        .await
    }

    async fn load(&self, id: FamilyId) -> Result<Option<Family>, StoreError> {
        self.workers.read(move |connection| statement::load(connection, id)).await
    }

    async fn advance(&self, step: Advance) -> Result<Written, StoreError> {
        self.write(|connection| {
            let Some(mut family) = statement::load(connection, step.family())? else {
                return Ok(step.declined(None));
            };
            if !step.apply(&mut family) {
                return Ok(step.declined(Some(family)));
            }
            // A version that cannot be counted up.
            family.check()?;
            statement::update(connection, &family)?;
            Ok(step.committed(family))
        })
        .await
    }

    async fn revoke(&self, step: Revoke) -> Result<Revoked, StoreError> {
        self.write(|connection| {
            let Some(mut family) = statement::load(connection, step.family())? else {
                return Ok(step.unknown());
            };
            if step.apply(&mut family) {
                family.check()?;
                statement::update(connection, &family)?;
            }
            Ok(step.ended(family))
        })
        .await
    }

    async fn replace(&self, step: Replace) -> Result<Written, StoreError> {
        self.write(|connection| {
            let Some(mut family) = statement::load(connection, step.next().id)? else {
                return Ok(step.declined(None));
            };
            if !step.apply(&mut family) {
                return Ok(step.declined(Some(family)));
            }
            // A version that cannot be counted up.
            family.check()?;
            statement::update(connection, &family)?;
            Ok(step.committed())
        })
        .await
    }

    async fn select(&self, selector: &Selector, page: Page) -> Result<Selected, StoreError> {
        let selector = selector.clone();
        self.workers.read(move |connection| statement::select(connection, &selector, page)).await
    }

    async fn purge(&self, step: Purge) -> Result<usize, StoreError> {
        let (mut purged, mut after) = (0, None);
        while purged < step.limit() {
            let limit = PURGE_BATCH.min(step.limit() - purged);
            let batch =
                move |connection: &Connection| statement::purge(connection, &step, after, limit);
            let (removed, last) = self.write(batch).await?;
            purged += removed;
            if last.is_none() {
                break;
            }
            after = last;
        }
        Ok(purged)
    }

    /// In the order of ids; none appears twice.
    async fn scan(&self, after: Option<Cursor>, limit: usize) -> Result<Scanned, StoreError> {
        let limit = limit.max(1);
        self.workers.read(move |connection| scan::scan(connection, after, limit)).await
    }
}
