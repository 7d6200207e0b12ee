//! What other systems do, as policies: for an author who comes from one of them.
//!
//! Each function states a vendor's documented behaviour as nearly as a [`Policy`] can. Where a vendor leaves something open, the
//! profile has heirloom's default. What no profile reproduces, because the rule is the same for all policies:
//!
//! * Only the immediate predecessor of a token has a leeway, and the first use of any of its successors closes it.
//! * No presentation extends a leeway.
//! * A family that has ended answers nothing, inside a leeway neither.
//! * A token that another client shows is refused and harms nobody, unless [`Policy::wrong_client`] says so.
//!
//! Access tokens are the host's: where a vendor revokes them with the refresh tokens, do so on the
//! [`Revoked`](crate::event::EventKind::Revoked) event.
//!
//! # Overriding
//!
//! A profile is a beginning. What contradicts itself is refused when it is built:
//!
//! ```
//! use std::time::Duration;
//! use heirloom::{Leeway, Reaction, policy::PolicyError, profile};
//!
//! let fortnight = Duration::from_secs(14 * 86_400);
//! let policy = profile::okta().to_builder().idle(fortnight).build()?;
//! assert_eq!(policy.idle(), Some(fortnight));
//!
//! // Ten minutes of new tokens, and no number of them.
//! let endless = Leeway::newest(Duration::from_secs(600));
//! let refused = profile::okta().to_builder().leeway(endless).build();
//! assert_eq!(refused, Err(PolicyError::Uncounted));
//! # Ok::<(), PolicyError>(())
//! ```
//!
//! # Nearest
//!
//! For systems that no policy reproduces, the one that comes nearest:
//!
//! | system | nearest policy | what differs |
//! |---|---|---|
//! | Ory Hydra | `hydra` below | a new chain at each presentation, as here; but there the grandparent forks as well, the successor's use does not end the grace period, and another client that shows a spent token ends the family |
//! | SuperTokens | `supertokens` below | nothing in the sequences that are documented |
//! | Supabase | `supabase` below | there the grandparent is answered with the active token; version 1 with a timer of 10 s: heirloom's default |
//! | Keycloak | `keycloak` below | a count without a timer, as here; which of the answers stays good there is undocumented: here the newest |
//! | node-oidc-provider | `node_oidc_provider` below | of several at once one succeeds, and the grant is ended, as here |
//!
//! ```
//! use std::time::Duration;
//! use heirloom::{Leeway, LeewayMode, Mismatch, Policy};
//! # let (second, day) = (Duration::from_secs(1), Duration::from_secs(86_400));
//!
//! let hydra = Policy::builder().leeway(Leeway::fork(60 * second, 32)).build()?;
//! let supertokens = Policy::builder().leeway(Leeway::newest(30 * second)).displaced(Mismatch::Revoke).idle(100 * day).absolute(None).build()?;
//! let supabase = Policy::builder().leeway(Leeway::until_used(LeewayMode::Replay)).build()?;
//! let keycloak = Policy::builder().leeway(Leeway::until_used(LeewayMode::Newest).uses(1)).build()?;
//! let node_oidc_provider = Policy::builder().leeway(None).build()?;
//! # Ok::<(), heirloom::policy::PolicyError>(())
//! ```

use std::time::Duration;

use crate::leeway::Leeway;
use crate::limit::FamilyLimit;
use crate::policy::{Policy, PolicyBuilder, PolicyError, Reaction, Rotation};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// Atlassian OAuth 2.0 (3LO) as it was introduced in 2021: 3 s of leeway, a new token for each presentation; 30 days unused, 365 days
/// from the first consent.
///
/// Reuse ends all refresh tokens of the user at the app, and the user must consent again: [`Reaction::SubjectAndClient`].
///
/// Differs: every branch lives, up to [`Leeway::MAX_BRANCHES`]; there, as integrators observed, the first answer worked until
/// another one was tried. Undocumented: which of the new tokens should work.
///
/// Source: Atlassian, "OAuth 2.0 (3LO) apps", and the developer community's announcement of rotating refresh tokens.
pub fn atlassian_2021() -> Policy {
    atlassian_with(Leeway::fork(3 * SECOND, Leeway::MAX_BRANCHES)).idle(30 * DAY).unchecked()
}

/// Atlassian OAuth 2.0 (3LO) today: as [`atlassian_2021`], but with 10 minutes of leeway and 90 days unused.
///
/// Differs: at most [`Leeway::MAX_BRANCHES`] branches live at once, and one that nobody goes on with counts until its idle end. A leeway of
/// this length that makes new tokens needs a number as well ([`Leeway::uses`], here 100); there none is documented.
///
/// Source: Atlassian, "OAuth 2.0 (3LO) apps", section on rotating refresh tokens.
pub fn atlassian() -> Policy {
    let leeway = Leeway::fork(600 * SECOND, Leeway::MAX_BRANCHES).uses(100);
    atlassian_with(leeway).idle(90 * DAY).unchecked()
}

fn atlassian_with(leeway: Leeway) -> PolicyBuilder {
    let reaction = Reaction::SubjectAndClient;
    Policy::builder().leeway(leeway).on_reuse(reaction).absolute(365 * DAY)
}

/// Auth0 with rotation: the client's own leeway, which by default is zero, with siblings inside; 30 days unused, 30 days in all;
/// 200 families per user and application, of which the oldest is evicted.
///
/// Differs: as many siblings live as [`Leeway::MAX_BRANCHES`]; there all, within the 200. The reuse ends the family; there the grant as
/// well, so withdraw the consent on the event. The evidence that Auth0 logs as `ferrt` is [`Reuse`](crate::family::Reuse). Lifetimes can
/// be set per application there, up to a year: override them here.
///
/// Source: Auth0, "Refresh Token Rotation" and "Configure Refresh Token Expiration".
///
/// # Errors
///
/// As [`PolicyBuilder::build`]: over five minutes, [`PolicyError::Uncounted`].
pub fn auth0(leeway: Duration) -> Result<Policy, PolicyError> {
    let leeway = window(leeway).map(|window| Leeway::fork(window, Leeway::MAX_BRANCHES));
    let limit = FamilyLimit::evict(200);
    Policy::builder().leeway(leeway).idle(30 * DAY).absolute(30 * DAY).limit(limit).build()
}

/// Okta with rotation: 30 s of leeway (0 to 60 there, per app), 7 days unused, 5 years in all.
///
/// Undocumented: which token a retry is answered with, what the grandparent does inside the leeway, and whether the successor's use ends
/// it. Here: the same one, reuse, and yes. Five years are the longest that the app's policy can be set to. A reuse ends the latest refresh
/// token there, and all access tokens since the login.
///
/// Source: Okta, "Refresh access tokens and rotate refresh tokens".
pub fn okta() -> Policy {
    let leeway = Leeway::replay(30 * SECOND);
    Policy::builder().leeway(leeway).idle(7 * DAY).absolute(5 * 365 * DAY).unchecked()
}

/// Lucid: the identical answer for 60 s, 180 days unused, without an end.
///
/// Differs: the successor's use ends the leeway; there it does not. There the answer is kept, encrypted, in a cache; here it is made anew,
/// so nothing that redeems is stored. A reuse revokes the whole grant there: withdraw the consent on the event.
///
/// Source: Lucid, "Refresh tokens" in the developer documentation, which advises 60 s at most.
pub fn lucid() -> Policy {
    Policy::builder().leeway(Leeway::replay(60 * SECOND)).idle(180 * DAY).absolute(None).unchecked()
}

/// Slack token rotation: a new token at each presentation, two active ones at most, and two families per user and app, of which the
/// oldest is evicted.
///
/// Differs: a third presentation is refused without a breach; there the oldest token dies. So the second answer that is lost within the
/// idle lifetime costs the session: a reason to allow more branches, or to replay. Undocumented: how long the old token stays
/// good (here 10 s), what reuse does, and when a refresh token ends. Rotation cannot be turned off again there; here it can.
///
/// Source: Slack, "Using token rotation".
pub fn slack() -> Policy {
    let leeway = Leeway::fork(10 * SECOND, 2);
    Policy::builder().leeway(leeway).limit(FamilyLimit::evict(2)).unchecked()
}

/// Fitbit: the same answer for two minutes.
///
/// Unconfirmed, both: integrators report it so. Reuse, lifetimes and limits are undocumented.
///
/// Source: Fitbit Web API, "Refresh Token", and its developer forum.
pub fn fitbit() -> Policy {
    Policy::builder().leeway(Leeway::replay(120 * SECOND)).unchecked()
}

/// The Fauna blueprint for refresh tokens: siblings for 20 s, reuse is logged and ends nothing, 8 hours unused, without an end.
///
/// Differs: there each presentation begins the 20 s anew, the grandparent has them too, and the successor's use does not end
/// them: a thief who keeps pace is never found. Here each of those is refused, and [`Refusal::Spent`](crate::Refusal::Spent) is
/// the anomaly to watch.
///
/// Source: Fauna, blueprint "refresh tokens".
pub fn fauna_blueprint() -> Policy {
    let leeway = Leeway::fork(20 * SECOND, Leeway::MAX_BRANCHES);
    let reaction = Reaction::Refuse;
    Policy::builder().leeway(leeway).on_reuse(reaction).idle(8 * HOUR).absolute(None).unchecked()
}

/// Django OAuth Toolkit with `REFRESH_TOKEN_GRACE_PERIOD_SECONDS`, which by default is zero, and `REFRESH_TOKEN_REUSE_PROTECTION`: the
/// identical answer inside; no absolute end.
///
/// Without the protection, which is its default: `.on_reuse(Reaction::Refuse)`. With `ROTATE_REFRESH_TOKEN` off:
/// `.rotation(Rotation::Never)`.
///
/// Differs: another client that shows a spent token ends the family there, and here has no effect. Hashed tokens make its grace period
/// impossible; here nothing else is stored. Without `REFRESH_TOKEN_EXPIRE_SECONDS`, which is its default, its refresh tokens never end;
/// here they end after 30 days without use, unless `.idle(None)` is said. With it, they go so long after their access token: add both and set the
/// sum as the idle lifetime.
///
/// Source: Django OAuth Toolkit 3.4, "Settings".
///
/// # Errors
///
/// As [`PolicyBuilder::build`].
pub fn django_oauth_toolkit(grace: Duration) -> Result<Policy, PolicyError> {
    Policy::builder().leeway(window(grace).map(Leeway::replay)).absolute(None).build()
}

/// RFC 9700 for public clients, to the letter: rotation at every use, any second use ends the family (section 4.14.2).
///
/// Differs in nothing that the RFC says; but an honest client that loses a response is logged out. The RFC does not speak of a leeway: with one that
/// replays (`.leeway(Leeway::replay(..))`) thief and owner share one chain, and a round in which one of the two is late tells them apart all the same. It
/// leaves lifetimes to the server: here 30 days unused and 365 days in all, the defaults.
///
/// Source: RFC 9700 sections 2.2.2 and 4.14.2.
pub fn rfc9700_public() -> Policy {
    Policy::builder().rotation(Rotation::EveryUse).leeway(None).unchecked()
}

/// FAPI 2.0 for confidential clients: no rotation, but in extraordinary circumstances; the tokens are sender-constrained or the client
/// is authenticated at every use.
///
/// When rotation is on for a while all the same, a client must be able to retry: the default leeway of 10 s is for that. Binding is the
/// grant's: [`Grant::bound_to`](crate::Grant::bound_to). Lifetimes are heirloom's defaults: 30 days unused, 365 days in all.
///
/// Source: FAPI 2.0 Security Profile section 5.3.2.1; RFC 9700 section 2.2.2.
pub fn fapi2_confidential() -> Policy {
    Policy::builder().rotation(Rotation::Never).unchecked()
}

/// Zero, as vendors write it, is none.
fn window(length: Duration) -> Option<Duration> {
    (!length.is_zero()).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leeway::LeewayMode;
    use crate::policy::{Ends, Mismatch};

    fn all() -> [Policy; 11] {
        [
            atlassian_2021(),
            atlassian(),
            auth0(Duration::ZERO).unwrap(),
            okta(),
            lucid(),
            slack(),
            fitbit(),
            fauna_blueprint(),
            django_oauth_toolkit(Duration::ZERO).unwrap(),
            rfc9700_public(),
            fapi2_confidential(),
        ]
    }

    #[test]
    fn every_profile_passes_the_check_of_the_builder() {
        for profile in all() {
            assert_eq!(profile.to_builder().build(), Ok(profile));
        }
    }

    #[test]
    fn a_leeway_of_zero_is_none_and_the_others_are_checked() {
        let ms = Duration::from_millis(1);
        for (length, leeway) in [
            (Duration::ZERO, Ok(None)),
            (ms, Ok(Some(Leeway::fork(ms, 32)))),
            (Leeway::UNCOUNTED, Ok(Some(Leeway::fork(Leeway::UNCOUNTED, 32)))),
            (Leeway::UNCOUNTED + ms, Err(PolicyError::Uncounted)),
            (Duration::MAX, Err(PolicyError::TooLong { field: "leeway" })),
        ] {
            assert_eq!(auth0(length).map(|policy| policy.leeway()), leeway, "{length:?}");
        }
        let long = Leeway::UNCOUNTED + ms;
        let replayed = django_oauth_toolkit(long).map(|policy| policy.leeway());
        assert_eq!(replayed, Ok(Some(Leeway::replay(long))));
        assert_eq!(django_oauth_toolkit(Duration::ZERO).map(|policy| policy.leeway()), Ok(None));
        let finer = django_oauth_toolkit(Duration::from_nanos(1_500_000));
        assert_eq!(finer, Err(PolicyError::Finer { field: "leeway" }));
    }

    #[test]
    fn overrides_that_contradict_a_profile_are_refused() {
        let counted = |policy: Policy| policy.leeway().unwrap();
        for (overridden, error) in [
            (fauna_blueprint().to_builder().displaced(Mismatch::Revoke), "contradiction"),
            (okta().to_builder().leeway(Leeway::refuse(SECOND).uses(3)), "contradiction"),
            (atlassian().to_builder().leeway(counted(atlassian()).uses(0)), "zero"),
            (slack().to_builder().limit(FamilyLimit::evict(0)), "zero"),
            (slack().to_builder().leeway(Leeway::fork(SECOND, 1)), "branches"),
            (lucid().to_builder().leeway(Leeway::until_used(LeewayMode::Newest)), "uncounted"),
            (lucid().to_builder().ends(Ends::Live).idle(None), "live without ends"),
        ] {
            let found = match overridden.build() {
                Err(PolicyError::Contradiction(_)) => "contradiction",
                Err(PolicyError::Zero { .. }) => "zero",
                Err(PolicyError::Branches(1)) => "branches",
                Err(PolicyError::Uncounted) => "uncounted",
                Err(PolicyError::LiveWithoutEnds) => "live without ends",
                other => panic!("{other:?}"),
            };
            assert_eq!(found, error);
        }
    }
}
