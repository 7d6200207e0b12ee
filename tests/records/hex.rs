//! Committed bytes as text: 32 bytes a line, so that a diff shows what changed.

use std::path::{Path, PathBuf};

pub fn read(name: &str) -> Vec<u8> {
    let text = std::fs::read_to_string(path(name)).unwrap();
    let digits: Vec<u8> =
        text.chars().filter_map(|digit| digit.to_digit(16)?.try_into().ok()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Writes a record that is not there yet. One that is there is a promise, and is never rewritten.
pub fn write_once(name: &str, bytes: &[u8]) {
    if std::env::var_os("HEIRLOOM_BLESS").is_some() && !path(name).exists() {
        let line =
            |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let text: String = bytes.chunks(32).map(|bytes| line(bytes) + "\n").collect();
        std::fs::create_dir_all(path(name).parent().unwrap()).unwrap();
        std::fs::write(path(name), text).unwrap();
    }
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}
