//! Races at every isolation level that a pool may have: one winner, revocation beats what is in flight, and who is
//! declined sees the family as it is, not as it was when the statement began.

use std::collections::BTreeSet;
use std::sync::Arc;

use heirloom::family::Status;
use heirloom::store::{Created, PostgresStore, Revoked, StoreError, StoreErrorKind, Written};
use heirloom::{Store, testing};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::postgres::server::Place;
use crate::postgres::steps::*;

const LEVELS: [&str; 3] = ["read committed", "repeatable read", "serializable"];

/// How many call at once.
const CALLERS: u32 = 12;

/// How often a call is made again whose statement was undone again and again for the sake of others, as the engine does.
const ATTEMPTS: usize = 16;

async fn store_at(place: &Place, level: &str) -> PostgresStore {
    let setting = level.replace(' ', "\\ ");
    let setting = format!("-c default_transaction_isolation={setting}");
    PostgresStore::open(place.pool_with(CALLERS.try_into().unwrap(), &setting)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn of_many_rotations_one_wins_and_the_others_see_it() {
    let place = Place::new().await;
    for (level, first) in levels_and_numbers() {
        let store = store_at(&place, level).await;
        for number in first..first + 20 {
            create(&store, &family(number, 0)).await;
            let answers = at_once(&store, move |store, _| async move {
                persist(|| rotate(&store, number, 0)).await
            });
            let (mut winners, mut losers) = (Vec::new(), Vec::new());
            for answer in answers.await {
                match answer {
                    Written::Committed(committed) => winners.push(committed.family().clone()),
                    Written::Declined(family) => losers.push(family.unwrap()),
                }
            }
            assert_eq!(winners.len(), 1, "{level}");
            assert!(losers.iter().all(|loser| *loser == winners[0]), "{level}: {losers:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn of_many_creations_one_wins() {
    let place = Place::new().await;
    for (level, first) in levels_and_numbers() {
        let store = store_at(&place, level).await;
        for number in first..first + 10 {
            let answers = at_once(&store, move |store, caller| async move {
                let family = family(number, u32::try_from(caller).unwrap());
                persist(|| store.create(testing::create(family.clone()))).await
            });
            let answers = answers.await;
            let mut winners = answers.iter().filter_map(|answer| match answer {
                Created::New(committed) => Some(committed.family()),
                Created::Taken => None,
            });
            assert_eq!(winners.next(), load(&store, number).await.as_ref(), "{level}");
            assert!(winners.next().is_none(), "{level}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_rotation_and_a_revocation_at_once_leave_a_dead_family() {
    let place = Place::new().await;
    for (level, first) in levels_and_numbers() {
        let store = store_at(&place, level).await;
        for number in first..first + 20 {
            create(&store, &family(number, 0)).await;
            let answers = at_once(&store, move |store, caller| async move {
                match caller % 2 {
                    0 => Ok(persist(|| rotate(&store, number, 0)).await),
                    _ => Err(persist(|| revoke(&store, number, caller)).await),
                }
            });
            let answers = answers.await;
            let end = load(&store, number).await.unwrap();
            let mut by_this_call = 0;
            for answer in answers {
                match answer {
                    Ok(Written::Committed(it)) => assert!(end.version == it.family().version + 1),
                    Ok(Written::Declined(it)) => {
                        let it = it.unwrap();
                        assert!(it == end || it.head == end.head, "{level}: {it:?}");
                    }
                    Err(Revoked::ByThisCall(it)) => {
                        by_this_call += 1;
                        assert_eq!(*it.family(), end, "{level}");
                    }
                    Err(Revoked::Before(it)) => assert_eq!(it, end, "{level}"),
                    Err(Revoked::Unknown) => panic!("{level}"),
                }
            }
            assert_eq!(by_this_call, 1, "{level}");
        }
    }
}

/// Runs a call that must wait for a writer, ends the writer's transaction, and returns the call's answer.
pub async fn behind<T: Send + 'static>(
    place: &Place,
    number: u64,
    (change, end): (&str, &str),
    call: impl Future<Output = T> + Send + 'static,
) -> T {
    let writer = place.pool(1).get().await.unwrap();
    let id = id(number);
    writer.batch_execute(&format!("BEGIN; {change} WHERE id = '{id}'")).await.unwrap();
    let pid: i32 = writer.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let call = tokio::spawn(call);
    let other = place.pool(1).get().await.unwrap();
    let waits = "SELECT 1 FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))";
    while other.query(waits, &[&pid]).await.unwrap().is_empty() {
        assert!(!call.is_finished(), "the call does not wait");
    }
    writer.batch_execute(end).await.unwrap();
    call.await.unwrap()
}

const ENDED: &str = "UPDATE heirloom_families SET version = version + 1, status = 'revoked',
    revoked_at = now(), reason = 'logout', revoked_by = 1";
const ROTATED: &str = "UPDATE heirloom_families SET version = version + 1, generation = 1,
    digest = sha256('x'), predecessor_digest = digest, predecessor_salt = substr(digest, 1, 16),
    predecessor_closed = false";
const CHANGED: &str = "UPDATE heirloom_families SET version = version + 1, scope = 'read'";
const REMOVED: &str = "DELETE FROM heirloom_families";

/// A fallback that read by the statement's own snapshot would answer with the family from before the wait.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_rotation_that_has_waited_sees_what_it_has_waited_for() {
    let place = Place::new().await;
    for (level, number) in levels_and_numbers() {
        let store = store_at(&place, level).await;
        for (number, writer, wins) in [
            (number, (ENDED, "COMMIT"), false),
            (number + 1, (ENDED, "ROLLBACK"), true),
            (number + 2, (ROTATED, "COMMIT"), false),
            (number + 3, (CHANGED, "COMMIT"), true),
            (number + 4, (REMOVED, "COMMIT"), false),
        ] {
            create(&store, &family(number, 0)).await;
            let caller = store.clone();
            let call = async move { rotate(&caller, number, 0).await };
            let written = behind(&place, number, writer, call).await.unwrap();
            let (won, seen) = match written {
                Written::Committed(committed) => (true, Some(committed.family().clone())),
                Written::Declined(family) => (false, family),
            };
            assert_eq!(won, wins, "{level}: {writer:?}");
            assert_eq!(seen, load(&store, number).await, "{level}: {writer:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_revocation_that_has_waited_ends_what_it_has_waited_for() {
    let place = Place::new().await;
    for (level, number) in levels_and_numbers() {
        let store = store_at(&place, level).await;
        for (number, writer, generation) in
            [(number, (ROTATED, "COMMIT"), 1), (number + 1, (ROTATED, "ROLLBACK"), 0)]
        {
            create(&store, &family(number, 0)).await;
            let caller = store.clone();
            let call = async move { revoke(&caller, number, 7).await };
            let revoked = behind(&place, number, writer, call).await.unwrap();
            let Revoked::ByThisCall(ended) = revoked else { panic!("{level}: {revoked:?}") };
            assert_eq!(ended.family().head.generation, generation, "{level}");
            assert_eq!(load(&store, number).await.as_ref(), Some(ended.family()), "{level}");
        }
        for (number, writer) in [(number + 2, (ENDED, "COMMIT")), (number + 3, (REMOVED, "COMMIT"))]
        {
            create(&store, &family(number, 0)).await;
            let caller = store.clone();
            let call = async move { revoke(&caller, number, 7).await };
            let revoked = behind(&place, number, writer, call).await.unwrap();
            match load(&store, number).await {
                Some(end) => assert!(matches!(revoked, Revoked::Before(it) if it == end)),
                None => assert!(matches!(revoked, Revoked::Unknown)),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_replacement_that_has_waited_sees_what_it_has_waited_for() {
    let place = Place::new().await;
    for (level, number) in levels_and_numbers() {
        let store = store_at(&place, level).await;
        for (number, writer, wins) in [
            (number, (ENDED, "COMMIT"), false),
            (number + 1, (CHANGED, "COMMIT"), false),
            (number + 2, (CHANGED, "ROLLBACK"), true),
        ] {
            create(&store, &family(number, 0)).await;
            let step = testing::replace(&family(number, 0), |family| family.head = head(8));
            let caller = store.clone();
            let call = async move { caller.replace(step).await };
            let (won, seen) = match behind(&place, number, writer, call).await.unwrap() {
                Written::Committed(committed) => (true, Some(committed.family().clone())),
                Written::Declined(family) => (false, family),
            };
            assert_eq!(won, wins, "{level}: {writer:?}");
            assert_eq!(seen, load(&store, number).await, "{level}: {writer:?}");
        }
    }
}

/// Rotations and, after many of them, revocations of a few hot families, without an error: P1 and P3.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn hot_families_have_one_history() {
    let place = Place::new().await;
    for (level, first) in levels_and_numbers() {
        let store = store_at(&place, level).await;
        for number in first..first + 3 {
            create(&store, &family(number, 0)).await;
        }
        let histories = at_once(&store, move |store, caller| async move {
            let mut committed = Vec::new();
            for round in 0..60 {
                let number = first + (caller + round) % 3;
                let before = load(&store, number).await.unwrap();
                if round == 50 {
                    persist(|| revoke(&store, number, caller)).await;
                }
                let generation = before.head.generation;
                match persist(|| rotate(&store, number, generation)).await {
                    Written::Committed(it) => {
                        assert!(before.status == Status::Live, "{level}: dead before the call");
                        assert_ne!(round, 50, "{level}: after an acknowledged revocation");
                        assert_eq!(it.family().head.generation, generation + 1);
                        committed.push((number, generation));
                    }
                    Written::Declined(it) => {
                        let it = it.unwrap();
                        assert!(!guard(&it, generation).holds(&it), "{level}: declined {it:?}");
                    }
                }
            }
            committed
        });
        let committed: Vec<_> = histories.await.into_iter().flatten().collect();
        let distinct: BTreeSet<_> = committed.iter().collect();
        assert_eq!(distinct.len(), committed.len(), "{level}: a generation was followed twice");
        for number in first..first + 3 {
            let end = load(&store, number).await.unwrap();
            let rotations = committed.iter().filter(|(of, _)| *of == number).count();
            assert_eq!(u32::try_from(rotations), Ok(end.head.generation), "{level}");
            assert!(rotations > 0 && end.status != Status::Live, "{level}");
        }
    }
}

fn levels_and_numbers() -> impl Iterator<Item = (&'static str, u64)> {
    LEVELS.into_iter().zip((0..).step_by(100))
}

/// Calls until the answer is not a conflict.
async fn persist<T, F: Future<Output = Result<T, StoreError>>>(call: impl Fn() -> F) -> T {
    for _ in 1..ATTEMPTS {
        match call().await {
            Err(error) if error.kind() == StoreErrorKind::Conflict => {}
            answer => return answer.unwrap(),
        }
    }
    call().await.unwrap()
}

/// Many callers who begin together; their answers.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    store: &PostgresStore,
    call: impl Fn(PostgresStore, u64) -> F + Send + Clone + 'static,
) -> Vec<T> {
    let start = Arc::new(Barrier::new(CALLERS.try_into().unwrap()));
    let mut calls = JoinSet::new();
    for caller in 0..CALLERS {
        let (store, start, call) = (store.clone(), Arc::clone(&start), call.clone());
        calls.spawn(async move {
            start.wait().await;
            call(store, caller.into()).await
        });
    }
    calls.join_all().await
}
