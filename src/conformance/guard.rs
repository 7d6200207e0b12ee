//! Every comparison of the guard, tried alone: who presents which token of which family.

use super::sample::{DAY, MAX, NOW, Sample, after, grant, guard};
use crate::family::{Branch, Branches, Family, Reason, Revocation, Status};
use crate::grant::Binding;
use crate::guard::Guard;
use crate::policy::Ends;
use crate::secret::Digest;
use crate::time::Timestamp;

/// A family and a guard, edited so that one comparison decides.
pub(super) struct Case {
    /// What the guard says of the family.
    pub(super) name: &'static str,
    /// Whether it holds.
    pub(super) holds: bool,
    /// Edits the family before it is created.
    pub(super) family: fn(&mut Family),
    /// Edits a guard that would hold.
    pub(super) guard: fn(&mut Guard),
}

impl Case {
    pub(super) const fn new(
        name: &'static str,
        holds: bool,
        family: fn(&mut Family),
        guard: fn(&mut Guard),
    ) -> Self {
        Self { name, holds, family, guard }
    }

    /// The family and the guard.
    pub(super) fn make(&self, sample: &Sample) -> (Family, Guard) {
        let mut family = sample.family();
        (self.family)(&mut family);
        let mut guard = guard(&family);
        (self.guard)(&mut guard);
        (family, guard)
    }
}

const JKT: Binding = Binding::Jkt([7; 32]);
const X5T: Binding = Binding::X5tS256([7; 32]);

fn same<T>(_: &mut T) {}

fn bound(family: &mut Family) {
    grant(family).binding = Some(JKT);
}

fn certified(family: &mut Family) {
    grant(family).binding = Some(X5T);
}

/// A digest, one byte of it changed.
fn flip(digest: &Digest, byte: usize) -> Digest {
    let mut bytes = *digest.as_bytes();
    bytes[byte] ^= 1;
    Digest::from_bytes(bytes)
}

/// As many branches, each with the head of the first.
fn branched(family: &mut Family, live: u16) {
    let head = family.head.clone();
    let branch = |number| Branch { number, origin: 0, born: 1, head: head.clone() };
    family.branches = Branches { made: live, live: (1..=live).map(branch).collect() };
}

fn past(family: &mut Family) {
    branched(family, 2);
    for branch in &mut family.branches.live {
        branch.head.idle_expires_at = Some(after(branch.head.used_at, 1));
    }
}

fn adopted(family: &mut Family) {
    (family.head.generation, family.head.predecessor) = (0, None);
    family.kept_until = Some(after(NOW, DAY));
}

fn client(family: &mut Family, name: &str) {
    // The kit's own families are told apart by their ids.
    grant(family).client = name.into();
}

/// Place, digest, client, key, status and version.
pub(super) const CASES: &[Case] = &[
    Case::new("nothing differs", true, same, same),
    Case::new("the generation is one ahead of the head", false, same, |guard| {
        guard.position.generation += 1;
    }),
    Case::new("the generation is one behind the head", false, same, |guard| {
        guard.position.generation -= 1;
    }),
    Case::new("the generation is 2^31 ahead", false, same, |guard| {
        guard.position.generation += 1 << 31;
    }),
    Case::new("the branch is 1", false, same, |guard| guard.position.branch = 1),
    Case::new("the branch is 256", false, same, |guard| guard.position.branch = 256),
    Case::new("the branch is the last", false, same, |guard| guard.position.branch = u16::MAX),
    Case::new(
        "the generation is the first",
        true,
        |family| {
            (family.head.generation, family.head.predecessor) = (0, None);
        },
        same,
    ),
    Case::new("the generation is 2^31", true, |family| family.head.generation = 1 << 31, same),
    Case::new(
        "the generation is the last but one",
        true,
        |family| {
            family.head.generation = u32::MAX - 1;
        },
        same,
    ),
    Case::new(
        "the generation is the last",
        false,
        |family| {
            family.head.generation = u32::MAX;
        },
        same,
    ),
    Case::new("the first byte of the digest differs", false, same, |guard| {
        guard.digest = flip(&guard.digest, 0);
    }),
    Case::new("the middle byte of the digest differs", false, same, |guard| {
        guard.digest = flip(&guard.digest, 16);
    }),
    Case::new("the last byte of the digest differs", false, same, |guard| {
        guard.digest = flip(&guard.digest, 31);
    }),
    Case::new(
        "the digest is all zeroes",
        true,
        |family| {
            family.head.digest = Digest::from_bytes([0; 32]);
        },
        same,
    ),
    Case::new(
        "the digest differs behind a zero",
        false,
        |family| {
            family.head.digest = Digest::from_bytes([0; 32]);
        },
        |guard| guard.digest = flip(&guard.digest, 31),
    ),
    Case::new(
        "the digest is all 255",
        true,
        |family| {
            family.head.digest = Digest::from_bytes([0xff; 32]);
        },
        same,
    ),
    Case::new("the client is another", false, same, |guard| guard.client = "other".into()),
    Case::new("the client is empty", false, same, |guard| guard.client = "".into()),
    Case::new(
        "the client is a beginning of it",
        false,
        |family| client(family, "web-app"),
        |guard| guard.client = "web".into(),
    ),
    Case::new(
        "the client goes on",
        false,
        |family| client(family, "web"),
        |guard| guard.client = "web-app".into(),
    ),
    Case::new(
        "the client is in other case",
        false,
        |family| client(family, "web-app"),
        |guard| guard.client = "Web-App".into(),
    ),
    Case::new(
        "the client ends in a space",
        false,
        |family| client(family, "web"),
        |guard| guard.client = "web ".into(),
    ),
    Case::new(
        "the client has no accent",
        false,
        |family| client(family, "caf\u{e9}"),
        |guard| guard.client = "cafe".into(),
    ),
    Case::new(
        "the client is composed otherwise",
        false,
        |family| client(family, "caf\u{e9}"),
        |guard| guard.client = "cafe\u{301}".into(),
    ),
    Case::new(
        "the client is a pattern",
        false,
        |family| client(family, "web"),
        |guard| guard.client = "%".into(),
    ),
    Case::new(
        "the client is a number that is written otherwise",
        false,
        |family| client(family, "1"),
        |guard| guard.client = "1.0".into(),
    ),
    Case::new(
        "the client is of odd characters",
        true,
        |family| client(family, "o'brien \"x\" \\ {y} $1 ?1 \u{1f511}"),
        same,
    ),
    Case::new("not bound, and a key is proved", true, same, |guard| guard.binding = Some(JKT)),
    Case::new("bound, and its key is proved", true, bound, same),
    Case::new("bound, and no key is proved", false, bound, |guard| guard.binding = None),
    Case::new("bound, and another key is proved", false, bound, |guard| {
        let mut thumbprint = [7; 32];
        thumbprint[31] = 6;
        guard.binding = Some(Binding::Jkt(thumbprint));
    }),
    Case::new(
        "bound to a key, and the certificate of that thumbprint is proved",
        false,
        bound,
        |guard| guard.binding = Some(X5T),
    ),
    Case::new("bound to a certificate, and it is proved", true, certified, same),
    Case::new("bound to a certificate, and none is proved", false, certified, |guard| {
        guard.binding = None
    }),
    Case::new(
        "bound to a certificate, and the key of that thumbprint is proved",
        false,
        certified,
        |guard| guard.binding = Some(JKT),
    ),
    Case::new(
        "the family has ended",
        false,
        |family| {
            let at = Timestamp::ZERO;
            family.status = Status::Revoked(Revocation { at, reason: Reason::Logout, call: 1 });
        },
        same,
    ),
    // Each by itself takes more to decide than the guard can state.
    Case::new("the family has a branch", false, |family| branched(family, 1), same),
    Case::new("the family has branches, and their idle ends have passed", false, past, same),
    Case::new(
        "the family had branches, and none is left",
        false,
        |family| family.branches = Branches { made: 1, live: Vec::new() },
        same,
    ),
    Case::new("the token is displaced", false, |family| family.head.displaced = true, same),
    Case::new(
        "the predecessor is displaced, and the token is not",
        true,
        |family| {
            if let Some(predecessor) = &mut family.head.predecessor {
                predecessor.displaced = true;
            }
        },
        same,
    ),
    Case::new(
        "the predecessor was replayed",
        true,
        |family| {
            if let Some(predecessor) = &mut family.head.predecessor {
                predecessor.replays = 3;
            }
        },
        same,
    ),
    Case::new("the family is adopted and was not used", false, adopted, same),
    Case::new(
        "the family is adopted, was not used, and live ends count",
        false,
        adopted,
        |guard| guard.ends = Ends::Live,
    ),
    Case::new(
        "the family is adopted and was used",
        true,
        |family| family.kept_until = Some(after(NOW, DAY)),
        same,
    ),
    Case::new(
        "the family is adopted, was used, and its date has passed",
        true,
        |family| family.kept_until = Some(family.created_at),
        |guard| guard.ends = Ends::Live,
    ),
    Case::new("the version is the one decided on", true, same, |guard| guard.version = Some(3)),
    Case::new("the version is older than the one decided on", false, same, |guard| {
        guard.version = Some(4)
    }),
    Case::new("the version is newer than the one decided on", false, same, |guard| {
        guard.version = Some(2)
    }),
    Case::new(
        "the version is the last but one",
        true,
        |family| family.version = MAX - 1,
        |guard| guard.version = Some(MAX - 1),
    ),
    Case::new(
        "the version is one off the last but one",
        false,
        |family| family.version = MAX - 1,
        |guard| guard.version = Some(MAX - 2),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::ends;

    /// The table states what the rule says, of families that can be; with as many that hold as that fail.
    #[test]
    fn every_case_is_of_a_family_that_can_be_and_says_what_the_guard_says() {
        let sample = Sample::new().unwrap();
        let cases = || CASES.iter().chain(ends::CASES);
        for case in cases() {
            let (family, guard) = case.make(&sample);
            assert_eq!(family.check_all(), Ok(()), "{}", case.name);
            assert_eq!(guard.holds(&family), case.holds, "{}", case.name);
        }
        let holding = cases().filter(|case| case.holds).count();
        assert!(holding > 30 && cases().count() - holding > 40, "{holding}");
    }
}
