//! The policies that differ in what they decide.

use heirloom::policy::PolicyBuilder;
use heirloom::{Ends, Leeway, LeewayMode, Mismatch, Policy, Reaction, Recovery, Rotation};

use super::timeline::{
    ABSOLUTE, IDLE, LEEWAY, LIVE_ABSOLUTE, LIVE_IDLE, ROTATED, UNTIL, WINDOW_END,
};

/// A policy, by name.
pub struct Named {
    pub name: &'static str,
    pub policy: Policy,
}

pub fn policies() -> Vec<Named> {
    vec![
        named("rotate, replay for 10 s", |policy| policy),
        named("rotate, refuse for 10 s", |policy| policy.leeway(Leeway::refuse(LEEWAY))),
        named("rotate, no leeway", |policy| policy.leeway(None)),
        named("never rotate, replay for 10 s", |policy| policy.rotation(Rotation::Never)),
        named("never rotate, no idle lifetime", |policy| {
            policy.rotation(Rotation::Never).leeway(None).idle(None)
        }),
        named("rotate, replay, live ends", live),
        named("rotate, replay, live ends, no idle lifetime", |policy| live(policy).idle(None)),
        named("never rotate, live ends", |policy| live(policy).rotation(Rotation::Never)),
        named("rotate, replay, a wrong client ends", |policy| {
            policy.wrong_client(Mismatch::Revoke)
        }),
        named("rotate, replay, a wrong key ends", |policy| policy.wrong_binding(Mismatch::Revoke)),
    ]
}

/// The policies that need more than replay, and one that does not, to compare with.
pub fn later_policies() -> Vec<Named> {
    let newest = Leeway::newest(LEEWAY);
    let fork = Leeway::fork(LEEWAY, 3);
    let patient = Leeway::until_used(LeewayMode::Newest).uses(3);
    let window = Recovery::new(ROTATED, WINDOW_END, ROTATED);
    let recovering = move |policy: PolicyBuilder| {
        policy.build().unwrap().recovering(window.unwrap()).to_builder()
    };
    vec![
        named("rotate, replay for 10 s, as 1", |policy| policy),
        named("newest for 10 s", |policy| policy.leeway(newest)),
        named("newest for 10 s, a displaced token is reuse", |policy| {
            policy.leeway(newest).displaced(Mismatch::Revoke)
        }),
        named("newest until used, 3 uses", |policy| policy.leeway(patient)),
        named("fork to 3 for 10 s", |policy| policy.leeway(fork)),
        named("fork to 3 for 10 s, live ends", |policy| live(policy).leeway(fork)),
        named("replay for 10 s, 3 uses", |policy| policy.leeway(Leeway::replay(LEEWAY).uses(3))),
        named("replay until used", |policy| policy.leeway(Leeway::until_used(LeewayMode::Replay))),
        named("replay until an instant", |policy| {
            policy.leeway(Leeway::until(UNTIL, LeewayMode::Replay))
        }),
        named("replay for 10 s, reuse ends nothing", |policy| policy.on_reuse(Reaction::Refuse)),
        named("replay for 10 s, reuse ends all of the subject", |policy| {
            policy.on_reuse(Reaction::Subject)
        }),
        named("replay for 10 s, in a recovery window", recovering),
        named("never rotate, newest for 10 s, in a recovery window", |policy| {
            recovering(policy.rotation(Rotation::Never).leeway(newest))
        }),
    ]
}

fn live(policy: PolicyBuilder) -> PolicyBuilder {
    policy.ends(Ends::Live).idle(LIVE_IDLE).absolute(LIVE_ABSOLUTE)
}

fn named(name: &'static str, choose: impl FnOnce(PolicyBuilder) -> PolicyBuilder) -> Named {
    let base = Policy::builder().leeway(Leeway::replay(LEEWAY)).idle(IDLE).absolute(ABSOLUTE);
    Named { name, policy: choose(base).build().unwrap() }
}
