//! `cargo +nightly fuzz run ops`. Without a fuzzer there is nothing to run: the corpus is replayed by `cargo test`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| heirloom_fuzz::ops(data));

#[cfg(not(fuzzing))]
fn main() {}
