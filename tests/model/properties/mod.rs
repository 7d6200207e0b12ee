//! P1 to P19 as invariants, one function each. They look at what was asked, answered, stored, counted and said, and
//! at the notes of the driver; the agreement with the model is checked besides.

mod bounds;
mod lost;
mod uses;

use std::collections::BTreeSet;

use heirloom::Event;
use heirloom::family::{Family, Head};
use heirloom::testing::Operations;
use heirloom::token::FamilyId;

use super::answers::Actual;
use super::history::{Model, Standing};
use super::log::Log;
use super::node::Records;
use super::operation::Trouble;
use super::words::{Answer, Ask, Asked, Granted, Showing, TokenNo};

/// One call, and all that can be seen of it.
pub struct Moment<'a> {
    pub ask: &'a Ask,
    pub trouble: &'a Trouble,
    /// Whether the trouble has come.
    pub struck: bool,
    /// Whether it was counted together with another presentation.
    pub shared: bool,
    /// `None`: the future was dropped.
    pub answer: Option<&'a Answer>,
    /// What the model answers.
    pub expected: &'a Answer,
    /// The string that was released.
    pub released: Option<&'a str>,
    pub before: &'a Records,
    pub after: &'a Records,
    pub operations: &'a Operations,
    pub events: &'a [Event],
    /// `Debug` and `Display` of everything.
    pub said: &'a str,
    /// For a commit: the family as it was at `begin`.
    pub begun: Option<&'a Family>,
    /// The history before the call.
    pub model: &'a Model,
    pub ids: &'a [FamilyId],
}

/// Calls that raced.
pub struct Crowd<'a> {
    pub asks: &'a [Ask],
    pub actuals: &'a [Actual],
    pub before: &'a Records,
    pub after: &'a Records,
}

/// Every property that one call can break, in order.
pub fn hold(moment: &Moment<'_>, log: &Log) {
    uses::p01_at_most_one_successor(log);
    uses::p01_a_displaced_token_is_good_no_more(moment, log);
    uses::p01_so_many_branches_at_most(moment);
    uses::p02_reuse_ends_the_family_before_the_refusal(moment);
    uses::p02_nothing_that_fails_shields_what_reuse_ends(moment);
    uses::p03_revoked_is_absorbing(moment, log);
    uses::p04_strangers_change_nothing(moment);
    uses::p05_tag_and_digest_both_match(moment);
    uses::p06_nothing_at_rest_is_redeemable(moment);
    uses::p07_leeway_is_the_predecessors_and_never_extended(moment, log);
    uses::p08_order_is_by_generation(moment);
    bounds::p09_ends_are_stored_and_enforced(moment, log);
    bounds::p10_scope_is_within_the_grant_and_refusals_consume_nothing(moment);
    bounds::p11_purge_is_never_permissive(moment);
    bounds::p12_nothing_secret_is_said(moment);
    lost::p13_an_honest_retry_never_loses_its_family(moment, log);
    lost::p15_a_stored_write_and_a_retry_give_one_successor(moment, log);
    lost::p16_lost_writes_are_not_taken_for_theft(moment);
    bounds::p17_state_and_writes_are_constant(moment);
    bounds::p18_round_trips_are_bounded(moment);
    lost::p19_a_dropped_future_is_a_lost_answer(moment, log);
}

/// Every property that calls can break together.
pub fn hold_at_once(crowd: &Crowd<'_>, answers: &[Answer], model: &Model, log: &Log) {
    uses::p01_at_most_one_successor(log);
    lost::p14_presenters_at_once_get_one_successor(crowd, answers, model);
}

impl Moment<'_> {
    /// The families that the call is about.
    pub fn about(&self) -> BTreeSet<FamilyId> {
        match &self.ask.call {
            Asked::RevokeFamily(no) | Asked::ChangeGrant(no, _) => [self.ids[*no]].into(),
            Asked::RevokeAll { subject, client, keep } => {
                let keep = keep.map(|no| self.ids[no]);
                let meant = |family: &&Family| {
                    Some(family.id) != keep
                        && subject.is_none_or(|subject| *family.grant.subject == *subject)
                        && client.is_none_or(|client| *family.grant.client == *client)
                };
                self.after.values().filter(meant).map(|family| family.id).collect()
            }
            Asked::Refresh(showing)
            | Asked::Begin(showing)
            | Asked::Commit(showing, _)
            | Asked::Revoke(showing)
            | Asked::Introspect(showing)
            | Asked::Explain(showing) => {
                let token = showing.token.map(|token| &self.model.tokens[token]);
                token.into_iter().map(|token| self.ids[token.family]).collect()
            }
            Asked::Issue(..) | Asked::Adopt { .. } | Asked::Purge { .. } => BTreeSet::new(),
        }
    }

    /// The records of what the call is about, before it and after it.
    pub fn records(&self) -> Option<(&Family, &Family)> {
        let id = self.about().into_iter().next()?;
        Some((self.before.get(&id)?, self.after.get(&id)?))
    }

    /// A refresh by a genuine token on a family that the store knows: who shows which token, and where it stands.
    pub fn refreshed(&self) -> Option<(&Showing, TokenNo, Standing)> {
        let showing = self.ask.refresh()?;
        let token = showing.token?;
        let family = self.model.kept.get(&self.model.tokens[token].family)?;
        Some((showing, token, self.model.standing(family, token)))
    }

    /// Whether the token's own client shows it, with its own key.
    pub fn is_owner(&self, showing: &Showing, token: TokenNo) -> bool {
        let consent = &self.model.issued[self.model.tokens[token].family].0;
        consent.client == showing.client && (consent.key.is_none() || consent.key == showing.proof)
    }

    /// What was granted on a refresh, and on which request.
    pub fn granted(&self) -> Option<(&Showing, &Granted)> {
        match (self.ask.refresh(), self.answer) {
            (Some(showing), Some(Answer::Granted(granted))) => Some((showing, granted)),
            _ => None,
        }
    }

    /// The branch of the token that is shown, before the call and after it.
    pub fn heads(&self, token: TokenNo) -> Option<(&Head, &Head)> {
        let (before, after) = self.records()?;
        let branch = u16::try_from(self.model.tokens[token].line).expect("a small number");
        Some((before.head_of(branch)?, after.head_of(branch)?))
    }

    /// The same for whatever token is shown.
    pub fn heads_shown(&self) -> Option<(&Head, &Head)> {
        self.heads(self.ask.refresh()?.token?)
    }

    /// Whether an answer was given, good or bad, rather than none or an error.
    pub fn is_answered(&self) -> bool {
        !matches!(self.answer, None | Some(Answer::Failed(_)))
    }
}
