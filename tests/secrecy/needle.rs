//! The notations in which bytes get into a log, and the search for any eight of them in a row.

use std::collections::HashSet;

use base64ct::{Base64UrlUnpadded, Encoding};

/// How many bytes in a row make a leak.
const PART: usize = 8;

/// All that was printed: as it is, and without white space for what `{:#?}` spreads over lines.
pub struct Haystack {
    text: String,
    dense: String,
    /// Every eight bytes in a row of either, so that most of what is not there is not looked for.
    parts: HashSet<[u8; PART]>,
}

impl Haystack {
    pub fn new(printed: &[String]) -> Self {
        let text = printed.join("\n");
        let dense = text.chars().filter(|character| !character.is_whitespace()).collect();
        let rows = [&text, &dense].map(|text| text.as_bytes().windows(PART));
        let parts = rows.into_iter().flatten().map(|part| part.try_into().unwrap()).collect();
        Self { text, dense, parts }
    }

    fn contains(&self, needle: &str) -> bool {
        let first = needle.as_bytes().first_chunk();
        first.is_none_or(|part| self.parts.contains(part))
            && (self.text.contains(needle) || self.dense.contains(needle))
    }

    /// The first part of a secret that is there, as it is there.
    pub fn find(&self, secret: &[u8]) -> Option<String> {
        let parts = secret.windows(PART).flat_map(notations);
        // Ten characters of base64 hold more than seven bytes, wherever in three bytes they begin.
        let encoded =
            (0..3).flat_map(|from| [base64(&secret[from..]), base64_standard(&secret[from..])]);
        let pieces = encoded.flat_map(|text| pieces(&text, 10));
        parts.chain(pieces).find(|needle| self.contains(needle))
    }

    /// The first ten characters in a row of a text that are there.
    pub fn find_text(&self, text: &str) -> Option<String> {
        pieces(text, 10).into_iter().find(|piece| self.contains(piece))
    }
}

/// The part of a token's text that is not to be seen: secret and tag, the last 48 bytes.
pub fn secret_part(token: &str) -> &str {
    &token[token.len() - 64..]
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn base64(bytes: &[u8]) -> String {
    let mut text = vec![0; Base64UrlUnpadded::encoded_len(bytes)];
    Base64UrlUnpadded::encode(bytes, &mut text).unwrap().to_owned()
}

pub fn base64_standard(bytes: &[u8]) -> String {
    base64(bytes).replace('-', "+").replace('_', "/")
}

/// Eight bytes as hexadecimal, as lists of numbers, as an escaped string, and as one number.
fn notations(part: &[u8]) -> Vec<String> {
    let list = |separated: Vec<String>| separated.join(",");
    let word: [u8; PART] = part.try_into().unwrap();
    vec![
        hex(part),
        hex(part).to_uppercase(),
        list(part.iter().map(u8::to_string).collect()),
        list(part.iter().map(|byte| format!("{byte:02x}")).collect()),
        list(part.iter().map(|byte| format!("{byte:x}")).collect()),
        list(part.iter().map(|byte| format!("0x{byte:02x}")).collect()),
        list(part.iter().map(|byte| format!("0x{byte:02X}")).collect()),
        part.escape_ascii().to_string(),
        u64::from_be_bytes(word).to_string(),
        u64::from_le_bytes(word).to_string(),
    ]
}

fn pieces(text: &str, length: usize) -> Vec<String> {
    let starts = 0..=text.len().saturating_sub(length);
    starts.map(|start| text[start..start + length].to_owned()).collect()
}
