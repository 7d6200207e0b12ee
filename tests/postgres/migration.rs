//! Tables: made once, by however many nodes, and refused where they are not of this release.

use std::error::Error;

use heirloom::store::{PostgresStore, StoreError, StoreErrorKind};
use tokio::task::JoinSet;

use crate::postgres::server::{Database, Place};
use crate::postgres::steps::*;

/// What an operator reads: the error and its sources.
pub fn chain(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

async fn refused(place: &Place) -> String {
    let error = PostgresStore::open(place.pool(1)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unusable);
    chain(&error)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_store_without_tables_says_what_to_do() {
    let place = Place::empty().await;
    let text = refused(&place).await;
    assert!(text.contains("run PostgresStore::migrate"), "{text}");
    assert!(text.contains("relation \"heirloom_schema\" does not exist"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_migration_is_done_once_by_however_many_nodes() {
    for level in ["read\\ committed", "serializable"] {
        let place = Place::empty().await;
        let setting = format!("-c default_transaction_isolation={level}");
        let mut nodes = JoinSet::new();
        for _ in 0..8 {
            let pool = place.pool_with(1, &setting);
            nodes.spawn(async move { PostgresStore::migrate(&pool).await });
        }
        for migrated in nodes.join_all().await {
            migrated.unwrap();
        }
        let store = place.store().await;
        create(&store, &family(1, 0)).await;
        PostgresStore::migrate(&place.pool(1)).await.unwrap();
        assert_eq!(load(&store, 1).await, Some(family(1, 0)));
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn the_schema_for_other_tools_is_the_one_that_migrate_makes() {
    let (ours, theirs) = (Place::new().await, Place::empty().await);
    theirs.sql(PostgresStore::SCHEMA).await;
    create(&theirs.store().await, &family(1, 0)).await;
    PostgresStore::migrate(&theirs.pool(1)).await.unwrap();
    let columns = "SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable)
        FROM information_schema.columns WHERE table_schema = current_schema ORDER BY 1";
    let read = |rows: Vec<tokio_postgres::Row>| -> Vec<String> {
        rows.iter().map(|row| row.get(0)).collect()
    };
    assert_eq!(read(ours.rows(columns).await), read(theirs.rows(columns).await));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn tables_of_another_release_are_refused_and_left_alone() {
    let place = Place::new().await;
    for (version, says) in [(3, "run a newer release"), (0, "run PostgresStore::migrate")] {
        place.sql(&format!("UPDATE heirloom_schema SET version = {version}")).await;
        let text = refused(&place).await;
        assert!(text.contains(says) && text.contains(&version.to_string()), "{text}");
        let error = PostgresStore::migrate(&place.pool(1)).await.unwrap_err();
        assert!(chain(&error).contains(&format!("version {version}")), "{}", chain(&error));
        let kept: i32 = place.rows("SELECT version FROM heirloom_schema").await[0].get(0);
        assert_eq!(kept, version);
    }
    place.sql("DELETE FROM heirloom_schema").await;
    assert!(refused(&place).await.contains("holds no version"));
    let error = PostgresStore::migrate(&place.pool(1)).await.unwrap_err();
    assert!(chain(&error).contains("holds no version"), "{}", chain(&error));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_migration_that_fails_leaves_nothing() {
    let place = Place::empty().await;
    place.sql("CREATE TABLE heirloom_families ()").await;
    let error = PostgresStore::migrate(&place.pool(1)).await.unwrap_err();
    assert!(chain(&error).contains("\"heirloom_families\" already exists"), "{}", chain(&error));
    assert!(refused(&place).await.contains("run PostgresStore::migrate"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_database_that_is_not_utf8_is_refused() {
    let database = Database::new("SQL_ASCII").await;
    let place = Place::on(database.config()).await;
    let error = PostgresStore::migrate(&place.pool(1)).await.unwrap_err();
    assert!(chain(&error).contains("SQL_ASCII"), "{}", chain(&error));
    place.sql(PostgresStore::SCHEMA).await;
    assert!(refused(&place).await.contains("must be UTF8"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_session_that_loses_commits_is_refused_unless_the_host_insists() {
    let place = Place::new().await;
    let pool = || place.pool_with(1, "-c synchronous_commit=off");
    let error = PostgresStore::open(pool()).await.unwrap_err();
    assert!(chain(&error).contains("synchronous_commit = off"), "{}", chain(&error));
    let store = PostgresStore::open_lossy(pool()).await.unwrap();
    create(&store, &family(1, 0)).await;
    for level in ["on", "local", "remote_write", "remote_apply"] {
        let setting = format!("-c synchronous_commit={level}");
        PostgresStore::open(place.pool_with(1, &setting)).await.unwrap();
    }
}
