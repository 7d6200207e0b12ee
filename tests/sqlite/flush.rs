//! One flush for whatever waits, and what happens when it fails.

use std::fs;
use std::sync::mpsc;
use std::time::Duration;

use heirloom::store::{SqliteSettings, SqliteStore, StoreErrorKind};
use heirloom::{Error, Grant, Outcome, Page, Selector, Store};
use pollster::block_on;

use super::{Disk, PATIENCE, at_once, grant, patient, request, story, text};

/// Commits in a WAL file: frames whose header says how large the database is after them.
fn commits(disk: &Disk) -> usize {
    const HEADER: usize = 32;
    const FRAME: usize = 24 + 4096;
    let mut name = disk.path().into_os_string();
    name.push("-wal");
    let wal = fs::read(name).unwrap();
    wal[HEADER..].chunks(FRAME).filter(|frame| frame[4..8] != [0; 4]).count()
}

#[test]
fn whatever_waits_is_committed_in_one_flush() {
    let disk = Disk::new();
    let before = commits(&disk);
    let other = disk.other();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // While the lock is held nothing can be flushed, so all of them wait.
    let waiting = std::thread::scope(|scope| {
        let (ready, begun) = mpsc::channel();
        let threads: Vec<_> = (0..100)
            .map(|number| {
                let (disk, ready) = (&disk, ready.clone());
                scope.spawn(move || {
                    let mut issue = Box::pin(disk.node.issue(grant(&format!("user-{number}"))));
                    // Polled once, it has asked; then it is waited for.
                    let waker = std::task::Waker::noop();
                    let mut context = std::task::Context::from_waker(waker);
                    let asked = issue.as_mut().poll(&mut context);
                    ready.send(()).unwrap();
                    assert!(asked.is_pending());
                    block_on(issue).unwrap()
                })
            })
            .collect();
        (0..100).for_each(|_| begun.recv().unwrap());
        other.execute_batch("COMMIT").unwrap();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(waiting.len(), 100);
    assert!(waiting.iter().all(|granted| disk.load(granted).version == 1));
    // The first to ask was taken alone, the others with the next flush.
    let flushes = commits(&disk) - before;
    assert!((1..=2).contains(&flushes), "{flushes} flushes for 100 calls");
}

/// Several handles are what several processes are: each has a writer and locks of its own.
#[test]
fn writers_of_several_handles_do_not_starve_each_other() {
    let disk = Disk::new();
    let stores: Vec<_> = (0..3).map(|_| patient(&disk.path())).collect();
    let root = disk.issue("alice");
    let work = stores.iter().map(|store| async {
        let mut rotated = 0;
        for _ in 0..50 {
            let node = disk.node_over(store);
            match node.issue(grant("bob")).await {
                Ok(_) => rotated += 1,
                Err(error) => panic!("{}", story(&error)),
            }
        }
        rotated
    });
    assert_eq!(at_once(work.collect()), [50, 50, 50]);
    assert_eq!(disk.load(&root).version, 1);
}

#[test]
fn a_lock_that_is_held_too_long_is_a_retryable_error_and_loses_nothing() {
    let patient = SqliteSettings::default().lock_wait(Duration::from_millis(5));
    let disk = Disk::with(|path| SqliteStore::open_with(path, &patient).unwrap());
    let root = disk.issue("alice");
    let other = disk.other();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = block_on(disk.node.refresh(text(&root), request())).unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(story(&error).contains("database is locked"), "{}", story(&error));
    // Readers wait for no writer.
    assert_eq!(disk.load(&root).head.generation, 0);
    other.execute_batch("ROLLBACK").unwrap();
    let outcome = block_on(disk.node.refresh(text(&root), request())).unwrap();
    assert!(matches!(outcome, Outcome::Granted(_)));
}

#[test]
fn a_full_disk_is_a_retryable_error_and_loses_nothing() {
    let small = SqliteSettings::default().max_bytes(64 * 1024);
    let disk = Disk::with(|path| SqliteStore::open_with(path, &small).unwrap());
    let (mut issued, mut error) = (Vec::new(), None);
    while error.is_none() {
        assert!(issued.len() < 1_000, "the disk is never full");
        match block_on(disk.node.issue(large())) {
            Ok(granted) => issued.push(granted),
            Err(failed) => error = Some(failed),
        }
    }
    let error = error.unwrap();
    assert!(error.is_retryable(), "{error}");
    assert!(story(&error).contains("full"), "{}", story(&error));
    assert!(issued.len() > 3);
    // What was acknowledged is there, and nothing else.
    let page = Page { after: None, limit: 1_000 };
    let found = block_on(disk.store.select(&Selector::subject("alice"), page)).unwrap();
    let found: Vec<_> = found.into_iter().map(|family| family.unwrap().id).collect();
    let mut expected: Vec<_> = issued.iter().map(|granted| granted.family).collect();
    expected.sort();
    assert_eq!(found, expected);
    // Once there is room again, everybody goes on.
    let roomy = patient(&disk.path());
    let node = disk.node_over(&roomy);
    block_on(node.issue(large())).unwrap();
    for granted in &issued {
        let outcome = block_on(node.refresh(text(granted), request())).unwrap();
        assert!(matches!(outcome, Outcome::Granted(_)));
    }
}

/// Of a batch of which one does not fit, each answer is true.
#[test]
fn of_a_batch_that_meets_a_full_disk_every_answer_is_true() {
    let small = SqliteSettings::default().max_bytes(64 * 1024);
    let disk = Disk::with(|path| SqliteStore::open_with(path, &small).unwrap());
    let before = [disk.issue("alice"), disk.issue("alice")];
    let answers = at_once((0..40).map(|_| disk.node.issue(large())).collect());
    let page = Page { after: None, limit: 1_000 };
    let found = block_on(disk.store.select(&Selector::subject("alice"), page)).unwrap();
    let found: Vec<_> = found.into_iter().map(|family| family.unwrap().id).collect();
    let acknowledged = before.iter().chain(answers.iter().flatten()).map(|granted| granted.family);
    let mut acknowledged: Vec<_> = acknowledged.collect();
    acknowledged.sort();
    assert_eq!(found, acknowledged);
    assert!(found.len() < 42, "all of them fit");
    for error in answers.into_iter().filter_map(Result::err) {
        let Error::Store(error) = error else { panic!("{error}") };
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    }
}

fn large() -> Grant {
    grant("alice").attribute("note", &"x".repeat(3_000))
}

/// A host gave up a refresh that waited for a lock; when the lock went, the rotation was written with its old date, and the
/// client's next retry came after a leeway that had never begun for it: a false breach.
#[test]
fn a_call_that_is_given_up_before_its_turn_is_not_begun() {
    let disk = Disk::new();
    let root = disk.issue("alice");
    let other = disk.other();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // The first keeps the writer waiting for the lock, so that the second has not had its turn.
    let mut first = Box::pin(disk.node.issue(grant("bob")));
    let mut given_up = Box::pin(disk.node.refresh(text(&root), request()));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(first.as_mut().poll(&mut context).is_pending());
    assert!(given_up.as_mut().poll(&mut context).is_pending());
    drop(given_up);
    disk.clock.advance(Duration::from_secs(60));
    other.execute_batch("COMMIT").unwrap();
    block_on(first).unwrap();
    // A write after it: whatever was to be done is done.
    disk.issue("carol");
    assert_eq!(disk.load(&root).head.generation, 0);
    let again = block_on(disk.node.refresh(text(&root), request())).unwrap();
    let Outcome::Granted(again) = again else { panic!("{again:?}") };
    assert_eq!(again.how, heirloom::How::Rotated);
}

/// Each batch had waited for the lock anew: the last of a long queue, many times as long as the operator had said.
#[test]
fn nobody_waits_for_more_than_one_lock() {
    let mut wait = Duration::from_millis(200);
    while !all_wait_for_one_lock(wait) {
        wait *= 2;
        assert!(wait < PATIENCE, "the calls never come before the wait is over");
    }
}

/// Whether all calls had been made before the wait was over, which on a busy machine takes a longer one. If so, no call waits
/// for another lock.
fn all_wait_for_one_lock(wait: Duration) -> bool {
    let settings = SqliteSettings::default().lock_wait(wait);
    let disk = Disk::with(|path| SqliteStore::open_with(path, &settings).unwrap());
    let other = disk.other();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut calls: Vec<_> = (0..1_500).map(|_| Box::pin(disk.node.issue(grant("alice")))).collect();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    // The first is asked again after all others: it is the one that waits for the lock.
    let asked = (0..calls.len())
        .chain([0])
        .all(|number| calls[number].as_mut().poll(&mut context).is_pending());
    if !asked {
        return false;
    }
    // Its answer tells that the wait is over. The others have had theirs, although the lock is free from now on.
    let mut calls = calls.into_iter();
    assert!(block_on(calls.next().unwrap()).is_err());
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(calls.filter_map(|call| block_on(call).ok()).count(), 0);
    disk.issue("alice");
    true
}

#[test]
fn a_call_whose_future_is_dropped_is_wholly_done_or_not_begun() {
    let disk = Disk::new();
    let root = disk.issue("alice");
    let mut dropped = Box::pin(disk.node.refresh(text(&root), request()));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let _ = dropped.as_mut().poll(&mut context);
    drop(dropped);
    // The next write waits for the one before it. Which of the two it was, the thread of the writer has decided.
    let again = block_on(disk.node.refresh(text(&root), request())).unwrap();
    let Outcome::Granted(again) = again else { panic!("{again:?}") };
    assert!(matches!(again.how, heirloom::How::Replayed | heirloom::How::Rotated));
    assert_eq!((again.generation, disk.load(&root).head.generation), (1, 1));
}
