//! The policies that differ in what they decide.

use heirloom::policy::PolicyBuilder;
use heirloom::{Ends, Leeway, Mismatch, Policy, Rotation};

use super::timeline::{ABSOLUTE, IDLE, LEEWAY, LIVE_ABSOLUTE, LIVE_IDLE};

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

fn live(policy: PolicyBuilder) -> PolicyBuilder {
    policy.ends(Ends::Live).idle(LIVE_IDLE).absolute(LIVE_ABSOLUTE)
}

fn named(name: &'static str, choose: impl FnOnce(PolicyBuilder) -> PolicyBuilder) -> Named {
    let base = Policy::builder().leeway(Leeway::replay(LEEWAY)).idle(IDLE).absolute(ABSOLUTE);
    Named { name, policy: choose(base).build().unwrap() }
}
