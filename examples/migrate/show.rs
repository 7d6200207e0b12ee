//! Progress: a bar on a terminal, else a line now and then.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

pub struct Show {
    is_terminal: bool,
}

/// One step of the work.
pub struct Step {
    name: &'static str,
    total: u64,
    bar: Option<ProgressBar>,
    /// Tenths that a line was printed for.
    said: AtomicU64,
}

impl Show {
    pub fn new() -> Self {
        Self { is_terminal: std::io::stderr().is_terminal() }
    }

    pub fn step(&self, name: &'static str, total: u64) -> Step {
        let bar = self.is_terminal.then(|| {
            let form = "{prefix:>16} {wide_bar} {pos}/{len} {per_sec} {eta}";
            let style = ProgressStyle::with_template(form);
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(total).with_style(style).with_prefix(name)
        });
        Step { name, total, bar, said: AtomicU64::new(0) }
    }
}

impl Step {
    pub fn at(&self, position: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(position);
            return;
        }
        let tenth = position * 10 / self.total.max(1);
        if self.said.fetch_max(tenth, Ordering::Relaxed) < tenth {
            eprintln!("{}: {position} of {}", self.name, self.total);
        }
    }

    pub fn done(self) {
        if let Some(bar) = &self.bar {
            bar.finish();
        }
    }
}
