//! The same vendor's switch, from persistent tokens to rotating ones and back, without anybody consenting again.
//!
//! One persistent token is shared by three workers, which is fine while it is persistent. On the day of the switch the first worker
//! to refresh gets a new token and stores it where the others will look, but not at once.

use heirloom::rollout::Rollout;
use heirloom::{Leeway, Policy, Reaction, Refusal, Rotation, Timestamp, profile};

use crate::support::START;
use crate::systems::stage::{DAY, HOUR, MINUTE, MS, SECOND, Shown, Stage};

fn persistent() -> Policy {
    Policy::builder().rotation(Rotation::Never).build().unwrap()
}

fn rotating() -> Policy {
    Policy::builder().leeway(Leeway::replay(MINUTE)).build().unwrap()
}

fn instant(stage: &Stage) -> Timestamp {
    heirloom::Clock::now(&stage.world.clock)
}

/// As the vendor did it: everybody at once, and three seconds. The second worker is in time, the third is taken for a thief.
#[test]
fn switched_with_three_seconds_the_third_worker_loses_it_for_all() {
    let stage = Stage::new(persistent());
    let token = stage.consent();
    for _ in 0..3 {
        stage.wait(HOUR);
        assert_eq!(stage.show(&token), Shown::Kept);
    }
    let three = profile::atlassian_2021().to_builder().leeway(Leeway::replay(3 * SECOND)).build();
    stage.world.node.set_policy(three.unwrap());
    stage.wait(HOUR);
    let new = stage.show(&token).new_token();
    stage.wait(2 * SECOND);
    assert_eq!(stage.show(&token).again(), new);
    stage.wait(400 * SECOND);
    stage.show(&token).breach();
    assert!(!stage.is_good(&new));
}

/// The leeway begins with the first exchange, not with the switch, and not with a use while the token was persistent.
#[test]
fn switched_with_a_minute_each_worker_moves_over() {
    let stage = Stage::new(persistent());
    let token = stage.consent();
    stage.wait(HOUR);
    assert_eq!(stage.show(&token), Shown::Kept);
    stage.world.node.set_policy(rotating());
    stage.wait(DAY);
    let new = stage.show(&token).new_token();
    stage.wait(20 * SECOND);
    assert_eq!(stage.show(&token).again(), new);
    stage.wait(40 * SECOND - MS);
    assert_eq!(stage.show(&token).again(), new);
    let next = stage.show(&new).new_token();
    stage.wait(SECOND);
    assert_eq!(stage.show(&new).again(), next);
}

/// As integrators asked for it: until a date, a client that has not learnt to store the new token goes on with the old one. From
/// the date on the old one is spent.
#[test]
fn a_deprecation_window_lasts_until_its_date() {
    let stage = Stage::new(persistent());
    let date = START.saturating_add(30 * DAY);
    let rollout = Rollout::new(persistent(), rotating()).percent(100).unwrap().deprecating(date);
    let show = |token: &str| {
        let policy = rollout.policy(token, &stage.world.node.keys(), instant(&stage));
        stage.show_under(token, policy)
    };
    let (old, learnt) = (stage.consent(), stage.consent());
    stage.at(DAY);
    let new = show(&old).new_token();
    for day in 2..30 {
        stage.at(day * DAY);
        assert_eq!(show(&old).again(), new, "day {day}");
    }
    // Another client has learnt it: old and new both work, until it uses the new one.
    let second = show(&learnt).new_token();
    assert_eq!(show(&learnt).again(), second);
    let third = show(&second).new_token();

    stage.at(30 * DAY - MS);
    assert_eq!(show(&old).again(), new);
    stage.at(30 * DAY);
    assert_eq!(show(&old).breach().since_rotation, 29 * DAY);
    assert!(stage.is_good(&third));
    show(&third).new_token();
}

/// Three workers inside the window, of which one stores the new token and two do not: under a policy that ends nothing, nobody
/// is logged out, and the operator sees who is still to be told.
#[test]
fn inside_a_window_that_ends_nothing_no_worker_logs_the_others_out() {
    let stage = Stage::new(persistent());
    let date = START.saturating_add(30 * DAY);
    let gentle = rotating().to_builder().on_reuse(Reaction::Refuse).build().unwrap();
    let rollout = Rollout::new(persistent(), gentle).percent(100).unwrap().deprecating(date);
    let show = |token: &str| {
        let policy = rollout.policy(token, &stage.world.node.keys(), instant(&stage));
        stage.show_under(token, policy)
    };
    let old = stage.consent();
    stage.at(DAY);
    let new = show(&old).new_token();
    stage.at(2 * DAY);
    assert_eq!(show(&old).again(), new);
    let next = show(&new).new_token();
    stage.at(3 * DAY);
    assert!(matches!(show(&old).refused(), Refusal::Spent(reuse) if reuse.successor_used));
    show(&next).new_token();
}

/// Ten percent, then half, then all, then back to none: who has moved rotates, who has not is as before, nobody consents again, and
/// back on persistent tokens each goes on with the newest.
#[test]
fn rolled_out_by_percent_and_back() {
    let stage = Stage::new(persistent());
    let mut tokens: Vec<String> = (0..60).map(|_| stage.consent()).collect();
    let families: Vec<_> = tokens.iter().map(|token| stage.family_of(token)).collect();
    let mut spent = Vec::new();
    let mut moved_before = 0;
    for percent in [0, 10, 50, 100] {
        let rollout = Rollout::new(persistent(), rotating()).percent(percent).unwrap();
        stage.wait(HOUR);
        let mut moved = 0;
        for (token, family) in tokens.iter_mut().zip(&families) {
            let policy = rollout.policy(token, &stage.world.node.keys(), instant(&stage));
            match stage.show_under(token, policy) {
                Shown::New(next) => {
                    assert!(rollout.has_moved(*family));
                    spent.push(std::mem::replace(token, next));
                    moved += 1;
                }
                other => {
                    assert_eq!(other, Shown::Kept);
                    assert!(!rollout.has_moved(*family));
                }
            }
        }
        assert!(moved >= moved_before, "{percent} percent");
        moved_before = moved;
    }
    assert_eq!(moved_before, 60);
    // Back: the newest token is the persistent one.
    let back = Rollout::new(persistent(), rotating());
    for _ in 0..2 {
        stage.wait(DAY);
        for token in &tokens {
            let policy = back.policy(token, &stage.world.node.keys(), instant(&stage));
            assert_eq!(stage.show_under(token, policy), Shown::Kept);
        }
    }
    // And what was rotated away stays spent.
    stage.show_under(&spent[0], &persistent()).breach();
}

/// Back within the leeway: the old token is answered with the newest for as long as it would have been.
#[test]
fn switched_back_the_newest_token_is_the_one_that_goes_on() {
    let stage = Stage::new(rotating());
    let old = stage.consent();
    let newest = stage.show(&old).new_token();
    let calm = rotating().to_builder().rotation(Rotation::Never).build().unwrap();
    stage.world.node.set_policy(calm);
    stage.wait(MINUTE - MS);
    assert_eq!(stage.show(&old).again(), newest);
    for _ in 0..3 {
        stage.wait(DAY);
        assert_eq!(stage.show(&newest), Shown::Kept);
    }
    stage.show(&old).breach();
}
