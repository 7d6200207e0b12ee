//! In a SQLite file.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use heirloom::family::Family;
use heirloom::record::columns::COLUMNS;
use heirloom::store::SqliteStore;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::millions::story::{Place, START, a_million_dead_families_go_beside_a_live_load};

/// A file in a folder of its own.
pub struct Disk {
    pub store: Arc<SqliteStore>,
    folder: TempDir,
}

impl Disk {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(path(&folder)).unwrap());
        Self { store, folder }
    }

    pub fn path(&self) -> PathBuf {
        path(&self.folder)
    }

    /// What a DBA has.
    pub fn other(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }
}

fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("families.db")
}

fn number(connection: &Connection, query: &str) -> u64 {
    let number: i64 = connection.query_row(query, [], |row| row.get(0)).unwrap();
    number.try_into().unwrap()
}

impl Place for Disk {
    type Store = SqliteStore;

    fn store(&self) -> Arc<SqliteStore> {
        Arc::clone(&self.store)
    }

    async fn copy(&self, models: &[Family], numbers: Range<u64>) {
        // In pieces, so that the write-ahead log stays small.
        const PIECE: usize = 50_000;
        let columns: Vec<_> = COLUMNS.iter().map(|column| column.name).collect();
        let others = columns.iter().filter(|name| !["id", "subject"].contains(name));
        let others = others.copied().collect::<Vec<_>>().join(", ");
        let other = self.other();
        other.execute_batch("PRAGMA synchronous = OFF").unwrap();
        for first in numbers.clone().step_by(PIECE) {
            let (start, last) =
                (START.as_millis(), numbers.end.min(first + u64::try_from(PIECE).unwrap()) - 1);
            for (first, model) in (first..).zip(models) {
                let copy = format!(
                    "INSERT INTO families (id, subject, {others})
                     SELECT unhex(printf('%012x70008000%012x', {start} + n, n)), 'user-' || (n / 16384 * 1024 + n % 1024), {others}
                     FROM (WITH RECURSIVE counter (n) AS (
                         SELECT {first} UNION ALL SELECT n + 2 FROM counter WHERE n + 2 <= {last}
                     ) SELECT n FROM counter), families WHERE id = ?1"
                );
                other.execute(&copy, [model.id.as_bytes()]).unwrap();
            }
        }
    }

    async fn count(&self) -> u64 {
        number(&self.other(), "SELECT count(*) FROM families")
    }

    async fn figures(&self) -> String {
        let other = self.other();
        let [pages, free] = ["page_count", "freelist_count"]
            .map(|pragma| number(&other, &format!("SELECT {pragma} FROM pragma_{pragma}")));
        format!("a file of {} MiB, {} MiB of it free", pages / 256, free / 256)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: bash scripts/test.sh"]
async fn a_purge_of_a_million_goes_on_beside_a_live_load_over_sqlite() {
    let disk = Disk::new();
    a_million_dead_families_go_beside_a_live_load(&disk).await;
    // Pages that are free are written again before the file grows.
    let other = disk.other();
    let free = number(&other, "SELECT freelist_count FROM pragma_freelist_count");
    let pages = number(&other, "SELECT page_count FROM pragma_page_count");
    assert!(free > pages / 10 * 9, "{free} of {pages} pages are free");
}
