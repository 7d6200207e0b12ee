//! In PostgreSQL.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use heirloom::family::Family;
use heirloom::record::columns::COLUMNS;
use heirloom::store::PostgresStore;

use crate::millions::story::{self, START, a_million_dead_families_go_beside_a_live_load};
use crate::postgres::server;

/// A schema of its own.
struct Place {
    schema: server::Place,
    store: Arc<PostgresStore>,
}

impl Place {
    async fn ask(&self, query: &str) -> u64 {
        let answer: i64 = self.schema.rows(query).await[0].get(0);
        answer.try_into().unwrap()
    }
}

impl story::Place for Place {
    type Store = PostgresStore;

    fn store(&self) -> Arc<PostgresStore> {
        Arc::clone(&self.store)
    }

    async fn copy(&self, models: &[Family], numbers: Range<u64>) {
        let columns: Vec<_> = COLUMNS.iter().map(|column| column.name).collect();
        let others = columns.iter().filter(|name| !["id", "subject"].contains(name));
        let others = others.copied().collect::<Vec<_>>().join(", ");
        let (start, last) = (START.as_millis(), numbers.end - 1);
        for (first, model) in (numbers.start..).zip(models) {
            let copy = format!(
                "INSERT INTO heirloom_families (id, subject, {others})
                 SELECT (lpad(to_hex({start} + n), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
                     'user-' || (n / 16384 * 1024 + n % 1024), {others}
                 FROM heirloom_families, generate_series({first}, {last}, 2) AS n WHERE id = '{}'",
                model.id
            );
            self.schema.sql(&copy).await;
        }
        // As autovacuum does it soon.
        self.schema.sql("ANALYZE heirloom_families").await;
    }

    async fn count(&self) -> u64 {
        self.ask("SELECT count(*) FROM heirloom_families").await
    }

    async fn figures(&self) -> String {
        // Sessions report what they have done about every second.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let table = self.ask("SELECT pg_table_size('heirloom_families')").await;
        let indexes = self.ask("SELECT pg_indexes_size('heirloom_families')").await;
        let of_this = "FROM pg_stat_user_tables WHERE relid = 'heirloom_families'::regclass";
        let dead = self.ask(&format!("SELECT n_dead_tup {of_this}")).await;
        let vacuums = self.ask(&format!("SELECT autovacuum_count {of_this}")).await;
        format!(
            "a table of {} MiB, indexes of {} MiB, {dead} dead rows, vacuumed {vacuums} times",
            table >> 20,
            indexes >> 20
        )
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: bash scripts/test.sh"]
async fn a_purge_of_a_million_goes_on_beside_a_live_load_over_postgres() {
    let schema = server::Place::new().await;
    let store = Arc::new(schema.store().await);
    a_million_dead_families_go_beside_a_live_load(&Place { schema, store }).await;
}
