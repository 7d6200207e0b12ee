//! The words of the tables in the parent's page.

use crate::family::Reason;
use crate::refusal::Refusal;

pub(super) const REFRESHES: &str = "heirloom_refreshes_total";
pub(super) const REFUSALS: &str = "heirloom_refusals_total";
pub(super) const REPLAY_AGE: &str = "heirloom_replay_age_seconds";
pub(super) const GENERATIONS_BEHIND: &str = "heirloom_reuse_generations_behind";
pub(super) const ISSUED: &str = "heirloom_families_issued_total";
pub(super) const ADOPTED: &str = "heirloom_families_adopted_total";
pub(super) const REVOKED: &str = "heirloom_families_revoked_total";
pub(super) const PURGED: &str = "heirloom_families_purged_total";
pub(super) const GRANTS_CHANGED: &str = "heirloom_grants_changed_total";
pub(super) const RELATED_LEFT: &str = "heirloom_related_left_total";
pub(super) const RECOVERIES: &str = "heirloom_recoveries_opened_total";
pub(super) const CLOCK_BEHIND: &str = "heirloom_clock_behind_seconds";
pub(super) const STORE: &str = "heirloom_store_seconds";
pub(super) const CONFLICTS: &str = "heirloom_store_conflicts_total";

pub(super) fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Reuse(_) => "reuse",
        Reason::Diverged => "diverged",
        Reason::WrongClient => "wrong_client",
        Reason::WrongBinding => "wrong_binding",
        Reason::ClientRequest => "client_request",
        Reason::Logout => "logout",
        Reason::ConsentWithdrawn => "consent_withdrawn",
        Reason::CredentialChange => "credential_change",
        Reason::Administrator => "administrator",
        Reason::Evicted => "evicted",
        Reason::RelatedReuse => "related_reuse",
        Reason::Moved => "moved",
    }
}

pub(super) fn why(why: Refusal) -> &'static str {
    match why {
        Refusal::Malformed(_) => "malformed",
        Refusal::Forged => "forged",
        Refusal::UnknownKey(_) => "unknown_key",
        Refusal::Unknown => "unknown",
        Refusal::Revoked(_) => "revoked",
        Refusal::ClientMismatch { ended: _ } => "client_mismatch",
        Refusal::BindingMismatch { ended: _ } => "binding_mismatch",
        Refusal::Expired => "expired",
        Refusal::Idle => "idle",
        Refusal::AheadOfStore => "ahead_of_store",
        Refusal::Diverged => "diverged",
        Refusal::LeewayClosed => "leeway_closed",
        Refusal::AlreadyRotated => "already_rotated",
        Refusal::Reused(_) => "reused",
        Refusal::Spent(_) => "spent",
        Refusal::Displaced => "displaced",
        Refusal::TooManyBranches => "too_many_branches",
        Refusal::Scope => "scope",
        Refusal::Resource => "resource",
        Refusal::Exhausted => "exhausted",
    }
}
