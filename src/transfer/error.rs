//! What a file or a store has wrong.

use std::io;

use crate::store::StoreError;

/// An export or an import that stopped. What was written stays; go on from where it stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file could not be read or written.
    #[error("the file: {0}")]
    File(#[from] io::Error),
    /// A line that is wrong. No family of it or after it was imported.
    #[error("line {line}: {error}")]
    Line {
        /// Which, from 1.
        line: u64,
        /// What is wrong.
        error: LineError,
    },
    /// The mark of an export that was interrupted: unreadable, or of another version of the format.
    #[error("not the mark of an export")]
    Mark,
}

/// What is wrong with a line.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// The file ends before its last line: it is cut.
    #[error("the file ends before its last line: it is cut")]
    Cut,
    /// Something follows the last line.
    #[error("something follows the last line")]
    Trailing,
    /// The first line is not that of an export.
    #[error("not an export of families")]
    Header,
    /// Written by a newer release.
    #[error(
        "version {found} of the format, and this release reads up to {known}: upgrade heirloom first"
    )]
    Newer {
        /// Of the file.
        found: u64,
        /// Of this release.
        known: u64,
    },
    /// Not JSON of the form, or longer than a family can be.
    #[error("not a line of an export: {0}")]
    Form(String),
    /// Another number than the one that follows the last line's: lines are missing, doubled or out of order.
    #[error(
        "number {found} where {expected} comes next: lines are missing, doubled or out of order"
    )]
    Order {
        /// Of the line.
        found: u64,
        /// After the line before.
        expected: u64,
    },
    /// Another count in the last line: lines are missing or doubled.
    #[error(
        "the last line counts {found} families, and {read} were read: lines are missing or doubled"
    )]
    Count {
        /// Of the last line.
        found: u64,
        /// Before it.
        read: u64,
    },
    /// The checksum does not follow from this line and those before it: one of them was altered.
    #[error("the checksum is wrong: this line or one before it was altered")]
    Checksum,
    /// A family that cannot be.
    #[error("an impossible family: {0}")]
    Impossible(#[from] crate::family::Impossible),
}
