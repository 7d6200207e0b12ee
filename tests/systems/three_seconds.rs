//! An integrator's story. A vendor switches its app from persistent to rotating refresh tokens, with three seconds of
//! leeway for everybody. The integrator writes down what happens: he exchanges the original token, waits twenty seconds, tries
//! the original again, and now the new one is dead as well; left alone, it would have worked. He asks four times within four
//! seconds and gets four tokens, and nobody can tell him which of them is good. His workers share one token and refresh a few seconds
//! apart: the integration dies every night. He asks for a longer leeway, and for one of three clear answers.

use heirloom::{Leeway, Mismatch, Policy, Refusal, profile};

use crate::systems::stage::{DAY, HOUR, MINUTE, MS, SECOND, Shown, Stage};

fn with(leeway: Leeway) -> Policy {
    profile::atlassian_2021().to_builder().leeway(leeway).build().unwrap()
}

/// "Wait 20 s, try the original again, and then even the new token is dead." So it is under the profile of that year: the token is
/// 20 s past its first use, and the vendor cannot know that it is only a test. The user must consent again, on every
/// device: all that the user had at the app is ended.
#[test]
fn after_a_wait_of_twenty_seconds_the_original_ends_everything() {
    let stage = Stage::new(profile::atlassian_2021());
    let (original, on_the_phone) = (stage.consent(), stage.consent());
    let elsewhere = stage.consent_to("other-app");
    stage.at(10 * SECOND);
    let new = stage.show(&original).new_token();
    stage.at(30 * SECOND);
    let evidence = stage.show(&original).breach();
    assert_eq!((evidence.generations_behind, evidence.since_rotation), (1, 20 * SECOND));
    // What a supporter needs to tell him: nobody else has used the new one.
    assert!(!evidence.successor_used);
    stage.at(31 * SECOND);
    assert!(matches!(stage.show(&new).refused(), Refusal::Revoked(_)));
    assert!(!stage.is_good(&on_the_phone));
    assert!(stage.is_good(&elsewhere));
    let again = stage.consent();
    stage.show(&again).new_token();
}

/// "Leave out the wait and the failing request, and the new token works."
#[test]
fn left_alone_the_new_token_works() {
    let stage = Stage::new(profile::atlassian_2021());
    let original = stage.consent();
    stage.at(10 * SECOND);
    let new = stage.show(&original).new_token();
    stage.at(40 * SECOND);
    stage.show(&new).new_token();
}

/// The three seconds run from the first use and end where they end.
#[test]
fn three_seconds_are_three_seconds() {
    for (after, inside) in [(3 * SECOND - MS, true), (3 * SECOND, false), (3 * SECOND + MS, false)]
    {
        let stage = Stage::new(profile::atlassian_2021());
        let original = stage.consent();
        stage.show(&original).new_token();
        stage.wait(after);
        let answer = stage.show(&original);
        assert_eq!(matches!(answer, Shown::New(_)), inside, "{after:?}: {answer:?}");
    }
}

/// The second-to-last token is theft, also inside the three seconds: its successor was used.
#[test]
fn the_second_to_last_token_is_a_breach_inside_the_leeway() {
    let stage = Stage::new(profile::atlassian_2021());
    let first = stage.consent();
    let second = stage.show(&first).new_token();
    stage.wait(SECOND / 2);
    let third = stage.show(&second).new_token();
    stage.wait(SECOND / 2);
    let beside = stage.show(&second).new_token();
    stage.wait(SECOND / 2);
    assert!(stage.show(&first).breach().successor_used);
    assert!(!stage.is_good(&third) && !stage.is_good(&beside));
}

/// Four refreshes with one token in four seconds: at 0, 1, 2 and 4. With three seconds of leeway the fourth is one second late.
#[test]
fn four_refreshes_in_four_seconds_are_one_too_many_for_three() {
    let stage = Stage::new(profile::atlassian_2021());
    let token = stage.consent();
    let answers = four_in_four_seconds(&stage, &token);
    assert!(matches!(answers[..3], [Shown::New(_), Shown::New(_), Shown::New(_)]), "{answers:?}");
    answers[3].clone().breach();
}

fn four_in_four_seconds(stage: &Stage, token: &str) -> [Shown; 4] {
    [0, 1, 2, 4].map(|second| {
        stage.at(HOUR + second * SECOND);
        stage.show(token)
    })
}

/// The first answer wished for: "give me the same token each time." Five seconds of replay.
#[test]
fn wished_for_the_same_token_each_time() {
    let stage = Stage::new(with(Leeway::replay(5 * SECOND)));
    let token = stage.consent();
    let [first, rest @ ..] = four_in_four_seconds(&stage, &token);
    let new = first.new_token();
    for answer in rest {
        assert_eq!(answer.again(), new);
    }
    stage.wait(16 * SECOND);
    stage.show(&new).new_token();
}

/// The second: "give me four, and let all of them be good." A fork; each goes on by itself.
#[test]
fn wished_for_four_tokens_that_are_all_good() {
    let stage = Stage::new(with(Leeway::fork(5 * SECOND, 4)));
    let token = stage.consent();
    let four = four_in_four_seconds(&stage, &token).map(Shown::new_token);
    assert_eq!(stage.show(&token).refused(), Refusal::TooManyBranches);
    stage.wait(16 * SECOND);
    let next: Vec<String> =
        [2, 0, 3, 1].iter().map(|&place: &usize| stage.show(&four[place]).new_token()).collect();
    assert!(next.iter().all(|token| stage.is_good(token)));
    // And one that is shown again too late takes the others with it.
    stage.wait(5 * SECOND);
    stage.show(&four[0]).breach();
    assert!(next.iter().all(|token| !stage.is_good(token)));
}

/// The third: "give me four, and let the last one be good." The earlier ones are refused, and harm nobody.
#[test]
fn wished_for_four_tokens_of_which_the_last_is_good() {
    let newest = with(Leeway::newest(5 * SECOND));
    assert_eq!(newest.displaced(), Mismatch::Refuse);
    let stage = Stage::new(newest);
    let token = stage.consent();
    let [first, second, third, last] = four_in_four_seconds(&stage, &token).map(Shown::new_token);
    stage.wait(16 * SECOND);
    let next = stage.show(&last).new_token();
    for displaced in [first, second, third] {
        assert_eq!(stage.show(&displaced).refused(), Refusal::Displaced);
    }
    stage.show(&next).new_token();
}

/// Two workers share a token and refresh eight seconds apart. Three seconds lose the integration; ten minutes, as the vendor
/// grants today, keep it: each worker has a chain of its own. And sixty seconds of replay keep it too, with one chain.
#[test]
fn parallel_workers_a_few_seconds_apart() {
    let play = |policy: Policy| {
        let stage = Stage::new(policy);
        let token = stage.consent();
        stage.at(100 * SECOND);
        let one = stage.show(&token).new_token();
        stage.at(108 * SECOND);
        let other = stage.show(&token);
        (stage, one, other)
    };

    let (stage, one, other) = play(profile::atlassian_2021());
    other.breach();
    assert!(!stage.is_good(&one));

    let (stage, one, other) = play(profile::atlassian());
    let mut chains = [one, other.new_token()];
    for _ in 0..24 {
        stage.wait(HOUR);
        chains = chains.map(|token| stage.show(&token).new_token());
    }

    let (stage, one, other) = play(with(Leeway::replay(MINUTE)));
    assert_eq!(other.again(), one);
    let mut token = one;
    for _ in 0..24 {
        stage.wait(HOUR);
        let next = stage.show(&token).new_token();
        stage.wait(8 * SECOND);
        assert_eq!(stage.show(&token).again(), next);
        token = next;
    }
}

/// The other thing that changed: unused for 30 days in that year, 90 days since; a year from the consent in either.
#[test]
fn thirty_days_unused_and_ninety_today() {
    for (policy, days) in [(profile::atlassian_2021(), 30), (profile::atlassian(), 90)] {
        let stage = Stage::new(policy);
        let mut token = stage.consent();
        let mut day = 0;
        while day + days - 1 < 365 {
            day += days - 1;
            stage.at(day * DAY);
            token = stage.show(&token).new_token();
        }
        stage.at(365 * DAY - MS);
        assert!(stage.is_good(&token));
        stage.at(365 * DAY);
        assert_eq!(stage.show(&token).refused(), Refusal::Expired);

        let other = stage.consent();
        stage.wait(days * DAY);
        assert_eq!(stage.show(&other).refused(), Refusal::Idle);
    }
}
