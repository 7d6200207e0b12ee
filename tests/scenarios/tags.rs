//! Feature tags: all there are, and the one list of those that the engine deliberately lacks.

use super::fields::Check;

/// What is skipped, and why. Nothing else may be.
pub const SKIPPED: [(&str, &str); 15] = [
    ("leeway.sibling", "several live successors come with the remaining leeway modes"),
    ("leeway.replace", "the newest successor wins: comes with the remaining leeway modes"),
    ("leeway.until_used", "a leeway without a timer comes with the remaining leeway modes"),
    ("leeway_max_reuse", "counted uses come with the remaining leeway modes"),
    ("leeway_scope.any", "only the immediate predecessor is tolerated: an older one is a breach"),
    ("leeway_scope.head", "only the immediate predecessor is tolerated: an older one is a breach"),
    ("sibling_validity.first", "comes with the remaining leeway modes"),
    ("displaced.reject", "only a leeway that replaces displaces: comes with the remaining modes"),
    ("on_reuse.reject", "reuse ends the family; other reactions come with the blast radius"),
    ("on_reuse.revoke_subject_client", "reuse ends the family; more comes with the blast radius"),
    (
        "spent_expired.expired",
        "the state is constant in size, so a spent token's own end is not kept: its reuse is a breach",
    ),
    (
        "revoke_spent.noop",
        "any token of a family ends it: who lost a response can revoke only what it has",
    ),
    ("import", "adoption of other systems' tokens comes later"),
    ("access_tokens", "access tokens are the host's; their use is not reported to the engine yet"),
    ("families_per_subject_client", "a limit of families comes later"),
];

/// What is supported, by the engine or by the host that the runner plays.
const SUPPORTED: [&str; 41] = [
    "audit",
    "bind.public_only",
    "binding",
    "binding.revocation",
    "client_scopes",
    "client_status",
    "clientless",
    "clock_control",
    "concurrency",
    "engine_keys",
    "family.data",
    "family.not_after",
    "faults",
    "faults.rng",
    "host_hook",
    "introspect",
    "key_mismatch.revoke_family",
    "leeway.reject",
    "leeway.replay",
    "leeway.some",
    "leeway_scope.predecessor",
    "lifetime_source.live",
    "nodes",
    "not_before",
    "policy.per_client",
    "purge",
    "resource",
    "restart",
    "revoke.client",
    "revoke.subject",
    "revoke.subject_client",
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
