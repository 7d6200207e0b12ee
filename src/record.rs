//! A family as bytes, versioned, for stores that keep bytes; refuses what cannot be.
//!
//! All integers are big endian, texts are preceded by their length in four bytes, an optional field by a byte
//! that is 0 or 1. The last eight bytes are the beginning of the SHA-256 of all before: a damaged record is
//! refused (S9), not read as another family. It is no protection against who can write the database.

mod read;
mod write;
#[cfg(feature = "columns")]
pub mod columns;

use sha2::{Digest as _, Sha256};

use self::read::Reader;
use self::write::Writer;
use crate::family::{Family, Impossible};
use crate::token::FamilyId;

/// What is written. Every earlier format is read, too.
const FORMAT: u8 = 2;
const CHECKSUM_LEN: usize = 8;

/// Writes a family's record.
pub fn encode(family: &Family) -> Vec<u8> {
    let mut record = Writer::family(FORMAT, family);
    let checksum = checksum(&record);
    record.extend_from_slice(&checksum);
    record
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
    let family = Reader::family(FORMAT, body).map_err(impossible)?;
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
