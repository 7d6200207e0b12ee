//! The tables: made, brought forward, and checked.

use deadpool_postgres::tokio_postgres::error::{Error, SqlState};
use deadpool_postgres::tokio_postgres::types::FromSqlOwned;
use deadpool_postgres::tokio_postgres::{IsolationLevel, Row};
use deadpool_postgres::{ClientWrapper, Pool};

use super::error::{Failure, Unfit};
use super::session::Sessions;
use crate::store::StoreError;

/// The statements that make the tables of this release: those of the first version, and then the upgrades.
pub(super) const SCHEMA: &str = concat!(
    include_str!("../schema/postgres/schema.sql"),
    include_str!("../schema/postgres/schema_2.sql")
);

/// The statements that bring tables from a version to the next, from version 1 on; they are only ever added to.
pub(super) const UPGRADES: &[&str] = &[include_str!("../schema/postgres/schema_2.sql")];

/// The version that the tables of this release have.
const VERSION: i32 = 2;

/// What the tables and the server are like.
const CHECK: &str = include_str!("../schema/postgres/check.sql");

/// Serializes the migrations of a database. The number is arbitrary, and heirloom's.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7522824083903147893)";

/// Whether there are tables, and in which encoding.
const FIND: &str =
    "SELECT to_regclass('heirloom_schema') IS NOT NULL, current_setting('server_encoding')";

/// Which version they have.
const FOUND: &str = "SELECT version FROM heirloom_schema";

/// Makes the tables, or brings them forward, in one transaction.
pub(super) async fn migrate(pool: &Pool) -> Result<(), StoreError> {
    let mut client = pool.get().await.map_err(Failure::from)?;
    migrate_over(&mut client).await.map_err(|refused| match refused {
        Refused::Unfit(unfit) => unfit.into(),
        Refused::Failed(error) => Failure::from(error).into(),
    })
}

/// Why a migration was undone.
enum Refused {
    Unfit(Unfit),
    Failed(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

async fn migrate_over(client: &mut ClientWrapper) -> Result<(), Refused> {
    // Not at a higher level: its snapshot would be older than the lock.
    let level = IsolationLevel::ReadCommitted;
    let transaction =
        client.build_transaction().isolation_level(level).read_only(false).start().await?;
    transaction.batch_execute(LOCK).await?;
    let found = transaction.query_typed_one(FIND, &[]).await?;
    check_encoding(found.try_get(1)?).map_err(Refused::Unfit)?;
    if found.try_get(0)? {
        let row = transaction.query_typed_opt(FOUND, &[]).await?;
        let version = row.ok_or(Refused::Unfit(Unfit::NoVersion))?.try_get(0)?;
        for upgrade in upgrades(version).map_err(Refused::Unfit)? {
            transaction.batch_execute(upgrade).await?;
        }
    } else {
        transaction.batch_execute(SCHEMA).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Checks the version of the tables, and that the server is the primary and keeps S8; `lossy` lets the last go.
pub(super) async fn check(sessions: &Sessions, lossy: bool) -> Result<(), StoreError> {
    let rows = sessions.query(CHECK, &[]).await.map_err(|failure| match failure {
        Failure::Statement(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => {
            Unfit::NotMigrated(error).into()
        }
        failure => StoreError::from(failure),
    })?;
    let row = rows.first().ok_or(Unfit::NoVersion)?;
    check_version(column(row, 0)?)?;
    if column(row, 1)? {
        return Err(Unfit::Standby.into());
    }
    check_encoding(column(row, 2)?)?;
    for (index, setting) in [(3, "fsync"), (4, "synchronous_commit")] {
        if !lossy && column::<String>(row, index)? == "off" {
            return Err(Unfit::Lossy(setting).into());
        }
    }
    Ok(())
}

/// What brings tables of a version to that of this release.
fn upgrades(found: i32) -> Result<&'static [&'static str], Unfit> {
    let done = usize::try_from(found).ok().and_then(|found| found.checked_sub(1));
    match done.and_then(|done| UPGRADES.get(done..)) {
        Some(upgrades) => Ok(upgrades),
        None => check_version(found).map(|()| [].as_slice()),
    }
}

fn check_version(found: i32) -> Result<(), Unfit> {
    let needed = VERSION;
    match found {
        VERSION => Ok(()),
        _ if found < needed => Err(Unfit::Older { found, needed }),
        _ => Err(Unfit::Newer { found, needed }),
    }
}

fn check_encoding(encoding: String) -> Result<(), Unfit> {
    if encoding == "UTF8" { Ok(()) } else { Err(Unfit::Encoding(encoding)) }
}

fn column<T: FromSqlOwned>(row: &Row, index: usize) -> Result<T, StoreError> {
    row.try_get(index).map_err(|error| Failure::from(error).into())
}
