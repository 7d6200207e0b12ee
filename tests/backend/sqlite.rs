//! SQLite: a file in a folder of its own.

use heirloom::store::SqliteStore;
use rusqlite::Connection;
use tempfile::TempDir;

use super::blocking::{Blocking, Remains};
use super::place::Place;

/// The store is dropped, and so its file closed, before the folder is removed.
pub fn open() -> Result<Box<dyn Place>, String> {
    let say = |error: &dyn std::error::Error| format!("sqlite: {error}");
    let folder = tempfile::tempdir().map_err(|error| say(&error))?;
    let path = folder.path().join("families.db");
    let store = SqliteStore::open(&path).map_err(|error| say(&error))?;
    let remains = Connection::open(&path).map_err(|error| say(&error))?;
    Ok(Box::new(Blocking { store, remains: File { connection: remains.into(), _folder: folder } }))
}

struct File {
    connection: std::sync::Mutex<Connection>,
    _folder: TempDir,
}

impl Remains for File {
    fn clear(&self) {
        let connection = self.connection.lock().expect("nothing panics here");
        connection.execute("DELETE FROM families", []).expect("a file that can be written");
    }
}
