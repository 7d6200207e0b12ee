//! What a refresh costs, beside the floor: the bare primitives that no refresh can do without.
//!
//! `cargo bench` ends with the ratios, writes them to `ratios.json`, and fails if one is over its limit: the README's.
//! `cargo bench --bench refresh -- --limits` measures nothing else, for a gate. A speed is claimed only as such a ratio.

mod floor;
mod ratio;

use std::hint::black_box;
use std::path::Path;
use std::pin::pin;
use std::process::ExitCode;
use std::task::{Context, Poll, Waker};

use criterion::Criterion;
use heirloom::testing::FaultStore;
use heirloom::{Engine, Grant, Key, KeyRing, MemoryStore, Outcome, Policy, Request};

use ratio::{Limit, Ratio};

const FAMILIES: usize = 1_000;
const CLIENT: &str = "web-app";

// As the README says; tests/pages compares them.
const REFRESH: Limit = Limit { measured: "refresh", beside: "floor of a refresh", at_most: 2.0 };
const FORGED: Limit =
    Limit { measured: "forged token", beside: "floor of a forged token", at_most: 2.2 };
const MILLION: Limit = Limit {
    measured: "refresh after a million rotations",
    beside: "refresh of a young family",
    at_most: 1.1,
};

/// With any other argument criterion alone runs: `--test`, a filter.
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|it| it != "--bench").collect();
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("criterion");
    let only_limits = arguments == ["--limits"];
    if !only_limits {
        benchmarks(&directory);
    }
    if only_limits || arguments.is_empty() { limits(&directory) } else { ExitCode::SUCCESS }
}

fn benchmarks(directory: &Path) {
    let mut criterion = Criterion::default().output_directory(directory).configure_from_args();
    bench(&mut criterion, REFRESH.measured, refresh());
    bench(&mut criterion, REFRESH.beside, floor_of_a_refresh());
    bench(&mut criterion, FORGED.measured, forged());
    bench(&mut criterion, FORGED.beside, floor_of_a_forged_token());
    bench(&mut criterion, "replay", replay());
    bench(&mut criterion, "begin and commit", two_steps());
    bench(&mut criterion, MILLION.beside, aged(0));
    bench(&mut criterion, MILLION.measured, aged(1_000_000));
    criterion.final_summary();
}

fn bench(criterion: &mut Criterion, name: &str, mut call: impl FnMut()) {
    criterion.bench_function(name, |bencher| bencher.iter(&mut call));
}

fn limits(directory: &Path) -> ExitCode {
    let ratios = [
        Ratio::measure(&REFRESH, refresh(), floor_of_a_refresh()),
        Ratio::measure(&FORGED, forged(), floor_of_a_forged_token()),
        Ratio::measure(&MILLION, aged(1_000_000), aged(0)),
    ];
    ratio::report(directory, &ratios)
}

fn refresh() -> impl FnMut() {
    let engine = engine(MemoryStore::new());
    let mut tokens = tokens(&engine);
    let mut turn = 0;
    move || {
        turn = (turn + 1) % FAMILIES;
        tokens[turn] = exchange(&engine, &tokens[turn]);
    }
}

fn floor_of_a_refresh() -> impl FnMut() {
    let mut floor = floor::Refresh::new(tokens(&engine(MemoryStore::new())));
    move || floor.run()
}

fn forged() -> impl FnMut() {
    let store = FaultStore::new(MemoryStore::new());
    let counted = engine(store.clone());
    let token = forge(&issue(&counted, 0));
    store.take_operations();
    assert!(matches!(now(counted.refresh(&token, Request::new(CLIENT))), Ok(Outcome::Refused(_))));
    assert_eq!(store.take_operations().total(), 0, "a forged token touches no store");

    let engine = engine(MemoryStore::new());
    move || {
        let refused = now(engine.refresh(black_box(&token), Request::new(CLIENT)));
        black_box(refused.is_ok());
    }
}

fn floor_of_a_forged_token() -> impl FnMut() {
    let token = forge(&issue(&engine(MemoryStore::new()), 0));
    let floor = floor::Verify::new();
    move || {
        black_box(floor.run(black_box(&token)));
    }
}

fn replay() -> impl FnMut() {
    let engine = engine(MemoryStore::new());
    let policy = Policy::builder()
        .leeway(heirloom::Leeway::replay(Policy::MAX_LENGTH))
        .build()
        .expect("a long leeway is a policy");
    let token = issue(&engine, 0);
    exchange(&engine, &token);
    move || {
        black_box(granted(now(engine.refresh(&token, Request::new(CLIENT).policy(&policy)))));
    }
}

fn two_steps() -> impl FnMut() {
    let engine = engine(MemoryStore::new());
    let mut token = issue(&engine, 0);
    move || {
        token = granted(now(async {
            match engine.begin(&token, Request::new(CLIENT)).await? {
                heirloom::Begun::Ready(redemption) => redemption.commit().await,
                heirloom::Begun::Refused(why) => Ok(Outcome::Refused(why)),
            }
        }));
    }
}

/// State per family is constant (property P17), so its age costs nothing.
fn aged(rotations: u32) -> impl FnMut() {
    let engine = engine(MemoryStore::new());
    let mut token = issue(&engine, 0);
    for _ in 0..rotations {
        token = exchange(&engine, &token);
    }
    move || token = exchange(&engine, &token)
}

fn engine<S: heirloom::Store>(store: S) -> Engine<S> {
    let key = Key::new(1, &[7; 32]).expect("32 bytes make a key");
    Engine::new(store, KeyRing::new(key), Policy::default())
}

fn tokens(engine: &Engine<MemoryStore>) -> Vec<String> {
    (0..FAMILIES).map(|user| issue(engine, user)).collect()
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
