//! The clients: each keeps one string, shows it, loses an answer now and then, and asks again.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use heirloom::entropy::{Entropy, SystemEntropy};
use heirloom::{How, Outcome};
use parking_lot::Mutex;
use rusqlite::{Connection, params};

use crate::Failure;
use crate::fleet::Fleet;
use crate::legacy::sql;

/// What a client keeps survives its own process, and need not survive the power.
const SCHEMA: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
    CREATE TABLE IF NOT EXISTS clients (row INTEGER PRIMARY KEY, client TEXT NOT NULL, token TEXT NOT NULL,
        generation INTEGER NOT NULL DEFAULT 0) STRICT;";

/// One answer in so many never arrives.
const LOST: u8 = 8;

pub struct Clients {
    kept: Mutex<Connection>,
    lost: Mutex<Vec<String>>,
    pub refreshes: AtomicU64,
    pub lost_answers: AtomicU64,
    pub is_over: AtomicBool,
}

/// What one client keeps.
struct Kept {
    client: String,
    token: String,
    generation: u32,
}

impl Clients {
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let kept = Connection::open(path)?;
        kept.execute_batch(SCHEMA)?;
        Ok(Self {
            kept: Mutex::new(kept),
            lost: Mutex::default(),
            refreshes: AtomicU64::new(0),
            lost_answers: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        })
    }

    /// Gives clients their first strings.
    pub fn insert<'a>(
        &self,
        rows: impl Iterator<Item = (u64, &'a str, &'a str)>,
    ) -> Result<(), Failure> {
        let mut kept = self.kept.lock();
        let transaction = kept.transaction()?;
        for (row, client, token) in rows {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO clients VALUES (?1, ?2, ?3, 0)")?
                .execute(params![sql(row), client, token])?;
        }
        Ok(transaction.commit()?)
    }

    /// Sessions that were lost, and why.
    pub fn lost(&self) -> Vec<String> {
        self.lost.lock().clone()
    }

    /// Refreshes clients of every so many-th row, at random, until it is over.
    pub async fn go_on(
        &self,
        fleet: &Fleet,
        first: u64,
        every: u64,
        all: u64,
    ) -> Result<(), Failure> {
        let mine = (all - first) / every + 1;
        while !self.is_over.load(Ordering::Relaxed) {
            self.refresh(fleet, first + every * (random()? % mine)).await?;
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        Ok(())
    }

    /// One client's next refresh, as it does it: it asks until it has an answer, and keeps what it gets.
    pub async fn refresh(&self, fleet: &Fleet, row: u64) -> Result<(), Failure> {
        let kept = self.kept(row)?;
        let mut promised = None;
        loop {
            let node = random()?;
            let outcome = fleet.exchange(node, &kept.token, &kept.client).await?;
            self.refreshes.fetch_add(1, Ordering::Relaxed);
            let granted = match outcome {
                Outcome::Granted(granted) => granted,
                Outcome::Refused(why) => {
                    self.lost.lock().push(format!("client {row}: {why}"));
                    return Ok(());
                }
            };
            let token = granted.token.as_ref().map_or("", |token| token.expose());
            // It must be the same token, however often it is asked for.
            if promised.as_ref().is_some_and(|promised| promised != token) {
                self.lost.lock().push(format!("client {row}: two successors"));
                return Ok(());
            }
            if granted.generation != kept.generation + 1 || granted.how == How::Kept {
                self.lost.lock().push(format!("client {row}: generation {}", granted.generation));
                return Ok(());
            }
            if random()? % u64::from(LOST) == 0 {
                self.lost_answers.fetch_add(1, Ordering::Relaxed);
                promised = Some(token.to_owned());
                continue;
            }
            return self.keep(row, token, granted.generation);
        }
    }

    fn kept(&self, row: u64) -> Result<Kept, Failure> {
        let connection = self.kept.lock();
        let mut select = connection
            .prepare_cached("SELECT client, token, generation FROM clients WHERE row = ?1")?;
        Ok(select.query_row([sql(row)], |it| {
            Ok(Kept { client: it.get(0)?, token: it.get(1)?, generation: it.get(2)? })
        })?)
    }

    fn keep(&self, row: u64, token: &str, generation: u32) -> Result<(), Failure> {
        self.kept
            .lock()
            .prepare_cached("UPDATE clients SET token = ?2, generation = ?3 WHERE row = ?1")?
            .execute(params![sql(row), token, generation])?;
        Ok(())
    }
}

fn random() -> Result<u64, Failure> {
    let mut bytes = [0; 8];
    SystemEntropy.fill(&mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}
