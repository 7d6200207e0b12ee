//! Families and heads at the bounds of what can be: a column that is too narrow, too clever or left out shows.

use std::time::Duration;

use super::sample::{DAY, HOUR, MAX, NOW, Sample, after, before, grant};
use crate::family::{Branches, Family, Head, Predecessor, Reason, Reuse, Revocation, Status};
use crate::grant::Binding;
use crate::key::KeyId;
use crate::scope::Scope;
use crate::secret::{Digest, Salt};
use crate::time::Timestamp;

/// What databases are known to read as something else.
const ODD: [&str; 16] = [
    "o'brien \"x\" `y` \\ \\\\ \\0 \\u0000",
    "'; DROP TABLE family; --",
    "%_%",
    "*?[a-z]",
    "{a}{b}:c|d,e/f",
    "$1 :id @id ?1 ${HOME}",
    "null",
    " leading and trailing ",
    "\u{1f511}\u{1f469}\u{200d}\u{1f4bb}",
    "n\u{e9}e ne\u{301}e",
    "\u{202e}right\u{202c} \u{5e9}\u{5dc}\u{5d5}\u{5dd}",
    "\u{feff}\u{fffd}\u{ffff}\u{10ffff}",
    "STRASSE Stra\u{df}e \u{130}\u{131}",
    "0x00",
    "1e400",
    "true",
];

/// A family of a shape of its own, and what is odd about it.
pub(super) type Shape = (String, Family);

/// One family for each thing that can be odd.
pub(super) fn families(sample: &Sample) -> Vec<Shape> {
    let mut shapes = Vec::new();
    let mut add = |name: String, edit: &dyn Fn(&mut Family)| {
        let mut family = sample.family();
        edit(&mut family);
        shapes.push((name, family));
    };
    for text in ODD {
        add(format!("names of {text:?}"), &|family| {
            // The word makes them this family's own.
            let grant = grant(family);
            grant.subject = format!("{text}{}", grant.subject).into();
            grant.client = format!("{}{text}", grant.client).into();
        });
        add(format!("an attribute of {text:?}"), &|family| {
            grant(family).attributes = [(text.to_owned(), text.to_owned())].into();
        });
    }
    for (name, edit) in EDITS {
        add((*name).to_owned(), &edit);
    }
    for (name, live, edit) in BRANCHED {
        add((*name).to_owned(), &|family| {
            family.branches = sample.branches(&family.head, *live);
            edit(family);
        });
    }
    for reason in reasons() {
        add(format!("an end for {reason:?}"), &|family| {
            family.status = Status::Revoked(sample.revocation(reason));
        });
    }
    shapes
}

/// Every reason, breaches with all kinds of evidence.
pub(super) fn reasons() -> Vec<Reason> {
    let reuse = |generations_behind, millis, successor_used| {
        let since_rotation = Duration::from_millis(millis);
        Reason::Reuse(Reuse { generations_behind, since_rotation, successor_used })
    };
    vec![
        reuse(1, 0, false),
        reuse(2, 10_001, true),
        reuse(u32::MAX, MAX, true),
        Reason::Diverged,
        Reason::WrongClient,
        Reason::WrongBinding,
        Reason::ClientRequest,
        Reason::Logout,
        Reason::ConsentWithdrawn,
        Reason::CredentialChange,
        Reason::Administrator,
        Reason::Evicted,
        Reason::RelatedReuse,
        Reason::Moved,
    ]
}

/// Revocations at the bounds of their numbers.
pub(super) fn revocations() -> Vec<Revocation> {
    let numbers = [(0, 0), (1, 1), (1 << 31, 1 << 32), (MAX - 1, MAX - 1), (MAX, MAX)];
    let revocation = |(at, call)| Revocation {
        at: Timestamp::from_millis(at),
        reason: Reason::Administrator,
        call,
    };
    numbers.map(revocation).into()
}

/// Heads for an advance to write.
pub(super) fn heads(sample: &Sample, family: &Family) -> Vec<(&'static str, Head)> {
    let mut heads = vec![("a head as usual", sample.next_head(&family.head, NOW))];
    let mut add = |name, edit: &dyn Fn(&mut Head)| {
        let mut head = sample.next_head(&family.head, NOW);
        edit(&mut head);
        heads.push((name, head));
    };
    add("a head without an idle end", &|head| head.idle_expires_at = None);
    add("a head of key 255", &|head| head.key = KeyId::new(255));
    add("a head of key 0", &|head| head.key = KeyId::new(0));
    add("a head that was used", &|head| head.used_at = after(NOW, 1));
    add("a head whose leeway is closed", &|head| {
        predecessor(head, |predecessor| predecessor.closed = true);
    });
    add("a head whose predecessor was replayed", &|head| replays(head, 7));
    add("a head whose predecessor was replayed more often than can be counted", &|head| {
        replays(head, u32::MAX);
    });
    add("a head whose predecessor had displaced another", &|head| {
        predecessor(head, |predecessor| predecessor.displaced = true);
    });
    add("a head that has displaced another", &|head| head.displaced = true);
    for byte in [0, b'\'', 0x80, 0xff] {
        add("a head of one byte again and again", &|head| {
            head.digest = Digest::from_bytes([byte; 32]);
            if let Some(predecessor) = &mut head.predecessor {
                predecessor.salt = Salt::from_bytes([byte; 16]);
            }
        });
    }
    add("a head at the last instant but one", &|head| {
        (head.rotated_at, head.used_at) = (before(Timestamp::MAX, 1), before(Timestamp::MAX, 1));
        head.idle_expires_at = Some(Timestamp::MAX);
    });
    heads
}

type Edit = (&'static str, fn(&mut Family));

const EDITS: &[Edit] = &[
    ("nothing odd", |_| {}),
    ("the first version", |family| family.version = 1),
    ("version 2^31", |family| family.version = 1 << 31),
    ("version 2^32", |family| family.version = 1 << 32),
    ("the last version", |family| family.version = MAX),
    ("no grant to speak of", |family| {
        let grant = grant(family);
        (grant.scope, grant.resources) = (Scope::default(), Vec::new());
        grant.attributes.clear();
    }),
    ("names of 512 bytes", |family| {
        let grant = grant(family);
        grant.subject = filled(&grant.subject, 512).into();
        grant.client = filled(&grant.client, 512).into();
    }),
    ("names of 512 bytes in emoji", |family| {
        let grant = grant(family);
        let emoji = "\u{1f511}".repeat(122);
        grant.subject = filled(&format!("{}{emoji}", grant.subject), 512).into();
    }),
    ("a scope of 4096 bytes", |family| grant(family).scope = Scope::new(&scope(4096))),
    ("a scope of odd characters", |family| {
        grant(family).scope = Scope::new("!#$%&'()*+,-./:;<=>?@[]^_`{|}~ a'b {} null");
    }),
    ("resources of 4096 bytes", |family| {
        grant(family).resources = vec![filled("https://api.example/", 4096)];
    }),
    ("many resources, some twice, in an order of their own", |family| {
        let uris = ["z:1", "a:'\\\"", "z:1", "https://b.example/?q=%00&r={}[]", "a:*"];
        grant(family).resources = uris.map(str::to_owned).into();
    }),
    ("attributes of 4096 bytes", |family| {
        grant(family).attributes = [("a".to_owned(), "x".repeat(4095))].into();
    }),
    ("attributes of nothing but control characters", |family| {
        grant(family).attributes = [("\u{1}".to_owned(), "\u{1}".repeat(4095))].into();
    }),
    ("attributes with U+0000", |family| {
        let pairs = [("\0", "\0"), ("a\0b", "\0c\0"), ("", "\u{7f}\u{85}\r\n\t\u{8}\u{c}")];
        grant(family).attributes =
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    }),
    ("many attributes, empty ones among them", |family| {
        let pairs = (0..100).map(|number: u32| (number.to_string(), String::new()));
        grant(family).attributes = pairs.collect();
    }),
    ("a DPoP key", |family| grant(family).binding = Some(Binding::Jkt([0xa5; 32]))),
    ("a certificate", |family| grant(family).binding = Some(Binding::X5tS256([0; 32]))),
    ("an end of the grant", |family| grant(family).not_after = Some(after(NOW, DAY))),
    ("no end at all", |family| {
        (family.expires_at, family.head.idle_expires_at) = (None, None);
    }),
    ("an absolute end alone", |family| family.head.idle_expires_at = None),
    ("an idle end alone", |family| family.expires_at = None),
    ("ends at the last instant", |family| {
        (family.expires_at, family.head.idle_expires_at) =
            (Some(Timestamp::MAX), Some(Timestamp::MAX));
        grant(family).not_after = Some(Timestamp::MAX);
    }),
    ("every instant the last", |family| {
        (family.created_at, family.expires_at) = (Timestamp::MAX, Some(Timestamp::MAX));
        (family.head.rotated_at, family.head.used_at) = (Timestamp::MAX, Timestamp::MAX);
        family.head.idle_expires_at = None;
    }),
    ("a creation at the first instant", |family| {
        family.created_at = Timestamp::ZERO;
        (family.head.rotated_at, family.head.used_at) = (Timestamp::ZERO, Timestamp::ZERO);
    }),
    ("instants a millisecond apart", |family| {
        family.created_at = before(NOW, HOUR + 3);
        family.head.rotated_at = before(NOW, HOUR + 2);
        family.head.used_at = before(NOW, HOUR + 1);
    }),
    ("generation 0", |family| {
        (family.head.generation, family.head.predecessor) = (0, None);
    }),
    ("generation 2^31", |family| family.head.generation = 1 << 31),
    ("the last generation", |family| family.head.generation = u32::MAX),
    ("a leeway that is closed", |family| {
        predecessor(&mut family.head, |predecessor| predecessor.closed = true);
    }),
    ("a predecessor that was replayed once", |family| replays(&mut family.head, 1)),
    ("a predecessor that was replayed 2^31 times", |family| replays(&mut family.head, 1 << 31)),
    ("a predecessor that was replayed as often as can be counted", |family| {
        replays(&mut family.head, u32::MAX);
    }),
    ("a displaced token", |family| family.head.displaced = true),
    ("a displaced predecessor", |family| {
        predecessor(&mut family.head, |predecessor| predecessor.displaced = true);
    }),
    ("both displaced", |family| {
        family.head.displaced = true;
        predecessor(&mut family.head, |predecessor| predecessor.displaced = true);
    }),
    ("kept until long after its end", |family| family.kept_until = Some(after(NOW, 9 * DAY))),
    ("kept until its creation", |family| family.kept_until = Some(family.created_at)),
    ("kept until the last instant", |family| family.kept_until = Some(Timestamp::MAX)),
    ("adopted", |family| {
        (family.head.generation, family.head.predecessor) = (0, None);
        family.kept_until = Some(after(NOW, DAY));
    }),
    ("branches that are no more", |family| {
        family.branches = Branches { made: 7, live: Vec::new() };
    }),
    ("as many branches made as can be numbered, and none left", |family| {
        family.branches = Branches { made: u16::MAX, live: Vec::new() };
    }),
    ("digests and salt of zeroes", |family| bytes(family, 0)),
    ("digests and salt of 255", |family| bytes(family, 0xff)),
    ("key 0", |family| family.head.key = KeyId::new(0)),
    ("key 255", |family| family.head.key = KeyId::new(255)),
];

type Branched = (&'static str, u16, fn(&mut Family));

/// So many branches, edited.
const BRANCHED: &[Branched] = &[
    ("a branch", 1, |_| {}),
    ("as many branches as can be", 31, |_| {}),
    ("branches of odd heads", 4, |family| {
        let branches = &mut family.branches.live;
        branches[0].head.displaced = true;
        branches[1].head.key = KeyId::new(255);
        branches[1].head.generation = u32::MAX;
        branches[1].born = u32::MAX;
        replays(&mut branches[2].head, u32::MAX);
        predecessor(&mut branches[3].head, |predecessor| {
            (predecessor.closed, predecessor.displaced) = (true, true);
        });
    }),
    ("the last branches that can be numbered", 2, |family| {
        family.branches.made = u16::MAX;
        for (branch, number) in family.branches.live.iter_mut().zip([u16::MAX - 1, u16::MAX]) {
            (branch.number, branch.origin) = (number, number - 1);
        }
    }),
    ("branches that end at different times", 3, |family| {
        family.expires_at = None;
        for (branch, hours) in family.branches.live.iter_mut().zip([3, 9, 6]) {
            branch.head.idle_expires_at = Some(after(NOW, hours * HOUR));
        }
    }),
    ("branches of which one does not end", 3, |family| {
        family.expires_at = None;
        family.branches.live[1].head.idle_expires_at = None;
    }),
    ("branches that do not end", 2, |family| {
        family.expires_at = None;
        family.head.idle_expires_at = None;
        family.branches.live.iter_mut().for_each(|branch| branch.head.idle_expires_at = None);
    }),
    ("a branch that ends at the last instant", 1, |family| {
        family.expires_at = None;
        family.branches.live[0].head.idle_expires_at = Some(Timestamp::MAX);
    }),
    ("a branch that was used after the absolute end", 1, |family| {
        family.expires_at = Some(NOW);
        let head = &mut family.branches.live[0].head;
        (head.used_at, head.idle_expires_at) = (after(NOW, 7), None);
    }),
    ("a branch, a displaced token, and a date to be kept until", 1, |family| {
        family.head.displaced = true;
        family.kept_until = Some(after(NOW, DAY));
    }),
];

fn predecessor(head: &mut Head, edit: impl FnOnce(&mut Predecessor)) {
    if let Some(predecessor) = &mut head.predecessor {
        edit(predecessor);
    }
}

fn replays(head: &mut Head, replays: u32) {
    predecessor(head, |predecessor| predecessor.replays = replays);
}

fn bytes(family: &mut Family, byte: u8) {
    family.head.digest = Digest::from_bytes([byte; 32]);
    if let Some(predecessor) = &mut family.head.predecessor {
        predecessor.digest = Digest::from_bytes([byte; 32]);
        predecessor.salt = Salt::from_bytes([byte; 16]);
    }
}

/// A text, made as long as this.
fn filled(text: &str, bytes: usize) -> String {
    let missing = bytes.saturating_sub(text.len());
    format!("{text}{}", "x".repeat(missing))
}

/// A scope of many words, as long as this.
fn scope(bytes: usize) -> String {
    let words: Vec<String> = (0..bytes / 8).map(|number| format!("{number:07}")).collect();
    filled(&words.join(" "), bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::GrantLimits;

    #[test]
    fn every_shape_is_of_a_family_that_can_be_issued() {
        for (name, family) in families(&Sample::new().unwrap()) {
            assert_eq!(family.check_all(), Ok(()), "{name}");
            assert_eq!(family.grant.check(&GrantLimits::default()), Ok(()), "{name}");
        }
    }

    #[test]
    fn every_head_follows_from_one_that_can_be() {
        let sample = Sample::new().unwrap();
        let family = sample.family();
        for (name, head) in heads(&sample, &family) {
            assert_eq!(Family { head, ..family.clone() }.check_all(), Ok(()), "{name}");
        }
    }
}
