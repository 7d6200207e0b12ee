//! The guard as comparisons of columns with constants: what SQL and Lua can say.

use crate::decide::CLOCK_TOLERANCE;
use crate::grant::Binding;
use crate::guard::Guard;
use crate::policy::Ends;
use crate::record::columns::{self, Value};
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::FamilyId;

/// A [`Guard`] that may hold on a family. `None` leaves a comparison out.
#[derive(Clone, Copy, Debug)]
pub struct Condition<'a> {
    /// `id = ..`.
    pub family: FamilyId,
    /// `generation = ..`.
    pub generation: u32,
    /// `digest = ..`.
    pub digest: &'a Digest,
    /// `client = ..`.
    pub client: &'a str,
    /// A bound family is bound to this; without it, the family is not bound.
    pub binding: Option<&'a Binding>,
    /// `version = ..`.
    pub version: Option<u64>,
    /// `created_at <= ..`.
    pub created_by: Timestamp,
    /// `created_at > ..`: the live absolute end.
    pub created_after: Option<Timestamp>,
    /// `used_at > ..`: the live idle end.
    pub used_after: Option<Timestamp>,
    /// `expires_at` and `idle_expires_at` are NULL, or after this: the stored ends.
    pub ends_after: Option<Timestamp>,
    /// `not_after` is NULL, or after this: the grant's own end, where live ends count.
    pub grant_ends_after: Option<Timestamp>,
}

/// How many values a [`Condition`] has.
pub const CONDITION: usize = 12;

impl Guard {
    /// The guard as a condition on columns, beside `status = 'live'`; `None` if it holds on no family.
    pub fn condition(&self) -> Option<Condition<'_>> {
        let ever = self.position.branch == 0 && self.position.generation < u32::MAX;
        // Live ends lie at the last instant at the latest.
        let live = self.ends == Ends::Live;
        let lasts = |length: Option<_>| length.is_none() || self.now < Timestamp::MAX;
        if !ever || (live && !(lasts(self.absolute) && lasts(self.idle))) {
            return None;
        }
        // `instant + length > now`, told of the instant; one that is longer than all time is always true.
        let after = |length: Option<_>| length.and_then(|it| self.now.checked_sub(it));
        Some(Condition {
            family: self.position.family,
            generation: self.position.generation,
            digest: &self.digest,
            client: &self.client,
            binding: self.binding.as_ref(),
            version: self.version,
            created_by: self.now.saturating_add(CLOCK_TOLERANCE),
            created_after: after(self.absolute).filter(|_| live),
            used_after: after(self.idle).filter(|_| live),
            ends_after: (!live).then_some(self.now),
            grant_ends_after: live.then_some(self.now),
        })
    }
}

impl<'a> Condition<'a> {
    /// The values, in the order of the fields; the binding is two, method and thumbprint.
    pub fn values(&self) -> [Value<'a>; CONDITION] {
        let [method, thumbprint] = columns::write_binding(self.binding);
        [
            Value::Bytes(self.family.as_bytes().to_vec().into()),
            Value::Integer(self.generation.into()),
            Value::Bytes(self.digest.as_bytes().into()),
            Value::Text(self.client.into()),
            method,
            thumbprint,
            self.version.map_or(Value::Null, Value::Integer),
            Value::Timestamp(self.created_by),
            self.created_after.into(),
            self.used_after.into(),
            self.ends_after.into(),
            self.grant_ends_after.into(),
        ]
    }
}
