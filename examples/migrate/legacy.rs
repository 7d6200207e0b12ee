//! The system that is left: a table of persistent tokens, of which it has kept the SHA-256.

use std::path::Path;

use heirloom::entropy::{Entropy, SystemEntropy};
use heirloom::{Clock, Grant, SystemClock, Timestamp};
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use crate::Failure;
use crate::clients::Clients;
use crate::show::Show;

const SCHEMA: &str = "PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS tokens (row INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE, user TEXT NOT NULL,
        client TEXT NOT NULL, scope TEXT NOT NULL, expires_at INTEGER NOT NULL) STRICT;";

const CLIENTS: [&str; 3] = ["web", "mobile", "desktop"];
const SCOPES: [&str; 3] = ["read", "read write", "openid profile email"];

/// How many rows one transaction makes.
const BATCH: u64 = 5000;

pub struct Legacy(Mutex<Connection>);

/// What it knows of a token.
pub struct Token {
    pub row: u64,
    pub sha256: [u8; 32],
    pub grant: Grant,
    pub expires_at: Timestamp,
}

impl Legacy {
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let connection = Connection::open(path)?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self(Mutex::new(connection)))
    }

    /// The next tokens after a row that have not expired.
    pub fn after(&self, row: u64, limit: u64) -> Result<Vec<Token>, Failure> {
        let connection = self.0.lock();
        let mut select = connection.prepare_cached(
            "SELECT * FROM tokens WHERE row > ?1 AND expires_at > ?2 ORDER BY row LIMIT ?3",
        )?;
        let rows = select.query_map(params![sql(row), now(), sql(limit)], token)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What a client shows, if it is one of them and has not expired. A table whose rows can be ended asks for that here, too.
    pub fn find(&self, text: &str) -> Result<Option<Token>, Failure> {
        let connection = self.0.lock();
        let mut select = connection
            .prepare_cached("SELECT * FROM tokens WHERE sha256 = ?1 AND expires_at > ?2")?;
        let sha256: [u8; 32] = Sha256::digest(text).into();
        Ok(select.query_row(params![sha256, now()], token).optional()?)
    }

    fn rows(&self) -> Result<u64, Failure> {
        let last = "SELECT coalesce(max(row), 0) FROM tokens";
        let last: i64 = self.0.lock().query_row(last, [], |it| it.get(0))?;
        Ok(last.unsigned_abs())
    }
}

/// SQLite's numbers have a sign.
pub fn sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn now() -> i64 {
    sql(SystemClock.now().as_millis())
}

fn token(row: &Row<'_>) -> rusqlite::Result<Token> {
    let (user, client): (String, String) = (row.get("user")?, row.get("client")?);
    let grant = Grant::new(&user, &client).scope(&row.get::<_, String>("scope")?);
    let expires_at = Timestamp::from_millis(row.get::<_, i64>("expires_at")?.unsigned_abs());
    let number = row.get::<_, i64>("row")?.unsigned_abs();
    Ok(Token { row: number, sha256: row.get("sha256")?, grant, expires_at })
}

/// Makes the table, and gives the strings to the clients.
pub fn make(legacy: &Legacy, clients: &Clients, tokens: u64, show: &Show) -> Result<(), Failure> {
    let mut made = legacy.rows()?;
    if made >= tokens {
        return Ok(());
    }
    let step = show.step("legacy table", tokens);
    let expires_at = SystemClock.now().as_millis() + 90 * 86_400_000;
    while made < tokens {
        let last = tokens.min(made + BATCH);
        let texts = (made..last).map(|_| text()).collect::<Result<Vec<_>, _>>()?;
        let rows = (made + 1..).zip(&texts);
        let of_client = |row: u64| CLIENTS[usize::try_from(row % 3).unwrap_or(0)];
        // The clients first: what the table does not have yet is made again.
        clients.insert(rows.clone().map(|(row, text)| (row, of_client(row), text.as_str())))?;
        let mut connection = legacy.0.lock();
        let transaction = connection.transaction()?;
        for (row, text) in rows {
            let scope = SCOPES[usize::try_from(row / 3 % 3).unwrap_or(0)];
            let sha256: [u8; 32] = Sha256::digest(text).into();
            let user = format!("user-{}", row / 2);
            transaction
                .prepare_cached("INSERT INTO tokens VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
                .execute(params![sql(row), sha256, user, of_client(row), scope, sql(expires_at)])?;
        }
        transaction.commit()?;
        made = last;
        step.at(made);
    }
    step.done();
    Ok(())
}

/// A string as such systems mint them: 32 letters and digits.
fn text() -> Result<String, Failure> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyzABCDEFGH";
    let mut bytes = [0; 32];
    SystemEntropy.fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}
