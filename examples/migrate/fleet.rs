//! The authorization server: three nodes, and what its token endpoint does while tokens are adopted and families move.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use heirloom::adoption;
use heirloom::store::{DynStore, MovingStore, SqliteStore};
use heirloom::{
    Engine, Error, Event, EventKind, Leeway, LeewayMode, Outcome, Policy, Refusal, Request,
};
use parking_lot::RwLock;

use crate::Failure;
use crate::folder::{Folder, Stage};
use crate::legacy::{Legacy, Token};

pub type Node = Engine<Arc<dyn DynStore>>;
pub type Moving = MovingStore<Arc<SqliteStore>, Arc<dyn DynStore>>;

/// How often a call that failed is tried again, and how long is waited in between.
const ATTEMPTS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);

pub struct Fleet {
    old: Arc<SqliteStore>,
    new: Arc<dyn DynStore>,
    legacy: Arc<Legacy>,
    nodes: Vec<RwLock<Arc<Node>>>,
    keys: heirloom::KeyRing,
    pub heard: Arc<Heard>,
}

/// What the nodes have reported.
#[derive(Default)]
pub struct Heard {
    pub adopted: AtomicU64,
    pub rotated: AtomicU64,
    pub replayed: AtomicU64,
    pub reused: AtomicU64,
}

impl Heard {
    fn hear(&self, event: &Event) {
        let count = match event.kind {
            EventKind::Adopted => &self.adopted,
            EventKind::Rotated => &self.rotated,
            EventKind::Replayed { .. } => &self.replayed,
            EventKind::Refused { why: Refusal::Reused(_), .. } => &self.reused,
            _ => return,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

impl Fleet {
    /// Three nodes in the stage that the folder is in.
    pub fn new(
        old: Arc<SqliteStore>,
        new: Arc<dyn DynStore>,
        legacy: Arc<Legacy>,
        folder: &Folder,
    ) -> Result<Self, Failure> {
        let (nodes, heard) = (Vec::new(), Arc::default());
        let mut fleet = Self { old, new, legacy, nodes, keys: folder.keys()?, heard };
        let node = || Ok(RwLock::new(Arc::new(fleet.node(folder.stage())?)));
        let nodes = (0..3).map(|_| node()).collect::<Result<_, Failure>>()?;
        fleet.nodes = nodes;
        Ok(fleet)
    }

    fn node(&self, stage: Stage) -> Result<Node, Failure> {
        let store: Arc<dyn DynStore> = match stage {
            Stage::Adopting => self.old.clone(),
            Stage::Following => Arc::new(Moving::following(self.old.clone(), self.new.clone())),
            Stage::Pulling => Arc::new(self.pulling()),
            Stage::Over => self.new.clone(),
        };
        // A client whose answer was lost, or that was killed before it kept its token, may come back at any time.
        let policy = Policy::builder().leeway(Leeway::until_used(LeewayMode::Replay)).build()?;
        let heard = self.heard.clone();
        let observer = Arc::new(move |event: &Event| heard.hear(event));
        Ok(Engine::new(store, self.keys.clone(), policy).with_observer(observer))
    }

    /// What walks.
    pub fn pulling(&self) -> Moving {
        Moving::pulling(self.old.clone(), self.new.clone())
    }

    pub fn legacy(&self) -> &Legacy {
        &self.legacy
    }

    /// Restarts one node after the other in a stage, and returns when the last one of the stage before has answered its last
    /// request.
    pub async fn enter(&self, stage: Stage) -> Result<(), Failure> {
        for slot in &self.nodes {
            let next = Arc::new(self.node(stage)?);
            let before = std::mem::replace(&mut *slot.write(), next);
            while Arc::strong_count(&before) > 1 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        Ok(())
    }

    /// The token endpoint of some node, with a client that tries again when it is told that the server is unavailable.
    pub async fn exchange(&self, node: u64, token: &str, client: &str) -> Result<Outcome, Failure> {
        let count = u64::try_from(self.nodes.len())?;
        for attempt in 0.. {
            let slot = usize::try_from((node + u64::from(attempt)) % count)?;
            let node = Arc::clone(&self.nodes[slot].read());
            match self.refresh_grant(&node, token, client).await {
                Err(Unanswered::Server(error)) if error.is_retryable() && attempt < ATTEMPTS => {}
                Err(Unanswered::Server(error)) => return Err(error.into()),
                Err(Unanswered::Legacy(failure)) => return Err(failure),
                Ok(outcome) => return Ok(outcome),
            }
            drop(node);
            tokio::time::sleep(PAUSE).await;
        }
        Err("unavailable for too long".into())
    }

    /// What a host writes: a string that is not ours may be one of the legacy table that is not adopted yet.
    async fn refresh_grant(
        &self,
        node: &Node,
        token: &str,
        client: &str,
    ) -> Result<Outcome, Unanswered> {
        let outcome = node.refresh(token, Request::new(client)).await?;
        let Outcome::Refused(Refusal::Malformed(_) | Refusal::Forged | Refusal::UnknownKey(_)) =
            outcome
        else {
            return Ok(outcome);
        };
        match self.legacy.find(token).map_err(Unanswered::Legacy)? {
            Some(known) => {
                adopt(node, &known).await?;
                Ok(node.refresh(token, Request::new(client)).await?)
            }
            None => Ok(outcome),
        }
    }

    /// Adopts one token of the table, on some node.
    pub async fn adopt(&self, known: &Token) -> Result<(), Failure> {
        for attempt in 0.. {
            let slot = usize::try_from((known.row + u64::from(attempt)) % 3)?;
            let node = Arc::clone(&self.nodes[slot].read());
            match adopt(&node, known).await {
                Err(error) if error.is_retryable() && attempt < ATTEMPTS => {}
                done => return Ok(done?),
            }
            drop(node);
            tokio::time::sleep(PAUSE).await;
        }
        Err("unavailable for too long".into())
    }
}

async fn adopt(node: &Node, known: &Token) -> Result<(), Error> {
    let legacy = adoption::Legacy::sha256(known.sha256);
    node.adopt(&legacy, known.grant.clone(), known.expires_at).await.map(drop)
}

enum Unanswered {
    Server(Error),
    Legacy(Failure),
}

impl From<Error> for Unanswered {
    fn from(error: Error) -> Self {
        Self::Server(error)
    }
}
