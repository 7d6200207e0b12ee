//! For operators: what to do when. Nothing but documentation.
//!
//! | you see | it is likely | go to |
//! |---|---|---|
//! | `Revoked(Reuse)`, its successor used, more than one behind, another address | a thief, or a client that mixes up its tokens | [suspected theft](#suspected-theft) |
//! | many `Revoked(Reuse)`, one behind, soon after the leeway | a flaky network or a queue, and a leeway that is too short | [honest clients are logged out](#honest-clients-are-logged-out) |
//! | `Revoked(Reuse)` again and again at one client, always generation 0 | a client that never stores the new token | [a client that keeps its first token](#a-client-that-keeps-its-first-token) |
//! | `Refused(AheadOfStore)`, `Revoked(Diverged)` | the store has lost writes | [a restored backup or a failover](#a-restored-backup-or-a-failover) |
//! | `Refused(UnknownKey)` of a key that is new | a node minted with it before all accepted it | [keys](crate::_guide#keys) |
//! | `ClockBehind`, `Error::Clock` | clocks differ | [nodes whose clocks differ](#nodes-whose-clocks-differ) |
//! | `Revoked(Evicted)` | more sessions than the limit | the user, or a client that signs in instead of refreshing |
//!
//! # Suspected theft
//!
//! The family has ended already, its thief's token with it. `Engine::families` shows the evidence: how far behind the token was, how long after
//! the rotation, whether its successor had been used. Then:
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
//! 3. If the key leaked with the database, end all families of the time.
//!
//! A leaked adoption key lets its holder test guesses of legacy tokens against ids. It cannot be changed before the last legacy token's end; shorten that.
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
//! 1. Let no client refresh (503) until the next four are done.
//! 2. End again what was ended since: [`revoke_family`](crate::Engine::revoke_family) for each `Revoked` event of your log. It is idempotent. Keep those events for as
//!    long as a failover can go back. Where it answers `Unknown` and the family was adopted, end the row in the legacy table, or it is adopted again.
//! 3. Change again each grant that was changed since (`GrantChanged` events: `about.grant` is the grant as changed). A withdrawn scope is granted
//!    again until then.
//! 4. Redis Cluster: `RedisStore::reindex`, before anything is ended by subject or client.
//! 5. Choose one:
//!    * *Safe.* A token that was spent since is current again for whoever holds it, a thief with an old copy too. End each family of a `Rotated`, `Renewed`
//!      or `Forked` event since; if the events are gone, change the key, and end adopted families by subject or client. Those users sign in again.
//!    * *Nobody signs in again.* Open a recovery window, on every node, and at every start of one until it closes: it is in the memory of the process.
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
//! until its authors have mended it, [`Leeway::until`](crate::Leeway::until) a date that they know. Send them [the page for authors of clients](crate::_clients).
//!
//! # Nodes whose clocks differ
//!
//! [`ClockBehind`](crate::EventKind::ClockBehind) says by how much the clock of the node that looked was behind the one that rotated; it never shows the other half. The leeway of the
//! deployment must exceed the clients' retry delay plus the largest difference. Mend NTP; until then lengthen the leeway. A node that is more than
//! a minute behind refuses (`Error::Clock`) only for families that are younger than its clock; for all others it decides, and dates its rotations too
//! early, so that retries at other nodes find no leeway. Take such a node out at once, without waiting for the error. No clock makes a spent token good (P8).
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
