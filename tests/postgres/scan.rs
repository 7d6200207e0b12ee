//! All families, page by page, each by one statement.

use heirloom::store::{Cursor, CursorError, PostgresStore, Scanned, StoreErrorKind};
use heirloom::token::FamilyId;
use heirloom::{Selector, Store};

use crate::postgres::server::Place;
use crate::postgres::steps::*;

/// The ids of all, from a place on; those that are refused with the field.
async fn walk(
    store: &PostgresStore,
    mut after: Option<Cursor>,
    limit: usize,
) -> Vec<(FamilyId, Option<&'static str>)> {
    let mut found = Vec::new();
    loop {
        let Scanned { families, next } = store.scan(after, limit).await.unwrap();
        assert!(families.len() <= limit, "{} of {limit}", families.len());
        found.extend(families.into_iter().map(|family| match family {
            Ok(family) => (family.id, None),
            Err(impossible) => (impossible.family, Some(impossible.field)),
        }));
        match next {
            Some(cursor) => after = Some(cursor),
            None => return found,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn all_are_shown_in_order_of_id_ended_and_damaged_ones_too() {
    let place = Place::new().await;
    let last = FamilyId::from_bytes([0xff; 16]);
    for store in place.stores().await {
        for number in (0..30).rev() {
            create(&store, &family(number, 0)).await;
        }
        let mut at_the_end = family(30, 0);
        at_the_end.id = last;
        create(&store, &at_the_end).await;
        let _ = revoke(&store, 7, 4).await.unwrap();
        place.sql("ALTER TABLE heirloom_families DROP CONSTRAINT IF EXISTS version").await;
        let damage = "UPDATE heirloom_families SET version = 0 WHERE id =";
        place.sql(&format!("{damage} '{}'", id(11))).await;
        let field = |number| (number == 11).then_some("version");
        let mut expected: Vec<_> = (0..30).map(|number| (id(number), field(number))).collect();
        expected.push((last, None));
        for limit in [1, 4, 30, 31, 32, usize::MAX] {
            assert_eq!(walk(&store, None, limit).await, expected, "{limit}");
        }
        let after: Cursor = Cursor::after(id(20)).to_string().parse().unwrap();
        assert_eq!(walk(&store, Some(after), 4).await, expected[21..]);
        assert_eq!(walk(&store, Some(Cursor::after(last)), 4).await, []);
        // A family that is selected by nobody's name is in no selection.
        let page = heirloom::Page { after: None, limit: 99 };
        assert_eq!(store.select(&Selector::subject("nobody"), page).await.unwrap(), []);
        place.sql("TRUNCATE heirloom_families").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn families_that_come_and_go_meanwhile_hide_none() {
    let place = Place::new().await;
    let store = place.store().await;
    for number in 100..160 {
        create(&store, &family(number, 0)).await;
    }
    let (mut found, mut after, mut number) = (Vec::new(), None, 0);
    loop {
        let Scanned { families, next } = store.scan(after, 7).await.unwrap();
        found.extend(families.into_iter().map(|family| family.unwrap().id));
        // One before all others, one after them, and the one that the cursor names is gone.
        create(&store, &family(number, 0)).await;
        create(&store, &family(200 + number, 0)).await;
        if let Some(last) = found.last() {
            place.sql(&format!("DELETE FROM heirloom_families WHERE id = '{last}'")).await;
        }
        number += 1;
        match next {
            Some(cursor) if number < 50 => after = Some(cursor),
            _ => break,
        }
    }
    for number in 100..160 {
        assert_eq!(found.iter().filter(|it| **it == id(number)).count(), 1, "{number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_cursor_that_is_no_id_is_refused() {
    let place = Place::new().await;
    let store = place.store().await;
    create(&store, &family(1, 0)).await;
    for length in [1, 15, 17, 18, 42, 64] {
        let foreign = Cursor::new(&vec![0; length]).unwrap();
        let error = store.scan(Some(foreign), 9).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unusable);
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(source.downcast_ref(), Some(&CursorError::Foreign));
    }
}
