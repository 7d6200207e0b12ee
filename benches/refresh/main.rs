//! What a refresh costs, beside the floor: the bare primitives that no refresh can do without.
//!
//! `cargo bench` prints the ratios at its end and writes them to `ratios.json`. A speed is claimed only as such a
//! ratio, of medians of one run.

mod floor;
mod ratio;

use std::hint::black_box;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use criterion::Criterion;
use heirloom::testing::FaultStore;
use heirloom::{Engine, Grant, Key, KeyRing, MemoryStore, Outcome, Policy, Request};

use ratio::Limit;

const FAMILIES: usize = 1_000;
const CLIENT: &str = "web-app";

const LIMITS: [Limit; 3] = [
    Limit { name: "refresh", measured: "refresh", beside: "floor of a refresh", at_most: 1.5 },
    Limit {
        name: "forged",
        measured: "forged token",
        beside: "floor of a forged token",
        at_most: 1.5,
    },
    Limit {
        name: "million",
        measured: "refresh after a million rotations",
        beside: "refresh of a young family",
        at_most: 1.1,
    },
];

fn main() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("criterion");
    let mut criterion = Criterion::default().output_directory(&directory).configure_from_args();
    refresh(&mut criterion);
    forged(&mut criterion);
    replay(&mut criterion);
    two_steps(&mut criterion);
    age(&mut criterion);
    criterion.final_summary();
    ratio::report(&directory, &LIMITS);
}

fn refresh(criterion: &mut Criterion) {
    let engine = engine(MemoryStore::new());
    let mut tokens: Vec<String> = (0..FAMILIES).map(|user| issue(&engine, user)).collect();
    let mut turn = 0;
    criterion.bench_function("refresh", |bencher| {
        bencher.iter(|| {
            turn = (turn + 1) % FAMILIES;
            tokens[turn] = exchange(&engine, &tokens[turn]);
        });
    });
    let mut floor = floor::Refresh::new(tokens);
    criterion.bench_function("floor of a refresh", |bencher| bencher.iter(|| floor.run()));
}

fn forged(criterion: &mut Criterion) {
    let store = FaultStore::new(MemoryStore::new());
    let counted = engine(store.clone());
    let token = forge(&issue(&counted, 0));
    store.take_operations();
    assert!(matches!(now(counted.refresh(&token, Request::new(CLIENT))), Ok(Outcome::Refused(_))));
    assert_eq!(store.take_operations().total(), 0, "a forged token touches no store");

    let engine = engine(MemoryStore::new());
    criterion.bench_function("forged token", |bencher| {
        bencher.iter(|| now(engine.refresh(black_box(&token), Request::new(CLIENT))).is_ok());
    });
    let floor = floor::Verify::new();
    criterion.bench_function("floor of a forged token", |bencher| {
        bencher.iter(|| floor.run(black_box(&token)));
    });
}

fn replay(criterion: &mut Criterion) {
    let engine = engine(MemoryStore::new());
    let policy = Policy::builder()
        .leeway(heirloom::Leeway::replay(Policy::MAX_LENGTH))
        .build()
        .expect("a long leeway is a policy");
    let token = issue(&engine, 0);
    exchange(&engine, &token);
    criterion.bench_function("replay", |bencher| {
        bencher.iter(|| granted(now(engine.refresh(&token, Request::new(CLIENT).policy(&policy)))));
    });
}

fn two_steps(criterion: &mut Criterion) {
    let engine = engine(MemoryStore::new());
    let mut token = issue(&engine, 0);
    criterion.bench_function("begin and commit", |bencher| {
        bencher.iter(|| {
            token = granted(now(async {
                match engine.begin(&token, Request::new(CLIENT)).await? {
                    heirloom::Begun::Ready(redemption) => redemption.commit().await,
                    heirloom::Begun::Refused(why) => Ok(Outcome::Refused(why)),
                }
            }));
        });
    });
}

/// State per family is constant (property P17), so its age costs nothing.
fn age(criterion: &mut Criterion) {
    let engine = engine(MemoryStore::new());
    let mut young = issue(&engine, 0);
    criterion.bench_function("refresh of a young family", |bencher| {
        bencher.iter(|| young = exchange(&engine, &young));
    });
    let mut old = issue(&engine, 1);
    for _ in 0..1_000_000 {
        old = exchange(&engine, &old);
    }
    criterion.bench_function("refresh after a million rotations", |bencher| {
        bencher.iter(|| old = exchange(&engine, &old));
    });
}

fn engine<S: heirloom::Store>(store: S) -> Engine<S> {
    let key = Key::new(1, &[7; 32]).expect("32 bytes make a key");
    Engine::new(store, KeyRing::new(key), Policy::default())
}

fn issue<S: heirloom::Store>(engine: &Engine<S>, user: usize) -> String {
    let grant = Grant::new(&format!("user {user}"), CLIENT).scope("read write");
    let issued = now(engine.issue(grant)).expect("memory does not fail");
    issued.token.expect("an issue makes a token").into_exposed()
}

fn exchange<S: heirloom::Store>(engine: &Engine<S>, token: &str) -> String {
    granted(now(engine.refresh(token, Request::new(CLIENT))))
}

fn granted(outcome: Result<Outcome, heirloom::Error>) -> String {
    match outcome {
        Ok(Outcome::Granted(granted)) => granted.token.expect("the policy rotates").into_exposed(),
        other => panic!("not granted: {other:?}"),
    }
}

/// The token with its last character changed.
fn forge(token: &str) -> String {
    let (rest, last) = token.split_at(token.len() - 1);
    format!("{rest}{}", if last == "A" { "B" } else { "A" })
}

/// A future of the in-memory store never waits, so an executor would only be measured with it.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("the in-memory store never waits"),
    }
}
