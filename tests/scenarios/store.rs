//! The store under test, and the surgery that scenarios do on it behind the engine's back.

use heirloom::family::{Family, Impossible};
use heirloom::testing::FaultStore;
use heirloom::{FamilyId, record};

use super::fields::Check;
use crate::backend;

/// What the engines of all nodes share.
pub type Shared = FaultStore<backend::Backend>;

/// The store of one run of one scenario.
pub struct Backend(Shared);

impl Backend {
    /// A fresh store of the kind that the environment asks for.
    ///
    /// # Errors
    ///
    /// When it cannot be had.
    pub fn open() -> Check<Self> {
        backend::Backend::open().map(FaultStore::new).map(Self)
    }

    /// The store as an engine gets it.
    pub fn share(&self) -> Shared {
        self.0.clone()
    }

    pub fn faults(&self) -> &Shared {
        &self.0
    }

    /// Everything that is stored.
    pub fn snapshot(&self) -> Vec<Family> {
        self.0.inner().snapshot()
    }

    pub fn restore(&self, families: Vec<Family>) {
        if self.snapshot() != families {
            self.0.inner().restore(families);
        }
    }

    /// One family as it is stored: no call that the engine or a fault would see.
    pub fn family(&self, id: FamilyId) -> Option<Family> {
        self.snapshot().into_iter().find(|family| family.id == id)
    }

    /// Removes a family's record. There is one record per family and none per token.
    pub fn delete(&self, id: FamilyId) {
        let rest = self.snapshot().into_iter().filter(|family| family.id != id);
        self.restore(rest.collect());
    }

    /// The bytes of every record.
    pub fn dump(&self) -> Vec<(FamilyId, Vec<u8>)> {
        self.snapshot().iter().map(|family| (family.id, record::encode(family))).collect()
    }

    /// Puts bytes in place of a family's record: what cannot be read is answered as such from now on.
    pub fn damage(&self, id: FamilyId, bytes: &[u8]) {
        match record::decode(id, bytes) {
            Ok(family) => {
                let mut families = self.snapshot();
                families.retain(|family| family.id != id);
                families.push(family);
                self.restore(families);
            }
            Err(impossible) => self.poison(id, Some(impossible)),
        }
    }

    /// The record can be read again.
    pub fn heal(&self, id: FamilyId) {
        self.poison(id, None);
    }

    fn poison(&self, id: FamilyId, impossible: Option<Impossible>) {
        self.0.poison(id, impossible);
    }
}
