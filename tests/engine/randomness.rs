//! A source of randomness that fails, or repeats itself.

use heirloom::testing::{FaultStore, FaultyEntropy, ManualClock, SeededEntropy};
use heirloom::{Engine, Error, How, KeyRing, MemoryStore, Policy};
use pollster::block_on;

use crate::support::{START, grant, granted, key, request, text};

type Weak = Engine<FaultStore<MemoryStore>, ManualClock, FaultyEntropy<SeededEntropy>>;

fn engine() -> (Weak, FaultyEntropy<SeededEntropy>) {
    let entropy = FaultyEntropy::new(SeededEntropy::new(1));
    let store = FaultStore::new(MemoryStore::new());
    let engine = Engine::new(store, KeyRing::new(key(1)), Policy::default())
        .with_clock(ManualClock::at(START))
        .with_entropy(entropy.clone());
    (engine, entropy)
}

#[test]
fn without_randomness_nothing_is_issued_and_nothing_stored() {
    let (engine, entropy) = engine();
    entropy.fail(1);
    let error = block_on(engine.issue(grant())).unwrap_err();
    assert!(matches!(error, Error::Entropy(_)) && error.is_retryable());
    assert!(engine.store().inner().is_empty());
}

#[test]
fn without_randomness_nothing_is_rotated_and_the_token_stays_good() {
    let (engine, entropy) = engine();
    let root = block_on(engine.issue(grant())).unwrap();
    let before = engine.store().inner().snapshot();
    entropy.fail(1);
    let error = block_on(engine.refresh(text(&root), request())).unwrap_err();
    assert!(matches!(error, Error::Entropy(_)));
    assert_eq!(engine.store().inner().snapshot(), before);
    let next = granted(block_on(engine.refresh(text(&root), request())).unwrap());
    assert_eq!(next.how, How::Rotated);
}

/// A replay draws nothing, so it does not need any.
#[test]
fn without_randomness_a_replay_is_answered() {
    let (engine, entropy) = engine();
    let root = block_on(engine.issue(grant())).unwrap();
    let first = granted(block_on(engine.refresh(text(&root), request().scope("read"))).unwrap());
    entropy.fail(9);
    let again = granted(block_on(engine.refresh(text(&root), request().scope("read"))).unwrap());
    assert_eq!((again.how, text(&again)), (How::Replayed, text(&first)));
}

#[test]
fn an_id_that_is_taken_is_drawn_again_and_no_family_is_overwritten() {
    let (engine, entropy) = engine();
    entropy.repeat(2);
    let first = block_on(engine.issue(grant())).unwrap();
    let before = engine.store().inner().snapshot();
    entropy.repeat(2);
    let second = block_on(engine.issue(grant())).unwrap();
    assert_ne!(first.family, second.family);
    assert!(engine.store().inner().snapshot().contains(&before[0]));
    entropy.repeat(usize::MAX);
    let error = block_on(engine.issue(grant())).unwrap_err();
    assert!(matches!(error, Error::Contended) && error.is_retryable());
    assert_eq!(engine.store().inner().len(), 2);
}
