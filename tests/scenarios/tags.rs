//! Feature tags: all there are, and the one list of those that the engine deliberately lacks.

use super::fields::Check;

/// What is skipped, and why. Nothing else may be.
pub const SKIPPED: [(&str, &str); 5] = [
    (
        "leeway_scope.any",
        "the state is constant in size, so one predecessor is kept per branch: an older token is a breach",
    ),
    (
        "leeway_scope.head",
        "whoever holds an old token would be handed the current one: an older token is a breach",
    ),
    (
        "sibling_validity.first",
        "siblings that are handed out and void are a trap for honest clients: they all live, or the newest does, or there is one",
    ),
    (
        "spent_expired.expired",
        "the state is constant in size, so a spent token's own end is not kept: its reuse is a breach",
    ),
    (
        "access_tokens",
        "access tokens are the host's, and no resource server tells of their use: a leeway ends with the use of the refresh token",
    ),
];

/// What is supported, by the engine or by the host that the runner plays.
const SUPPORTED: [&str; 51] = [
    "audit",
    "bind.public_only",
    "binding",
    "binding.revocation",
    "client_scopes",
    "client_status",
    "clientless",
    "clock_control",
    "concurrency",
    "displaced.reject",
    "engine_keys",
    "families_per_subject_client",
    "family.data",
    "family.not_after",
    "faults",
    "faults.rng",
    "host_hook",
    "import",
    "introspect",
    "key_mismatch.revoke_family",
    "leeway.reject",
    "leeway.replace",
    "leeway.replay",
    "leeway.sibling",
    "leeway.some",
    "leeway.until_used",
    "leeway_max_reuse",
    "leeway_scope.predecessor",
    "lifetime_source.live",
    "nodes",
    "not_before",
    "on_reuse.reject",
    "on_reuse.revoke_subject_client",
    "policy.per_client",
    "purge",
    "resource",
    "restart",
    "revoke.client",
    "revoke.subject",
    "revoke.subject_client",
    "revoke_spent.noop",
    "rotation.never",
    "rotation.predicate",
    "scope_narrowing.sticky",
    "store_counters",
    "store_dump",
    "store_snapshot",
    "store_surgery",
    "subject_status",
    "successor_expiry.inherit",
    "unbound_with_key.reject",
];

/// A feature that the engine lacks, and the reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Skip {
    pub tag: &'static str,
    pub reason: &'static str,
}

/// Whether a tag is on the list.
///
/// # Errors
///
/// When there is no such tag.
pub fn skip(tag: &str) -> Check<Option<Skip>> {
    if let Some((tag, reason)) = SKIPPED.into_iter().find(|(skipped, _)| *skipped == tag) {
        return Ok(Some(Skip { tag, reason }));
    }
    if SUPPORTED.contains(&tag) { Ok(None) } else { Err(format!("unknown feature tag `{tag}`")) }
}
