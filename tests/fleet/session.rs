//! One client with one family at a time, and what it does next.

use std::time::Duration;

use heirloom::token::FamilyId;

use super::history::{About, History};
use super::random::below;
use super::wire::{Answer, Ask, End, Why};

/// How old its token is at most when a client shows the one before again, as if the answer had been lost: well inside
/// the leeway.
const FORGETFUL: Duration = Duration::from_secs(15);

/// What the clients do, beside refreshing: each number is one in so many moves, 0: never.
#[derive(Clone, Copy, Debug)]
pub struct Mix {
    pub sessions: usize,
    /// So many of them show each token at every server at once.
    pub hot: usize,
    /// One in so many moves is a hot one's.
    pub hot_in: usize,
    /// Calls that are under way at most.
    pub calls: usize,
    pub tabs_in: usize,
    pub retry_in: usize,
    pub revoke_in: usize,
    pub logout_in: usize,
    pub theft_in: usize,
}

#[derive(Debug)]
pub struct Session {
    pub subject: String,
    pub is_hot: bool,
    /// The family and the generation that it holds; `None`: it must sign in.
    pub held: Option<(FamilyId, u32)>,
    held_since: Duration,
    /// Answers that are to come.
    pub waiting: usize,
    /// Its family has ended, as far as it knows.
    over: bool,
    /// It has shown its token all the same.
    probed: bool,
}

/// One request, and what it is about.
pub type Move = (Ask, About);

impl Session {
    pub fn new(number: usize, mix: &Mix) -> Self {
        Self {
            // Of one subject in five; a hot one's logout is its own.
            subject: format!(
                "user-{}",
                if number < mix.hot { number } else { mix.hot + number / 5 }
            ),
            is_hot: number < mix.hot,
            held: None,
            held_since: Duration::ZERO,
            waiting: 0,
            over: false,
            probed: false,
        }
    }

    /// The next requests: sent all at once, each to another server as far as there are so many.
    pub fn moves(
        &mut self,
        mix: &Mix,
        servers: usize,
        history: &History,
        now: Duration,
    ) -> Vec<Move> {
        if self.over && self.probed {
            (self.held, self.over, self.probed) = (None, false, false);
        }
        let Some((family, generation)) = self.held else {
            let subject = self.subject.clone();
            return vec![(Ask::Issue { subject: subject.clone() }, About::Issue { subject })];
        };
        let token = |generation| history.families[&family].token(generation).to_owned();
        let show = |generation| {
            (Ask::Refresh { token: token(generation) }, About::Shown { family, generation })
        };
        let shows = |tabs| (0..tabs).map(|_| show(generation)).collect::<Vec<_>>();
        if self.over {
            self.probed = true;
            return shows(servers);
        }
        let tabs = if self.is_hot { servers } else { 1 + usize::from(one_in(mix.tabs_in)) };
        if one_in(mix.theft_in) && generation >= 2 {
            return vec![show(generation - 2)];
        }
        if one_in(mix.logout_in) {
            let subject = self.subject.clone();
            return vec![(Ask::Logout { subject: subject.clone() }, About::Logout { subject })];
        }
        if one_in(mix.revoke_in) {
            let why = End::ALL[below(End::ALL.len())];
            let ask = match why {
                End::ClientRequest => Ask::Revoke { token: token(generation) },
                End::Logout | End::Administrator => Ask::End { family, why },
            };
            // Against rotations in flight, every other time.
            let mut moves = shows(if self.is_hot { tabs } else { below(2) });
            moves.insert(below(moves.len() + 1), (ask, About::End { family }));
            return moves;
        }
        let is_young = now.saturating_sub(self.held_since) < FORGETFUL;
        if one_in(mix.retry_in) && generation >= 1 && is_young {
            return vec![show(generation - 1)];
        }
        shows(tabs)
    }

    /// One answer that is not an error.
    pub fn answered(&mut self, about: &About, answer: &Answer, now: Duration) {
        self.waiting -= 1;
        match answer {
            Answer::Granted(grant) => {
                let next = (grant.family, grant.generation);
                if self.held.is_none_or(|held| held.1 < next.1) {
                    (self.held, self.held_since) = (Some(next), now);
                }
            }
            Answer::Refused(why) => {
                self.over = true;
                self.probed |= !matches!(why, Why::Revoked | Why::Reused);
            }
            Answer::Ended => self.over |= matches!(about, About::End { .. }),
            Answer::Failed { .. } => {}
        }
    }
}

fn one_in(number: usize) -> bool {
    number > 0 && below(number) == 0
}
