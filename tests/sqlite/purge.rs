//! Purging beside a load, and past what cannot be read.

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use heirloom::record::columns::COLUMNS;
use heirloom::{Outcome, Reason};
use pollster::block_on;

use super::{Disk, request, text};

const RETENTION: Duration = Duration::from_secs(7 * 86_400);

#[test]
fn a_damaged_row_is_left_and_hides_nothing_behind_it() {
    let disk = Disk::new();
    let issued: Vec<_> = (0..5).map(|number| disk.issue(&format!("user-{number}"))).collect();
    for granted in &issued {
        block_on(disk.node.revoke_family(granted.family, Reason::Logout)).unwrap();
    }
    // The first two that a purge meets.
    for granted in &issued[..2] {
        let damaged = disk.other().execute(
            "UPDATE families SET reason = 'witchcraft' WHERE id = ?1",
            [granted.family.as_bytes()],
        );
        assert_eq!(damaged.unwrap(), 1);
    }
    disk.clock.advance(RETENTION + Duration::from_millis(1));
    assert_eq!(block_on(disk.node.purge(2)).unwrap(), 2);
    assert_eq!(block_on(disk.node.purge(2)).unwrap(), 1);
    assert_eq!(block_on(disk.node.purge(2)).unwrap(), 0);
    let left: i64 =
        disk.other().query_row("SELECT count(*) FROM families", [], |it| it.get(0)).unwrap();
    assert_eq!(left, 2);
}

/// A purge is cut into transactions of a few hundred rows, between which refreshes come to their turn.
#[test]
fn refreshes_go_on_beside_a_purge_of_many() {
    let disk = Disk::new();
    disk.issue("alice");
    let dead = 20_000;
    let columns = COLUMNS[1..].iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
    disk.other()
        .execute_batch(&format!(
            "BEGIN; CREATE TEMP TABLE model AS SELECT * FROM families; \
             UPDATE model SET status = 'revoked', revoked_at = created_at, reason = 'logout', \
                 revoked_by = 1, used_at = created_at; \
             WITH RECURSIVE counter (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < {dead}) \
             INSERT INTO families (id, {columns}) SELECT randomblob(16), {columns} FROM counter, model; COMMIT;"
        ))
        .unwrap();
    disk.clock.advance(RETENTION + Duration::from_millis(1));
    let (other, mut token) = (disk.other(), disk.issue("bob"));
    let (mut purged, mut refreshed) = (0, 0);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        let mut purge = Box::pin(disk.node.purge(5_000));
        let batch = loop {
            // While the lock is held, a transaction of the purge is under way, and a refresh comes to wait behind it.
            other.execute_batch("BEGIN IMMEDIATE").unwrap();
            if let Poll::Ready(batch) = purge.as_mut().poll(&mut context) {
                other.execute_batch("ROLLBACK").unwrap();
                break batch.unwrap();
            }
            let mut refresh = Box::pin(disk.node.refresh(text(&token), request()));
            assert!(refresh.as_mut().poll(&mut context).is_pending());
            other.execute_batch("ROLLBACK").unwrap();
            match block_on(refresh).unwrap() {
                Outcome::Granted(next) => (token, refreshed) = (next, refreshed + 1),
                Outcome::Refused(why) => panic!("{why}"),
            }
        };
        purged += batch;
        if batch < 5_000 {
            break;
        }
    }
    assert_eq!(purged, dead);
    // Each of the forty transactions lets one through; a purge in one piece would let through one for each call.
    assert!(refreshed >= 20, "{refreshed} refreshes beside the purge");
}
