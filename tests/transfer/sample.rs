//! Families of every kind that the engine makes.

use std::sync::Arc;
use std::time::Duration;

use heirloom::adoption::Legacy;
use heirloom::family::{Family, Reason, Revocation, Status};
use heirloom::store::Store;
use heirloom::testing::{self, ManualClock, SeededEntropy};
use heirloom::transfer::{self, LineError, TransferError};
use heirloom::{
    AdoptionKey, Binding, Engine, FamilyLimit, Grant, Granted, Key, KeyRing, Leeway, MemoryStore,
    Mismatch, Outcome, Policy, Request, Timestamp,
};
use pollster::block_on;

pub const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub type Node = Engine<Arc<MemoryStore>, ManualClock, SeededEntropy>;

/// Tokens that were released, for what must not be in a file.
pub struct Sample {
    pub store: Arc<MemoryStore>,
    pub tokens: Vec<String>,
}

pub fn node(store: &Arc<MemoryStore>, policy: Policy, seed: u64) -> Node {
    let keys = KeyRing::new(Key::new(1, &[1; 32]).unwrap());
    Engine::new(Arc::clone(store), keys.with_adoption(AdoptionKey::new(&[2; 32]).unwrap()), policy)
        .with_clock(ManualClock::at(START))
        .with_entropy(SeededEntropy::new(seed))
}

pub fn everything() -> Sample {
    let mut sample = Sample { store: Arc::default(), tokens: Vec::new() };
    sample.plain();
    sample.bound_and_attributed();
    sample.branched();
    sample.displaced();
    sample.adopted();
    sample.ended();
    sample.evicted();
    sample
}

impl Sample {
    fn exchange(&mut self, node: &Node, token: &str) -> String {
        match block_on(node.refresh(token, Request::new("web"))).unwrap() {
            Outcome::Granted(granted) => self.keep(&granted),
            Outcome::Refused(why) => panic!("{why}"),
        }
    }

    fn keep(&mut self, granted: &Granted) -> String {
        let token = granted.token.as_ref().unwrap().expose().to_owned();
        self.tokens.push(token.clone());
        token
    }

    fn issue(&mut self, node: &Node, grant: Grant) -> String {
        let granted = block_on(node.issue(grant)).unwrap();
        self.keep(&granted)
    }

    fn plain(&mut self) {
        let policy = Policy::builder().idle(None).absolute(None).build().unwrap();
        let node = node(&self.store, policy, 1);
        let token = self.issue(&node, Grant::new("alice", "web"));
        let _ = self.issue(&node, Grant::new("bob", "web").scope("read write"));
        let next = self.exchange(&node, &token);
        let _ = self.exchange(&node, &next);
    }

    fn bound_and_attributed(&mut self) {
        let node = node(&self.store, Policy::default(), 2);
        let grant = Grant::new("\u{e5}lice \"\\ \u{1f511}", "web")
            .resource("https://a.example/?q=1")
            .resource("urn:b")
            .not_after(START.saturating_add(Duration::from_secs(9)))
            .attribute("nul", "a\0b")
            .attribute("lines", "a\nb\r\n\u{2028}\t\u{7f}")
            .attribute("", "\u{feff}\"},\"sum\":\"\\")
            .attribute("\u{10ffff}", "\u{e9}\u{301}");
        let _ = self.issue(&node, grant.clone().bound_to(Binding::Jkt([0x22; 32])));
        let _ = self.issue(&node, grant.bound_to(Binding::X5tS256([0xff; 32])));
    }

    fn branched(&mut self) {
        let leeway = Leeway::fork(Duration::from_secs(60), 8);
        let node = node(&self.store, Policy::builder().leeway(leeway).build().unwrap(), 3);
        let token = self.issue(&node, Grant::new("carol", "web"));
        let branches: Vec<String> = (0..3).map(|_| self.exchange(&node, &token)).collect();
        for next in &branches[..2] {
            let _ = self.exchange(&node, next);
        }
    }

    fn displaced(&mut self) {
        let policy = Policy::builder().leeway(Leeway::newest(Duration::from_secs(60)));
        let node = node(&self.store, policy.displaced(Mismatch::Refuse).build().unwrap(), 4);
        for rotates in [false, true] {
            let token = self.issue(&node, Grant::new("dora", "web"));
            let _ = self.exchange(&node, &token);
            let newest = self.exchange(&node, &token);
            if rotates {
                let _ = self.exchange(&node, &newest);
            }
        }
    }

    fn adopted(&mut self) {
        let node = node(&self.store, Policy::default(), 5);
        let until = START.saturating_add(Duration::from_secs(86_400));
        for legacy in ["8xLOxBtZp8", "legacy \u{e9}"] {
            let grant = Grant::new("erin", "web");
            block_on(node.adopt(&Legacy::token(legacy).unwrap(), grant, until)).unwrap();
            self.tokens.push(legacy.to_owned());
        }
        let _ = self.exchange(&node, "8xLOxBtZp8");
    }

    fn ended(&mut self) {
        let node = node(&self.store, Policy::builder().leeway(None).build().unwrap(), 6);
        let spent = self.issue(&node, Grant::new("frank", "web"));
        let _ = self.exchange(&node, &spent);
        let _ = block_on(node.refresh(&spent, Request::new("web"))).unwrap();
        for reason in [
            Reason::Diverged,
            Reason::WrongClient,
            Reason::WrongBinding,
            Reason::ClientRequest,
            Reason::Logout,
            Reason::ConsentWithdrawn,
            Reason::CredentialChange,
            Reason::Administrator,
            Reason::RelatedReuse,
        ] {
            let granted = block_on(node.issue(Grant::new("grace", "web"))).unwrap();
            block_on(node.revoke_family(granted.family, reason)).unwrap();
        }
    }

    fn evicted(&mut self) {
        let policy = Policy::builder().limit(FamilyLimit::evict(1)).build().unwrap();
        let node = node(&self.store, policy, 7);
        let _ = self.issue(&node, Grant::new("heidi", "web"));
        let _ = self.issue(&node, Grant::new("heidi", "web"));
    }

    /// The families, in the order of their ids.
    pub fn families(&self) -> Vec<Family> {
        families(&self.store)
    }
}

/// Those of a store, in the order of their ids.
pub fn families(store: &impl Store) -> Vec<Family> {
    let (mut families, mut after) = (Vec::new(), None);
    loop {
        let page = block_on(store.scan(after, 7)).unwrap();
        families.extend(page.families.into_iter().map(|found| found.unwrap()));
        after = page.next;
        if after.is_none() {
            families.sort_by_key(|family| family.id);
            return families;
        }
    }
}

/// The file that a store is exported to.
pub fn file(store: &impl Store) -> Vec<u8> {
    let mut file = Vec::new();
    block_on(transfer::export(store, &mut file)).unwrap();
    file
}

pub fn import(store: &impl Store, file: &[u8]) -> Result<transfer::Imported, TransferError> {
    block_on(transfer::import(store, &mut &file[..]))
}

/// Which line is wrong, and what about it.
pub fn wrong(result: Result<transfer::Imported, TransferError>) -> (u64, LineError) {
    match result {
        Err(TransferError::Line { line, error }) => (line, error),
        other => panic!("{other:?}"),
    }
}

/// Lines, each with its line feed.
pub fn lines(file: &[u8]) -> Vec<Vec<u8>> {
    file.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// Marks a family as one that goes on in another store.
pub fn mark_moved(store: &impl Store, family: &Family) {
    let revocation = Revocation { at: START, reason: Reason::Moved, call: 0 };
    let _ = block_on(store.revoke(testing::revoke(family.id, revocation))).unwrap();
}

pub fn is_live(family: &&Family) -> bool {
    family.status == Status::Live
}
