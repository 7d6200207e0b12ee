//! The rows of the rule, and which of two wins when the conditions of both hold.

use std::fmt::Write as _;
use std::time::Duration;

use heirloom::decide::{Decision, decide};
use heirloom::family::{Family, Revocation, Status};
use heirloom::token::Position;
use heirloom::{Policy, Reason, Timestamp};

use super::asked::{Asked, PLAIN};
use super::policies::policies;
use super::shown::present;
use super::states::{BINDING, edit_grant, generation_2, secret, set_generation};
use super::timeline::LEEWAY;
use super::verdict::word;

/// One fact about a presentation. What no fact says is as for a current token that is granted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fact {
    Revoked,
    OtherClient,
    OtherKey,
    CreatedLater,
    AbsoluteEnd,
    IdleEnd,
    OtherBranch,
    /// The presented generation, less the head's.
    Behind(i64),
    OtherDigest,
    Closed,
    /// How long ago the head was rotated, in milliseconds.
    Rotated(u64),
    Beyond,
    Wider,
    Last,
    OutOfRange,
}

/// The conditions of the rule, in the order in which they are to win.
const ROWS: [(&str, &[Fact]); 19] = [
    ("2 revoked", &[Fact::Revoked]),
    ("3 another client", &[Fact::OtherClient]),
    ("4 another key", &[Fact::OtherKey]),
    ("- created more than 60 s from now", &[Fact::CreatedLater]),
    ("5 absolute end", &[Fact::AbsoluteEnd]),
    ("5 idle end", &[Fact::IdleEnd]),
    ("6 another branch", &[Fact::OtherBranch]),
    ("6 ahead", &[Fact::Behind(-1)]),
    ("7 current, another digest", &[Fact::Behind(0), Fact::OtherDigest]),
    ("7 predecessor, another digest", &[Fact::Behind(1), Fact::OtherDigest]),
    ("10 two behind", &[Fact::Behind(2)]),
    ("10 predecessor, leeway over", &[Fact::Behind(1), Fact::Rotated(10_000)]),
    ("8 predecessor, leeway closed", &[Fact::Behind(1), Fact::Rotated(9_999), Fact::Closed]),
    ("11 resource beyond", &[Fact::Beyond]),
    ("11 scope wider", &[Fact::Wider]),
    ("- last generation", &[Fact::Behind(0), Fact::Last]),
    ("- clock out of range", &[Fact::Behind(0), Fact::OutOfRange]),
    ("9 predecessor, leeway", &[Fact::Behind(1), Fact::Rotated(9_999)]),
    ("12 current", &[Fact::Behind(0)]),
];

/// Whether two facts exclude each other.
fn exclude(one: Fact, other: Fact) -> bool {
    match (one, other) {
        (Fact::Behind(one), Fact::Behind(other)) => one != other,
        (Fact::Rotated(one), Fact::Rotated(other)) => one != other,
        // After the last generation there is none; at the last instant, no family was created later.
        (Fact::Last, Fact::Behind(behind)) | (Fact::Behind(behind), Fact::Last) => behind < 0,
        (Fact::OutOfRange, Fact::CreatedLater) | (Fact::CreatedLater, Fact::OutOfRange) => true,
        _ => false,
    }
}

/// The decision when the conditions of both rows hold, in a word; `None` when they cannot.
fn meet(first: usize, second: usize, policy: &Policy) -> Option<String> {
    let facts = [ROWS[first].1, ROWS[second].1].concat();
    let excluded = facts.iter().any(|one| facts.iter().any(|other| exclude(*one, *other)));
    (!excluded).then(|| decided(&facts, policy))
}

fn decided(facts: &[Fact], policy: &Policy) -> String {
    let has = |fact| facts.contains(&fact);
    let now = if has(Fact::OutOfRange) { Timestamp::MAX } else { Timestamp::from_millis(1 << 40) };
    let mut family = family_at(now);
    for fact in facts {
        edit(&mut family, *fact, now);
    }
    let behind = facts.iter().find_map(|fact| match fact {
        Fact::Behind(behind) => Some(*behind),
        _ => None,
    });
    let generation = i64::from(family.head.generation) - behind.unwrap_or(0);
    let generation = u32::try_from(generation).unwrap();
    let branch = u16::from(has(Fact::OtherBranch));
    let digest = if has(Fact::OtherDigest) { [0xff; 32] } else { secret(generation) };
    let presented = present(Position { family: family.id, branch, generation }, digest);
    let request = asked(facts).request();
    let decision: Decision = decide(&family, &presented, &request, policy, now);
    word(&decision, &family.grant.scope)
}

/// Bound, live, and rotated a second ago.
fn family_at(now: Timestamp) -> Family {
    let mut family = generation_2();
    edit_grant(&mut family, |grant| grant.binding = Some(BINDING));
    let rotated_at = now.saturating_sub(Duration::from_secs(1));
    family.created_at = rotated_at;
    (family.head.rotated_at, family.head.used_at) = (rotated_at, rotated_at);
    (family.expires_at, family.head.idle_expires_at) = (None, None);
    family
}

fn edit(family: &mut Family, fact: Fact, now: Timestamp) {
    match fact {
        Fact::Revoked => {
            family.status =
                Status::Revoked(Revocation { at: now, reason: Reason::Logout, call: 7 });
        }
        Fact::CreatedLater => family.created_at = now.saturating_add(Duration::from_millis(60_001)),
        Fact::AbsoluteEnd => family.expires_at = Some(now),
        Fact::IdleEnd => family.head.idle_expires_at = Some(now),
        Fact::Closed => family.head.predecessor.as_mut().unwrap().closed = true,
        Fact::Rotated(ago) => {
            family.head.rotated_at = now.saturating_sub(Duration::from_millis(ago));
            family.head.used_at = family.head.rotated_at;
        }
        Fact::Last => set_generation(family, u32::MAX),
        Fact::OtherClient
        | Fact::OtherKey
        | Fact::OtherBranch
        | Fact::Behind(_)
        | Fact::OtherDigest
        | Fact::Beyond
        | Fact::Wider
        | Fact::OutOfRange => {}
    }
}

fn asked(facts: &[Fact]) -> Asked {
    let has = |fact| facts.contains(&fact);
    Asked {
        client: if has(Fact::OtherClient) { "app" } else { PLAIN.client },
        binding: PLAIN.binding.filter(|_| !has(Fact::OtherKey)),
        scope: has(Fact::Wider).then_some("admin"),
        resources: if has(Fact::Beyond) { &["https://b.example"] } else { &[] },
        ..PLAIN
    }
}

/// The table of rows, in words: what each says, and which later rows it wins over when both hold.
///
/// # Panics
///
/// When a row does not win over a later one that can hold at the same time.
pub fn table() -> String {
    let policy = &policies()[0].policy;
    assert_eq!(policy.leeway(), Some(heirloom::Leeway::replay(LEEWAY)));
    let mut text = String::new();
    for (first, (name, facts)) in ROWS.iter().enumerate() {
        let alone = decided(facts, policy);
        let (mut over, mut never) = (String::new(), String::new());
        for (second, (later, _)) in ROWS.iter().enumerate().skip(first + 1) {
            match meet(first, second, policy) {
                Some(winner) => {
                    assert_eq!(winner, alone, "{name} and {later}");
                    write!(over, " {}", letter(second)).unwrap();
                }
                None => write!(never, " {}", letter(second)).unwrap(),
            }
        }
        let line =
            format!("{} {name:<34} {alone:<12} over{over:<38} never meets{never}", letter(first));
        writeln!(text, "{}", line.trim_end()).unwrap();
    }
    text
}

fn letter(row: usize) -> char {
    ('a'..='z').nth(row).unwrap()
}
