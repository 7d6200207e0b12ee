//! A token that does not rotate, at the moment when its idle end is due to be moved.

use std::time::Duration;

use heirloom::{How, Outcome, Policy, Rotation};

use crate::faults::trial::every_disturbance;
use crate::support::exchange::{WAYS, exchange};
use crate::support::granted;

const IDLE: Duration = Duration::from_secs(16);

#[test]
fn a_disturbed_slide_leaves_the_token_good_and_is_durable_when_granted() {
    let policy = Policy::builder().rotation(Rotation::Never).idle(IDLE).build().unwrap();
    for way in WAYS {
        every_disturbance(&policy, |trial| {
            let (token, family) = trial.issue();
            trial.advance(1_000);
            let now = heirloom::Clock::now(&trial.world.clock);
            let ending = trial.disturb(exchange(&trial.node, &token, way));
            match ending {
                Some(Ok(Outcome::Granted(kept))) => {
                    assert_eq!(kept.how, How::Kept);
                    let end = trial.stored(family).head.idle_expires_at;
                    assert_eq!(end, Some(now.saturating_add(IDLE)), "{:?}", trial.disturbance);
                }
                Some(Ok(Outcome::Refused(why))) => panic!("{why}: {:?}", trial.disturbance),
                Some(Err(_)) | None => {}
            }
            assert_eq!(granted(trial.refresh(&token)).how, How::Kept);
            // The retry has slid it, if the disturbed call has not.
            trial.advance(15_999);
            assert_eq!(granted(trial.refresh(&token)).how, How::Kept);
            assert_eq!(trial.stored(family).head.generation, 0);
        });
    }
}
