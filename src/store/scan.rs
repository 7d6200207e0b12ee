//! All families, page by page.

use std::fmt;
use std::str::FromStr;

use super::error::StoreError;
use super::select::Selected;
use crate::token::FamilyId;

/// A page of all families, in the order of the store.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Scanned {
    /// Each family, or why its record cannot be. There may be none, on a page that is not the last.
    pub families: Selected,
    /// Where the next page begins; `None`: this was the last.
    pub next: Option<Cursor>,
}

/// A place in a scan: bytes of the store's own, which mean nothing to others.
///
/// As text it is hexadecimal, so that an operator can go on with a walk that was interrupted. It is no secret; it may
/// tell the id of a family.
///
/// ```
/// # use heirloom::store::Cursor;
/// let cursor = Cursor::new(&[0x01, 0xff])?;
/// assert_eq!(cursor.to_string(), "01ff");
/// assert_eq!("01ff".parse::<Cursor>()?, cursor);
/// # Ok::<(), heirloom::store::CursorError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Cursor(Box<[u8]>);

/// Why there is no such cursor. A store reports it as [`Unusable`](super::StoreErrorKind::Unusable), and reads nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CursorError {
    /// It has no bytes.
    #[error("an empty cursor: begin a scan without one")]
    Empty,
    /// It is longer than [`Cursor::MAX_BYTES`].
    #[error("a cursor of more than {} bytes", Cursor::MAX_BYTES)]
    TooLong,
    /// The text is not hexadecimal, or a digit of it is missing.
    #[error("a cursor is an even number of hexadecimal digits")]
    NotHexadecimal,
    /// The store that was asked has made no such cursor.
    #[error("not a cursor of this store: cut off, or of another one")]
    Foreign,
}

impl Cursor {
    /// How many bytes it has at most.
    pub const MAX_BYTES: usize = 64;

    /// A place that the store can find again.
    ///
    /// # Errors
    ///
    /// [`CursorError`] when there are no bytes, or too many.
    pub fn new(bytes: &[u8]) -> Result<Self, CursorError> {
        match bytes.len() {
            0 => Err(CursorError::Empty),
            1..=Self::MAX_BYTES => Ok(Self(bytes.into())),
            _ => Err(CursorError::TooLong),
        }
    }

    /// The place after a family, for a store that scans in the order of ids.
    pub fn after(id: FamilyId) -> Self {
        Self((*id.as_bytes()).into())
    }

    /// The family of [`after`](Self::after).
    ///
    /// # Errors
    ///
    /// [`CursorError::Foreign`] when it is no id.
    pub fn id(&self) -> Result<FamilyId, CursorError> {
        let bytes = self.as_bytes().try_into().map_err(|_| CursorError::Foreign)?;
        Ok(FamilyId::from_bytes(bytes))
    }

    /// The bytes that the store gave it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Two digits for each byte, in lower case.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor({self})")
    }
}

/// Reads what `Display` writes, in either case.
impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        if text.len() > 2 * Self::MAX_BYTES {
            return Err(CursorError::TooLong);
        }
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
        let bytes: Option<Vec<u8>> = bytes.collect();
        Self::new(&bytes.filter(|_| rest.is_empty()).ok_or(CursorError::NotHexadecimal)?)
    }
}

impl From<CursorError> for StoreError {
    fn from(error: CursorError) -> Self {
        Self::unusable(error)
    }
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        b'A'..=b'F' => Some(character - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_is_written() {
        for bytes in [&[0][..], &[0x09, 0xaf, 0x10], &[0xff; Cursor::MAX_BYTES]] {
            let cursor = Cursor::new(bytes).unwrap();
            assert_eq!(cursor.as_bytes(), bytes);
            assert_eq!(cursor.to_string().parse(), Ok(cursor.clone()));
            assert_eq!(cursor.to_string().to_uppercase().parse(), Ok(cursor));
        }
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        let long = "00".repeat(Cursor::MAX_BYTES + 1);
        for (text, why) in [
            ("", CursorError::Empty),
            ("0", CursorError::NotHexadecimal),
            ("012", CursorError::NotHexadecimal),
            ("0g", CursorError::NotHexadecimal),
            ("+1", CursorError::NotHexadecimal),
            (" 01", CursorError::NotHexadecimal),
            ("0x01", CursorError::NotHexadecimal),
            ("é", CursorError::NotHexadecimal),
            (&long, CursorError::TooLong),
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(why), "{text}");
        }
        assert_eq!(Cursor::new(&[]), Err(CursorError::Empty));
        assert_eq!(Cursor::new(&[0; Cursor::MAX_BYTES + 1]), Err(CursorError::TooLong));
    }

    #[test]
    fn the_place_after_a_family_is_its_id_and_no_other_bytes_are() {
        let id = FamilyId::from_bytes([7; 16]);
        assert_eq!(Cursor::after(id).id(), Ok(id));
        for length in [1, 15, 17, 64] {
            assert_eq!(Cursor::new(&[7; 64][..length]).unwrap().id(), Err(CursorError::Foreign));
        }
    }
}
