//! For operators: what to do when. Nothing but documentation.
//!
//! | you see | it is likely | go to |
//! |---|---|---|
//! | `Revoked(Reuse)`, its successor used, more than one behind, another address | a thief, or a client that mixes up its tokens | [suspected theft](#suspected-theft) |
//! | many `Revoked(Reuse)`, one behind, soon after the leeway | a flaky network or a queue, and a leeway that is too short | [honest clients are logged out](#honest-clients-are-logged-out) |
//! | `RelatedLeft` | the store has failed while a breach ended what the policy ends beside its family: some of that lives | [suspected theft](#suspected-theft), from its first step |
//! | `Refused(Spent)` | the same, under a policy that ends nothing for it: the family lives | [suspected theft](#suspected-theft) |
//! | `Refused(Reused)` again and again at one client, `presented.generation` always 0 | a client that never stores the new token | [a client that keeps its first token](#a-client-that-keeps-its-first-token) |
//! | `Refused(AheadOfStore)`, `Revoked(Diverged)` | the store has lost writes | [a restored backup or a failover](#a-restored-backup-or-a-failover) |
//! | `Refused(UnknownKey)` of a key that is new | a node minted with it before all accepted it | [keys](crate::_guide#keys) |
//! | `ClockBehind`, `Error::Clock` | clocks differ | [nodes whose clocks differ](#nodes-whose-clocks-differ) |
//! | `Revoked(Evicted)` | more sessions than the limit | the user, or a client that signs in instead of refreshing |
//!
//! # Suspected theft
//!
//! After `Revoked(Reuse)` the family has ended already, its thief's token with it. After `Refused(Spent)`, after a pattern of replays, or when the user
//! says that a device was stolen, it lives: [`revoke_family`](crate::Engine::revoke_family) first. `Engine::families` shows the evidence of a
//! breach: how far behind the token was, how long after the rotation, whether its successor had been used. Then:
//!
//! 1. End what else the thief may hold: [`revoke_all`](crate::Engine::revoke_all) by subject and client, or by subject. A policy does it by itself:
//!    [`Reaction`](crate::Reaction).
//! 2. Access tokens that are out are the host's: end them, or wait for their end.
//! 3. Tell the user; look at the address and the device of the request that found it (the observer is called within it).
//! 4. Replays by an address that never rotates are a thief who keeps pace inside the leeway: shorten it for that client, bind its tokens (DPoP).
//!
//! # Honest clients are logged out
//!
//! Look at `since_rotation` of the breaches: if most lie just beyond the leeway, it is too short for the clients' time-outs, or the lock of their
//! workers holds for longer. Lengthen it ([how long](crate::_guide#how-long-a-leeway)); the cost is said there. If
//! `generations_behind` is 2 or more, no leeway helps: the client uses old tokens. Until it is mended,
//! [`Reaction::Refuse`](crate::Reaction::Refuse) for that client keeps its users signed in, and hides a thief who was first.
//!
//! # A leaked key
//!
//! A key without the database ends families, and redeems nothing; with the database and one spent token of a family, it redeems.
//!
//! 1. Accept a new key on every node, activate it, remove the leaked one at once ([keys](crate::_guide#keys)). Its tokens are refused as `UnknownKey`, and
//!    their users sign in again. That is the price: there is no other proof left of who minted them.
//! 2. No recovery window while a leaked key is in the ring: inside one a key alone makes tokens.
//! 3. If the key leaked with the database, end what was exchanged between the leak and the removal: the thief may have moved a chain to the new key. No
//!    selector finds those: walk [`Store::scan`](crate::Store::scan) of `engine.store()`, and [`revoke_family`](crate::Engine::revoke_family) each whose
//!    `head.rotated_at`, or that of a branch, is not before the leak.
//!
//! A leaked adoption key lets its holder test guesses of legacy tokens against ids. It cannot be changed before the last legacy token's end. If those
//! tokens can be guessed, end them: in the legacy table what is not adopted, by `revoke_family` what is adopted and was never exchanged (generation 0).
//!
//! # A leaked database
//!
//! Digests, salts, names of users and clients, scopes and attributes: nothing in it redeems (P6). The leak is one of personal data, and of what the
//! attributes hold. If keys may have leaked as well, see above. No token needs to be ended for the database alone.
//!
//! # A restored backup or a failover
//!
//! The store is older than its clients. Tokens that it has not seen are refused as `AheadOfStore`, never as theft; families that were issued since are
//! `Unknown`; families that were ended since live again.
//!
//! *Beforehand.* What follows lives by a log that is not restored with the families. Let an observer of your own write `Revoked`, `GrantChanged`, `Adopted`, `Rotated`,
//! `Renewed`, `Forked` and `Recovered` to it: `at`, `about.family`, subject and client, and of `GrantChanged` the fields of `about.grant`. The `Debug`
//! of an event and the feature `tracing` leave the grant's scope and attributes out, and `tracing` tells of rotations at debug only. An event may be missing: apply
//! your own log of logouts and changed passwords too.
//!
//! 1. Let no client refresh (503) until the next four are done.
//! 2. End again what was ended since: [`revoke_family`](crate::Engine::revoke_family) for each `Revoked` event of your log. It is idempotent. Keep those events for as
//!    long as a failover can go back. Where it answers `Unknown` and the family was adopted, end the row in the legacy table, or it is adopted again.
//! 3. Change again each grant that was changed since (`GrantChanged` events: `about.grant` is the grant as changed). A withdrawn scope is granted
//!    again until then.
//! 4. Redis Cluster: `RedisStore::reindex`, before anything is ended by subject or client.
//! 5. Choose one:
//!    * *Safe.* A token that was spent since is current again for whoever holds it, a thief with an old copy too. End each family of a `Rotated`, `Renewed`,
//!      `Forked` or `Recovered` event since; where that answers `Unknown` and [`is_derived`](crate::FamilyId::is_derived), end its row in the legacy table:
//!      its string is spent. If the events are gone, change the key, and end adopted families by subject or client. Those users sign in again.
//!    * *As few as possible sign in again.* Open a recovery window, on every node, and at every start of one until it closes: it is in the memory of the
//!      process. Who signed in since is `Unknown` and does so again, and so does who holds a token of a branch that the store has lost.
//!    * *Neither.* Clients that have rotated since are refused, and sign in again.
//! 6. Let the clients in.
//!
//! ```
//! use std::time::Duration;
//! use heirloom::recovery::RecoveryError;
//! use heirloom::{Clock, Engine, MemoryStore, Recovery, SystemClock, Timestamp};
//!
//! /// On every node. `lost` is when the backup was made, or the old primary was last in step.
//! fn let_them_catch_up(engine: &Engine<MemoryStore>, lost: Timestamp) -> Result<(), RecoveryError> {
//!     let now = SystemClock.now();
//!     let window = Recovery::new(now, now.saturating_add(Duration::from_secs(86_400)), lost)?;
//!     engine.open_recovery(window);
//!     Ok(())
//! }
//! ```
//!
//! Inside the window a token ahead of the store is taken on its tag alone: one lock of two. Do not, if a key may have leaked. A thief with a token that was spent in the lost stretch may come first.
//! `Recovered` counts who has come back; close it
//! ([`close_recovery`](crate::Engine::close_recovery)) when they have.
//! `Revoked(Diverged)` afterwards: somebody showed another token of the lost line. It may be a second tab, or a thief; the family has ended, and the user signs in again.
//!
//! # A client that keeps its first token
//!
//! Some libraries send the token of the sign-in for ever (google-auth-library for Node.js does). Under rotation such a client loses its family at the second refresh outside the
//! leeway. For it, choose a policy of its own: [`Rotation::Never`](crate::Rotation::Never), if it is confidential or its tokens are bound; or,
//! until its authors have mended it, [`Leeway::until`](crate::Leeway::until) a date that they know, with an idle lifetime that is longer. The first use of a
//! new token closes that leeway for its family: a client that is half mended needs [`Reaction::Refuse`](crate::Reaction::Refuse) as well. Send them [the page for authors of clients](crate::_clients).
//!
//! # Nodes whose clocks differ
//!
//! [`ClockBehind`](crate::EventKind::ClockBehind) says by how much the clock of the node that looked was behind the one that rotated; it does not show a node that is
//! ahead, whose retries find the leeway shorter. The leeway of the deployment must exceed the clients' retry delay plus the largest difference. Mend NTP; until then lengthen the leeway. A node that is more than
//! a minute behind refuses (`Error::Clock`) only for families that are younger than its clock; for all others it decides, and dates its rotations too
//! early, so that retries at other nodes find no leeway. Take such a node out at once, without waiting for the error. No clock makes a spent token good (P8).
//!
//! # A user's devices
//!
//! List them with [`families`](crate::Engine::families), page by page until one is short; which of them are signed in, and since when,
//! [the guide](crate::_guide#signed-in-devices) says. End one with [`revoke_family`](crate::Engine::revoke_family), all but one with
//! [`revoke_others`](crate::Engine::revoke_others), all with [`revoke_all`](crate::Engine::revoke_all).
//!
//! # A key that is due to change
//!
//! Nobody signs in again: [keys](crate::_guide#keys).
//!
//! # The purge has fallen behind
//!
//! [`purge`](crate::Engine::purge) is a loop of bounded batches, from any number of processes, and may be stopped between any two. A million families take
//! minutes, beside the load of refreshes. Nothing waits for it: a family that has ended costs a read, purged or not.
//!
//! ```
//! # use heirloom::{Clock, Engine, Error, Store};
//! async fn purge<S: Store, C: Clock>(engine: &Engine<S, C>) -> Result<usize, Error> {
//!     let mut removed = 0;
//!     loop {
//!         match engine.purge(1_000).await? {
//!             batch @ 1_000.. => removed += batch, // pause here, if the database is busy
//!             batch => return Ok(removed + batch),
//!         }
//!     }
//! }
//! ```
