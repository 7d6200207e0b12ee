//! The trials of a test binary that is its own server.

use libtest_mimic::{Arguments, Trial};

use super::serve::{VARIABLE, serve};

/// Runs the trials as libtest does, or serves, if the environment says so.
pub fn run(trials: fn() -> Vec<Trial>) {
    if let Ok(address) = std::env::var(VARIABLE) {
        return serve(&address);
    }
    let mut arguments = Arguments::from_args();
    // Each has the machine to itself, or it measures the others.
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, trials()).exit();
}

/// Fails when it panics.
pub fn trial(name: &str, run: fn()) -> Trial {
    Trial::test(name, move || {
        run();
        Ok(())
    })
}

/// Ignored as libtest does it, unless it is asked for; then it fails without the server.
pub fn needing(server: &str, name: &str, run: fn()) -> Trial {
    let kind = format!("needs {server}: bash scripts/test.sh");
    trial(name, run).with_kind(kind).with_ignored_flag(true)
}
