//! From bytes to a family, or to the first field that cannot be.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::family::{
    Branch, Branches, Family, Head, Predecessor, Reason, Reuse, Revocation, Status,
};
use crate::grant::{Binding, Grant};
use crate::key::KeyId;
use crate::scope::Scope;
use crate::secret::{Digest, Salt};
use crate::time::Timestamp;
use crate::token::FamilyId;

/// Reads fields one after another; an error is the field's name.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    format: u8,
}

type Field<T> = Result<T, &'static str>;

impl<'a> Reader<'a> {
    /// All but the checksum, of a format up to the newest.
    pub(super) fn family(newest: u8, body: &'a [u8]) -> Field<Family> {
        let (&format, rest) = body.split_first().ok_or("format")?;
        if !(1..=newest).contains(&format) {
            return Err("format");
        }
        let mut record = Self { rest, format };
        let family = Family {
            id: FamilyId::from_bytes(record.array("id")?),
            version: record.u64("version")?,
            created_at: record.instant("created_at")?,
            expires_at: record.option("expires_at", |record| record.instant("expires_at"))?,
            kept_until: match record.is_of(2) {
                true => record.option("kept_until", |record| record.instant("kept_until"))?,
                false => None,
            },
            status: record.status()?,
            head: record.head()?,
            branches: match record.is_of(2) {
                true => record.branches()?,
                false => Branches::default(),
            },
            grant: Arc::new(record.grant()?),
        };
        if record.rest.is_empty() { Ok(family) } else { Err("length") }
    }

    /// Whether the record has what a format has brought.
    fn is_of(&self, format: u8) -> bool {
        self.format >= format
    }

    fn status(&mut self) -> Field<Status> {
        let revocation = self.option("status", |record| {
            Ok(Revocation {
                at: record.instant("revoked_at")?,
                reason: record.reason()?,
                call: record.u64("revoked_by")?,
            })
        })?;
        Ok(revocation.map_or(Status::Live, Status::Revoked))
    }

    fn reason(&mut self) -> Field<Reason> {
        Ok(match self.u8("reason")? {
            1 => Reason::Reuse(Reuse {
                generations_behind: self.u32("generations_behind")?,
                since_rotation: Duration::from_millis(self.u64("since_rotation")?),
                successor_used: self.flag("successor_used")?,
            }),
            2 => Reason::Diverged,
            3 => Reason::WrongClient,
            4 => Reason::WrongBinding,
            5 => Reason::ClientRequest,
            6 => Reason::Logout,
            7 => Reason::ConsentWithdrawn,
            8 => Reason::CredentialChange,
            9 => Reason::Administrator,
            10 => Reason::Evicted,
            11 => Reason::RelatedReuse,
            12 => Reason::Moved,
            _ => return Err("reason"),
        })
    }

    fn head(&mut self) -> Field<Head> {
        Ok(Head {
            generation: self.u32("generation")?,
            digest: Digest::from_bytes(self.array("digest")?),
            key: KeyId::new(self.u8("key")?),
            rotated_at: self.instant("rotated_at")?,
            used_at: self.instant("used_at")?,
            idle_expires_at: self
                .option("idle_expires_at", |record| record.instant("idle_expires_at"))?,
            predecessor: self.option("predecessor", Self::predecessor)?,
            displaced: self.is_of(2) && self.flag("displaced")?,
        })
    }

    fn predecessor(&mut self) -> Field<Predecessor> {
        Ok(Predecessor {
            digest: Digest::from_bytes(self.array("predecessor digest")?),
            salt: Salt::from_bytes(self.array("salt")?),
            closed: self.flag("closed")?,
            replays: if self.is_of(2) { self.u32("replays")? } else { 0 },
            displaced: self.is_of(2) && self.flag("predecessor displaced")?,
        })
    }

    fn branches(&mut self) -> Field<Branches> {
        let made = self.u16("branches")?;
        let mut live = Vec::new();
        for _ in 0..self.u32("branches")? {
            live.push(Branch {
                number: self.u16("branches")?,
                origin: self.u16("branches")?,
                born: self.u32("branches")?,
                head: self.head()?,
            });
        }
        Ok(Branches { made, live })
    }

    fn grant(&mut self) -> Field<Grant> {
        let mut grant = Grant::new(self.text("subject")?, self.text("client")?);
        let scope = self.text("scope")?;
        grant.scope = Scope::new(scope);
        if grant.scope.as_str() != scope {
            return Err("scope");
        }
        for _ in 0..self.u32("resources")? {
            grant.resources.push(self.text("resources")?.to_owned());
        }
        grant.binding = self.option("binding", |record| {
            Ok(match record.u8("binding")? {
                1 => Binding::Jkt(record.array("binding")?),
                2 => Binding::X5tS256(record.array("binding")?),
                _ => return Err("binding"),
            })
        })?;
        grant.not_after = self.option("not_after", |record| record.instant("not_after"))?;
        grant.attributes = self.attributes()?;
        Ok(grant)
    }

    fn attributes(&mut self) -> Field<BTreeMap<String, String>> {
        let mut attributes = BTreeMap::new();
        for _ in 0..self.u32("attributes")? {
            let name = self.text("attributes")?.to_owned();
            // As they were written: in order, each once.
            if attributes.last_key_value().is_some_and(|(last, _)| *last >= name) {
                return Err("attributes");
            }
            attributes.insert(name, self.text("attributes")?.to_owned());
        }
        Ok(attributes)
    }

    fn take(&mut self, field: &'static str, len: usize) -> Field<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(field)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Field<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(field)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn u8(&mut self, field: &'static str) -> Field<u8> {
        self.array(field).map(u8::from_be_bytes)
    }

    fn u16(&mut self, field: &'static str) -> Field<u16> {
        self.array(field).map(u16::from_be_bytes)
    }

    fn u32(&mut self, field: &'static str) -> Field<u32> {
        self.array(field).map(u32::from_be_bytes)
    }

    fn u64(&mut self, field: &'static str) -> Field<u64> {
        self.array(field).map(u64::from_be_bytes)
    }

    fn flag(&mut self, field: &'static str) -> Field<bool> {
        match self.u8(field)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(field),
        }
    }

    fn instant(&mut self, field: &'static str) -> Field<Timestamp> {
        let millis = self.u64(field)?;
        if millis > Timestamp::MAX.as_millis() {
            Err(field)
        } else {
            Ok(Timestamp::from_millis(millis))
        }
    }

    fn text(&mut self, field: &'static str) -> Field<&'a str> {
        let len = usize::try_from(self.u32(field)?).map_err(|_| field)?;
        std::str::from_utf8(self.take(field, len)?).map_err(|_| field)
    }

    fn option<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Self) -> Field<T>,
    ) -> Field<Option<T>> {
        if self.flag(field)? { read(self).map(Some) } else { Ok(None) }
    }
}
