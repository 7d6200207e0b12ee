//! From a family to bytes.

use crate::family::{Branches, Family, Head, Reason, Status};
use crate::grant::{Binding, Grant};
use crate::time::Timestamp;

/// Writes fields one after another.
pub(super) struct Writer(Vec<u8>);

impl Writer {
    /// All but the checksum.
    pub(super) fn family(format: u8, family: &Family) -> Vec<u8> {
        let mut record = Self(vec![format]);
        record.bytes(family.id.as_bytes());
        record.u64(family.version);
        record.instant(family.created_at);
        record.option(family.expires_at, Self::instant);
        record.option(family.kept_until, Self::instant);
        record.status(&family.status);
        record.head(&family.head);
        record.branches(&family.branches);
        record.grant(&family.grant);
        record.0
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.bytes(&value.to_be_bytes());
    }

    fn instant(&mut self, instant: Timestamp) {
        self.u64(instant.as_millis());
    }

    fn count(&mut self, count: usize) {
        // A field of 4 GiB has no place in a family; cut short it fails its checks when read.
        self.u32(u32::try_from(count).unwrap_or(u32::MAX));
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.bytes(text.as_bytes());
    }

    fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.u8(value.is_some().into());
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn status(&mut self, status: &Status) {
        let revoked = match status {
            Status::Live => None,
            Status::Revoked(revocation) => Some(revocation),
        };
        self.option(revoked, |record, revocation| {
            record.instant(revocation.at);
            record.reason(revocation.reason);
            record.u64(revocation.call);
        });
    }

    fn reason(&mut self, reason: Reason) {
        self.u8(match reason {
            Reason::Reuse(_) => 1,
            Reason::Diverged => 2,
            Reason::WrongClient => 3,
            Reason::WrongBinding => 4,
            Reason::ClientRequest => 5,
            Reason::Logout => 6,
            Reason::ConsentWithdrawn => 7,
            Reason::CredentialChange => 8,
            Reason::Administrator => 9,
            Reason::Evicted => 10,
            Reason::RelatedReuse => 11,
            Reason::Moved => 12,
        });
        if let Reason::Reuse(reuse) = reason {
            self.u32(reuse.generations_behind);
            self.u64(u64::try_from(reuse.since_rotation.as_millis()).unwrap_or(u64::MAX));
            self.u8(reuse.successor_used.into());
        }
    }

    fn head(&mut self, head: &Head) {
        self.u32(head.generation);
        self.bytes(head.digest.as_bytes());
        self.u8(head.key.as_u8());
        self.instant(head.rotated_at);
        self.instant(head.used_at);
        self.option(head.idle_expires_at, Self::instant);
        self.option(head.predecessor.as_ref(), |record, predecessor| {
            record.bytes(predecessor.digest.as_bytes());
            record.bytes(predecessor.salt.as_bytes());
            record.u8(predecessor.closed.into());
            record.u32(predecessor.replays);
            record.u8(predecessor.displaced.into());
        });
        self.u8(head.displaced.into());
    }

    fn branches(&mut self, branches: &Branches) {
        self.u16(branches.made);
        self.count(branches.live.len());
        for branch in &branches.live {
            self.u16(branch.number);
            self.u16(branch.origin);
            self.u32(branch.born);
            self.head(&branch.head);
        }
    }

    fn grant(&mut self, grant: &Grant) {
        self.text(&grant.subject);
        self.text(&grant.client);
        self.text(grant.scope.as_str());
        self.count(grant.resources.len());
        grant.resources.iter().for_each(|uri| self.text(uri));
        self.option(grant.binding, |record, binding| {
            let (method, thumbprint) = match binding {
                Binding::Jkt(thumbprint) => (1, thumbprint),
                Binding::X5tS256(thumbprint) => (2, thumbprint),
            };
            record.u8(method);
            record.bytes(&thumbprint);
        });
        self.option(grant.not_after, Self::instant);
        self.count(grant.attributes.len());
        for (name, value) in &grant.attributes {
            self.text(name);
            self.text(value);
        }
    }
}
