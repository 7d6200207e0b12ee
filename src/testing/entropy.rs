//! Randomness that repeats, or fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::entropy::{Entropy, EntropyError};

/// Randomness that is the same in every run with one seed. Clones draw from one stream.
#[derive(Clone, Debug)]
pub struct SeededEntropy(Arc<Mutex<StdRng>>);

impl SeededEntropy {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        self.0.lock().fill_bytes(buffer);
        Ok(())
    }
}

/// Randomness that can be told to fail, or to repeat itself. Clones share what they are told.
#[derive(Clone, Debug)]
pub struct FaultyEntropy<E> {
    inner: E,
    failing: Arc<AtomicUsize>,
    repeating: Arc<AtomicUsize>,
}

impl<E: Entropy> FaultyEntropy<E> {
    /// Passes on what another source delivers, for now.
    pub fn new(inner: E) -> Self {
        Self { inner, failing: Arc::default(), repeating: Arc::default() }
    }

    /// Fails at the next so many draws.
    pub fn fail(&self, draws: usize) {
        self.failing.store(draws, Ordering::SeqCst);
    }

    /// Delivers nothing but the byte 7 at the next so many draws.
    pub fn repeat(&self, draws: usize) {
        self.repeating.store(draws, Ordering::SeqCst);
    }
}

impl<E: Entropy> Entropy for FaultyEntropy<E> {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        if take_one(&self.failing) {
            return Err(EntropyError::new("injected"));
        }
        if take_one(&self.repeating) {
            buffer.fill(7);
            return Ok(());
        }
        self.inner.fill(buffer)
    }
}

fn take_one(counter: &AtomicUsize) -> bool {
    let less = |count: usize| count.checked_sub(1);
    counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok()
}
