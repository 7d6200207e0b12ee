//! A family as named, typed columns, for stores that keep rows and for those who look at them.
//!
//! Nothing that a column holds redeems anything (P6). Lists and maps are JSON text.

mod branches;
mod read;

pub use read::read;

use std::borrow::Cow;

use serde::Serialize;

use crate::family::{Family, Head, Reason, Revocation, Status};
use crate::grant::Binding;
use crate::time::Timestamp;

/// A column of a family's row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds, beside NULL.
    pub kind: Kind,
}

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// 0 to 2^53 - 1.
    Integer,
    /// An instant, of milliseconds.
    Timestamp,
    /// A truth.
    Flag,
    /// UTF-8.
    Text,
    /// UTF-8, and JSON.
    Json,
    /// Bytes.
    Bytes,
}

/// A value of a column.
#[derive(Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// Nothing.
    Null,
    /// Of [`Kind::Integer`].
    Integer(u64),
    /// Of [`Kind::Timestamp`].
    Timestamp(Timestamp),
    /// Of [`Kind::Flag`].
    Flag(bool),
    /// Of [`Kind::Text`] or [`Kind::Json`].
    Text(Cow<'a, str>),
    /// Of [`Kind::Bytes`].
    Bytes(Cow<'a, [u8]>),
}

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind }
}

/// The columns of a family, the key first, those of the head last.
pub const COLUMNS: [Column; 34] = [
    column("id", Kind::Bytes),
    column("version", Kind::Integer),
    column("status", Kind::Text),
    column("subject", Kind::Text),
    column("client", Kind::Text),
    column("scope", Kind::Text),
    column("resources", Kind::Json),
    column("attributes", Kind::Json),
    column("binding_method", Kind::Text),
    column("binding_thumbprint", Kind::Bytes),
    column("not_after", Kind::Timestamp),
    column("created_at", Kind::Timestamp),
    column("expires_at", Kind::Timestamp),
    column("kept_until", Kind::Timestamp),
    column("revoked_at", Kind::Timestamp),
    column("reason", Kind::Text),
    column("revoked_by", Kind::Integer),
    column("reuse_generations_behind", Kind::Integer),
    column("reuse_since_rotation", Kind::Integer),
    column("reuse_successor_used", Kind::Flag),
    column("branches", Kind::Json),
    column("branches_end_at", Kind::Timestamp),
    column("generation", Kind::Integer),
    column("digest", Kind::Bytes),
    column("key_id", Kind::Integer),
    column("rotated_at", Kind::Timestamp),
    column("used_at", Kind::Timestamp),
    column("idle_expires_at", Kind::Timestamp),
    column("predecessor_digest", Kind::Bytes),
    column("predecessor_salt", Kind::Bytes),
    column("predecessor_closed", Kind::Flag),
    column("displaced", Kind::Flag),
    column("predecessor_replays", Kind::Integer),
    column("predecessor_displaced", Kind::Flag),
];

/// How many of the [`COLUMNS`] are the head's.
pub const HEAD: usize = 12;

/// How many of the [`COLUMNS`] are a revocation's: `revoked_at` and those after it.
pub const REVOCATION: usize = 6;

/// A family's row: a value for each of the [`COLUMNS`].
pub fn write(family: &Family) -> [Value<'_>; COLUMNS.len()] {
    let grant = &*family.grant;
    let (status, revoked) = match &family.status {
        Status::Live => ("live", [const { Value::Null }; REVOCATION]),
        Status::Revoked(revocation) => ("revoked", write_revocation(revocation)),
    };
    let [revoked_at, reason, revoked_by, behind, since, used] = revoked;
    let [binding_method, binding_thumbprint] = write_binding(grant.binding.as_ref());
    let branches = branches::write(&family.branches);
    let [
        generation,
        digest,
        key,
        rotated_at,
        used_at,
        idle,
        old_digest,
        salt,
        closed,
        displaced,
        replays,
        old_displaced,
    ] = write_head(&family.head);
    [
        Value::bytes(family.id.as_bytes()),
        Value::Integer(family.version),
        Value::text(status),
        Value::text(&grant.subject),
        Value::text(&grant.client),
        Value::text(grant.scope.as_str()),
        Value::Text(json(&grant.resources)),
        Value::Text(json(&grant.attributes)),
        binding_method,
        binding_thumbprint,
        grant.not_after.into(),
        Value::Timestamp(family.created_at),
        family.expires_at.into(),
        family.kept_until.into(),
        revoked_at,
        reason,
        revoked_by,
        behind,
        since,
        used,
        branches,
        family.branches_end_at().into(),
        generation,
        digest,
        key,
        rotated_at,
        used_at,
        idle,
        old_digest,
        salt,
        closed,
        displaced,
        replays,
        old_displaced,
    ]
}

/// The columns that an advance writes: the last of the [`COLUMNS`].
pub fn write_head(head: &Head) -> [Value<'_>; HEAD] {
    let predecessor = head.predecessor.as_ref();
    [
        Value::Integer(head.generation.into()),
        Value::bytes(head.digest.as_bytes()),
        Value::Integer(head.key.as_u8().into()),
        Value::Timestamp(head.rotated_at),
        Value::Timestamp(head.used_at),
        head.idle_expires_at.into(),
        predecessor.map_or(Value::Null, |it| Value::bytes(it.digest.as_bytes())),
        predecessor.map_or(Value::Null, |it| Value::bytes(it.salt.as_bytes())),
        predecessor.map_or(Value::Null, |it| Value::Flag(it.closed)),
        Value::Flag(head.displaced),
        predecessor.map_or(Value::Null, |it| Value::Integer(it.replays.into())),
        predecessor.map_or(Value::Null, |it| Value::Flag(it.displaced)),
    ]
}

/// The columns that a revocation writes, beside `status`, which becomes `revoked`.
pub fn write_revocation(revocation: &Revocation) -> [Value<'static>; REVOCATION] {
    let [behind, since, used] = match revocation.reason {
        Reason::Reuse(reuse) => [
            Value::Integer(reuse.generations_behind.into()),
            Value::Integer(Timestamp::ZERO.saturating_add(reuse.since_rotation).as_millis()),
            Value::Flag(reuse.successor_used),
        ],
        _ => [const { Value::Null }; 3],
    };
    [
        Value::Timestamp(revocation.at),
        Value::text(reason_name(revocation.reason)),
        Value::Integer(revocation.call),
        behind,
        since,
        used,
    ]
}

fn json(value: &impl Serialize) -> Cow<'static, str> {
    // Strings in lists and maps: nothing that JSON cannot say. Empty text would be refused when read.
    serde_json::to_string(value).unwrap_or_default().into()
}

impl<'a> Value<'a> {
    fn text(text: &'a str) -> Self {
        Self::Text(text.into())
    }

    fn bytes(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<Option<Timestamp>> for Value<'_> {
    fn from(instant: Option<Timestamp>) -> Self {
        instant.map_or(Self::Null, Self::Timestamp)
    }
}

/// The columns `binding_method` and `binding_thumbprint`.
pub(crate) fn write_binding(binding: Option<&Binding>) -> [Value<'_>; 2] {
    binding.map_or([Value::Null, Value::Null], |binding| {
        let (Binding::Jkt(thumbprint) | Binding::X5tS256(thumbprint)) = binding;
        [Value::text(binding.method()), Value::bytes(thumbprint)]
    })
}

fn reason_name(reason: Reason) -> &'static str {
    match reason {
        Reason::Reuse(_) => "reuse",
        Reason::Diverged => "diverged",
        Reason::WrongClient => "wrong_client",
        Reason::WrongBinding => "wrong_binding",
        Reason::ClientRequest => "client_request",
        Reason::Logout => "logout",
        Reason::ConsentWithdrawn => "consent_withdrawn",
        Reason::CredentialChange => "credential_change",
        Reason::Administrator => "administrator",
        Reason::Evicted => "evicted",
        Reason::RelatedReuse => "related_reuse",
        Reason::Moved => "moved",
    }
}
