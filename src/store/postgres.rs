//! Families in PostgreSQL. What an operator has to know is the page of [`PostgresStore`].

mod error;
mod value;
mod session;
mod row;
mod schema;
mod purge;

use deadpool_postgres::Pool;
use deadpool_postgres::tokio_postgres::Row;
use deadpool_postgres::tokio_postgres::types::Type;

use self::session::Sessions;
use self::value::{Param, key, limit, params, text};
use super::{
    Advance, Create, Created, Cursor, Page, Purge, Replace, Revoke, Revoked, Scanned, Selected,
    Selector, Store, StoreError, Written,
};
use crate::family::Family;
use crate::record::columns::{self, COLUMNS, HEAD, Value};
use crate::token::FamilyId;

const CREATE: &str = include_str!("schema/postgres/create.sql");
const LOAD: &str = include_str!("schema/postgres/load.sql");
const ADVANCE: &str = include_str!("schema/postgres/advance.sql");
const REVOKE: &str = include_str!("schema/postgres/revoke.sql");
const REPLACE: &str = include_str!("schema/postgres/replace.sql");
const SELECT: &str = include_str!("schema/postgres/select.sql");

/// The types of the values of a [`Condition`](super::Condition).
const CONDITION: [Type; super::CONDITION] = [
    Type::UUID,
    Type::INT8,
    Type::BYTEA,
    Type::TEXT,
    Type::TEXT,
    Type::BYTEA,
    Type::INT8,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
];

/// The first id of all.
const FIRST: FamilyId = FamilyId::from_bytes([0; 16]);

/// A store in PostgreSQL 12 or later, over a pool of the host's: for any number of nodes that share a database.
///
/// ```no_run
/// use deadpool_postgres::{Manager, Pool, Runtime, tokio_postgres::{Config, NoTls}};
/// use heirloom::store::PostgresStore;
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let config: Config = "postgres://heirloom@db.internal/auth?target_session_attrs=read-write".parse()?;
/// let pool = Pool::builder(Manager::new(config, NoTls)) // TLS: another connector here
///     .max_size(16)
///     .runtime(Runtime::Tokio1)
///     .wait_timeout(Some(std::time::Duration::from_secs(2)))
///     .build()?;
/// // Once, by a deployment's own job: PostgresStore::migrate(&pool).await?. By hand: SCHEMA, or UPGRADES.
/// let store = PostgresStore::open(pool).await?;
/// # Ok(()) }
/// ```
///
/// One row is one family, in typed columns that a DBA can read. A refresh is one statement and one round trip; so is every
/// other call but a purge. Each statement is a transaction of its own.
///
/// # What is durable (S8)
///
/// PostgreSQL shows a commit to others only after it is as durable as its session asked for, so that refusals are as durable as
/// successes, and cost no flush. What survives is a matter of settings:
///
/// | setting | what returned success survives |
/// |---|---|
/// | `synchronous_commit = on`, no standby named in `synchronous_standby_names`; `local` | a crash of the server and of its machine; not the loss of its disk. A failover to an asynchronous standby loses the last commits |
/// | `on`, with synchronous standbys | a failover to one of them, too |
/// | `remote_write` | a failover, unless the standby's machine fails as well |
/// | `remote_apply` | as `on` |
/// | `synchronous_commit = off` | nothing of the last moments: [`open`](Self::open) refuses |
/// | `fsync = off` | a crash of the server, not of its machine: [`open`](Self::open) refuses |
/// | `full_page_writes = off` | a crash of the machine only where the file system writes pages wholly or not at all |
///
/// If PostgreSQL is told to give up waiting for a synchronous standby (a cancelled statement, a restart), the commit is shown all the
/// same. A failover that loses commits brings back spent tokens and revoked families: the engine recognises lost rotations by
/// generation; lost revocations have to be applied again from the events. Let no two servers believe that they are the primary.
///
/// # The server and the pool
///
/// * **The primary only** (S2). Set `target_session_attrs=read-write`, so that a pool finds the new primary after a failover. A
///   standby is refused by every call, and a session that turns out to be read-only is closed.
/// * **Isolation**: any default level of the pool will do. Serialization failures (40001) and deadlocks (40P01) are run again
///   inside, 16 times at once, then are a [conflict](super::StoreErrorKind::Conflict), which the engine tries again.
/// * **A pool for heirloom alone**, or one whose users never return a connection in an open transaction: a statement that ran in
///   it would be acknowledged and rolled back. `RecyclingMethod::Fast` (the default) keeps it at one round trip.
/// * **Time limits** are the host's and the server's: set the pool's `wait_timeout` and `create_timeout`, `connect_timeout` and
///   `tcp_user_timeout` of the connection, and `statement_timeout` of heirloom's role. What they end is wholly undone or, where
///   the answer was lost, wholly done; the error is retryable. A server that hangs without closing its connection is bounded by
///   none of them, only by a limit of the host around the call: dropping it is safe. The connection of a
///   call that is dropped keeps its place in the pool until the statement has ended, five seconds at most, and is closed.
/// * **Restarts**: a call during one is an error with its source; closed connections are replaced by the next call.
/// * **Transaction-mode poolers** (PgBouncer, and the like): statements are prepared once for a connection, by name. Poolers that
///   do not know named statements (PgBouncer before 1.21, or with `max_prepared_statements = 0`) may run another client's statement
///   under the same name: use [`without_prepared_statements`](Self::without_prepared_statements). Startup options such as
///   `search_path` do not pass them either: set it for the role. Session-mode poolers change nothing.
/// * **Encoding**: UTF8, which is checked. The time zone and the collations do not matter.
///
/// # The role
///
/// ```sql
/// CREATE SCHEMA heirloom; -- owned by the role that migrates
/// CREATE ROLE heirloom LOGIN;
/// ALTER ROLE heirloom SET search_path = heirloom; -- the role that migrates needs it as well
/// -- Now PostgresStore::migrate, or PostgresStore::SCHEMA, as the role that migrates. Then:
/// GRANT USAGE ON SCHEMA heirloom TO heirloom;
/// GRANT SELECT ON heirloom.heirloom_schema TO heirloom;
/// GRANT SELECT, INSERT, UPDATE, DELETE ON heirloom.heirloom_families TO heirloom;
/// ```
///
/// Tables are found through the `search_path`: let nobody else create objects in its schemas. Who can write the table can change
/// grants; who can read it learns who uses what, but nothing that redeems anything.
///
/// # Upgrades
///
/// From 0.1.0 (tables of version 1) to this release (version 2): migrate first, then replace the nodes one by one, and turn on what
/// this release brings (leeways that renew, fork or count, adoption, a limit of families, wider reactions, a move between stores) when the last old one is gone. A node of this release
/// does not [`open`](Self::open) tables of version 1, and an old one not those of version 2; but **old nodes that run go on**:
/// they issue, refresh and end the families that they know all of. A family that they do not (with branches, a displaced token, counted
/// replays, or adopted and not yet rotated) they cannot write: the call fails as an error of theirs, and the family stays as it is. They
/// may tell of such a family what they see of it: a token of a branch is ahead of their store, and refused.
/// Do not restart old nodes meanwhile, and do not go back: there is no way from version 2 to 1 but a backup.
///
/// The migration takes an `ACCESS EXCLUSIVE` lock and rewrites the table and its indexes: some fifteen seconds for each million families on a small machine,
/// during which calls wait, or fail after the time limits above; it needs as much free space as the table has. Run a
/// purge before; migrate in a quiet hour; set `lock_timeout` for the role that migrates, because while
/// the lock is waited for (behind a backup or a report), every call waits as well; and do not migrate from the nodes themselves, unless the
/// table is small. [`UPGRADES`](Self::UPGRADES) are the statements.
///
/// # What logs show
///
/// Statements carry digests, salts and the grant, never a token or a secret. `log_statement`, `auto_explain` and
/// `log_min_duration_statement` show such parameters unless `log_parameter_max_length = 0`; `pg_stat_statements` shows none. A
/// check that fails puts the row into the server's log (`log_error_verbosity = terse` leaves it out). The driver's own debug log
/// shows no values.
///
/// # Vacuum and purge
///
/// Refreshes are heap-only updates, which leave the indexes alone: but once a day for a family, when its idle end
/// reaches another day. For that the table has a `fillfactor` of 80. Long transactions, in any database of the server, hold
/// back their clean-up; autovacuum at its defaults does the rest, `autovacuum_vacuum_scale_factor = 0.05` suits more than some million
/// families. A purge reads and removes batches of 500 families, waits for no refresh and lets none wait. Run it often, for instance every hour
/// with a limit of 10,000, until it returns fewer: several nodes may at once.
///
/// # Backups
///
/// `pg_dump -t 'heirloom_*'`, or whatever the database is backed up with; restore before traffic is let in. A restored backup has lost its last
/// rotations, which are recognised by generation (P16), **and its last revocations, which are not**: [the runbook](crate::_runbooks#a-restored-backup-or-a-failover)
/// says what to do. By hand, `DELETE` of a row ends a family as `Unknown`.
///
/// # Damaged rows (S9)
///
/// Every column has a check that bears its name. A row that fails one when it is to be written stays as it is, and is reported as
/// [`Impossible`](crate::family::Impossible), as is a row that cannot be read. Purges leave it.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    sessions: Sessions,
}

impl PostgresStore {
    /// The statements that make the tables, for those who migrate with a tool of their own: in one transaction.
    pub const SCHEMA: &'static str = schema::SCHEMA;

    /// The statements that bring tables from version 1 (heirloom 0.1.0) to version 2, from 2 to 3, and so on: each in one transaction. Which
    /// version there is, the table `heirloom_schema` says.
    pub const UPGRADES: &'static [&'static str] = schema::UPGRADES;

    /// Makes the tables, or brings those of an earlier release forward, in one transaction. Nodes that do it at once wait for each other;
    /// tables of this release are left as they are. Needs `CREATE` on the schema.
    ///
    /// # Errors
    ///
    /// With its source, and nothing was changed: [Unavailable](super::StoreErrorKind::Unavailable) if the server was not reached or
    /// is a standby; [Unusable](super::StoreErrorKind::Unusable) if its encoding is not UTF8, the role may not, or the tables are
    /// of a later release.
    pub async fn migrate(pool: &Pool) -> Result<(), StoreError> {
        schema::migrate(pool).await
    }

    /// A store on tables of this release, by a server that keeps what it acknowledges.
    ///
    /// # Errors
    ///
    /// With its source: [Unavailable](super::StoreErrorKind::Unavailable) if the server was not reached or is a standby;
    /// [Unusable](super::StoreErrorKind::Unusable) if there are no tables or those of another release, the role may not, its
    /// encoding is not UTF8, or it runs with `fsync` or `synchronous_commit` off.
    pub async fn open(pool: Pool) -> Result<Self, StoreError> {
        Self::checked(pool, false).await
    }

    /// As [`open`](Self::open), but `fsync` and `synchronous_commit` may be off.
    ///
    /// # Security
    ///
    /// After a crash spent tokens are good again, and families that were revoked live. For tests, or where that is dealt with as
    /// after the restore of a backup.
    ///
    /// # Errors
    ///
    /// As of [`open`](Self::open).
    pub async fn open_lossy(pool: Pool) -> Result<Self, StoreError> {
        Self::checked(pool, true).await
    }

    /// Sends the text of each statement along, and prepares none by name: for transaction-mode poolers that know no named statements.
    /// Still one round trip; the server parses and plans each time.
    #[must_use]
    pub fn without_prepared_statements(self) -> Self {
        Self { sessions: self.sessions.without_prepared_statements() }
    }

    async fn checked(pool: Pool, lossy: bool) -> Result<Self, StoreError> {
        // A pooler may stand between: nothing is prepared before the host could say so.
        let sessions = Sessions::new(pool);
        schema::check(&sessions.clone().without_prepared_statements(), lossy).await?;
        Ok(Self { sessions })
    }

    /// The next families of a subject, of a client, of both, or of all.
    async fn page(
        &self,
        subject: Option<&str>,
        client: Option<&str>,
        page: Page,
    ) -> Result<Vec<row::Found>, StoreError> {
        let Some(from) = page.after.map_or(Some(FIRST), successor) else {
            return Ok(Vec::new());
        };
        let params = [text(subject), text(client), key(from), limit(page.limit)];
        row::read(&self.sessions.query(SELECT, &params).await?)
    }

    /// Runs a statement about one family.
    async fn ask(
        &self,
        family: FamilyId,
        sql: &str,
        params: &[(Param<'_>, Type)],
    ) -> Result<Vec<Row>, StoreError> {
        self.sessions.query(sql, params).await.map_err(|failure| failure.of(family))
    }
}

impl Store for PostgresStore {
    async fn create(&self, step: Create) -> Result<Created, StoreError> {
        let params = params(0, columns::write(step.family()));
        let inserted = !self.ask(step.family().id, CREATE, &params).await?.is_empty();
        Ok(if inserted { step.created() } else { step.taken() })
    }

    async fn load(&self, id: FamilyId) -> Result<Option<Family>, StoreError> {
        let rows = self.ask(id, LOAD, &[key(id)]).await?;
        let found = row::read(&rows)?.into_iter().next();
        Ok(found.map(|(_, family)| family).transpose()?)
    }

    async fn advance(&self, step: Advance) -> Result<Written, StoreError> {
        let id = step.family();
        let condition = step.guard().condition().filter(|it| is_text(it.client));
        let Some(condition) = condition else {
            let family = self.load(id).await?;
            return Ok(step.declined(family));
        };
        let mut values: Vec<_> =
            condition.values().into_iter().map(Param::Value).zip(CONDITION).collect();
        values.extend(params(COLUMNS.len() - HEAD, columns::write_head(step.head())));
        let rows = self.ask(id, ADVANCE, &values).await?;
        drop(values);
        Ok(match row::written(id, &rows)? {
            Some((true, family)) => step.committed(family),
            Some((false, family)) => step.declined(Some(family)),
            None => step.declined(None),
        })
    }

    async fn revoke(&self, step: Revoke) -> Result<Revoked, StoreError> {
        let id = step.family();
        let mut values = vec![key(id)];
        let from = COLUMNS.iter().position(|column| column.name == "revoked_at");
        let revocation = columns::write_revocation(step.revocation());
        values.extend(params(from.unwrap_or_default(), revocation));
        let rows = self.ask(id, REVOKE, &values).await?;
        Ok(match row::written(id, &rows)? {
            Some((_, family)) => step.ended(family),
            None => step.unknown(),
        })
    }

    async fn replace(&self, step: Replace) -> Result<Written, StoreError> {
        let id = step.next().id;
        let mut values = params(0, columns::write(step.next()));
        values.push((Param::Value(Value::Integer(step.expected_version())), Type::INT8));
        let rows = self.ask(id, REPLACE, &values).await?;
        drop(values);
        Ok(match row::written(id, &rows)? {
            Some((true, _)) => step.committed(),
            Some((false, family)) => step.declined(Some(family)),
            None => step.declined(None),
        })
    }

    async fn select(&self, selector: &Selector, page: Page) -> Result<Selected, StoreError> {
        let (subject, client) = match selector {
            Selector::Subject(subject) => (Some(&**subject), None),
            Selector::Client(client) => (None, Some(&**client)),
            Selector::SubjectAndClient(subject, client) => (Some(&**subject), Some(&**client)),
        };
        let found = match [subject, client].into_iter().flatten().all(is_text) {
            true => self.page(subject, client, page).await?,
            false => Vec::new(),
        };
        Ok(found.into_iter().map(|(_, family)| family).collect())
    }

    async fn purge(&self, step: Purge) -> Result<usize, StoreError> {
        purge::purge(&self.sessions, step).await
    }

    /// In the order of ids; none appears twice.
    async fn scan(&self, after: Option<Cursor>, limit: usize) -> Result<Scanned, StoreError> {
        let after = after.map(|cursor| cursor.id()).transpose()?;
        let page = Page { after, limit: limit.max(1) };
        let found = self.page(None, None, page).await?;
        let last = found.last().filter(|_| found.len() >= limit);
        let next = last.map(|(id, _)| Cursor::after(*id));
        Ok(Scanned { families: found.into_iter().map(|(_, family)| family).collect(), next })
    }
}

/// Whether PostgreSQL can hold it; what it cannot hold, no family has.
fn is_text(text: &str) -> bool {
    !text.contains('\0')
}

/// The id after another; `None` after the last.
fn successor(id: FamilyId) -> Option<FamilyId> {
    let next = u128::from_be_bytes(*id.as_bytes()).checked_add(1)?;
    Some(FamilyId::from_bytes(next.to_be_bytes()))
}
