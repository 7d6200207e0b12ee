//! The store contract as tests, for anybody's store: one function per clause, races included.
//!
//! A store's author implements [`Factory`] and awaits [`all`] in a test, on any executor:
//!
//! ```
//! use std::sync::Arc;
//!
//! use heirloom::conformance::{self, Factory, Failure};
//! use heirloom::{FamilyId, MemoryStore};
//!
//! /// Opens the store under test, and damages what it keeps.
//! struct Stores(Arc<MemoryStore>);
//!
//! impl Factory for Stores {
//!     type Store = Arc<MemoryStore>;
//!
//!     async fn open(&self) -> Result<Self::Store, Failure> {
//!         Ok(Arc::clone(&self.0))
//!     }
//!
//!     async fn damage(&self, id: FamilyId) -> Result<(), Failure> {
//!         let mut families = self.0.snapshot();
//!         for family in families.iter_mut().filter(|family| family.id == id) {
//!             family.version = u64::MAX;
//! #           (family.expires_at, family.head.idle_expires_at) = (None, None);
//!         }
//!         self.0.restore(families);
//!         Ok(())
//!     }
//!
//!     fn on_any_thread(&self) -> bool {
//!         true
//!     }
//! }
//!
//! let stores = Stores(Arc::new(MemoryStore::new()));
//! pollster::block_on(conformance::all(&stores)).unwrap();
//! ```
//!
//! The clauses are those of [`store`](crate::store). Each is run on several handles, in the virtual time of
//! the kit, and makes its families itself, under ids and subjects that are random: other families in the store are
//! not changed, with one exception, and read by [`s10_scan`] alone, a dozen times over.
//!
//! **A purge is of the whole store.** [`s7_purge`], [`s8_durable`] and [`s10_scan`] remove every family that ended before
//! [`PURGED_BEFORE`], a day in January 1970. No family of a host can have ended then, unless its clock was wrong.
//!
//! The families that the kit makes stay, damaged ones among them: run it on a store that can be thrown away, and
//! run one kit at a time on one store.
//!
//! **How races are interleaved.** The calls of a race are polled in one task, in random order: they meet at their await
//! points, and nowhere else. If the factory says [`on_any_thread`](Factory::on_any_thread), they are run on threads of
//! the operating system as well, and meet anywhere. A store that needs a runtime is not, and a race within one process
//! says little about it: run the kit against a real server with a connection for each handle, so that the server
//! interleaves the calls. A race that is not found is no proof that there is none.
//!
//! What it cannot do is to cut the power. [`s8_durable`] opens the store anew, which tells a store that writes
//! later, or never; that a disk has flushed, and what a failover loses, is for its author to show.

mod clause;
mod boxed;
mod difference;
mod sample;
mod shape;
mod race;
mod threads;
mod trial;
mod create;
mod load;
mod guard;
mod ends;
mod advance;
mod revoke;
mod replace;
mod select;
mod purge;
mod durable;
mod honest;
mod scan;

pub use clause::{Clause, Violation, Violations};
pub use sample::PURGED_BEFORE;

use std::future::Future;

use crate::store::Store;
use crate::token::FamilyId;
use trial::Trial;

/// Why a [`Factory`] could not do what it was asked for.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Opens the store under test. Implement it with `async fn`.
pub trait Factory: Sync {
    /// The store under test.
    type Store: Store;

    /// Opens another handle on the same families, as another process has one, or this one after a restart: nothing
    /// that the handles share may live in this process only, unless the store does.
    ///
    /// # Errors
    ///
    /// When the store cannot be opened.
    fn open(&self) -> impl Future<Output = Result<Self::Store, Failure>> + Send;

    /// Makes the stored record of a family one that cannot be, behind the store's back, as a damaged disk or a
    /// wrong hand does (S9). Damage what no rotation rewrites and no selection looks for: the status, the attributes,
    /// or a byte of a record of bytes; not the head, subject, client or end.
    ///
    /// # Errors
    ///
    /// When the record cannot be reached.
    fn damage(&self, family: FamilyId) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Whether the futures of the store can be polled on any thread, without a runtime: then races are run on threads
    /// of the operating system too, and the thread that polls the kit waits for them.
    ///
    /// Say so of a store that works on the calling thread, or has threads of its own: a lock that is missing between
    /// its await points is found in no other way. Not of one that needs a runtime, which panics or hangs there.
    fn on_any_thread(&self) -> bool {
        false
    }

    /// Whether a scan of the store may show a family twice, as its documentation then says (S10).
    fn scans_may_repeat(&self) -> bool {
        false
    }
}

/// Runs every clause, and reports all that are broken. When the store cannot be opened, it ends there.
///
/// # Errors
///
/// The first violation of each clause that is broken.
pub async fn all<F: Factory>(factory: &F) -> Result<(), Violations> {
    let mut violations = Vec::new();
    for clause in Clause::ALL {
        violations.extend(run(clause, factory).await.err());
        if violations.last().is_some_and(Violation::is_unopened) {
            break;
        }
    }
    Violations::none_or(violations)
}

/// Runs one clause.
///
/// # Errors
///
/// The first violation.
pub async fn run<F: Factory>(clause: Clause, factory: &F) -> Result<(), Violation> {
    match clause {
        Clause::Create => s1_create(factory).await,
        Clause::Load => s2_load(factory).await,
        Clause::Advance => s3_advance(factory).await,
        Clause::Revoke => s4_revoke(factory).await,
        Clause::Replace => s5_replace(factory).await,
        Clause::Select => s6_select(factory).await,
        Clause::Purge => s7_purge(factory).await,
        Clause::Durable => s8_durable(factory).await,
        Clause::Honest => s9_honest(factory).await,
        Clause::Scan => s10_scan(factory).await,
    }
}

/// S1: a family is inserted whole, whatever is in it; a taken id is reported and nothing overwritten; of creates that
/// race for an id one wins.
///
/// # Errors
///
/// The first violation.
pub async fn s1_create<F: Factory>(factory: &F) -> Result<(), Violation> {
    create::check(&Trial::begin(Clause::Create, factory).await?).await
}

/// S2: a load reads what every handle has written, as soon as that was acknowledged.
///
/// # Errors
///
/// The first violation.
pub async fn s2_load<F: Factory>(factory: &F) -> Result<(), Violation> {
    load::check(&Trial::begin(Clause::Load, factory).await?).await
}

/// S3: an advance writes if and only if the guard holds, each comparison tried alone at its boundary; what declines
/// returns the family as it is now; of advances that race one wins; a dropped one is wholly done or undone.
///
/// # Errors
///
/// The first violation.
pub async fn s3_advance<F: Factory>(factory: &F) -> Result<(), Violation> {
    advance::check(&Trial::begin(Clause::Advance, factory).await?).await
}

/// S4: a revocation is absorbing and idempotent, the first reason wins, and it beats every rotation that has not
/// committed before it.
///
/// # Errors
///
/// The first violation.
pub async fn s4_revoke<F: Factory>(factory: &F) -> Result<(), Violation> {
    revoke::check(&Trial::begin(Clause::Revoke, factory).await?).await
}

/// S5: a replacement is a compare-and-swap of a whole live family by version.
///
/// # Errors
///
/// The first violation.
pub async fn s5_replace<F: Factory>(factory: &F) -> Result<(), Violation> {
    replace::check(&Trial::begin(Clause::Replace, factory).await?).await
}

/// S6: pages are complete, ascending, full but for the last, and of matching families alone.
///
/// # Errors
///
/// The first violation.
pub async fn s6_select<F: Factory>(factory: &F) -> Result<(), Violation> {
    select::check(&Trial::begin(Clause::Select, factory).await?).await
}

/// S7: a purge removes what is due and nothing else, in bounded batches; also while families are used.
///
/// **Removes every family of the store that ended before [`PURGED_BEFORE`]**, in January 1970.
///
/// # Errors
///
/// The first violation.
pub async fn s7_purge<F: Factory>(factory: &F) -> Result<(), Violation> {
    purge::check(&Trial::begin(Clause::Purge, factory).await?, factory).await
}

/// S8: what was acknowledged is there on a handle that is opened later, while the first is still open and after it
/// has been dropped.
///
/// **Removes every family of the store that ended before [`PURGED_BEFORE`]**, in January 1970.
///
/// # Errors
///
/// The first violation.
pub async fn s8_durable<F: Factory>(factory: &F) -> Result<(), Violation> {
    durable::check(factory).await
}

/// S9: a damaged record is refused with its id on every path that reads it, is not repaired, and hides no other.
///
/// # Errors
///
/// The first violation.
pub async fn s9_honest<F: Factory>(factory: &F) -> Result<(), Violation> {
    honest::check(&Trial::begin(Clause::Honest, factory).await?, factory).await
}

/// S10: a scan comes to its end, in bounded pages, and shows every family as it is now, ended and damaged ones too; also while
/// others are made, changed and removed, from a cursor that was written down, and on another handle. A foreign cursor is refused.
///
/// **Removes every family of the store that ended before [`PURGED_BEFORE`]**, in January 1970, and reads all of them.
///
/// # Errors
///
/// The first violation.
pub async fn s10_scan<F: Factory>(factory: &F) -> Result<(), Violation> {
    scan::check(&Trial::begin(Clause::Scan, factory).await?, factory).await
}
