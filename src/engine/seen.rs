//! What each answer of the engine says of itself in its span.

use super::{
    Adopted, Begun, Error, Explanation, Granted, How, Introspection, Outcome, RevokeOutcome,
};
use crate::family::Family;
use crate::span::{Answer, Fault, Seen};
use crate::store::{StoreError, StoreErrorKind};

impl<T: Answer> Answer for Result<T, Error> {
    fn seen(&self) -> Seen<'_> {
        match self {
            Ok(answer) => answer.seen(),
            Err(error) => Seen { error: Some((error.fault(), error)), ..Seen::new("error") },
        }
    }
}

impl Error {
    fn fault(&self) -> Fault {
        match self {
            Self::GrantChanged
            | Self::Grant(_)
            | Self::TooManyFamilies { .. }
            | Self::NoAdoptionKey
            | Self::OtherGrant { .. }
            | Self::NotLive { .. } => Fault::Host,
            Self::Store(error) => fault_of(error),
            Self::Contended | Self::Entropy(_) | Self::Clock(_) => Fault::Passing,
            Self::KeyMissing { .. } | Self::Corrupt { .. } => Fault::Lasting,
        }
    }
}

fn fault_of(error: &StoreError) -> Fault {
    match error.kind() {
        StoreErrorKind::Unavailable | StoreErrorKind::Conflict => Fault::Passing,
        StoreErrorKind::Unusable | StoreErrorKind::Impossible(_) => Fault::Lasting,
    }
}

impl Answer for Granted {
    fn seen(&self) -> Seen<'_> {
        let (outcome, family) = match self.how {
            How::Issued => ("issued", Some(self.family)),
            How::Rotated => ("rotated", None),
            How::Replayed => ("replayed", None),
            How::Renewed => ("renewed", None),
            How::Forked => ("forked", None),
            How::Recovered => ("recovered", None),
            How::Kept => ("kept", None),
        };
        let current = Some((self.branch, self.generation));
        Seen { family, current, ..Seen::new(outcome) }
    }
}

impl Answer for Adopted {
    fn seen(&self) -> Seen<'_> {
        let outcome = match self {
            Self::New(_) => "adopted",
            Self::Before(_) => "adopted_before",
        };
        Seen { family: Some(self.family()), ..Seen::new(outcome) }
    }
}

impl Answer for Outcome {
    fn seen(&self) -> Seen<'_> {
        match self {
            Self::Granted(granted) => granted.seen(),
            Self::Refused(_) => Seen::new("refused"),
        }
    }
}

impl<S, C, E> Answer for Begun<'_, S, C, E> {
    fn seen(&self) -> Seen<'_> {
        match self {
            Self::Ready(_) => Seen::new("ready"),
            Self::Refused(_) => Seen::new("refused"),
        }
    }
}

impl Answer for RevokeOutcome {
    fn seen(&self) -> Seen<'_> {
        Seen::new(match self {
            Self::Ended => "ended",
            Self::Before(_) => "ended_before",
            Self::NoEffect(_) => "no_effect",
        })
    }
}

impl Answer for Introspection {
    fn seen(&self) -> Seen<'_> {
        Seen::new(match self {
            Self::Active(_) => "active",
            Self::Inactive => "inactive",
        })
    }
}

impl Answer for Explanation {
    fn seen(&self) -> Seen<'_> {
        Seen::new("done")
    }
}

/// A listing.
impl Answer for Vec<Family> {
    fn seen(&self) -> Seen<'_> {
        Seen { families: Some(self.len()), ..Seen::new("done") }
    }
}

/// How many families were ended or purged.
impl Answer for usize {
    fn seen(&self) -> Seen<'_> {
        Seen { families: Some(*self), ..Seen::new("done") }
    }
}

/// A changed grant.
impl Answer for () {
    fn seen(&self) -> Seen<'_> {
        Seen::new("done")
    }
}
