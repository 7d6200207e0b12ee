//! The branches beside the first, as JSON: `{"made":1,"live":[{"number":1,..}]}`. NULL when none was ever made.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};

use super::Value;
use crate::family::{Branch, Branches, Head, Predecessor};
use crate::key::KeyId;
use crate::secret::{Digest, Salt};
use crate::time::Timestamp;

/// The whole column.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Column {
    made: u16,
    live: Vec<Entry>,
}

/// A branch; instants are milliseconds, bytes unpadded base64url.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    number: u16,
    origin: u16,
    born: u32,
    generation: u32,
    digest: String,
    key_id: u8,
    rotated_at: u64,
    used_at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idle_expires_at: Option<u64>,
    predecessor_digest: String,
    predecessor_salt: String,
    predecessor_closed: bool,
    predecessor_replays: u32,
    predecessor_displaced: bool,
    displaced: bool,
}

pub(super) fn write(branches: &Branches) -> Value<'static> {
    if branches.is_empty() {
        return Value::Null;
    }
    // A branch has a predecessor: one that has none is not written, and the family then not read.
    let live = branches.live.iter().filter_map(entry).collect();
    let column = Column { made: branches.made, live };
    Value::Text(super::json(&column))
}

pub(super) fn read(text: &str) -> Option<Branches> {
    let column: Column = serde_json::from_str(text).ok()?;
    let live = column.live.iter().map(branch).collect::<Option<_>>()?;
    (column.made > 0).then_some(Branches { made: column.made, live })
}

fn entry(branch: &Branch) -> Option<Entry> {
    let Branch { number, origin, born, head } = branch;
    let predecessor = head.predecessor.as_ref()?;
    Some(Entry {
        number: *number,
        origin: *origin,
        born: *born,
        generation: head.generation,
        digest: text(head.digest.as_bytes()),
        key_id: head.key.as_u8(),
        rotated_at: head.rotated_at.as_millis(),
        used_at: head.used_at.as_millis(),
        idle_expires_at: head.idle_expires_at.map(Timestamp::as_millis),
        predecessor_digest: text(predecessor.digest.as_bytes()),
        predecessor_salt: text(predecessor.salt.as_bytes()),
        predecessor_closed: predecessor.closed,
        predecessor_replays: predecessor.replays,
        predecessor_displaced: predecessor.displaced,
        displaced: head.displaced,
    })
}

fn branch(entry: &Entry) -> Option<Branch> {
    let head = Head {
        generation: entry.generation,
        digest: Digest::from_bytes(bytes(&entry.digest)?),
        key: KeyId::new(entry.key_id),
        rotated_at: instant(entry.rotated_at)?,
        used_at: instant(entry.used_at)?,
        idle_expires_at: match entry.idle_expires_at {
            Some(millis) => Some(instant(millis)?),
            None => None,
        },
        predecessor: Some(Predecessor {
            digest: Digest::from_bytes(bytes(&entry.predecessor_digest)?),
            salt: Salt::from_bytes(bytes(&entry.predecessor_salt)?),
            closed: entry.predecessor_closed,
            replays: entry.predecessor_replays,
            displaced: entry.predecessor_displaced,
        }),
        displaced: entry.displaced,
    };
    Some(Branch { number: entry.number, origin: entry.origin, born: entry.born, head })
}

fn instant(millis: u64) -> Option<Timestamp> {
    (millis <= Timestamp::MAX.as_millis()).then(|| Timestamp::from_millis(millis))
}

fn text(bytes: &[u8]) -> String {
    let mut text = [0; 44];
    // 32 bytes at most, which take 43.
    Base64UrlUnpadded::encode(bytes, &mut text).unwrap_or_default().to_owned()
}

/// One spelling: no padding, no slack bits.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let decoded = Base64UrlUnpadded::decode(text, &mut bytes).ok()?.len();
    (decoded == N).then_some(bytes)
}
