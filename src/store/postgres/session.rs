//! Statements over the connections of a pool: one round trip each.

use std::time::Duration;

use deadpool_postgres::tokio_postgres::Row;
use deadpool_postgres::tokio_postgres::types::{ToSql, Type};
use deadpool_postgres::{Client, Object, Pool};

use tokio::runtime::Handle;
use tokio::time::timeout;

use super::error::Failure;
use super::value::Param;

/// How often a statement is run until it is not undone for the sake of another one.
const ATTEMPTS: usize = 16;

/// The connections, and how they run statements.
#[derive(Clone, Debug)]
pub(super) struct Sessions {
    pool: Pool,
    prepared: bool,
}

impl Sessions {
    pub(super) fn new(pool: Pool) -> Self {
        Self { pool, prepared: true }
    }

    pub(super) fn without_prepared_statements(self) -> Self {
        Self { prepared: false, ..self }
    }

    /// Runs one statement in a transaction of its own, again if it was undone.
    pub(super) async fn query(
        &self,
        sql: &str,
        params: &[(Param<'_>, Type)],
    ) -> Result<Vec<Row>, Failure> {
        let mut attempt = 1;
        loop {
            match self.attempt(sql, params).await {
                Err(failure) if attempt < ATTEMPTS && self.is_curable(&failure) => attempt += 1,
                answer => return answer,
            }
        }
    }

    /// Whether the statement was not carried out, and the next attempt may be luckier.
    fn is_curable(&self, failure: &Failure) -> bool {
        let stale = self.prepared && failure.is_stale_statement();
        if stale {
            self.pool.manager().statement_caches.clear();
        }
        stale || failure.is_conflict()
    }

    async fn attempt(&self, sql: &str, params: &[(Param<'_>, Type)]) -> Result<Vec<Row>, Failure> {
        let mut lease = Lease(None);
        let client = lease.0.insert(self.pool.get().await?);
        let answer = match self.prepared {
            true => prepared(client, sql, params).await,
            false => unprepared(client, sql, params).await,
        };
        let answer = answer.map_err(Failure::from);
        match &answer {
            Err(failure) if !failure.leaves_connection_sound() => lease.close(),
            _ => lease.give_back(),
        }
        answer
    }
}

/// The statement is known to the connection after its first use.
async fn prepared(
    client: &Client,
    sql: &str,
    params: &[(Param<'_>, Type)],
) -> Result<Vec<Row>, deadpool_postgres::tokio_postgres::Error> {
    let types: Vec<Type> = params.iter().map(|(_, ty)| ty.clone()).collect();
    let values: Vec<&(dyn ToSql + Sync)> = params.iter().map(|(param, _)| erase(param)).collect();
    let statement = client.prepare_typed_cached(sql, &types).await?;
    client.query(&statement, &values).await
}

/// The statement is sent along each time.
async fn unprepared(
    client: &Client,
    sql: &str,
    params: &[(Param<'_>, Type)],
) -> Result<Vec<Row>, deadpool_postgres::tokio_postgres::Error> {
    let params: Vec<_> = params.iter().map(|(param, ty)| (erase(param), ty.clone())).collect();
    client.query_typed(sql, &params).await
}

fn erase<'a>(param: &'a Param<'_>) -> &'a (dyn ToSql + Sync + 'a) {
    param
}

/// A connection that goes back to its pool only when it is told to. Dropped before, as when a call is given up while
/// its statement runs, it keeps its place in the pool until that has ended, and is closed then: no other call waits behind
/// the statement, and calls that are given up do not pile up in the server.
struct Lease(Option<Client>);

/// How long the place is kept for a statement that does not end: its server may be gone, and another one there.
const LINGER: Duration = Duration::from_secs(5);

impl Lease {
    fn give_back(mut self) {
        drop(self.0.take());
    }

    fn close(mut self) {
        drop(self.0.take().map(Object::take));
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(client) = self.0.take() else { return };
        match Handle::try_current() {
            Ok(runtime) if !client.is_closed() => drop(runtime.spawn(async move {
                // Answered after whatever runs on the connection; or an error, if that is gone.
                let _ = timeout(LINGER, client.simple_query("")).await;
                drop(Object::take(client));
            })),
            _ => drop(Object::take(client)),
        }
    }
}
