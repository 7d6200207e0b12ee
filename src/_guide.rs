//! How to embed heirloom. Nothing but documentation.
//!
//! # The refresh grant
//!
//! Authenticate the client first: heirloom compares the client that you name with the one in the grant, and believes you.
//! For a sender-constrained token, verify the proof (RFC 9449 section 4.3, RFC 8705 section 3) and pass the thumbprint in
//! [`Request::binding`](crate::Request::binding). RFC 9449 section 5 binds the refresh tokens of public clients; binding those
//! of confidential clients is the host's choice.
//!
//! * [`Engine::refresh`](crate::Engine::refresh) does all in one call and one store round trip.
//! * [`Engine::begin`](crate::Engine::begin), a look at [`Redemption::grant`](crate::Redemption::grant), and
//!   [`Redemption::commit`](crate::Redemption::commit) are for a host that must first know whether the user is still
//!   enabled or the consent still stands. A redemption that is dropped has consumed nothing.
//!
//! There are three kinds of answer, and a host needs one function for each:
//!
//! * [`Outcome::Granted`](crate::Outcome::Granted): mint an access token for `granted.grant` and `granted.scope`, then send
//!   [`oauth::token_response`](crate::oauth::token_response). If `granted.token` is `None`, leave `refresh_token` out: the
//!   client keeps the one it has (RFC 6749 section 6). The access token's audience is `granted.resources`.
//! * [`Outcome::Refused`](crate::Outcome::Refused): send [`oauth::error`](crate::oauth::error). Log the
//!   [`Refusal`](crate::Refusal); never show it to the client.
//! * [`Error`](crate::Error): ours. Send 503 with `Retry-After` if [`is_retryable`](crate::Error::is_retryable), else 500.
//!   Never `invalid_grant`: a client that is told so throws its token away.
//!
//! The engine needs no runtime: its futures run on any executor, are `Send` when the store's are, and may be dropped at any
//! await point. A handler that is cancelled after the commit has lost a response like any other; the client's retry inside
//! the leeway gets the same successor.
//!
//! # The rule
//!
//! [`decide`](crate::decide::decide) goes through these rows in this order. The first that applies decides.
//!
//! | row | condition | decision | writes |
//! |---|---|---|---|
//! | 0 | not canonical, tag wrong, key unknown | refuse `Malformed`, `Forged`, `UnknownKey`, before any store is asked (after one read, if foreign tokens are adopted) | 0 |
//! | 1 | no such family | refuse `Unknown` | 0 |
//! | 2 | family ended | refuse `Revoked` with the reason; never a breach, never leeway | 0 |
//! | 3 | other client | refuse `ClientMismatch`, or end the family, by policy | 0 or 1 |
//! | 4 | bound, and another key or none is proved | refuse `BindingMismatch`, or end the family, by policy | 0 or 1 |
//! |   | the clock is over a minute before the family's creation | error | 0 |
//! | 5 | absolute or idle end reached (`now >= end`) | refuse `Expired`, `Idle`; but what row 10, or row 7 of a displaced predecessor, says of what is spent on a branch that has idled out and is remembered, while the family lives on another | 0; 1 |
//! | 6 | a branch that was never made, or a generation ahead of the stored one | refuse `AheadOfStore`; in a [recovery window](crate::Recovery), recover | 0; 1 |
//! | 7 | current or preceding generation, but another digest | end the family as `Diverged`, not as breach; if a later answer had displaced it, refuse `Displaced`, or reuse, by policy | 1; 0 |
//! | 8 | predecessor inside its leeway, which a change of the grant has closed | refuse `LeewayClosed` | 0 |
//! | 9 | predecessor inside its leeway: the timer has not run out, uses are left, its successor is not known to be used | by [mode](crate::LeewayMode): replay the same successor, renew, fork, or refuse `AlreadyRotated` | 0; 1 to renew, to fork, or to count a use |
//! | 10 | predecessor outside its leeway, or any older token | breach: end the family, and more if the policy says so, then refuse `Reused` with the evidence; or refuse `Spent`, if it says so | 1; 0 |
//! | 11 | scope or resource beyond the grant (before what 6, 9 and 12 would grant) | refuse `Scope`, `Resource`; nothing is consumed | 0 |
//! | 12 | current | rotate; or keep, if the policy never rotates | 1; keep: 0, or 1 when the idle end is moved |
//!
//! Order is by generation, never by a clock. The leeway begins with the first exchange of the token; no later use extends
//! it; and once the successor has been exchanged in its turn, the token is no longer the predecessor and has no leeway. Under a
//! policy that does not rotate, a use of the successor is known only when it has moved the idle end.
//!
//! # Which leeway
//!
//! | mode | the predecessor again, inside | what it costs | its risk |
//! |---|---|---|---|
//! | [`replay`](crate::Leeway::replay) | the same successor | nothing | a thief inside it shares the owner's chain until one of the two is second outside it |
//! | [`newest`](crate::Leeway::newest) | another successor; the earlier one is displaced | a write | of two tabs one loses its token; a lost answer may cost the session |
//! | [`fork`](crate::Leeway::fork) | another successor beside the earlier ones | a write, and two round trips for every exchange from then on | a thief inside it keeps a chain of his own, for ever |
//! | [`refuse`](crate::Leeway::refuse) | a refusal, no breach | nothing | a client that lost the answer has lost the family; a thief who was first goes unnoticed for a while |
//!
//! Each for a time, [until a date](crate::Leeway::until), or [until the successor is used](crate::Leeway::until_used), and at
//! most [so often](crate::Leeway::uses). Take replay unless a client needs another. [`profile`](crate::profile) has what other systems do as
//! policies.
//!
//! # How long a leeway
//!
//! Long enough for a client that has lost a response to try again, and for all tabs or workers that refresh at the same
//! moment: the client's time-out plus its retry delay, plus the largest difference between the clocks of your nodes. The
//! default is 10 s. Workers that queue up behind a lock want 60 s. Its cost: a thief who presents a stolen predecessor
//! inside it is answered, with the same successor that the owner has; the first round in which one of the two is second by more than
//! the leeway ends the family. See [`Leeway`](crate::Leeway).
//!
//! A presentation counts from when the token was shown: the host's look between `begin` and `commit`, and a store that keeps
//! that call waiting, use up nothing of its leeway. But a rotation is dated by the clock before its write: a store that stalls a
//! write for longer than the leeway, and then commits, leaves none to a retry. The leeway must exceed the longest stall.
//!
//! FAPI 2.0 (section 5.3.2.1) does without rotation but in extraordinary circumstances:
//! [`Rotation::Never`](crate::Rotation::Never). Where a server rotates all the same, it lets a retry succeed: a leeway that
//! replays.
//!
//! # Clocks
//!
//! The engine reads its [`Clock`](crate::Clock) once per attempt. A clock that stands still or steps back makes no token
//! current again, forges no breach, and never panics (property P8); what has not been refused yet is judged by the time that it
//! shows, so a leeway or a lifetime may be counted twice. More than a minute behind a family's creation is an
//! [`Error::Clock`](crate::Error::Clock), never a refusal.
//!
//! Two clocks that differ change the leeway by the difference: a node that is ahead, or a rotation by a node that is behind,
//! shortens it, and can turn an honest retry into a breach; the other way round it is longer.
//! [`ClockBehind`](crate::EventKind::ClockBehind) shows only the second. Its absence proves nothing: watch NTP.
//!
//! # Keys
//!
//! `ROTATION_KEYS="1:$(openssl rand -hex 32)"`, then [`KeyRing::from_env`](crate::KeyRing::from_env). To change the key
//! without a logout:
//!
//! 1. On every node, accept the new key: `1:<old>,2:<new>`.
//! 2. When every node has it, activate it: `2:<new>,1:<old>`. Each token that is used from then on moves to it.
//! 3. When the longest idle lifetime of your policies has passed, every family that is still in use has moved: remove the old
//!    key. A token under [`Rotation::Never`](crate::Rotation::Never) never moves, nor does a family without an idle end need
//!    to be used: wait for the longest absolute lifetime then.
//!
//! [`Engine::set_keys`](crate::Engine::set_keys) swaps the ring in a running process. The text of a ring has no adoption key: where foreign tokens are
//! adopted, add it each time ([`with_adoption`](crate::KeyRing::with_adoption)). On suspicion, remove the old key at
//! once: its tokens are refused as `UnknownKey`, and their users log in again. Putting a key back helps only those who have not
//! asked meanwhile: who was refused has thrown the token away. An id is never used for a second key. The
//! prefix belongs to the key, so it changes in the same way.
//!
//! # Ending families
//!
//! | what happened | call |
//! |---|---|
//! | the client asks at the revocation endpoint (RFC 7009) | [`revoke`](crate::Engine::revoke), answered by [`oauth::revocation_error`](crate::oauth::revocation_error) |
//! | the user logs out of this session | [`revoke_family`](crate::Engine::revoke_family), [`Reason::Logout`](crate::Reason::Logout) |
//! | the user changes the password, an account is closed | [`revoke_all`](crate::Engine::revoke_all) by subject |
//! | the user withdraws the consent for a client | [`revoke_all`](crate::Engine::revoke_all) by subject and client |
//! | a client's secret has leaked | [`revoke_all`](crate::Engine::revoke_all) by client |
//! | scope is withdrawn or stepped up | [`change_grant`](crate::Engine::change_grant) |
//!
//! When the call has returned, no refresh of the family succeeds, rotations in flight included (property P3). What ends
//! with a family is its refresh tokens; access tokens that are out are the host's.
//!
//! # What the operator sees
//!
//! Pass an [`Observer`](crate::Observer) to [`Engine::with_observer`](crate::Engine::with_observer); a closure will do. It is
//! called within the request's own poll, so that a span or task-local of the host tells which request it was. An event names
//! family, subject and client, where a stored family was found, and holds no secret.
//!
//! The README has the table: which event means a thief, which a flaky network, which a store that has lost writes; the page
//! [`_runbooks`](crate::_runbooks) what to do then. In short: `Replayed` is normal; `Revoked(Reuse)` is a breach, and its evidence says how far behind the
//! token was, how long after the rotation, and whether its successor is known to have been used; `AheadOfStore` and `Diverged`
//! are the store's doing.
//!
//! The stored family keeps the reason of its end with the evidence, for when the event was lost:
//! [`Engine::families`](crate::Engine::families) lists a subject's.
//! [`Engine::explain`](crate::Engine::explain) says what a refresh would decide for a token and why, without any effect.
//!
//! # Purging
//!
//! Families are constant in size and are not touched after their end. Call [`purge`](crate::Engine::purge) from a timer, in
//! batches, until it returns less than the limit. It removes only what ended, and was last used, a retention ago (7 days,
//! [`with_retention`](crate::Engine::with_retention)), so that late retries and late thieves still find the reason. A family
//! without any end is never purged while it lives.
//!
//! # Signed-in devices
//!
//! [`Engine::families`](crate::Engine::families) lists a subject's families, page by page: when each was issued
//! (`created_at`), for which client, and how it ended. Ended ones are among them until they are purged. One is signed in if its status is `Live` and neither
//! instant of [`Family::ends`](crate::family::Family::ends) has passed; one that has branched also while one of `branches.live` has not reached its own
//! ([`ends_of`](crate::family::Family::ends_of)). It was last used at the latest of `rotated_at` and `used_at` of its heads. Put what the page shows into the grant's
//! attributes at issue: a device's name, a place. To end one is [`revoke_family`](crate::Engine::revoke_family); all but this one,
//! [`revoke_others`](crate::Engine::revoke_others) with the `family` of the token that the page was asked with; all,
//! [`revoke_all`](crate::Engine::revoke_all). [`FamilyLimit`](crate::FamilyLimit) bounds how many there are.
//!
//! # Telemetry
//!
//! Feature `metrics`: counters and histograms through the host's recorder. Feature `tracing`: a span for each call. Their names are stable, and in the
//! documentation of the two. Several observers are a list: a `Vec` of them is one.
//!
//! # Choosing a store
//!
//! | | `SqliteStore` | `PostgresStore` | `RedisStore` |
//! |---|---|---|---|
//! | for | one machine, several processes | many nodes | many nodes |
//! | the condition of a rotation | the guard itself, under the lock of a transaction | one statement | one script |
//! | a lock held by another, a serialization failure | waits, then retryable | retried inside | there is none |
//! | acknowledged writes survive | a crash, a power cut | as `synchronous_commit` says | as `appendfsync` says |
//! | a failover may lose them | there is none | unless standbys are synchronous | yes: the replication is asynchronous |
//! | families that ended | stay until [`purge`](crate::Engine::purge) | stay until `purge` | are purged, and expire by themselves some time later |
//!
//! Whatever the store loses is recognised by generation (property P16): a token ahead of it is refused, not taken for theft. What it cannot
//! know is which families were ended meanwhile. Keep the `Revoked` events for as long as a failover can go back, and end those
//! families again: [`revoke_family`](crate::Engine::revoke_family) is idempotent.
//!
//! An error of a store is an [`Error`](crate::Error), never a refusal: 503, and a log line with the chain of its sources.
//! [`StoreErrorKind`](crate::store::StoreErrorKind) tells what may pass by itself from what an operator must mend.
//!
//! # A store chosen at run time
//!
//! [`DynStore`](crate::store::DynStore) is every store behind a pointer.
//!
//! # Writing a store of your own
//!
//! Any database that can change one record under a condition can hold families. Implement [`Store`](crate::Store): eight
//! methods, five about one record and three about pages of them, and keep the [contract](crate::store), clause by clause.
//!
//! Begin with [`record::encode`](crate::record::encode) and [`record::decode`](crate::record::decode) if your database keeps
//! bytes. Keep subject, client and end beside them, so that a damaged record hides no other. If it keeps rows, begin with
//! `record::columns` (feature `columns`).
//!
//! If you read and write under a lock, every step has an `apply` that is its whole meaning: lock, read, `apply`, write, flush,
//! answer. If you speak to a server, state [`Guard`](crate::guard::Guard) as the condition of one statement; `Guard::condition`
//! gives it as comparisons of columns with constants. Never read, decide and then write: a revocation in between would be
//! lost.
//!
//! A step is consumed to make its answer. Say `committed` only of what is durable. Say `declined` with the family as it is
//! *now*: the engine decides on it, and a stale one would be taken for theft. Report a lost race as
//! [`StoreError::conflict`](crate::store::StoreError::conflict) (tried again at once), a server that is gone as
//! [`StoreError::unavailable`](crate::store::StoreError::unavailable), and a record that cannot be as
//! [`Impossible`](crate::family::Impossible).
//!
//! Then prove it. Implement `conformance::Factory` (feature `conformance`), which opens another handle on the same families and
//! damages one record, and write one test: `conformance::all(&factory).await.unwrap()`. It tries every comparison of the
//! guard alone, a millisecond before, at and after its boundary; every field at its bounds; and the races of rotations,
//! revocations, replacements and purges. What fails is told as the clause, what it promises, and what was seen. It needs no
//! runtime, and interleaves calls at their await points; let your factory say `on_any_thread` if your futures can be polled anywhere, and the
//! races run on threads too: nothing else finds a missing lock between two await points. A store that needs a runtime is run
//! against a real server, with a connection for each handle. A race that is not found is no proof that there is none. Run it on a store that can be thrown away, one run at a time. What it cannot do is cut the power: that a disk has
//! flushed, and what a failover loses, is yours to show.
//!
//! `examples/custom_store.rs` is a whole one: a file per family in a folder, and its `main` prints a line per clause
//! (`cargo run --features conformance --example custom_store`).
