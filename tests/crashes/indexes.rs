//! The indexes by subject and client after a failover: a family and its entries may be on different masters.

use std::collections::BTreeSet;

use heirloom::store::redis::RedisSettings;
use heirloom::store::{Page, RedisStore, Selector, Store};
use heirloom::token::FamilyId;

use crate::connect;
use crate::fleet::history::History;
use crate::fleet::place::Place;
use crate::fleet::serve::{CLIENT, Server};

/// S6 holds again when the store has been told to look.
pub async fn lost_entries_are_entered_again(place: &Place, engine: &Server, history: &History) {
    let mut there = BTreeSet::new();
    for id in history.families.keys() {
        if engine.store().load(*id).await.expect("a cluster").is_some() {
            there.insert(*id);
        }
    }
    let found = found(engine, history).await;
    let Place::RedisCluster(nodes, prefix) = place else { panic!("no cluster: {place}") };
    let connection = connect::cluster(nodes).await.expect("a cluster");
    let settings = RedisSettings::default().prefix(prefix);
    let store = RedisStore::open_with(connection, settings).await.expect("a cluster");
    let entered = store.reindex().await.expect("a cluster");
    println!(
        "redis-cluster: of {} families, {} had lost an entry of an index; {entered} entries made",
        there.len(),
        there.difference(&found).count()
    );
    assert_eq!(there.difference(&self::found(engine, history).await).next(), None, "not found");
}

/// The families that are found by their subject and by their client.
async fn found(engine: &Server, history: &History) -> BTreeSet<FamilyId> {
    let subjects: BTreeSet<&str> = history.families.values().map(|it| &*it.subject).collect();
    let mut by_subject = BTreeSet::new();
    for subject in subjects {
        by_subject.extend(all(engine, &Selector::subject(subject)).await);
    }
    let by_client = all(engine, &Selector::client(CLIENT)).await;
    by_subject.intersection(&by_client).copied().collect()
}

async fn all(engine: &Server, selector: &Selector) -> BTreeSet<FamilyId> {
    let page = Page { after: None, limit: 100_000 };
    let page = engine.store().select(selector, page).await.expect("a cluster");
    page.into_iter().map(|family| family.expect("a record that can be read").id).collect()
}
