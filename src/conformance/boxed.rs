//! A factory whatever its store is, so that the clauses are built once and not once more for each store.

use std::future::Future;
use std::pin::Pin;

use super::{Factory, Failure};
use crate::store::DynStore;
use crate::token::FamilyId;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// [`Factory`] behind a pointer; every factory is one.
pub(super) trait DynFactory: Sync {
    fn open(&self) -> Boxed<'_, Box<dyn DynStore + '_>>;

    fn damage(&self, family: FamilyId) -> Boxed<'_, ()>;

    fn on_any_thread(&self) -> bool;

    fn scans_may_repeat(&self) -> bool;
}

impl<F: Factory> DynFactory for F {
    fn open(&self) -> Boxed<'_, Box<dyn DynStore + '_>> {
        Box::pin(async {
            let store: Box<dyn DynStore + '_> = Box::new(Factory::open(self).await?);
            Ok(store)
        })
    }

    fn damage(&self, family: FamilyId) -> Boxed<'_, ()> {
        Box::pin(Factory::damage(self, family))
    }

    fn on_any_thread(&self) -> bool {
        Factory::on_any_thread(self)
    }

    fn scans_may_repeat(&self) -> bool {
        Factory::scans_may_repeat(self)
    }
}
