//! A long life of several families, failures among it, and everything that can be printed on the way.

use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use heirloom::adoption::Legacy;
use heirloom::engine::Introspection;
use heirloom::family::{Family, Impossible};
use heirloom::guard::Guard;
use heirloom::testing::{Fault, FaultStore, FaultyEntropy, ManualClock, SeededEntropy};
use heirloom::token::{Parsed, Presented};
use heirloom::{
    AdoptionKey, Begun, Binding, Clock, Engine, FamilyLimit, Grant, Key, KeyRing, Leeway,
    MemoryStore, Outcome, Page, Policy, Reaction, Reason, Recovery, Request, RevokeOutcome,
    Rotation, Selector, Timestamp, oauth, record,
};
use pollster::block_on;

use super::printer::{Printer, PrintingStore};

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// Key material with no two bytes alike.
const MATERIAL: [u8; 32] = *b"\x8d\x01\xf3\x5c\x22\xb7\x90\x4e\xdb\x6a\x17\xc8\x3f\xa5\x70\xe9\
                              \x0b\x99\x54\xcd\x36\xf8\x81\x2d\x64\xb2\x1f\xea\x47\x7c\xd5\x03";

/// Material of the adoption key, and a legacy token: again no two bytes alike.
const ADOPTION: [u8; 32] = *b"\x1b\xe6\x42\x9d\xf0\x37\xac\x68\x05\xd1\x7e\xb9\x26\x93\xc4\x5f\
                              \x8a\x13\xee\x79\x50\xa7\x3c\xdd\x62\xb4\x0f\x95\xc8\x21\x76\xfb";
const LEGACY: &str = "9kQzT4mXv7LpJ2wYc8RbN5sHg3FdAe6UiOo1ZxWqVtMnBj0KyEhGrSfDuCaPlI-legacy-token";

type PrintingEngine = Engine<PrintingStore, ManualClock, FaultyEntropy<SeededEntropy>>;

/// What was printed, and what must not be in it.
pub struct Story {
    pub printed: Vec<String>,
    pub secrets: Vec<(&'static str, Vec<u8>)>,
    pub tokens: Vec<String>,
    pub records: Vec<Vec<u8>>,
}

/// The story while it is told.
struct Telling {
    engine: PrintingEngine,
    clock: ManualClock,
    entropy: FaultyEntropy<SeededEntropy>,
    store: PrintingStore,
    printer: Printer,
    story: Story,
}

impl Story {
    pub fn tell() -> Self {
        let mut telling = Telling::new();
        let token = telling.a_life_with_a_breach();
        telling.refusals(&token);
        telling.errors();
        telling.grants_and_ends();
        telling.other_leeways();
        telling.adoption();
        telling.recovery();
        telling.what_stands_still(&token);
        telling.story.printed = telling.printer.take();
        telling.story.secrets.sort();
        telling.story.secrets.dedup();
        telling.story
    }
}

impl Telling {
    fn new() -> Self {
        let printer = Printer::default();
        let inner = FaultStore::new(MemoryStore::new());
        let store = PrintingStore { inner, printer: printer.clone() };
        let clock = ManualClock::at(START);
        let entropy = FaultyEntropy::new(SeededEntropy::new(3));
        let adoption = AdoptionKey::new(&ADOPTION).unwrap();
        let keys = KeyRing::new(Key::new(1, &MATERIAL).unwrap()).with_adoption(adoption);
        let engine = Engine::new(store.clone(), keys, Policy::default())
            .with_clock(clock.clone())
            .with_entropy(entropy.clone())
            .with_observer(std::sync::Arc::new(printer.clone()));
        let secrets = vec![
            ("key", MATERIAL.to_vec()),
            ("adoption key", ADOPTION.to_vec()),
            ("legacy", LEGACY.as_bytes().to_vec()),
        ];
        let (printed, tokens, records) = (Vec::new(), Vec::new(), Vec::new());
        let story = Story { printed, secrets, tokens, records };
        Self { engine, clock, entropy, store, printer, story }
    }

    fn issue(&mut self, grant: Grant) -> String {
        let issued = block_on(self.engine.issue(grant)).unwrap();
        self.printer.debug(&issued);
        self.keep(issued.token.unwrap().into_exposed())
    }

    /// Presents a token without a commit, and prints all that comes of it.
    fn begin(&mut self, token: &str, request: Request<'_>) {
        match block_on(self.engine.begin(token, request)).unwrap() {
            Begun::Ready(redemption) => self.printer.debug(&redemption),
            Begun::Refused(why) => self.printer.error(&why),
        }
    }

    /// Presents a token, and prints all that comes of it.
    fn refresh(&mut self, token: &str, request: Request<'_>) -> Option<String> {
        self.printer.both(&block_on(self.engine.explain(token, request)).unwrap());
        self.printer.debug(&block_on(self.engine.introspect(token)).unwrap());
        match block_on(self.engine.refresh(token, request)) {
            Ok(outcome) => self.outcome(outcome),
            Err(error) => {
                self.printer.error(&error);
                None
            }
        }
    }

    fn outcome(&mut self, outcome: Outcome) -> Option<String> {
        self.printer.debug(&outcome);
        match outcome {
            Outcome::Granted(granted) => {
                self.printer.debug(&granted.token);
                let response = oauth::token_response(granted);
                self.printer.debug(&response);
                response.refresh_token.map(|token| self.keep(token))
            }
            Outcome::Refused(why) => {
                self.printer.error(&why);
                self.printer.debug(&oauth::error(&why));
                self.printer.both(&oauth::error(&why).code);
                None
            }
        }
    }

    /// Notes a token, its secret, and what the store holds of all families.
    fn keep(&mut self, token: String) -> String {
        let mut bytes = [0; 72];
        Base64UrlUnpadded::decode(&token[token.len() - 96..], &mut bytes).unwrap();
        self.story.secrets.push(("secret", bytes[24..56].to_vec()));
        self.story.tokens.push(token.clone());
        for family in self.store.inner.inner().snapshot() {
            self.printer.debug(&family);
            self.family(&family);
        }
        token
    }

    fn family(&mut self, family: &Family) {
        let beside = family.branches.live.iter().map(|branch| &branch.head);
        for head in std::iter::once(&family.head).chain(beside) {
            self.story.secrets.push(("digest", head.digest.as_bytes().to_vec()));
            if let Some(predecessor) = &head.predecessor {
                self.story.secrets.push(("digest", predecessor.digest.as_bytes().to_vec()));
                self.story.secrets.push(("salt", predecessor.salt.as_bytes().to_vec()));
            }
        }
        self.story.records.push(record::encode(family));
    }

    fn a_life_with_a_breach(&mut self) -> String {
        let request = Request::new("web-app");
        let root = self.issue(Grant::new("alice", "web-app").scope("read").attribute("acr", "2"));
        let first = self.refresh(&root, request).unwrap();
        self.refresh(&root, request.scope("read")).unwrap();
        let second = match block_on(self.engine.begin(&first, request)).unwrap() {
            Begun::Ready(redemption) => {
                self.printer.debug(&redemption);
                block_on(redemption.commit()).unwrap()
            }
            Begun::Refused(why) => panic!("{why}"),
        };
        let second = self.outcome(second).unwrap();
        self.begin(&second, request);
        self.refresh(&root, request);
        self.refresh(&second, request);
        second
    }

    fn refusals(&mut self, dead: &str) {
        let bound = Grant::new("alice", "phone").scope("read").bound_to(Binding::Jkt([9; 32]));
        let token = self.issue(bound);
        let request = Request::new("phone").binding(Binding::Jkt([9; 32]));
        let altered =
            token.replacen(&token[40..41], if &token[40..41] == "A" { "B" } else { "A" }, 1);
        for shown in [dead, "", "rt_", &token[1..], &token[..90], &altered, &format!("{token}=")] {
            self.refresh(shown, request);
            self.begin(shown, request);
            self.printer.debug(&block_on(self.engine.revoke(shown, request)).unwrap());
        }
        self.refresh(&token, Request::new("phone"));
        self.refresh(&token, Request::new("other"));
        self.refresh(&token, request.scope("read admin"));
        self.refresh(&token, request.resources(&["https://api.example"]));
        self.printer.debug(&request);
    }

    fn errors(&mut self) {
        let request = Request::new("web-app");
        let token = self.issue(Grant::new("alice", "web-app"));
        for fault in [Fault::Before, Fault::After, Fault::Conflict, Fault::ConflictAfter] {
            self.store.inner.fail(fault, 9, |operation| operation.writes());
            let failed = block_on(self.engine.refresh(&token, request));
            self.printer.debug(&failed);
            self.printer.debug(&self.store.inner);
            if let Err(error) = failed {
                self.printer.error(&error);
            }
            self.store.inner.heal();
        }
        let Ok(presented) = Presented::verify(&token, &self.engine.keys()) else { panic!("ours") };
        let family = presented.position().family;
        self.store.inner.poison(family, Some(Impossible { family, field: "salt" }));
        self.printer.error(&block_on(self.engine.refresh(&token, request)).unwrap_err());
        self.store.inner.poison(family, None);
        self.entropy.fail(1);
        self.printer.error(&block_on(self.engine.issue(Grant::new("a", "b"))).unwrap_err());
        self.printer.error(&block_on(self.engine.issue(Grant::new("", "b"))).unwrap_err());
        let twice =
            KeyRing::new(Key::new(1, &MATERIAL).unwrap()).accept(Key::new(1, &MATERIAL).unwrap());
        self.printer.error(&twice.unwrap_err());
        let hex = super::needle::hex(&MATERIAL);
        for bad in [format!("1:{hex}0"), format!("x:{hex}"), format!("1:{}", &hex[..60])] {
            self.printer.error(&KeyRing::from_text(&bad).unwrap_err());
        }
    }

    fn grants_and_ends(&mut self) {
        let request = Request::new("tv");
        let token = self.issue(Grant::new("bob", "tv").scope("play"));
        let next = self.refresh(&token, request).unwrap();
        let Introspection::Active(active) = block_on(self.engine.introspect(&next)).unwrap() else {
            panic!("active")
        };
        self.printer.debug(&oauth::introspection(&Introspection::Active(active.clone())));
        let raised = Grant::new("bob", "tv").scope("play record");
        block_on(self.engine.change_grant(active.family, |_| raised.clone())).unwrap();
        self.refresh(&token, request);
        let keep = Policy::builder().rotation(Rotation::Never).build().unwrap();
        self.clock.advance(Duration::from_secs(3 * 86_400));
        self.refresh(&next, request.policy(&keep));
        let outcome = block_on(self.engine.revoke(&token, request)).unwrap();
        self.printer.debug(&outcome);
        assert_eq!(outcome, RevokeOutcome::Ended);
        let alice = Selector::subject("alice");
        let page = Page { after: None, limit: 9 };
        self.printer.debug(&block_on(self.engine.families(&alice, page)).unwrap());
        block_on(self.engine.revoke_all(&alice, Reason::ConsentWithdrawn)).unwrap();
        self.clock.advance(Duration::from_secs(8 * 86_400));
        block_on(self.engine.purge(9)).unwrap();
        self.refresh(&next, request);
    }

    /// Displaced tokens, branches, counted replays, a family too many, and a breach that ends more than its own family.
    fn other_leeways(&mut self) {
        let ten = Duration::from_secs(10);
        let mut last = None;
        for leeway in [Leeway::newest(ten), Leeway::fork(ten, 2), Leeway::replay(ten).uses(1)] {
            let policy = Policy::builder().leeway(leeway).on_reuse(Reaction::Subject);
            let policy = policy.limit(FamilyLimit::evict(2)).build().unwrap();
            self.printer.debug(&policy);
            let request = Request::new("car").policy(&policy);
            let issued = block_on(self.engine.issue_under(&policy, Grant::new("eve", "car")));
            let root = self.keep(issued.unwrap().token.unwrap().into_exposed());
            let first = self.refresh(&root, request).unwrap();
            self.refresh(&root, request);
            self.refresh(&first, request);
            self.clock.advance(Duration::from_secs(1));
            last = Some(root);
        }
        let wide = Policy::builder().on_reuse(Reaction::Subject).build().unwrap();
        self.clock.advance(Duration::from_secs(11));
        self.refresh(&last.unwrap(), Request::new("car").policy(&wide));
        self.printer.error(&Policy::builder().leeway(Leeway::fork(ten, 1)).build().unwrap_err());
        let tight = Policy::builder().limit(FamilyLimit::refuse(1)).build().unwrap();
        let issue = || block_on(self.engine.issue_under(&tight, Grant::new("mallory", "car")));
        drop(issue());
        self.printer.error(&issue().unwrap_err());
        self.printer.debug(&issue());
    }

    fn adoption(&mut self) {
        let request = Request::new("car");
        let legacy = Legacy::token(LEGACY).unwrap();
        self.printer.debug(&legacy);
        self.printer.debug(&AdoptionKey::new(&ADOPTION));
        self.printer.error(&AdoptionKey::new(&ADOPTION[..31]).unwrap_err());
        self.printer.error(&Legacy::token("").unwrap_err());
        self.printer.error(&Legacy::token(&LEGACY.repeat(1_000)).unwrap_err());
        self.refresh(LEGACY, request);
        let until = self.clock.now().saturating_add(Duration::from_secs(86_400));
        for subject in ["carol", "carol", "dave"] {
            let adopted = block_on(self.engine.adopt(&legacy, Grant::new(subject, "car"), until));
            self.printer.debug(&adopted);
            if let Err(error) = adopted {
                self.printer.error(&error);
            }
        }
        self.begin(LEGACY, request);
        self.printer.debug(&block_on(self.engine.revoke(LEGACY, Request::new("other"))));
        let one = self.refresh(LEGACY, request).unwrap();
        self.refresh(LEGACY, request);
        self.refresh(&one, request);
    }

    fn recovery(&mut self) {
        let request = Request::new("boat");
        let root = self.issue(Grant::new("frank", "boat"));
        let backup = self.store.inner.inner().snapshot();
        let one = self.refresh(&root, request).unwrap();
        let two = self.refresh(&one, request).unwrap();
        self.store.inner.inner().restore(backup);
        self.clock.advance(Duration::from_secs(1));
        let now = self.clock.now();
        let window = Recovery::new(now, now.saturating_add(Duration::from_secs(60)), now).unwrap();
        self.printer.error(&Recovery::new(now, now, now).unwrap_err());
        self.engine.open_recovery(window);
        self.printer.debug(&self.engine.recovery());
        self.refresh(&one, request);
        self.refresh(&two, request);
        self.engine.close_recovery();
    }

    /// What is printed without anything happening.
    fn what_stands_still(&mut self, token: &str) {
        let keys = self.engine.keys();
        let presented = Presented::verify(token, &keys).unwrap();
        let request = Request::new("web-app");
        self.printer.debug(&Parsed::parse(token).unwrap());
        self.printer.debug(&Guard::new(&presented, &request, &self.engine.policy(), START));
        self.printer.debug(&presented);
        self.printer.debug(&keys);
        self.printer.debug(keys.active());
        self.printer.debug(&self.engine);
        self.printer.debug(self.store.inner.inner());
        let scan = KeyRing::from_text(&format!("7:acme:{}", super::needle::hex(&MATERIAL)));
        self.printer.debug(&scan);
    }
}
