//! What happens as counters and histograms, through the recorder that the host has installed for the `metrics` crate.
//!
//! [`MetricsObserver`] counts what the engine tells its observer. [`MeteredStore`] measures the store, and counts lost
//! races.
//!
//! ```
//! # use std::sync::Arc;
//! # use heirloom::{Engine, Event, Key, KeyRing, MemoryStore, Observer, Policy};
//! use heirloom::metrics::{MeteredStore, MetricsObserver};
//!
//! # let keys = KeyRing::new(Key::new(1, &[7; 32])?);
//! let audit = |event: &Event| println!("{event:?}");
//! let observers: Vec<Arc<dyn Observer>> = vec![Arc::new(MetricsObserver::new()), Arc::new(audit)];
//! let engine = Engine::new(MeteredStore::new(MemoryStore::new()), keys, Policy::default())
//!     .with_observer(Arc::new(observers));
//! # Ok::<(), heirloom::key::KeyError>(())
//! ```
//!
//! # Names
//!
//! Names, kinds, units and labels are stable: they change with a major version only, and new ones may be added, as may
//! new values of a label. No label names a family, a client, a subject or anything that a token holds.
//!
//! | name | kind | labels | counts, or measures |
//! |---|---|---|---|
//! | `heirloom_refreshes_total` | counter | `outcome` | refreshes that were granted or refused; a revocation without effect is one that was `refused` |
//! | `heirloom_refusals_total` | counter | `why` | refusals, each counted as `refused` above too |
//! | `heirloom_replay_age_seconds` | histogram | | at an answer that is `replayed`, `renewed` or `forked`, how long ago the token was first used |
//! | `heirloom_reuse_generations_behind` | histogram | | at a refusal that is `reused` or `spent`, how far behind the current token; 1 is its predecessor, 0 a displaced token |
//! | `heirloom_families_issued_total` | counter | | families issued |
//! | `heirloom_families_adopted_total` | counter | | legacy tokens that became the first of a family |
//! | `heirloom_families_revoked_total` | counter | `reason` | families ended by a call, not by their lifetime |
//! | `heirloom_families_purged_total` | counter | | families removed, long after their end |
//! | `heirloom_grants_changed_total` | counter | | grants changed |
//! | `heirloom_related_left_total` | counter | | breaches that have not ended all that they end beside their family |
//! | `heirloom_recoveries_opened_total` | counter | | recovery windows opened on this node |
//! | `heirloom_clock_behind_seconds` | histogram | | how far this node's clock lies behind one that has written |
//! | `heirloom_store_seconds` | histogram | `operation`, `result` | calls of the store, until they answered or were given up |
//! | `heirloom_store_conflicts_total` | counter | `operation` | lost races: conflicts that the store reports, and replacements that came too late |
//!
//! | label | values |
//! |---|---|
//! | `outcome` | `rotated`, `replayed`, `renewed`, `forked`, `recovered`, `kept`, `refused` |
//! | `why` | `malformed`, `forged`, `unknown_key`, `unknown`, `revoked`, `client_mismatch`, `binding_mismatch`, `expired`, `idle`, `ahead_of_store`, `diverged`, `leeway_closed`, `already_rotated`, `reused`, `spent`, `displaced`, `too_many_branches`, `scope`, `resource`, `exhausted` |
//! | `reason` | `reuse`, `diverged`, `wrong_client`, `wrong_binding`, `client_request`, `logout`, `consent_withdrawn`, `credential_change`, `administrator`, `evicted`, `related_reuse`, `moved` |
//! | `operation` | `create`, `load`, `advance`, `revoke`, `replace`, `select`, `purge`, `scan` |
//! | `result` | `ok`, `declined`, `conflict`, `unavailable`, `unusable`, `impossible`, `dropped` |
//!
//! `declined` is no error: the id was taken or the condition did not hold, and nothing was written. `dropped` is a call
//! whose future was dropped before it answered, as by a timeout.
//!
//! An error of the engine's is no event, so [`MetricsObserver`] does not count it: the store's are in
//! `heirloom_store_seconds`.

mod name;
mod observer;
mod store;

pub use observer::MetricsObserver;
pub use store::MeteredStore;
