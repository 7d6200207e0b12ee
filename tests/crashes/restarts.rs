//! PostgreSQL and Redis: the server is killed under load and started again; the process that asks it lives on.

use std::thread::JoinHandle;

use super::servers::Servers;
use super::sqlite::MIX;
use crate::fleet::load::Load;
use crate::fleet::place::{Place, wait};
use crate::fleet::random::{below, name};

const STOPS: usize = 10;

pub fn postgres() {
    let servers = Servers::start("postgres");
    let place = Place::Postgres(servers.url.clone(), name());
    stopped_again_and_again("postgres", &servers, place);
}

/// With `appendfsync always`: the setting that keeps what is acknowledged.
pub fn redis() {
    let servers = Servers::start("redis");
    let place = Place::Redis(servers.url.clone(), name());
    stopped_again_and_again("redis", &servers, place);
}

fn stopped_again_and_again(store: &str, servers: &Servers, place: Place) {
    wait(place.prepare()).expect("a server");
    let mut load = Load::start(place, 1, MIX);
    load.sign_in();
    for _ in 0..STOPS {
        let answers = load.history.totals.rotated + 200 + below(400);
        load.run(|totals, _| totals.rotated < answers);
        load_while(&mut load, servers.kill());
        // Nobody is there, and clients go on asking.
        let errors = load.history.totals.errors + 50;
        load.run(|totals, _| totals.errors < errors);
        load_while(&mut load, servers.start_again());
        // What was acknowledged is there, before anybody tries again what was not.
        load.pause();
        load.check();
    }
    let answers = load.history.totals.rotated + 200;
    load.run(|totals, _| totals.rotated < answers);
    load.settle();
    load.check();
    let totals = load.history.totals;
    assert_eq!((totals.breaches, load.history.uncured()), (0, 0), "{totals:?}");
    assert_eq!(load.history.ended_twice(), Vec::new(), "a family is ended once");
    println!("{store}: {STOPS} stops, {totals:?}");
}

fn load_while(load: &mut Load, work: JoinHandle<String>) {
    load.run(|_, _| !work.is_finished());
    work.join().expect("scripts/servers");
}
