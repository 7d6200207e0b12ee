//! Families as lines of JSON: out of any store, into any other.
//!
//! ```json
//! {"heirloom_families":1,"sum":".."}
//! {"n":1,"family":{"id":"0193..","version":3,"status":"live","subject":"alice",..},"sum":".."}
//! {"end":1,"sum":".."}
//! ```
//!
//! The first line says what the file is and in which version, each further one is a family, the last one says how many there were.
//! Families have a number, and every line has a checksum of itself and all before it, so that a file that is cut, reordered or doubled is found out at
//! the first line that is wrong. Nothing in it redeems anything: of tokens it has digests, as the store does (P6).
//!
//! A family's fields are its [`COLUMNS`](crate::record::columns::COLUMNS) in their order, without those that are NULL; instants are
//! milliseconds, bytes unpadded base64url. The families come in the order of the store's scan. One family is always the same text: to compare two files,
//! leave out the rest, as `jq -c .family FILE | sort` does.
//!
//! # Security
//!
//! A file to be imported is trusted input: the checksum is against accidents. Who can edit one can edit what users have
//! consented to, as who can write to the database can. An old file revives what has ended and was purged since: treat it as a restored
//! backup. It names users and clients: keep it as the database is kept.
//!
//! # While clients go on
//!
//! An export of a store that is in use shows each family as it was when its page was read: families that go on meanwhile are behind
//! in the file, and their tokens would be refused as ahead of the store. To move while clients go on, see
//! [`store::moving`](crate::store::moving); for a copy that is exact, stop the writers. What was moved to another store is exported from there.

mod error;
mod line;
mod export;
mod import;

pub use error::{LineError, TransferError};
pub use export::{Export, export};
pub use import::{Import, Imported, check, import};
