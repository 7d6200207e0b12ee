//! A family as bytes, versioned, for stores that keep bytes; refuses what cannot be.
//!
//! All integers are big endian, texts are preceded by their length in four bytes, an optional field by a byte
//! that is 0 or 1. The last eight bytes are the beginning of the SHA-256 of all before: a damaged record is
//! refused (S9), not read as another family. It is no protection against who can write the database.

#[cfg(feature = "columns")]
pub mod columns;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::family::{Family, Head, Impossible, Predecessor, Reason, Reuse, Revocation, Status};
use crate::grant::{Binding, Grant};
use crate::key::KeyId;
use crate::scope::Scope;
use crate::secret::{Digest, Salt};
use crate::time::Timestamp;
use crate::token::FamilyId;

const FORMAT: u8 = 1;
const CHECKSUM_LEN: usize = 8;

/// Writes a family's record.
pub fn encode(family: &Family) -> Vec<u8> {
    let mut record = Writer(vec![FORMAT]);
    record.bytes(family.id.as_bytes());
    record.u64(family.version);
    record.instant(family.created_at);
    record.option(family.expires_at, Writer::instant);
    record.status(&family.status);
    record.head(&family.head);
    record.grant(&family.grant);
    let checksum = checksum(&record.0);
    record.bytes(&checksum);
    record.0
}

/// Reads the record that is stored under an id.
///
/// # Errors
///
/// [`Impossible`] with the id and the first field that cannot be: a damaged record, one of another family, one of
/// a format that this release does not know, or a state that the engine cannot have written.
pub fn decode(id: FamilyId, bytes: &[u8]) -> Result<Family, Impossible> {
    let impossible = |field| Impossible { family: id, field };
    let (body, _) = bytes
        .split_last_chunk::<CHECKSUM_LEN>()
        .filter(|(body, sum)| checksum(body) == **sum)
        .ok_or(impossible("checksum"))?;
    let mut reader = Reader(body);
    let family = reader.family().map_err(impossible)?;
    if !reader.0.is_empty() {
        return Err(impossible("length"));
    }
    if family.id != id {
        return Err(impossible("id"));
    }
    family.check_all()?;
    Ok(family)
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM_LEN] {
    let full: [u8; 32] = Sha256::digest(body).into();
    let mut sum = [0; CHECKSUM_LEN];
    sum.copy_from_slice(&full[..CHECKSUM_LEN]);
    sum
}

struct Writer(Vec<u8>);

impl Writer {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn u8(&mut self, value: u8) {
        self.0.push(value);
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
        });
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

/// Reads fields one after another; an error is the field's name.
struct Reader<'a>(&'a [u8]);

type Field<T> = Result<T, &'static str>;

impl<'a> Reader<'a> {
    fn family(&mut self) -> Field<Family> {
        if self.u8("format")? != FORMAT {
            return Err("format");
        }
        Ok(Family {
            id: FamilyId::from_bytes(self.array("id")?),
            version: self.u64("version")?,
            created_at: self.instant("created_at")?,
            expires_at: self.option("expires_at", |record| record.instant("expires_at"))?,
            status: self.status()?,
            head: self.head()?,
            grant: Arc::new(self.grant()?),
        })
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
            predecessor: self.option("predecessor", |record| {
                Ok(Predecessor {
                    digest: Digest::from_bytes(record.array("predecessor digest")?),
                    salt: Salt::from_bytes(record.array("salt")?),
                    closed: record.flag("closed")?,
                })
            })?,
        })
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
        let (taken, rest) = self.0.split_at_checked(len).ok_or(field)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Field<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(field)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u8(&mut self, field: &'static str) -> Field<u8> {
        self.array(field).map(u8::from_be_bytes)
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
