//! SQLite: the process that writes is killed.

use std::time::Duration;

use crate::fleet::load::Load;
use crate::fleet::place::Place;
use crate::fleet::random::below;
use crate::fleet::session::Mix;

const KILLS: usize = 100;

/// Clients of a store whose server is killed again and again: no thieves, and now and then a retry of the token before.
pub const MIX: Mix = Mix {
    sessions: 200,
    hot: 4,
    hot_in: 50,
    calls: 32,
    tabs_in: 8,
    retry_in: 10,
    revoke_in: 50,
    logout_in: 1_000,
    theft_in: 0,
};

pub fn killed_a_hundred_times() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut load = Load::start(Place::Sqlite(folder.path().join("families.db")), 1, MIX);
    load.sign_in();
    let mut round = 0;
    // So often, and until some kill has hit a call after its flush.
    while round < KILLS || load.history.totals.unheard == 0 || load.history.totals.lost <= KILLS {
        round += 1;
        assert!(round < 10 * KILLS, "no kill hits a call under way: {:?}", load.history.totals);
        let answers = load.history.totals.rotated + 50 + below(200);
        load.run(|totals, _| totals.rotated < answers);
        // And then at any moment: between two flushes, in one, or in an answer.
        let moment = load.now() + Duration::from_micros(u64::try_from(below(5_000)).expect("few"));
        load.run(|_, now| now < moment);
        load.kill(0);
        load.check();
        load.restart(0);
        if round % 25 == 0 {
            println!("sqlite, {round} kills: {:?}", load.history.totals);
        }
    }
    load.settle();
    load.check();
    let totals = load.history.totals;
    assert_eq!((totals.breaches, load.history.uncured()), (0, 0), "{totals:?}");
    assert_eq!(load.history.ended_twice(), Vec::new(), "a family is ended once");
    assert!(totals.rotated > 50 * KILLS && totals.revoked > KILLS, "{totals:?}");
    println!("sqlite: {round} kills, {totals:?}");
}
