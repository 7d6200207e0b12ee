//! Crashes: what returned success is there afterwards (S8), no token is live twice (P1), an honest client that tries
//! again goes on (P13, P15), and nobody is taken for a thief. After a failover, which may lose writes, what was lost is
//! recognised as such (P16).
//!
//! A killed process shows that nothing depends on its memory. It does not show that a disk keeps what it was told to
//! flush: the operating system lives on. For that, stores rely on `fsync` and say so.

mod failover;
mod indexes;
mod nodes;
mod restarts;
mod servers;
mod sqlite;

use libtest_mimic::Trial;

use crate::fleet::trials::{needing, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial(
            "a_process_over_sqlite_is_killed_a_hundred_times_and_nothing_is_lost",
            sqlite::killed_a_hundred_times,
        ),
        needing(
            "PostgreSQL",
            "postgresql_is_stopped_at_once_under_load_and_nothing_is_lost",
            restarts::postgres,
        ),
        needing("Redis", "redis_is_killed_under_load_and_nothing_is_lost", restarts::redis),
        needing(
            "Redis Cluster",
            "a_failover_that_loses_writes_is_never_taken_for_theft",
            failover::loses_writes,
        ),
    ]
}
