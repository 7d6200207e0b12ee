//! All that may end up in a log, and what must never be found there or at rest.

use std::error::Error;
use std::fmt::Write as _;

use heirloom::Event;
use heirloom::family::Family;

use super::answers::Actual;
use super::node::{Node, Records};

/// `Debug` and `Display` of everything that a call has returned, told or changed.
pub fn said(
    actual: Option<&Actual>,
    node: &Node,
    events: &[Event],
    before: &Records,
    after: &Records,
) -> String {
    let mut said = format!("{actual:?} {events:?} {:?}", node.engine);
    for family in after.values().filter(|family| before.get(&family.id) != Some(*family)) {
        let _infallible = write!(said, " {family:?} {:?}", family.status);
    }
    if let Some(Actual::Explained(Ok(explanation))) = actual {
        let _infallible = write!(said, " {explanation} {}", explanation.decision);
    }
    let first = actual.and_then(Actual::error);
    let mut error: Option<&dyn Error> = first.map(|error| -> &dyn Error { error });
    while let Some(cause) = error {
        let _infallible = write!(said, " {cause} {cause:?}");
        error = cause.source();
    }
    said
}

/// The 32 bytes that make a token redeemable: bytes 24 to 56 of the 72 that its last 96 characters are.
pub fn secret(token: &str) -> Vec<u8> {
    let body = &token.as_bytes()[token.len() - 96..];
    unbase64(body)[24..56].to_vec()
}

/// How a secret could show in a text: in the token's own spelling, in pieces of 16 characters.
pub fn spellings_of_secret(token: &str) -> Vec<String> {
    // Bytes 24 to 56 are the characters 32 to 74 and two thirds of another.
    let body = &token[token.len() - 96..];
    let bytes = spellings(&secret(token));
    [body[32..48].to_owned(), body[48..64].to_owned()].into_iter().chain(bytes).collect()
}

/// How the digests and salts of a record could show in a text.
pub fn spellings_of_record(family: &Family) -> Vec<String> {
    let predecessor = family.head.predecessor.iter();
    let kept = predecessor.flat_map(|predecessor| {
        [spellings(predecessor.digest.as_bytes()), spellings(predecessor.salt.as_bytes())]
    });
    kept.flatten().chain(spellings(family.head.digest.as_bytes())).collect()
}

/// The first bytes in hexadecimal, and as a list of numbers.
fn spellings(bytes: &[u8]) -> [String; 2] {
    let hex = bytes[..8].iter().fold(String::new(), |mut hex, byte| {
        let _infallible = write!(hex, "{byte:02x}");
        hex
    });
    let list = format!("{:?}", &bytes[..4]);
    [hex, list.trim_matches(['[', ']']).to_owned()]
}

fn unbase64(text: &[u8]) -> Vec<u8> {
    let value = |digit: &u8| match digit {
        b'A'..=b'Z' => u32::from(digit - b'A'),
        b'a'..=b'z' => u32::from(digit - b'a') + 26,
        b'0'..=b'9' => u32::from(digit - b'0') + 52,
        b'-' => 62,
        _ => 63,
    };
    let decode = |group: &[u8]| {
        let [_, bytes @ ..] =
            group.iter().fold(0, |bits, digit| bits << 6 | value(digit)).to_be_bytes();
        bytes
    };
    text.chunks_exact(4).flat_map(decode).collect()
}
