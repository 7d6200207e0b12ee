//! Randomness is an argument: where root secrets and salts come from.

use std::cell::Cell;
use std::sync::Arc;

use rand::rngs::SysRng;
use rand::{Rng, TryRng};

/// A source of unpredictable bytes.
///
/// # Security
///
/// A family's root secret comes from here: whoever predicts these bytes and holds a key of the ring can
/// redeem the family's tokens.
pub trait Entropy: Send + Sync {
    /// Fills the whole buffer with fresh random bytes.
    ///
    /// # Errors
    ///
    /// When the source cannot deliver. No token is issued or rotated then.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError>;
}

/// The source of randomness could not deliver.
#[derive(Debug, thiserror::Error)]
#[error("no randomness")]
pub struct EntropyError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl EntropyError {
    /// Wraps what the source said.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}

impl<E: Entropy + ?Sized> Entropy for Arc<E> {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        (**self).fill(buffer)
    }
}

/// The default: this thread's CSPRNG, seeded and regularly reseeded by the operating system.
///
/// # Security
///
/// A process that forks duplicates the generator: use [`OsEntropy`] where workers are forked after the
/// first token has been issued.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

thread_local! {
    static SEEDED: Cell<bool> = const { Cell::new(false) };
}

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        if !SEEDED.get() {
            // The generator panics when it cannot be seeded, so the operating system is asked first.
            OsEntropy.fill(buffer)?;
            SEEDED.set(true);
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that uses the thread's CSPRNG"
        )]
        let mut generator = rand::rng();
        generator.fill_bytes(buffer);
        Ok(())
    }
}

/// The operating system's generator at every call: slower, and safe in a process that forks.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        SysRng.try_fill_bytes(buffer).map_err(EntropyError::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        let sources: [&dyn Entropy; 2] = [&SystemEntropy, &OsEntropy];
        for source in sources {
            let (mut first, mut second) = ([0; 32], [0; 32]);
            source.fill(&mut first).unwrap();
            source.fill(&mut second).unwrap();
            assert_ne!(first, second);
        }
    }
}
