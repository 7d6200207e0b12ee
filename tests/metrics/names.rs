//! The names and labels that are recorded are those of the page.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use heirloom::family::Reuse;
use heirloom::metrics::MetricsObserver;
use heirloom::token::Malformed;
use heirloom::{EventKind, Observer, Reason, Recovery, Refusal};

use crate::metrics::figures::{Figure, Figures, START, events};
use crate::metrics::page::{self, Name};
use crate::metrics::store::every_result_of_every_operation;

const REUSE: Reuse =
    Reuse { generations_behind: 3, since_rotation: Duration::from_secs(60), successor_used: true };

const REASONS: [Reason; 12] = [
    Reason::Reuse(REUSE),
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
];

fn refusals() -> Vec<Refusal> {
    let key = heirloom::Key::new(7, &[7; 32]).unwrap().id();
    vec![
        Refusal::Malformed(Malformed::Empty),
        Refusal::Forged,
        Refusal::UnknownKey(key),
        Refusal::Unknown,
        Refusal::Revoked(Reason::Logout),
        Refusal::ClientMismatch { ended: false },
        Refusal::BindingMismatch { ended: true },
        Refusal::Expired,
        Refusal::Idle,
        Refusal::AheadOfStore,
        Refusal::Diverged,
        Refusal::LeewayClosed,
        Refusal::AlreadyRotated,
        Refusal::Reused(REUSE),
        Refusal::Spent(REUSE),
        Refusal::Displaced,
        Refusal::TooManyBranches,
        Refusal::Scope,
        Refusal::Resource,
        Refusal::Exhausted,
    ]
}

/// Every kind of event, with every reason and refusal.
fn kinds() -> Vec<EventKind> {
    let second = Duration::from_secs(1);
    let window = Recovery::new(START, START.saturating_add(second), START).unwrap();
    let mut kinds = vec![
        EventKind::Issued,
        EventKind::Rotated,
        EventKind::Replayed { since_rotation: second },
        EventKind::Renewed { since_rotation: second },
        EventKind::Forked { since_rotation: second },
        EventKind::Recovered,
        EventKind::Adopted,
        EventKind::RecoveryOpened(window),
        EventKind::Kept,
        EventKind::GrantChanged,
        EventKind::RelatedLeft,
        EventKind::ClockBehind { behind: second },
        EventKind::Purged { families: 5 },
    ];
    kinds.extend(REASONS.map(EventKind::Revoked));
    kinds.extend(refusals().into_iter().map(|why| EventKind::Refused { why, presented: None }));
    kinds
}

/// Everything that can be recorded.
fn everything() -> Figures {
    Figures::of(|| {
        let observer = MetricsObserver::new();
        events(kinds()).iter().for_each(|event| observer.observe(event));
        every_result_of_every_operation();
    })
}

/// The labels of a key: `name{label=value}`.
fn labels(key: &str) -> (&str, BTreeMap<&str, &str>) {
    let (name, labels) = key.split_once('{').unwrap_or((key, ""));
    let labels = labels.trim_end_matches('}').split(',').filter_map(|label| label.split_once('='));
    (name, labels.collect())
}

#[test]
fn the_names_kinds_and_labels_recorded_are_exactly_the_documented_ones() {
    let recorded: BTreeSet<Name> = everything()
        .all()
        .map(|(key, _, figure)| {
            let (name, labels) = labels(key);
            let kind = match figure {
                Figure::Counter(_) => "counter",
                Figure::Histogram(_) => "histogram",
            };
            let labels = labels.into_keys().map(str::to_owned).collect();
            Name { name: name.to_owned(), kind: kind.to_owned(), labels }
        })
        .collect();
    assert_eq!(recorded, page::names());
}

#[test]
fn the_values_of_labels_recorded_are_exactly_the_documented_ones() {
    let everything = everything();
    let mut recorded: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (key, _, _) in everything.all() {
        for (label, value) in labels(key).1 {
            recorded.entry(label.to_owned()).or_default().insert(value.to_owned());
        }
    }
    assert_eq!(recorded, page::labels());
}

/// A word that is new in the source and not yet in a table or in this test.
#[test]
fn every_word_of_the_source_is_documented() {
    let labels = page::labels();
    assert_eq!(page::words("why"), labels["why"]);
    assert_eq!(page::words("reason"), labels["reason"]);
}

#[test]
fn every_name_is_described_and_tells_its_unit() {
    for (key, unit, figure) in everything().all() {
        let (name, _) = labels(key);
        let expected = if name.ends_with("_seconds") { "seconds" } else { "count" };
        assert_eq!(unit, Some(expected), "{name}");
        assert_eq!(name.ends_with("_total"), matches!(figure, Figure::Counter(_)), "{name}");
    }
}

#[test]
fn no_label_names_a_family_a_client_or_a_subject() {
    let everything = everything();
    let all = everything.all().map(|(key, _, _)| key).collect::<Vec<_>>().join("\n");
    for unseen in ["alice", "web-app"] {
        assert!(!all.contains(unseen), "{unseen}");
    }
    // Of the form of an id, or of anything else that grows without bound.
    assert!(all.lines().count() < 100, "{}", all.lines().count());
    assert!(!all.chars().any(|character| character.is_ascii_digit()), "{all}");
}
