//! Two nodes over one store, and the policies that races are run under.

use std::time::Duration;

use heirloom::{Error, Granted, Leeway, Outcome, Policy, Refusal};

use crate::support::exchange::{WAYS, Way, exchange};
use crate::support::{Node, World, grant, granted, node, text};

/// All pairs of ways.
pub fn pairs() -> impl Iterator<Item = (Way, Way)> {
    WAYS.into_iter().flat_map(|one| WAYS.into_iter().map(move |other| (one, other)))
}

/// Two nodes whose store calls can be interleaved: each waits a poll before it and a poll after.
pub struct Nodes {
    pub world: World,
    pub other: Node,
}

impl Nodes {
    pub fn new(policy: Policy) -> Self {
        let world = World::new(policy.clone());
        let other = node(&world.store, &world.clock, policy, 2);
        Self { world, other }
    }

    /// Forgets all families, for stories that select or purge.
    pub fn clear(&self) {
        self.world.store.inner().restore(Vec::new());
    }

    /// Issues a token and refreshes it once, undisturbed, so that there is a predecessor.
    pub fn issued(&self) -> Granted {
        self.world.store.wait(0);
        let root = pollster::block_on(self.world.node.issue(grant())).unwrap();
        let first = self.now(text(&root), Way::Refresh).unwrap();
        self.world.store.wait(1);
        granted(first)
    }

    /// Presents a token when nothing else is going on.
    pub fn now(&self, token: &str, way: Way) -> Result<Outcome, Error> {
        self.world.store.wait(0);
        let outcome = pollster::block_on(exchange(&self.world.node, token, way));
        self.world.store.wait(1);
        outcome
    }

    /// The refusal of a token that must not be good any more.
    pub fn refusal(&self, token: &str) -> Refusal {
        match self.now(token, Way::Refresh).unwrap() {
            Outcome::Refused(why) => why,
            Outcome::Granted(granted) => panic!("still good: {granted:?}"),
        }
    }
}

pub fn strict() -> Policy {
    Policy::builder().leeway(None).build().unwrap()
}

pub fn refusing() -> Policy {
    let leeway = Leeway::refuse(Duration::from_secs(10));
    Policy::builder().leeway(leeway).build().unwrap()
}
