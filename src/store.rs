//! The store contract S1 to S10: one family is one record, and every change of it is one atomic conditional write.
//!
//! The engine hands a store *steps*: [`Create`], [`Advance`], [`Revoke`], [`Replace`], [`Purge`]. Only the engine
//! makes them, so an undecided state cannot be written. A store consumes a step to make the *evidence* that it was
//! carried out, so a success that no step stands behind cannot be reported either. That a store really wrote what
//! it says is what its tests must show.
//!
//! | clause | duty |
//! |---|---|
//! | S1 | [`Store::create`] inserts if absent; a taken id is reported, nothing overwritten; index entries come first |
//! | S2 | [`Store::load`] reads its own and everybody's acknowledged writes, from the primary |
//! | S3 | [`Store::advance`] replaces the head in one atomic step if the guard holds; else it changes nothing and returns the family as now durably committed |
//! | S4 | [`Store::revoke`] is absorbing and idempotent, one write that counts the version up; the first reason wins; after it returns no advance or replace succeeds |
//! | S5 | [`Store::replace`] is a compare-and-swap of a whole live family by version |
//! | S6 | [`Store::select`] finds every family created before the call |
//! | S7 | [`Store::purge`] removes only what ended a retention ago, in bounded batches, never early; a record that cannot be read is left |
//! | S8 | what returned success survives a crash, as the store documents |
//! | S9 | an impossible record is refused with its id and field, never repaired silently, and hides no other: keep subject, client and end beside a record of bytes |
//! | S10 | [`Store::scan`] finds every family that is there from its first page to its last, in bounded pages |

mod error;
mod select;
mod scan;
mod step;
mod boxed;
mod concurrent;
pub mod moving;
#[cfg(feature = "columns")]
mod condition;
#[cfg(feature = "memory")]
mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "redis")]
pub mod redis;

#[cfg(feature = "postgres")]
pub use self::postgres::PostgresStore;
#[cfg(feature = "redis")]
pub use self::redis::{RedisSettings, RedisStore, RedisUnfit};
pub use boxed::DynStore;
#[cfg(feature = "columns")]
pub use condition::{CONDITION, Condition};
pub use error::{StoreError, StoreErrorKind};
#[cfg(feature = "memory")]
pub use memory::MemoryStore;
pub use moving::MovingStore;
pub use scan::{Cursor, CursorError, Scanned};
pub use select::{Page, Selected, Selector};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteSettings, SqliteStore};
pub use step::{Advance, Committed, Create, Created, Purge, Replace, Revoke, Revoked, Written};

use std::future::Future;
use std::sync::Arc;

use crate::family::Family;
use crate::token::FamilyId;

/// Where families are kept. Implement it with `async fn`; read the [contract](self) first.
///
/// A future may be dropped at any await point: what it had begun must then be wholly done or wholly undone.
pub trait Store: Send + Sync {
    /// S1: inserts a family if its id is free.
    ///
    /// Entries of an index by subject and client come before the family, so that none escapes S6.
    fn create(&self, step: Create) -> impl Future<Output = Result<Created, StoreError>> + Send;

    /// S2: reads a family as it is durably committed, never from a replica that lags.
    fn load(&self, id: FamilyId)
    -> impl Future<Output = Result<Option<Family>, StoreError>> + Send;

    /// S3: replaces the head if the guard holds, in one atomic step that also counts the version up.
    ///
    /// If the guard does not hold, nothing changes and the family is returned as it is now durably committed:
    /// the engine decides on it, and a stale one would be taken for theft. Where writes are flushed in batches,
    /// refusals wait for the flush too.
    fn advance(&self, step: Advance) -> impl Future<Output = Result<Written, StoreError>> + Send;

    /// S4: ends a family, in one write that counts the version up. If it has ended before, the first reason stays.
    ///
    /// When this has returned, no advance or replace of the family succeeds, those in flight included.
    fn revoke(&self, step: Revoke) -> impl Future<Output = Result<Revoked, StoreError>> + Send;

    /// S5: replaces a whole family if it lives and its version is still the expected one.
    fn replace(&self, step: Replace) -> impl Future<Output = Result<Written, StoreError>> + Send;

    /// S6: a page of the families that match, in ascending order of id, beginning after `page.after`.
    ///
    /// Every matching family created before the first page was asked for appears on some page. A page shorter than its
    /// limit is the last: a store that filters goes on until the page is full.
    fn select(
        &self,
        selector: &Selector,
        page: Page,
    ) -> impl Future<Output = Result<Selected, StoreError>> + Send;

    /// S7: removes at most so many families for which [`Purge::is_due`], and says how many.
    ///
    /// Whether it is due is checked in the same atomic step as the removal. Fewer than the limit: nothing is left.
    fn purge(&self, step: Purge) -> impl Future<Output = Result<usize, StoreError>> + Send;

    /// S10: a page of all families, ended ones too, from the first or from a [cursor](Cursor) of this store on: for exports,
    /// reports and moves to another store.
    ///
    /// Every family that is stored from before the first page until after the last appears, as it is durably committed
    /// when its page is read, never from a replica that lags; one whose record cannot be, as [`Impossible`](crate::family::Impossible).
    /// That others are created, changed or removed meanwhile hides none. There is no promised order. None appears twice, unless the
    /// store documents when; families that come or go meanwhile may appear or not.
    ///
    /// `limit` is at least one (0 counts as 1), and a bound: a page may hold fewer, or none, and [`Scanned::next`] alone tells the end. A
    /// cursor may be used again, also by another process, after a restart or after days: nothing of a walk is kept in a handle. One
    /// that the store cannot have made is refused as a [`CursorError`], and never taken for another place.
    fn scan(
        &self,
        after: Option<Cursor>,
        limit: usize,
    ) -> impl Future<Output = Result<Scanned, StoreError>> + Send;
}

/// Forwards every method, so that an engine can share a store or borrow it.
macro_rules! forward {
    ($($generics:tt)*) => {
        impl $($generics)* {
            async fn create(&self, step: Create) -> Result<Created, StoreError> {
                (**self).create(step).await
            }

            async fn load(&self, id: FamilyId) -> Result<Option<Family>, StoreError> {
                (**self).load(id).await
            }

            async fn advance(&self, step: Advance) -> Result<Written, StoreError> {
                (**self).advance(step).await
            }

            async fn revoke(&self, step: Revoke) -> Result<Revoked, StoreError> {
                (**self).revoke(step).await
            }

            async fn replace(&self, step: Replace) -> Result<Written, StoreError> {
                (**self).replace(step).await
            }

            async fn select(
                &self,
                selector: &Selector,
                page: Page,
            ) -> Result<Selected, StoreError> {
                (**self).select(selector, page).await
            }

            async fn purge(&self, step: Purge) -> Result<usize, StoreError> {
                (**self).purge(step).await
            }

            async fn scan(
                &self,
                after: Option<Cursor>,
                limit: usize,
            ) -> Result<Scanned, StoreError> {
                (**self).scan(after, limit).await
            }
        }
    };
}

forward!(<S: Store + ?Sized> Store for &S);
forward!(<S: Store + ?Sized> Store for Arc<S>);
forward!(<S: Store + ?Sized> Store for Box<S>);
