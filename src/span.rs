//! What `tracing` is told, with the feature of that name: a span around each call of the engine, and an event in it for
//! each [`Event`](crate::Event) and each error. Without the feature nothing of it is compiled.
//!
//! The target is `heirloom`. Names of spans and fields are stable: they change with a major version only, and new ones may be
//! added. No field holds a token, a digest, a salt, a scope, an attribute or a subject. `client` is the host's word for the
//! client.
//!
//! | span | level | around |
//! |---|---|---|
//! | `heirloom.issue` | info | [`Engine::issue`](crate::Engine::issue), [`Engine::issue_under`](crate::Engine::issue_under) |
//! | `heirloom.adopt` | info | [`Engine::adopt`](crate::Engine::adopt), [`Engine::adopt_under`](crate::Engine::adopt_under) |
//! | `heirloom.refresh` | info | [`Engine::refresh`](crate::Engine::refresh) |
//! | `heirloom.begin` | info | [`Engine::begin`](crate::Engine::begin) |
//! | `heirloom.commit` | info | [`Redemption::commit`](crate::Redemption::commit) |
//! | `heirloom.revoke` | info | [`Engine::revoke`](crate::Engine::revoke) |
//! | `heirloom.revoke_family` | info | [`Engine::revoke_family`](crate::Engine::revoke_family) |
//! | `heirloom.revoke_all` | info | [`Engine::revoke_all`](crate::Engine::revoke_all) |
//! | `heirloom.revoke_others` | info | [`Engine::revoke_others`](crate::Engine::revoke_others) |
//! | `heirloom.purge` | info | [`Engine::purge`](crate::Engine::purge) |
//! | `heirloom.change_grant` | info | [`Engine::change_grant`](crate::Engine::change_grant) |
//! | `heirloom.introspect` | debug | [`Engine::introspect`](crate::Engine::introspect), [`Engine::introspect_by`](crate::Engine::introspect_by) |
//! | `heirloom.explain` | debug | [`Engine::explain`](crate::Engine::explain) |
//! | `heirloom.families` | debug | [`Engine::families`](crate::Engine::families) |
//!
//! Each span has these fields, recorded as they become known:
//!
//! | field | what |
//! |---|---|
//! | `client` | the client that asks, or for which is issued |
//! | `family` | the family's id; of a string that is none of ours, under an adoption key, the one that it would be adopted into |
//! | `presented` | the generation of the token that was shown, by its own word |
//! | `branch` | the branch of the current token, as the call leaves it; 0 unless a leeway has forked |
//! | `generation` | the generation of that token |
//! | `families` | how many families it was: ended, purged, listed |
//! | `outcome` | one word: `issued`, `adopted`, `adopted_before`, `rotated`, `replayed`, `renewed`, `forked`, `recovered`, `kept`, `refused`, `ready`, `ended`, `ended_before`, `no_effect`, `active`, `inactive`, `done`, `error` |
//!
//! Events have `family`, `client`, `branch` and `generation` as their attribution says, and fields of their own: `why`, `presented`,
//! `reason`,
//! `since_rotation_seconds`, `generations_behind`, `successor_used`, `behind_seconds`, `families`, `error`,
//! and, in milliseconds since 1970, `until` and `issued_before`.
//!
//! | level | what |
//! |---|---|
//! | error | a record that cannot be, a store that must not be used, a key that is missing |
//! | warn | a breach, whether it ended a family or not; a family that diverged; a recovery window, and what is recovered in it; an error of the store, the clock or the randomness |
//! | info | a refusal, a replay, another answer in a leeway, another end of a family, a changed grant, a purge, a clock that lies behind |
//! | debug | an issue, an adoption, a rotation, a token that was kept; an error that is the host's own |

/// Gives the names to a macro that makes a function of each: `tracing` wants names as literals.
macro_rules! spans {
    ($make:ident) => {
        $make! {
            issue: INFO "heirloom.issue";
            adopt: INFO "heirloom.adopt";
            refresh: INFO "heirloom.refresh";
            begin: INFO "heirloom.begin";
            commit: INFO "heirloom.commit";
            revoke: INFO "heirloom.revoke";
            revoke_family: INFO "heirloom.revoke_family";
            revoke_all: INFO "heirloom.revoke_all";
            revoke_others: INFO "heirloom.revoke_others";
            purge: INFO "heirloom.purge";
            change_grant: INFO "heirloom.change_grant";
            introspect: DEBUG "heirloom.introspect";
            explain: DEBUG "heirloom.explain";
            families: DEBUG "heirloom.families";
        }
    };
}

#[cfg(not(feature = "tracing"))]
mod silent;
#[cfg(feature = "tracing")]
mod told;

#[cfg(not(feature = "tracing"))]
pub(crate) use silent::*;
#[cfg(feature = "tracing")]
pub(crate) use told::*;
