//! The way over: from persistent tokens, from another system's, from one store to another. Nothing but documentation.
//!
//! None of these ways asks a user to sign in or to consent again.
//!
//! # From persistent tokens to rotating ones, and back
//!
//! The two are one policy apart, [`Rotation::Never`](crate::Rotation::Never) and
//! [`Rotation::EveryUse`](crate::Rotation::EveryUse), and a family does not care under which it was issued. A policy is chosen for every call, so that
//! a client moves when its registration says so; [`Engine::set_policy`](crate::Engine::set_policy) moves all that bring none of their own, in a running
//! process.
//!
//! * **On.** The next exchange of a persistent token returns a rotating one. The persistent token falls under the leeway, like any other that was exchanged:
//!   the second worker that comes a moment later gets the same answer.
//! * **A deprecation window.** Clients that do not store the new token yet (a known one keeps the first for ever) go on with the
//!   old one until a date: [`Leeway::until`](crate::Leeway::until). From the date on, the old token is reuse: announce it. A replay moves no idle
//!   end: choose an idle lifetime that is longer than the window, or the old token is refused as idle before the date. And the first use of the *new*
//!   token closes the window for its family: where some workers of a client are mended and some are not, choose
//!   [`Reaction::Refuse`](crate::Reaction::Refuse) for as long, or the unmended ones end it as reuse.
//! * **A part of them first.** [`Rollout`](crate::rollout::Rollout) takes a stable percentage of families: the same family is always on the same side, and a
//!   larger percentage only adds.
//! * **Back.** Under `Never` the newest token is the one that goes on working. What was exchanged before stays spent, and to show it is reuse, by
//!   the leeway and the reaction of the policy that you go back to: for clients that kept an old token give it
//!   [`Leeway::until`](crate::Leeway::until) as well, or [`Reaction::Refuse`](crate::Reaction::Refuse).
//!
//! # From another system's tokens
//!
//! [`Engine::adopt`](crate::Engine::adopt) makes a string that another system has minted, or your own table, the first token of a family. From then on it is exchanged, replayed and
//! found out like any other, and no second copy of it is good for long.
//!
//! 1. Give the key ring an [`AdoptionKey`](crate::AdoptionKey), of 32 random bytes, the same on every node and for as long as legacy tokens are
//!    acceptable. It is no key of the ring: those change, this one must not. The text of a ring does not have it: add it with
//!    [`with_adoption`](crate::KeyRing::with_adoption) each time that a ring is read, before [`set_keys`](crate::Engine::set_keys) too.
//!    Then let every node answer refreshes by heirloom alone: from the first adoption on nothing else may grant from the legacy table.
//! 2. At the token endpoint, hand every string to [`begin`](crate::Engine::begin) or [`refresh`](crate::Engine::refresh) as it is. A string that is neither ours nor
//!    adopted is refused as `Malformed`, `Forged` or `UnknownKey`, at the cost of one read: only then look it up in the legacy table, adopt it, and hand it in once more.
//! 3. Or adopt in bulk, from the table: by the string, or by its SHA-256 where no more was kept
//!    ([`Legacy::sha256`](crate::adoption::Legacy::sha256)). Where another hash was kept, only step 2 is open: the string is there when its client shows it. Clients go on meanwhile; a token that is adopted
//!    twice is adopted once.
//! 4. When the last legacy token has reached its end, take the table away; a retention later, the adoption key.
//!
//! The host's legacy row stays the truth of what the user consented to until the token is adopted; then the family is.
//! A row that was ended, or whose end has passed, is answered with `invalid_grant` and not adopted: ask for both in the same read. Take subject and
//! client from the row, never from the request. For tokens without an end choose one date for all, and never count it from the day of the adoption: until then every record is kept, and so
//! must the adoption key be. An adopted family that has ended is not adopted again: its record is kept until the legacy token's own end,
//! whatever the purge. (A store that has lost the record has lost that as well: see the [runbook](crate::_runbooks#a-restored-backup-or-a-failover).)
//!
//! Until the last row is adopted, the other endpoints need the table too:
//!
//! * **Revocation.** [`revoke`](crate::Engine::revoke) of a string that is not adopted is `NoEffect` of `Malformed`, `Forged` or `UnknownKey`, and
//!   is answered with 200 like any string that is not ours. Look it up then, and end its row if it is this client's: else the next refresh adopts what its client has revoked.
//! * **Logout everywhere, a changed password, a withdrawn consent.** End the rows first, then [`revoke_all`](crate::Engine::revoke_all). Adopt under a
//!   lock of the row (`SELECT .. FOR UPDATE`) that the ending takes as well: an adoption that has read the row before brings it back after.
//! * **Introspection.** `Inactive` of a string that is not adopted is the table's to answer.
//!
//! When an adopted family is ended, end its row as well: write [`Adopted::family`](crate::engine::Adopted::family) into the row at its adoption, and it is found.
//!
//! A legacy string is taken as the client sends it, byte by byte. One with a `+` or a `%` must come through the form decoding of the endpoint unharmed.
//!
//! # From one store to another
//!
//! With a pause: Module `transfer` (feature `transfer`) writes all families as lines of JSON, and reads them into any other store.
//!
//! Without one: [`store::moving`](crate::store::moving) moves family by family, each on its first use, while clients go on.
//!
//! `cargo run --all-features --example migrate` does all of it: a legacy table of 100,000 persistent tokens is adopted under load, then moved to
//! another store, and not one session is lost.
