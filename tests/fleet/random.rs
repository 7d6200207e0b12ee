//! Dice.

use heirloom::entropy::{Entropy, SystemEntropy};

/// Below a number that is at least one.
pub fn below(number: usize) -> usize {
    let mut bytes = [0; 4];
    SystemEntropy.fill(&mut bytes).expect("randomness");
    usize::try_from(u32::from_le_bytes(bytes)).expect("32 bits") % number
}

/// A name that no other test has.
pub fn name() -> String {
    let mut bytes = [0; 8];
    SystemEntropy.fill(&mut bytes).expect("randomness");
    format!("fleet_{:016x}", u64::from_le_bytes(bytes))
}
