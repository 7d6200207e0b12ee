//! What is written is what is read, by each way to send a statement.

use heirloom::family::{Family, Revocation, Status};
use heirloom::store::{Created, Revoked};
use heirloom::testing;
use heirloom::{Page, Policy, Reason, Request, Selector, Store, Timestamp};
use proptest::prelude::*;
use proptest::strategy::ValueTree;

use crate::postgres::server::Place;
use crate::postgres::steps::*;
use crate::records::families::{any_family, ended, stated};
use crate::support::random;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn every_family_is_read_as_it_was_written() {
    let place = Place::new().await;
    let mut runner = random::runner("postgres::contract::every_family_is_read", 200);
    let any = any_family();
    let mut families: Vec<_> =
        (0..200).map(|_| any.new_tree(&mut runner).unwrap().current()).collect();
    families.iter_mut().for_each(within_all_time);
    for (mut family, number) in stated().into_iter().zip(1..) {
        family.id = id(number);
        families.push(family);
    }
    for store in place.stores().await {
        for family in &families {
            create(&store, family).await;
            assert_eq!(store.load(family.id).await.unwrap().as_ref(), Some(family));
        }
        every_end_is_the_familys(&place, &families).await;
        place.sql("TRUNCATE heirloom_families").await;
    }
}

/// What the purge compares, and what it goes by.
async fn every_end_is_the_familys(place: &Place, families: &[Family]) {
    let ends = "SELECT id::text, (extract(epoch FROM ends_at) * 1000)::bigint,
            ends_on IS NOT DISTINCT FROM (ends_at AT TIME ZONE 'UTC')::date AND whole AND grant_sound
        FROM heirloom_families";
    let rows = place.rows(ends).await;
    assert_eq!(rows.len(), families.len());
    for row in rows {
        let (id, end, agrees): (String, Option<i64>, Option<bool>) =
            (row.get(0), row.get(1), row.get(2));
        let family = families.iter().find(|family| family.id.to_string() == id).unwrap();
        let expected = family.ended_at().map(|end| i64::try_from(end.as_millis()).unwrap());
        assert_eq!((end, agrees), (expected, Some(true)), "{family:?}");
    }
}

/// No duration is longer than all time.
fn within_all_time(family: &mut Family) {
    if let Status::Revoked(Revocation { reason: Reason::Reuse(reuse), .. }) = &mut family.status {
        let longest = Timestamp::MAX.saturating_since(Timestamp::ZERO);
        reuse.since_rotation = reuse.since_rotation.min(longest);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn the_last_instant_and_the_last_numbers_are_exact() {
    let place = Place::new().await;
    let mut family = ended();
    (family.version, family.head.generation) = (Timestamp::MAX.as_millis(), u32::MAX);
    family.expires_at = Some(Timestamp::MAX);
    let mut grant = (*family.grant).clone();
    (grant.not_after, family.head.idle_expires_at) = (Some(Timestamp::MAX), Some(Timestamp::MAX));
    grant.attributes.insert("\0".to_owned(), "\u{0}\u{10ffff}\"\\".to_owned());
    family.grant = grant.into();
    for store in place.stores().await {
        create(&store, &family).await;
        assert_eq!(store.load(family.id).await.unwrap().as_ref(), Some(&family));
        place.sql("TRUNCATE heirloom_families").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_family_goes_its_way() {
    let place = Place::new().await;
    for store in place.stores().await {
        create(&store, &family(1, 0)).await;
        let taken = store.create(testing::create(family(1, 5))).await.unwrap();
        assert!(matches!(taken, Created::Taken));

        let mut expected = family(1, 0);
        (expected.version, expected.head) = (2, head(1));
        assert_eq!(committed(rotate(&store, 1, 0).await.unwrap()), expected);
        assert_eq!(load(&store, 1).await.as_ref(), Some(&expected));
        assert_eq!(declined(rotate(&store, 1, 0).await.unwrap()).as_ref(), Some(&expected));
        assert_eq!(declined(rotate(&store, 2, 0).await.unwrap()), None);

        let replace = |seen: &Family| testing::replace(seen, |family| family.head = head(9));
        let stale = store.replace(replace(&family(1, 0))).await.unwrap();
        assert_eq!(declined(stale).as_ref(), Some(&expected));
        let next = committed(store.replace(replace(&expected)).await.unwrap());
        assert_eq!((next.version, next.head.generation), (3, 9));
        assert_eq!(load(&store, 1).await.as_ref(), Some(&next));
        assert_eq!(declined(store.replace(replace(&family(2, 0))).await.unwrap()), None);

        let Revoked::ByThisCall(ended) = revoke(&store, 1, 4).await.unwrap() else { panic!() };
        let ended = ended.family().clone();
        assert_eq!((ended.version, &ended.status), (4, &Status::Revoked(revocation(4))));
        assert!(matches!(revoke(&store, 1, 5).await.unwrap(), Revoked::Before(it) if it == ended));
        assert!(matches!(revoke(&store, 1, 4).await.unwrap(), Revoked::ByThisCall(_)));
        assert!(matches!(revoke(&store, 2, 4).await.unwrap(), Revoked::Unknown));
        assert_eq!(declined(rotate(&store, 1, 9).await.unwrap()).as_ref(), Some(&ended));
        assert_eq!(declined(store.replace(replace(&ended)).await.unwrap()), Some(ended));
        place.sql("TRUNCATE heirloom_families").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn the_condition_ends_where_the_guard_does() {
    let place = Place::new().await;
    for store in place.stores().await {
        for end in [at(-1), NOW, at(1)] {
            for (field, ends) in [("idle", true), ("absolute", false)] {
                let mut family = family(1, 3);
                if ends {
                    family.head.idle_expires_at = Some(end);
                } else {
                    family.expires_at = Some(end);
                }
                create(&store, &family).await;
                let guard = guard_of(&family, 3, &Request::new("web"), &Policy::default(), NOW);
                let holds = guard.holds(&family);
                assert_eq!(holds, end > NOW, "{field} end at {end:?}");
                let written = store.advance(testing::advance(guard, head(4))).await.unwrap();
                let is_committed = matches!(written, heirloom::store::Written::Committed(_));
                assert_eq!(is_committed, holds, "{field} end at {end:?}");
                place.sql("TRUNCATE heirloom_families").await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn pages_cover_what_matches_in_order_of_id() {
    let place = Place::new().await;
    for store in place.stores().await {
        let subjects = ["alice", "bob"].into_iter().cycle();
        let clients = ["web", "app", "tv"].into_iter().cycle();
        for (number, (subject, client)) in (0..30).zip(subjects.zip(clients)) {
            let mut family = family(number, 0);
            family.grant = heirloom::Grant::new(subject, client).into();
            create(&store, &family).await;
        }
        let mut last = family(30, 0);
        last.id = heirloom::token::FamilyId::from_bytes([0xff; 16]);
        create(&store, &last).await;
        for (selector, count) in [
            (Selector::subject("alice"), 16),
            (Selector::client("web"), 11),
            (Selector::subject_and_client("alice", "web"), 6),
            (Selector::subject("Alice"), 0),
            (Selector::subject("ali%"), 0),
            (Selector::subject("alice\0"), 0),
            (Selector::client("\0"), 0),
        ] {
            let mut found = Vec::new();
            let mut after = None;
            loop {
                let page = store.select(&selector, Page { after, limit: 4 }).await.unwrap();
                found.extend(page.iter().map(|family| family.as_ref().unwrap().id));
                after = found.last().copied();
                if page.len() < 4 {
                    break;
                }
            }
            assert_eq!(found.len(), count, "{selector:?}");
            assert!(found.is_sorted());
        }
        place.sql("TRUNCATE heirloom_families").await;
    }
}

/// A client id comes from a request, before anybody knows whether there is such a client.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_client_that_no_text_can_hold_is_another_client() {
    let place = Place::new().await;
    for store in place.stores().await {
        create(&store, &family(1, 0)).await;
        let request = Request::new("web\0");
        let guard = guard_of(&family(1, 0), 0, &request, &Policy::default(), NOW);
        let written = store.advance(testing::advance(guard, head(1))).await.unwrap();
        assert_eq!(declined(written), Some(family(1, 0)));
        place.sql("TRUNCATE heirloom_families").await;
    }
}
