//! Reasons in words, for logs and support staff.

use std::fmt;

use super::{Reason, Reuse};

/// With the evidence, if it is a breach.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reuse(reuse) => return write!(f, "reuse of a spent token: {reuse}"),
            Self::Diverged => "diverged from a store that lost writes",
            Self::WrongClient => "presented by the wrong client",
            Self::WrongBinding => "presented with the wrong key",
            Self::ClientRequest => "revoked by its client",
            Self::Logout => "logout",
            Self::ConsentWithdrawn => "consent withdrawn",
            Self::CredentialChange => "credential changed",
            Self::Administrator => "ended by an administrator",
            Self::Evicted => "too many families, and this was the oldest",
            Self::RelatedReuse => "reuse in another family of the subject",
            Self::Moved => "moved to another store",
        })
    }
}

impl fmt::Display for Reuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = if self.successor_used { "used" } else { "not known to be used" };
        write!(
            f,
            "{} behind the current token, {:?} after its rotation, its successor {used}",
            self.generations_behind, self.since_rotation
        )
    }
}
