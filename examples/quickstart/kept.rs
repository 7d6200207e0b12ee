//! What outlives a run beside the store: the key, and the token that the phone keeps. A file for a demonstration; in
//! earnest a key is kept in a vault, and a token by its client alone.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use heirloom::entropy::SystemEntropy;
use heirloom::{Key, KeyRing};

use crate::Failure;

/// Two lines, if there is a file: a key ring and a token.
#[derive(Default)]
pub struct Kept {
    path: Option<PathBuf>,
    keys: String,
    token: Option<String>,
}

impl Kept {
    /// Reads the file; without one, with a fresh key.
    #[cfg(feature = "sqlite")]
    pub fn beside(path: PathBuf) -> Result<Self, Failure> {
        let text = if path.exists() { std::fs::read_to_string(&path)? } else { String::new() };
        let (mut lines, path) = (text.lines(), Some(path));
        let keys = lines.next().map_or_else(fresh, |line| Ok(line.to_owned()))?;
        Ok(Self { path, keys, token: lines.next().map(str::to_owned) })
    }

    pub fn keys(&self) -> Result<KeyRing, Failure> {
        if self.path.is_none() {
            return Ok(KeyRing::new(Key::random(1, &SystemEntropy)?));
        }
        Ok(KeyRing::from_text(&self.keys)?)
    }

    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    pub fn keep(&self, token: &str) -> Result<(), Failure> {
        if let Some(path) = &self.path {
            let mut file = private(path)?;
            write!(file, "{}\n{token}\n", self.keys)?;
        }
        Ok(())
    }
}

/// A file that its owner alone can read.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(feature = "sqlite")]
fn fresh() -> Result<String, Failure> {
    use heirloom::entropy::Entropy;

    let mut material = [0; 32];
    SystemEntropy.fill(&mut material)?;
    let hex: String = material.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("1:{hex}"))
}
