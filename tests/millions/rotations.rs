//! A family that has rotated a million times, beside one that has rotated once. How many statements and calls its end takes in
//! PostgreSQL and Redis is counted in `tests/postgres/cost.rs` and `tests/redis/cost.rs`.

use std::sync::Arc;

use heirloom::family::Family;
use heirloom::record::columns::COLUMNS;
use heirloom::store::{Created, Store};
use heirloom::testing::{ManualClock, create, digest, token};
use heirloom::token::Position;
use heirloom::{FamilyId, Key, Reason, RevokeOutcome};
use redis::cmd;

use crate::millions::patient;
use crate::millions::sqlite::Disk;
use crate::millions::story::{Node, START, issue, load, node, refresh};
use crate::postgres::server::Place;
use crate::redis::world::{Connection, World};

/// So often the family really rotates in the end.
const REALLY: u32 = 2_000;
const MILLION: u32 = 1_000_000;

/// What the digits of the counters may add, where numbers are stored in as few bytes as they need: the generation and the
/// version.
const DIGITS: i64 = 12;

/// What such a digit may add in Redis, whose allocator goes by steps.
const STEP: u64 = 256;

/// A family that has rotated once, and the same family after a million rotations, under another id: both as the store has them.
async fn young_and_old<S: Store>(node: &Node<S>) -> [Family; 2] {
    let issued = issue(node, "alice").await;
    refresh(node, &issued).await;
    let young = load(node, issued.family).await;

    let mut old = young.clone();
    let mut bytes = *young.id.as_bytes();
    bytes[15] ^= 1;
    old.id = FamilyId::from_bytes(bytes);
    (old.head.generation, old.version) = (MILLION - REALLY, u64::from(MILLION - REALLY) + 1);
    old.head.digest = digest([3; 32]);
    let position = Position { family: old.id, branch: 0, generation: old.head.generation };
    let created = node.store().create(create(old)).await.unwrap();
    assert!(matches!(created, Created::New(_)), "{created:?}");
    let mut last = issued;
    last.token = Some(token(&Key::new(1, &[1; 32]).unwrap(), position, [3; 32]));
    for _ in 0..REALLY {
        last = refresh(node, &last).await;
    }
    let old = load(node, position.family).await;
    assert_eq!((young.head.generation, old.head.generation), (1, MILLION));
    [young, old]
}

async fn ended<S: Store>(node: &Node<S>, id: FamilyId) {
    let ended = node.revoke_family(id, Reason::Logout).await.unwrap();
    assert!(matches!(ended, RevokeOutcome::Ended), "{ended:?}");
}

#[tokio::test]
async fn a_family_of_a_million_rotations_is_as_small_and_ends_by_one_write_over_sqlite() {
    let disk = Disk::new();
    let node = node(Arc::clone(&disk.store), &ManualClock::at(START));
    let families = young_and_old(&node).await;
    let lengths = COLUMNS.map(|column| format!("coalesce(length({}), 0)", column.name));
    let query = format!("SELECT {} FROM families WHERE id = ?1", lengths.join(" + "));
    let [young, old] = families.each_ref().map(|family| {
        disk.other().query_row(&query, [family.id.as_bytes()], |row| row.get::<_, i64>(0)).unwrap()
    });
    println!("SQLite: {young} digits, characters and bytes, {old} after a million rotations");
    assert!((young..=young + DIGITS).contains(&old), "{young}, then {old}");
    for family in families {
        disk.other().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        assert_eq!(commits(&disk), 0);
        ended(&node, family.id).await;
        assert_eq!(commits(&disk), 1);
    }
}

/// Commits in the write-ahead log since it was cut off: frames whose header says how large the database is after them.
fn commits(disk: &Disk) -> usize {
    const HEADER: usize = 32;
    const FRAME: usize = 24 + 4096;
    let mut name = disk.path().into_os_string();
    name.push("-wal");
    let wal = std::fs::read(name).unwrap();
    let frames = wal.get(HEADER..).unwrap_or_default().chunks(FRAME);
    frames.filter(|frame| frame[4..8] != [0; 4]).count()
}

#[tokio::test]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_row_of_a_million_rotations_is_as_small_over_postgres() {
    let place = Place::new().await;
    let node = node(Arc::new(place.store().await), &ManualClock::at(START));
    let mut sizes = Vec::new();
    for family in young_and_old(&node).await {
        let id = family.id;
        let query =
            format!("SELECT pg_column_size(it) FROM heirloom_families AS it WHERE id = '{id}'");
        sizes.push(place.rows(&query).await[0].get::<_, i32>(0));
        ended(&node, id).await;
    }
    println!("PostgreSQL: {} bytes, {} after a million rotations", sizes[0], sizes[1]);
    assert_eq!(sizes[0], sizes[1]);
}

async fn sizes_in_redis<C: Connection>(world: World<C>) {
    let node = node(Arc::new(world.open().await), &ManualClock::at(START));
    let mut sizes = Vec::new();
    for family in young_and_old(&node).await {
        let key = world.family(family.id);
        sizes.push(world.ask::<u64>(cmd("MEMORY").arg("USAGE").arg(&key)).await);
        ended(&node, family.id).await;
    }
    println!("Redis: {} bytes, {} after a million rotations", sizes[0], sizes[1]);
    assert!(sizes[1] <= sizes[0] + STEP, "{sizes:?}");
}

#[test]
#[ignore = "needs Redis: bash scripts/test.sh"]
fn a_hash_of_a_million_rotations_is_as_small_over_redis() {
    patient::one(sizes_in_redis);
}

#[test]
#[ignore = "needs Redis Cluster: bash scripts/test.sh"]
fn a_hash_of_a_million_rotations_is_as_small_over_redis_cluster() {
    patient::cluster(sizes_in_redis);
}
