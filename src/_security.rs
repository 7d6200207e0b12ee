//! Threat, property, the line that decides, the test that shows it. Nothing but documentation.
//!
//! The ids are used in code and tests alike. "Inside" and "outside" are the leeway's.
//!
//! | id | property | decided in | shown by |
//! |---|---|---|---|
//! | P1 | at most one successor string per family, branch and generation is ever released, under any interleaving, crash or store. Under *newest*: at most one that is good at a time; every other string of its place is displaced, for ever. Under *fork*: at most as many branches live as the policy says, and P1 holds on each | [`Guard`](crate::guard::Guard), [`Pending`](crate::pending::Pending) | `state_machine`, `races`, `faults` |
//! | P2 | a spent token, shown by its own client and key on a live family outside its leeway, whichever of its branches lives (of a branch that was forgotten nothing is known any more: its tokens are `Idle`), ends the family durably before the refusal is returned, and after the family what the policy ends beside it; nothing that fails there keeps the family alive, and what the store has failed at is an error of the call and an event (what a call that is dropped has not come to lives on, untold); not so under [`Reaction::Refuse`](crate::Reaction::Refuse) | row 10 of [`decide`](crate::decide::decide) | `state_machine`, `transitions`, `faults` |
//! | P3 | revoked is absorbing: no refresh succeeds after a revocation was acknowledged | row 2; clause S4 of the [store](crate::store) | `races`, `state_machine` |
//! | P4 | a string that the engine did not mint changes nothing; nor does one shown with the wrong client or key, unless the policy says revoke | [`Presented::verify`](crate::token::Presented::verify), rows 3 and 4 | `bad_input`, `state_machine` |
//! | P5 | a token is accepted only if tag and digest both match; in a recovery window, bounded in time and by issue date, one ahead of the store on its tag alone; an adopted one on its digest, as it has no tag | `Presented::verify`, rows 6 and 7 | `bad_input`, `transitions` |
//! | P6 | nothing at rest is redeemable, nor becomes so with the keys alone, for secrets that were minted here | the ratchet in `key.rs` | `secrecy`, `state_machine` |
//! | P7 | leeway: the predecessor alone, anchored at its first use, never extended, never after revocation or expiry, never across a changed grant | rows 2, 5, 8 and 9 | `transitions`, `state_machine` |
//! | P8 | order is decided by generation; a clock that stands still or steps back never makes a spent token current or an ended family live, forges no breach, and never panics; what has not been refused yet is judged by the time that it shows | `decide` compares generations; times saturate | `state_machine`, `bad_input` |
//! | P9 | a stored absolute end never moves; idle slides on rotation, or by keep; both are enforced at use, whatever purge has done | row 5 | `transitions`, `state_machine` |
//! | P10 | granted scope is within the grant; a refusal consumes nothing | row 11 | `state_machine`, `engine` |
//! | P11 | purge and restart never make a verdict more permissive; an adopted family's record outlives the acceptance of its legacy token | clause S7, [`Purge::is_due`](crate::store::Purge::is_due) | `state_machine` |
//! | P12 | no Debug, Display, error, event or log line shows a secret, digest or salt; secrets are wiped on drop | `secret.rs`, `token.rs` | `secrecy` (the wiping is by construction, not tested) |
//! | P13 | under replay, a client whose answers get lost and who retries inside the leeway, while uses are left, before the successor is used and without a change of the grant between, never loses its family | row 9 | `faults`, `state_machine` |
//! | P14 | under replay, n concurrent presenters of the live token inside the leeway all get the same successor | row 9 after a declined [`Guard`](crate::guard::Guard) | `races` |
//! | P15 | under replay without counted uses, a write that was stored but reported as failed, or resent by a driver, followed by a retry as in P13, gives the same successor | one successor per call, in `call.rs` | `faults` |
//! | P16 | after a store has lost its last writes, a token ahead of it is refused as such, and one whose line was overwritten ends the family as diverged, never as theft, while the family is at or one past its generation | rows 6 and 7 | `state_machine`, `transitions` |
//! | P17 | state per family is constant in the number of rotations; revocation is one write; a dead family costs none | [`Family`](crate::family::Family) | `engine`, the benchmark of a million rotations |
//! | P18 | one store round trip for a refresh on the common path and for a replay, two for begin and commit, at most two on any other but contention and a wider reaction; none for a string that was not minted here, and one if foreign tokens are adopted | [`Guard`](crate::guard::Guard) | `engine`, `state_machine` |
//! | P19 | a future dropped at any await point obeys P1, P13 and P15 | no state between two awaits but the call's own | `faults` |
//!
//! P1 to P3 are for a store that keeps its contract, S2, S3, S4 and S8 above all. What one that loses writes can still do is
//! P16. What a store shows of a commit is checked against what was to be written; a store that claims a write it has not made
//! cannot be caught.
//!
//! # Threats
//!
//! **A stolen token, used by the thief first.** The owner's next use is of a spent token: outside the leeway it ends the
//! family, the thief's token with it. **Used by the owner first:** the thief's use ends it. Whoever is second, both lose (P2).
//! Inside the leeway the thief is answered with the owner's own successor; they then hold one chain, and whoever rotates
//! second more than a leeway later ends it. A thief who always presents the predecessor inside the leeway of the owner's
//! last rotation is not told apart from a second tab; replays are events, so that a host can see the pattern. Short leeways,
//! sender-constrained tokens, or both, are the answer to that.
//!
//! **A leeway that refuses** hides a thief who is first: the owner's next use is refused without a breach, and an owner who gives up
//! then leaves the family to the thief. A leeway that replays hands the owner the chain as well, so that a round in which one of
//! the two is late tells.
//!
//! **A made-up or altered token.** Refused by its tag before any store is asked (P4). It cannot end a family, and costs
//! about one decoding and one HMAC.
//!
//! **A reader of the database, of a backup or of a replication stream** has digests and salts. A token needs a tag, hence
//! the key; its secret is 32 random bytes, or an HMAC of its predecessor's secret, which is nowhere at rest (P6).
//!
//! **A holder of the keys alone** cannot redeem, because no secret can be derived from them. He can make a token with a
//! genuine tag and an old generation, and so end a family whose id he knows: a denial of service, visible as `Revoked` events.
//!
//! **A holder of keys and of one spent token** can follow the chain with salts from the database or its backups, and redeem
//! the current token: three things together, each enough for nothing.
//!
//! **A writer of the database** can edit a grant, and everything else. heirloom does not defend against that.
//!
//! **Newest** lets whoever is second inside the leeway displace the first: a thief so shuts the owner out, who notices. **Fork**
//! gives a thief inside the leeway a chain of his own, which nothing ever tells from the owner's. **Without a timer** a thief and an
//! owner at the same cadence are never told apart. **A reaction that refuses** lets a thief who was first go on, with an event as the only
//! trace. Each is a choice, with its risk in its own documentation.
//!
//! **A recovery window** takes one lock of two away, for families that were issued before the loss: a holder of a key can then make a token
//! ahead of the store for any of them. A reader of the database cannot. A thief who kept a token that was spent in the lost stretch can come first, and
//! goes on unnoticed if the owner comes only after the window.
//!
//! **An adopted token** has the entropy that it was born with. One that can be guessed is redeemed by whoever guesses it, at one read per guess:
//! limit the rate, and set an early end. Its family's id is derived with a key of its own, so that ids in logs are no oracle for guesses.
//!
//! **A file to be imported** is trusted, as the database is. Its checksum is against accidents.
//!
//! **Another client with a stolen token** changes nothing (P4). The revocation endpoint tells it that the token is genuine and
//! another's, as RFC 7009 section 2.1 has it. With
//! [`Mismatch::Revoke`](crate::Mismatch::Revoke) he can log the owner out: choose it knowing that.
//!
//! **A lost answer, a second tab, a queue of workers** get the same successor again inside the leeway (P13, P14, P15).
//!
//! **A failover that loses writes** makes tokens that are ahead of the store. They are refused, and the family lives on for
//! whoever holds a token that the store knows. When a lost line has been overwritten, the two lines cannot both be right,
//! and the family ends as diverged (P16). What the store has lost is lost: a spent token that was current in the older state is
//! current again for whoever holds it, and an ended family lives: [the runbook](crate::_runbooks#a-restored-backup-or-a-failover). Once a new line is two
//! or more rotations past the old one's token, that token looks like any other old token: as reuse.
//!
//! **Timing.** Tag and digest are compared in constant time, and base64 is decoded without tables. A refusal before the
//! store is quicker than one after it, and one that ends a family slower than one that finds it ended, so an attacker with a
//! clock can tell them apart. Neither helps to make a token. The texts of all `invalid_grant` are the same.
//!
//! # Evidence
//!
//! A token leaves a [`Pending`](crate::pending::Pending) for a [`Committed`](crate::store::Committed) step, or, inside the crate, for
//! a family that the store has returned with the token's digest as the current one. What the types forbid does not compile:
//!
//! Each claim is shown by two functions that differ in one line: the first compiles, the second does not, with the error
//! that is named. (A stable compiler only looks whether it fails; `tests/evidence.rs` sees to the rest.)
//!
//! An uncommitted token is not read without evidence.
//!
//! ```
//! use heirloom::{RefreshToken, pending::Pending, store::Committed};
//!
//! fn release(pending: Pending, evidence: &Committed) -> Option<RefreshToken> {
//!     pending.release(evidence)
//! }
//! ```
//!
//! ```compile_fail,E0616
//! use heirloom::{RefreshToken, pending::Pending, store::Committed};
//!
//! fn release(pending: Pending, evidence: &Committed) -> Option<RefreshToken> {
//!     Some(pending.token)
//! }
//! ```
//!
//! Nor is it made outside the crate.
//!
//! ```
//! use heirloom::{RefreshToken, pending::Pending, secret::Digest};
//!
//! fn pending(given: Pending, token: RefreshToken, digest: Digest) -> Pending {
//!     given
//! }
//! ```
//!
//! ```compile_fail,E0451
//! use heirloom::{RefreshToken, pending::Pending, secret::Digest};
//!
//! fn pending(given: Pending, token: RefreshToken, digest: Digest) -> Pending {
//!     Pending { token, digest }
//! }
//! ```
//!
//! Evidence is made by consuming a step, and in no other way.
//!
//! ```
//! use heirloom::{family::Family, store::{Committed, Create, Created}};
//!
//! fn claim(step: Create, family: Family) -> Created {
//!     step.created()
//! }
//! ```
//!
//! ```compile_fail,E0423
//! use heirloom::{family::Family, store::{Committed, Create, Created}};
//!
//! fn claim(step: Create, family: Family) -> Created {
//!     Created::New(Committed(family))
//! }
//! ```
//!
//! A step is made by the engine alone: `Create`.
//!
//! ```
//! use heirloom::{FamilyId, family::Family, store::Create};
//!
//! fn step(given: Create, family: Family) -> FamilyId {
//!     given.family().id
//! }
//! ```
//!
//! ```compile_fail,E0624
//! use heirloom::{FamilyId, family::Family, store::Create};
//!
//! fn step(given: Create, family: Family) -> FamilyId {
//!     Create::new(family).family().id
//! }
//! ```
//!
//! A step is made by the engine alone: `Advance`.
//!
//! ```
//! use heirloom::{FamilyId, guard::Guard, family::Head, store::Advance};
//!
//! fn step(given: Advance, guard: Guard, head: Head) -> FamilyId {
//!     given.family()
//! }
//! ```
//!
//! ```compile_fail,E0624
//! use heirloom::{FamilyId, guard::Guard, family::Head, store::Advance};
//!
//! fn step(given: Advance, guard: Guard, head: Head) -> FamilyId {
//!     Advance::new(guard, head).family()
//! }
//! ```
//!
//! A step is made by the engine alone: `Revoke`.
//!
//! ```
//! use heirloom::{FamilyId, Reason, Timestamp, store::Revoke};
//!
//! fn step(given: Revoke, id: FamilyId, at: Timestamp, reason: Reason) -> FamilyId {
//!     given.family()
//! }
//! ```
//!
//! ```compile_fail,E0624
//! use heirloom::{FamilyId, Reason, Timestamp, store::Revoke};
//!
//! fn step(given: Revoke, id: FamilyId, at: Timestamp, reason: Reason) -> FamilyId {
//!     Revoke::new(id, at, reason).family()
//! }
//! ```
//!
//! A step is made by the engine alone: `Replace`.
//!
//! ```
//! use heirloom::{FamilyId, family::Family, store::Replace};
//!
//! fn step(given: Replace, seen: &Family) -> FamilyId {
//!     given.next().id
//! }
//! ```
//!
//! ```compile_fail,E0624
//! use heirloom::{FamilyId, family::Family, store::Replace};
//!
//! fn step(given: Replace, seen: &Family) -> FamilyId {
//!     Replace::new(seen, |_| {}).next().id
//! }
//! ```
//!
//! A step is made by the engine alone: `Purge`.
//!
//! ```
//! use heirloom::{Timestamp, store::Purge};
//!
//! fn step(given: Purge, ended_before: Timestamp) -> usize {
//!     given.limit()
//! }
//! ```
//!
//! ```compile_fail,E0624
//! use heirloom::{Timestamp, store::Purge};
//!
//! fn step(given: Purge, ended_before: Timestamp) -> usize {
//!     Purge::new(ended_before, 1).limit()
//! }
//! ```
//!
//! A step is taken once.
//!
//! ```
//! use heirloom::store::{Create, Created};
//!
//! fn take(step: Create) -> Created {
//!     let _ = step.family();
//!     step.created()
//! }
//! ```
//!
//! ```compile_fail,E0382
//! use heirloom::store::{Create, Created};
//!
//! fn take(step: Create) -> Created {
//!     let _ = step.created();
//!     step.created()
//! }
//! ```
//!
//! A commit is made once, of a redemption that was begun.
//!
//! ```
//! use heirloom::{Clock, Error, Outcome, Redemption, Store, entropy::Entropy};
//!
//! async fn commit<S: Store, C: Clock, E: Entropy>(begun: Redemption<'_, S, C, E>) -> Result<Outcome, Error> {
//!     let _ = begun.grant();
//!     begun.commit().await
//! }
//! ```
//!
//! ```compile_fail,E0382
//! use heirloom::{Clock, Error, Outcome, Redemption, Store, entropy::Entropy};
//!
//! async fn commit<S: Store, C: Clock, E: Entropy>(begun: Redemption<'_, S, C, E>) -> Result<Outcome, Error> {
//!     let _ = begun.commit().await;
//!     begun.commit().await
//! }
//! ```
//!
//! A presented token is made by verification alone.
//!
//! ```
//! use heirloom::{KeyRing, token::{Parsed, Presented, Unminted}};
//!
//! fn present(parsed: Parsed, keys: &KeyRing) -> Result<Presented, Unminted> {
//!     Presented::verify(&parsed.to_text(), keys)
//! }
//! ```
//!
//! ```compile_fail,E0451
//! use heirloom::{KeyRing, token::{Parsed, Presented, Unminted}};
//!
//! fn present(parsed: Parsed, keys: &KeyRing) -> Result<Presented, Unminted> {
//!     Ok(Presented { position: parsed.position(), ..todo!() })
//! }
//! ```
//!
//! A token to hand out is made by the engine alone.
//!
//! ```
//! use heirloom::RefreshToken;
//!
//! fn token(given: RefreshToken, text: String) -> RefreshToken {
//!     given
//! }
//! ```
//!
//! ```compile_fail,E0423
//! use heirloom::RefreshToken;
//!
//! fn token(given: RefreshToken, text: String) -> RefreshToken {
//!     RefreshToken(text.into())
//! }
//! ```
//!
//! A family is made by the engine alone, or read by a store from a record.
//!
//! ```
//! use heirloom::{FamilyId, family::{Family, Impossible}, record};
//!
//! fn read(id: FamilyId, bytes: &[u8], other: Family) -> Result<Family, Impossible> {
//!     record::decode(id, bytes)
//! }
//! ```
//!
//! ```compile_fail,E0639
//! use heirloom::{FamilyId, family::{Family, Impossible}, record};
//!
//! fn read(id: FamilyId, bytes: &[u8], other: Family) -> Result<Family, Impossible> {
//!     Ok(Family { id, ..other })
//! }
//! ```
//!
//! # What is not proved
//!
//! * The rule is tested by enumeration, by a state machine against an independent model, and by fuzzing. It is not verified
//!   by a proof assistant, and nobody outside the project has audited it.
//! * The in-memory store is tested under real threads and under all interleavings of two calls at their await points, not
//!   under a model of weak memory.
//! * Wiping is by construction (`zeroize`): copies that the compiler makes on the stack, and memory that was swapped out, are
//!   not covered. [`RefreshToken::into_exposed`](crate::RefreshToken::into_exposed) hands out a plain `String`.
//! * A thief who stays inside the leeway, as said above.
//! * A rotation that a store has written and reported as a conflict, whose successor a second tab fetches and uses before the
//!   call has tried again: the call then finds its own token spent twice over, and the family ends as reuse without a thief.
//! * A store that leaves a comparison out of its condition: what it shows afterwards does not always tell. The
//!   conformance kit does.
//! * The stores are tested against real servers on one machine: killed processes and servers, a failover that loses writes,
//!   four processes on one database. Not tested: a power cut, disks that lie about a flush, a network between the machines.
//! * Random bytes are as good as the operating system's, and UUIDs tell the millisecond of a family's creation to whoever
//!   sees a token or an id.
