//! Opens a file, and brings its schema forward.

use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Row, Transaction, TransactionBehavior};

use super::SqliteSettings;
use crate::store::StoreError;

/// One script for each version; they are only ever added to.
pub(super) const MIGRATIONS: [&str; 2] =
    [include_str!("../schema/sqlite.sql"), include_str!("../schema/sqlite_2.sql")];

/// `heir`: marks a file as ours.
const APPLICATION_ID: i32 = 0x6865_6972;

/// What a file is that cannot be used.
#[derive(Debug, thiserror::Error)]
enum Misfit {
    #[error("a file of another program (application_id {0:#x})")]
    Foreign(i32),
    #[error(
        "a file of schema version {found}; this release knows up to {known}: upgrade heirloom first"
    )]
    Newer { found: usize, known: usize },
    #[error("the journal mode is {0}, not wal")]
    NotWal(String),
}

/// The connection that writes; the file exists and has the schema of this release when this returns.
pub(super) fn open(path: &Path, settings: &SqliteSettings) -> Result<Connection, StoreError> {
    let create = !settings.must_exist;
    let create = if create { OpenFlags::SQLITE_OPEN_CREATE } else { OpenFlags::empty() };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | create;
    let mut connection = connect(path, flags, settings).map_err(failure)?;
    current(&connection)?;
    let read = |row: &Row<'_>| row.get(0);
    let wal = || connection.query_row("PRAGMA journal_mode = WAL", [], read);
    let mode: String = patiently(settings.lock_wait, wal).map_err(failure)?;
    if mode != "wal" {
        return Err(StoreError::unusable(Misfit::NotWal(mode)));
    }
    migrate(&mut connection, settings)?;
    limit(&connection, settings)
        // From now on it waits by itself, in short steps.
        .and_then(|()| connection.busy_timeout(Duration::ZERO))
        .map_err(failure)?;
    Ok(connection)
}

/// A connection that reads a file that [`open`] has opened.
pub(super) fn open_reader(
    path: &Path,
    settings: &SqliteSettings,
) -> Result<Connection, StoreError> {
    let reader = || {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, settings)?;
        connection.execute_batch("PRAGMA query_only = ON")?;
        Ok(connection)
    };
    reader().map_err(failure)
}

/// What an error of SQLite means: a file that is none, or damaged, is for an operator; all else may pass.
pub(super) fn failure(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(
            ErrorCode::NotADatabase
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly,
        ) => StoreError::unusable(error),
        _ => StoreError::unavailable(error),
    }
}

/// Repeats what fails because another process holds the lock, in short steps: SQLite's own waits grow up to a tenth of
/// a second, and beside a busy process would hardly ever hit the gap between two of its transactions.
pub(super) fn patiently<T>(
    wait: Duration,
    mut attempt: impl FnMut() -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    const STEP: Duration = Duration::from_millis(1);
    let mut waited = Duration::ZERO;
    loop {
        match attempt() {
            Err(error) if is_locked(&error) && waited < wait => {
                thread::sleep(STEP);
                waited += STEP;
            }
            result => return result,
        }
    }
}

pub(super) fn is_locked(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn connect(
    path: &Path,
    flags: OpenFlags,
    settings: &SqliteSettings,
) -> rusqlite::Result<Connection> {
    #[cfg(unix)]
    if flags.contains(OpenFlags::SQLITE_OPEN_CREATE) {
        make_private(path);
    }
    // Each connection stays on one thread; a path is a path, not a URI.
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    // For the locks of opening, and for the recovery of a file whose process was killed; no reader waits for a writer.
    connection.busy_timeout(settings.lock_wait)?;
    connection.execute_batch(
        // On macOS a flush reaches the disk only with the second and third.
        "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON; \
         PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;",
    )?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Makes the file so that its owner alone can read who uses what; the files beside it inherit that. If that fails, SQLite
/// says why.
#[cfg(unix)]
fn make_private(path: &Path) {
    use std::os::unix::fs::OpenOptionsExt;

    let _ = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
}

fn limit(connection: &Connection, settings: &SqliteSettings) -> rusqlite::Result<()> {
    let Some(bytes) = settings.max_bytes else { return Ok(()) };
    let page: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let pages = bytes / page.unsigned_abs().max(1);
    let pages = i64::try_from(pages).unwrap_or(i64::MAX).clamp(1, i64::from(u32::MAX - 1));
    connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
}

fn migrate(connection: &mut Connection, settings: &SqliteSettings) -> Result<(), StoreError> {
    if current(connection)? == MIGRATIONS.len() {
        return Ok(());
    }
    let begin = || Transaction::new_unchecked(connection, TransactionBehavior::Immediate);
    let transaction = patiently(settings.lock_wait, begin).map_err(failure)?;
    // Looked at again under the lock: another process may have been quicker.
    let found = version(&transaction)?;
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(found) {
        let version = i32::try_from(index + 1).unwrap_or(i32::MAX);
        transaction
            .execute_batch(migration)
            .and_then(|()| transaction.pragma_update(None, "user_version", version))
            .and_then(|()| transaction.pragma_update(None, "application_id", APPLICATION_ID))
            .map_err(failure)?;
    }
    transaction.commit().map_err(failure)
}

/// The version as it is committed.
fn current(connection: &Connection) -> Result<usize, StoreError> {
    // All of it as of one instant: another process may be creating the file.
    let transaction = connection.unchecked_transaction().map_err(failure)?;
    version(&transaction)
}

/// The version of a file of ours; 0 for an empty one. Within a transaction.
fn version(connection: &Connection) -> Result<usize, StoreError> {
    let read = |pragma: &str| connection.query_row(pragma, [], |row| row.get(0));
    let tables = "SELECT count(*) FROM sqlite_schema";
    let look = || Ok((read("PRAGMA application_id")?, read("PRAGMA user_version")?, read(tables)?));
    let (application, version, tables): (i32, i32, i32) = look().map_err(failure)?;
    let is_empty = (application, version, tables) == (0, 0, 0);
    if application != APPLICATION_ID && !is_empty {
        return Err(StoreError::unusable(Misfit::Foreign(application)));
    }
    let (found, known) = (usize::try_from(version).unwrap_or(usize::MAX), MIGRATIONS.len());
    if found > known {
        return Err(StoreError::unusable(Misfit::Newer { found, known }));
    }
    Ok(found)
}
