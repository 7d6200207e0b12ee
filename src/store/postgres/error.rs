//! What PostgreSQL says, as what it means for the engine.

use deadpool_postgres::PoolError;
use deadpool_postgres::tokio_postgres::error::{DbError, Error, SqlState};

use crate::family::Impossible;
use crate::record::columns::COLUMNS;
use crate::store::StoreError;
use crate::token::FamilyId;

/// Why a database is refused; the source of a [`StoreError`].
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    #[error("no table heirloom_schema on the search_path: run PostgresStore::migrate")]
    NotMigrated(#[source] Error),
    #[error("heirloom_schema holds no version: run PostgresStore::migrate on an empty schema")]
    NoVersion,
    #[error(
        "the schema has version {found}, this release needs {needed}: run PostgresStore::migrate"
    )]
    Older { found: i32, needed: i32 },
    #[error("the schema has version {found}, this release knows {needed}: run a newer release")]
    Newer { found: i32, needed: i32 },
    #[error("the server is a standby: connect with target_session_attrs=read-write")]
    Standby,
    #[error("the database has the encoding {0}: it must be UTF8")]
    Encoding(String),
    #[error("the server runs with {0} = off and would lose acknowledged writes")]
    Lossy(&'static str),
}

impl From<Unfit> for StoreError {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            // A failover may be under way: the next connection may reach the primary.
            Unfit::Standby => Self::unavailable(unfit),
            _ => Self::unusable(unfit),
        }
    }
}

/// Why a statement gave no rows.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// No connection: nothing was asked.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The statement failed, or its answer was lost.
    #[error(transparent)]
    Statement(#[from] Error),
}

impl Failure {
    /// Whether the statement was undone for the sake of another one, and may be run again at once.
    pub(super) fn is_conflict(&self) -> bool {
        self.is_any(&[SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED])
    }

    /// Whether the server did not run a prepared statement because it forgot it, mixed it up, or its tables changed.
    pub(super) fn is_stale_statement(&self) -> bool {
        self.is_any(&[
            SqlState::INVALID_SQL_STATEMENT_NAME,
            SqlState::DUPLICATE_PSTATEMENT,
            SqlState::FEATURE_NOT_SUPPORTED,
        ])
    }

    /// Whether a connection can serve the next call: the server has said what is wrong, and it is not the session.
    pub(super) fn leaves_connection_sound(&self) -> bool {
        let Self::Statement(error) = self else { return true };
        error.as_db_error().is_some_and(|error| {
            // Read-only or in a failed transaction; shutting down; a protocol that has slipped.
            !["25", "57P", "08"].iter().any(|class| error.code().code().starts_with(class))
        })
    }

    /// Whether a permission, a table or a column is missing: trying again does not help.
    fn is_for_an_operator(&self) -> bool {
        let Self::Statement(error) = self else { return false };
        error.code().is_some_and(|code| code.code().starts_with("42"))
    }

    fn is_any(&self, codes: &[SqlState]) -> bool {
        match self {
            Self::Pool(_) => false,
            Self::Statement(error) => error.code().is_some_and(|code| codes.contains(code)),
        }
    }

    /// What it means for the engine, when one family was asked for.
    pub(super) fn of(self, family: FamilyId) -> StoreError {
        let damaged = match &self {
            Self::Statement(error) => error.as_db_error().and_then(damaged_column),
            Self::Pool(_) => None,
        };
        match damaged {
            Some(field) => Impossible { family, field }.into(),
            None => self.into(),
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        let conflict = failure.is_conflict();
        let unusable = failure.is_for_an_operator();
        match failure {
            Failure::Statement(error) => match error.as_db_error().filter(|error| tells_row(error))
            {
                Some(error) => Self::unavailable(Said::new(error)),
                None if conflict => Self::conflict(error),
                None if unusable => Self::unusable(error),
                None => Self::unavailable(error),
            },
            Failure::Pool(error) => Self::unavailable(error),
        }
    }
}

/// Whether the server's details may show the row, digests and salts included (P12): "Failing row contains (..)".
fn tells_row(error: &DbError) -> bool {
    let undone = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
    (error.detail().is_some() || error.where_().is_some()) && !undone.contains(error.code())
}

/// What the server said, without its details.
#[derive(Debug, thiserror::Error)]
#[error("db error: {severity}: {message} (SQLSTATE {code})")]
struct Said {
    severity: String,
    message: String,
    code: String,
}

impl Said {
    fn new(error: &DbError) -> Self {
        Self {
            severity: error.severity().to_owned(),
            message: error.message().to_owned(),
            code: error.code().code().to_owned(),
        }
    }
}

/// The column of a row that was to be written and that cannot be: a check bears its column's name.
fn damaged_column(error: &DbError) -> Option<&'static str> {
    let name = match *error.code() {
        SqlState::CHECK_VIOLATION => error.constraint(),
        SqlState::NOT_NULL_VIOLATION => error.column(),
        _ => None,
    };
    COLUMNS.iter().map(|column| column.name).find(|column| Some(*column) == name)
}
