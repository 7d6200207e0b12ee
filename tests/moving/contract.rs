//! The store contract, kept by two stores in memory as one: in either stage, and by handles in both stages at once.
//!
//! The purges of the kit are of January 1970, where the bounds of a move, counted back from now, hold back nothing. But what the kit ended in 1970
//! was marked as moved today, and so long before its mark no family of an engine ends: S7 is left out where the kit's families move, and
//! `grace.rs` has what holds there instead.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use heirloom::conformance::{self, Clause, Factory, Failure};
use heirloom::store::moving::Stage;
use heirloom::store::{MovingStore, Store};
use heirloom::{FamilyId, MemoryStore};
use pollster::block_on;

struct Pair {
    old: Arc<MemoryStore>,
    new: Arc<MemoryStore>,
    stages: &'static [Stage],
    opened: AtomicUsize,
}

impl Pair {
    fn new(stages: &'static [Stage]) -> Self {
        Self { old: Arc::default(), new: Arc::default(), stages, opened: AtomicUsize::new(0) }
    }
}

impl Factory for Pair {
    type Store = MovingStore<Arc<MemoryStore>, Arc<MemoryStore>>;

    async fn open(&self) -> Result<Self::Store, Failure> {
        let (old, new) = (Arc::clone(&self.old), Arc::clone(&self.new));
        let opened = self.opened.fetch_add(1, Ordering::SeqCst);
        Ok(match self.stages[opened % self.stages.len()] {
            Stage::Following => MovingStore::following(old, new),
            Stage::Pulling => MovingStore::pulling(old, new),
        })
    }

    async fn damage(&self, id: FamilyId) -> Result<(), Failure> {
        for store in [&self.old, &self.new] {
            if store.load(id).await?.is_none() {
                continue;
            }
            let mut families = store.snapshot();
            for family in families.iter_mut().filter(|family| family.id == id) {
                family.version = u64::MAX;
                (family.expires_at, family.head.idle_expires_at) = (None, None);
            }
            store.restore(families);
        }
        Ok(())
    }

    fn on_any_thread(&self) -> bool {
        true
    }

    fn scans_may_repeat(&self) -> bool {
        true
    }
}

#[test]
fn a_node_that_follows_keeps_the_contract() {
    block_on(conformance::all(&Pair::new(&[Stage::Following]))).unwrap();
}

fn keeps_all_but(stages: &'static [Stage], left_out: &[Clause]) {
    let pair = Pair::new(stages);
    for clause in Clause::ALL.into_iter().filter(|clause| !left_out.contains(clause)) {
        block_on(conformance::run(clause, &pair)).unwrap();
    }
}

#[test]
fn a_node_that_pulls_keeps_the_contract() {
    keeps_all_but(&[Stage::Pulling], &[Clause::Purge]);
}

/// But for creates of one id that race: only those of adopted families do, and they are in `adopted.rs`.
#[test]
fn nodes_in_both_stages_keep_the_contract_together() {
    keeps_all_but(&[Stage::Following, Stage::Pulling], &[Clause::Create, Clause::Purge]);
    keeps_all_but(&[Stage::Pulling, Stage::Following], &[Clause::Create, Clause::Purge]);
}
