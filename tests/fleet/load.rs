//! Clients that keep a fleet busy.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::history::{About, History, Totals, Violation};
use super::place::{Place, wait};
use super::process::{Fleet, Heard};
use super::random::below;
use super::session::{Mix, Session};
use super::wire::{Answer, Ask, Said};

/// How long a client waits after an error before it tries again.
const AGAIN_AFTER: Duration = Duration::from_millis(20);
/// How long a client tries until it is an error of the test: as long as a server may be away, on a machine that is busy too.
pub const CURED_WITHIN: Duration = Duration::from_secs(300);

pub struct Load {
    pub history: History,
    fleet: Fleet,
    place: Place,
    mix: Mix,
    began: Instant,
    sessions: Vec<Session>,
    /// Those that wait for nothing, the hot ones apart.
    idle: [Vec<usize>; 2],
    calls: BTreeMap<u64, Call>,
    /// How many calls have been sent and not been answered.
    in_flight: usize,
    /// Calls that failed, and when they are sent again.
    later: VecDeque<(Duration, u64)>,
    numbers: u64,
    ready: Vec<bool>,
}

/// A request of a client, until it is answered with anything but an error.
struct Call {
    session: usize,
    ask: Ask,
    about: About,
    first_sent_at: Duration,
    /// Where it is under way.
    server: Option<usize>,
}

impl Load {
    pub fn start(place: Place, servers: usize, mix: Mix) -> Self {
        #[expect(clippy::disallowed_methods, reason = "a test beside real processes")]
        let began = Instant::now();
        Self {
            history: History::default(),
            fleet: Fleet::start(place.clone(), servers),
            place,
            mix,
            began,
            sessions: (0..mix.sessions).map(|number| Session::new(number, &mix)).collect(),
            idle: [(mix.hot..mix.sessions).collect(), (0..mix.hot).collect()],
            calls: BTreeMap::new(),
            in_flight: 0,
            later: VecDeque::new(),
            numbers: 0,
            ready: vec![true; servers],
        }
    }

    /// Every client signs in.
    pub fn sign_in(&mut self) {
        for number in 0..self.sessions.len() {
            while self.in_flight >= self.mix.calls {
                self.step();
            }
            self.idle.iter_mut().for_each(|idle| idle.retain(|it| *it != number));
            self.go(number);
        }
        self.settle();
    }

    /// Keeps the fleet busy for as long as this is wanted.
    pub fn run(&mut self, mut wanted: impl FnMut(&Totals, Duration) -> bool) {
        while wanted(&self.history.totals, self.now()) {
            while self.in_flight < self.mix.calls {
                let Some(number) = self.take() else { break };
                self.go(number);
            }
            self.step();
        }
    }

    /// Starts nothing more, and waits until every call is answered with anything but an error.
    pub fn settle(&mut self) {
        while !self.calls.is_empty() {
            self.step();
        }
    }

    /// Starts nothing more, and waits until every call that is under way is answered, be it with an error.
    pub fn pause(&mut self) {
        while self.in_flight > 0 {
            self.hear(Duration::from_millis(100));
        }
    }

    /// SIGKILL. Answers that it had given are heard; other calls are sent again later.
    pub fn kill(&mut self, server: usize) {
        self.fleet.kill(server);
        self.ready[server] = false;
        while !self.hear(CURED_WITHIN) {}
        let lost = self.calls.iter_mut().filter(|(_, call)| call.server == Some(server));
        let mut numbers = Vec::new();
        for (number, call) in lost {
            call.server = None;
            numbers.push(*number);
        }
        for number in numbers {
            self.in_flight -= 1;
            self.history.lost(number);
            self.later.push_front((Duration::ZERO, number));
        }
    }

    /// Starts a server again; the others go on.
    pub fn restart(&mut self, server: usize) {
        self.fleet.start_one(server);
        while !self.ready[server] {
            self.step();
        }
    }

    /// Compares the store with the history, at a moment when no call is under way.
    pub fn check(&mut self) {
        assert_eq!(self.in_flight, 0, "calls under way");
        let compared = wait(self.history.compare(&self.place));
        assert!(compared.is_ok(), "{compared:?}");
        self.assert_clean();
    }

    /// Nothing that cannot be has been seen.
    pub fn assert_clean(&self) {
        let History { violations, strange, .. } = &self.history;
        assert!(violations.is_empty(), "{} violations: {:#?}", violations.len(), first(violations));
        assert!(strange.is_empty(), "refusals that cannot be: {strange:?}");
    }

    pub fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn take(&mut self) -> Option<usize> {
        let hot = self.mix.hot_in > 0 && below(self.mix.hot_in) == 0;
        let idle = &mut self.idle[usize::from(hot)];
        if idle.is_empty() { None } else { Some(idle.swap_remove(below(idle.len()))) }
    }

    fn go(&mut self, session: usize) {
        let now = self.now();
        let servers = self.ready.len();
        let moves = self.sessions[session].moves(&self.mix, servers, &self.history, now);
        self.sessions[session].waiting = moves.len();
        let first = below(servers);
        for (turn, (ask, about)) in moves.into_iter().enumerate() {
            self.numbers += 1;
            let call = Call { session, ask, about, first_sent_at: now, server: None };
            self.calls.insert(self.numbers, call);
            self.send(self.numbers, first + turn);
        }
    }

    /// To the server whose turn it is, or the next that runs.
    fn send(&mut self, number: u64, turn: usize) {
        let servers = self.ready.len();
        let runs = (turn..turn + servers).map(|turn| turn % servers).find(|it| self.ready[*it]);
        let (at, call) = (self.now(), self.calls.get_mut(&number).expect("a call"));
        let Some(server) = runs else { return self.later.push_back((at + AGAIN_AFTER, number)) };
        call.server = Some(server);
        self.history.sent(number, &call.about, at);
        self.fleet.ask(server, number, &call.ask);
        self.in_flight += 1;
    }

    /// Sends again what is due, and hears what comes next.
    fn step(&mut self) {
        while self.later.front().is_some_and(|(due, _)| *due <= self.now()) {
            let Some((_, number)) = self.later.pop_front() else { break };
            let waited = self.now() - self.calls[&number].first_sent_at;
            assert!(waited < CURED_WITHIN, "not cured: {:?}", self.calls[&number].ask);
            self.send(number, below(self.ready.len()));
        }
        self.hear(Duration::from_millis(2));
    }

    /// Whether a server is gone for good.
    fn hear(&mut self, within: Duration) -> bool {
        let heard = self.fleet.hear(within);
        match heard {
            None => {}
            Some((server, Heard::Said(Said::Ready))) => self.ready[server] = true,
            Some((server, Heard::Said(Said::Unready(why)))) => panic!("server {server}: {why}"),
            Some((_, Heard::Said(Said::Ended(family, why)))) => {
                self.history.events.push((family, why));
            }
            Some((_, Heard::Said(Said::Answer(number, answer)))) => self.answered(number, &answer),
            Some((server, Heard::Gone)) if self.ready[server] => panic!("server {server} is gone"),
            Some((_, Heard::Gone)) => return true,
        }
        false
    }

    fn answered(&mut self, number: u64, answer: &Answer) {
        let now = self.now();
        self.in_flight -= 1;
        self.history.answered(number, answer, now);
        if matches!(answer, Answer::Failed { .. }) {
            self.calls.get_mut(&number).expect("a call").server = None;
            return self.later.push_back((now + AGAIN_AFTER, number));
        }
        let call = self.calls.remove(&number).expect("a call");
        let session = &mut self.sessions[call.session];
        session.answered(&call.about, answer, now);
        if session.waiting == 0 {
            self.idle[usize::from(session.is_hot)].push(call.session);
        }
    }
}

fn first(violations: &[Violation]) -> &[Violation] {
    &violations[..violations.len().min(5)]
}
