//! Clients that refresh all the time, each its own families in turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use heirloom::family::Status;
use heirloom::{Granted, Page, Selector, Store};
use tokio::task::JoinSet;

use crate::millions::story::{Node, issue, load, refresh};

/// Between two refreshes of a client.
const PAUSE: Duration = Duration::from_millis(2);

/// A client, and what it was answered last.
pub struct Client {
    families: Vec<Own>,
    /// How many batches were purged during its longest refresh.
    longest: usize,
}

struct Own {
    subject: String,
    last: Granted,
    rotations: u32,
}

impl Client {
    /// With so many families, just issued.
    pub async fn new<S: Store>(node: &Node<S>, number: usize, families: usize) -> Self {
        let mut own = Vec::new();
        for family in 0..families {
            let subject = format!("live-{number}-{family}");
            let last = issue(node, &subject).await;
            own.push(Own { subject, last, rotations: 0 });
        }
        Self { families: own, longest: 0 }
    }

    /// Each family stands where its client left it, is found, and goes on.
    pub async fn has_lost_nothing<S: Store>(&self, node: &Node<S>) {
        for own in &self.families {
            let family = load(node, own.last.family).await;
            assert_eq!((family.head.generation, &family.status), (own.rotations, &Status::Live));
            assert_eq!(*family.grant.subject, own.subject);
            let page = Page { after: None, limit: 2 };
            let selector = Selector::subject(&own.subject);
            let found = node.store().select(&selector, page).await.unwrap();
            assert_eq!(found, [Ok(family)]);
            refresh(node, &own.last).await;
        }
    }

    async fn refresh_until<S: Store>(mut self, node: Arc<Node<S>>, shared: Arc<Shared>) -> Self {
        for number in (0..self.families.len()).cycle() {
            if shared.over.load(Ordering::SeqCst) {
                break;
            }
            let own = &mut self.families[number];
            let begun = shared.batches.load(Ordering::SeqCst);
            own.last = refresh(&node, &own.last).await;
            own.rotations += 1;
            self.longest = self.longest.max(shared.batches.load(Ordering::SeqCst) - begun);
            shared.refreshes.fetch_add(1, Ordering::SeqCst);
            // Clients live on other machines, and leave the processors of this one to the purge and the server.
            tokio::time::sleep(PAUSE).await;
        }
        self
    }
}

/// Clients at work.
pub struct Load {
    clients: JoinSet<Client>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    refreshes: AtomicUsize,
    batches: AtomicUsize,
}

impl Load {
    pub fn start<S: Store + 'static>(node: &Arc<Node<S>>, clients: Vec<Client>) -> Self {
        let mut load = Self { clients: JoinSet::new(), shared: Arc::default() };
        for client in clients {
            let (node, shared) = (Arc::clone(node), Arc::clone(&load.shared));
            load.clients.spawn(client.refresh_until(node, shared));
        }
        load
    }

    /// How many refreshes were answered so far.
    pub fn refreshes(&self) -> usize {
        self.shared.refreshes.load(Ordering::SeqCst)
    }

    /// One more call of a purge has been answered.
    pub fn purged_one_batch(&self) {
        self.shared.batches.fetch_add(1, Ordering::SeqCst);
    }

    /// How many it were, how many batches were purged during the longest, and the clients.
    pub async fn stop(self) -> (usize, usize, Vec<Client>) {
        let refreshes = self.refreshes();
        self.shared.over.store(true, Ordering::SeqCst);
        let clients = self.clients.join_all().await;
        let longest = clients.iter().map(|client| client.longest).max().unwrap_or_default();
        (refreshes, longest, clients)
    }
}
