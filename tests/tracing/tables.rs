//! What is told has exactly the names, levels and fields of the page.

use std::collections::{BTreeMap, BTreeSet};

use crate::capture::{Ear, Told};
use crate::page;
use crate::story::Story;

/// A life with failures, in which every call is made and everything happens.
fn everything() -> Vec<Told> {
    Ear::hear(|| {
        drop(Story::tell());
        crate::calls::what_the_story_leaves_out();
    })
}

#[test]
fn the_spans_and_their_levels_are_exactly_the_documented_ones() {
    let spans = everything().into_iter().filter(|told| told.is_span);
    let seen: BTreeMap<String, String> =
        spans.map(|span| (span.name, span.level.to_string().to_lowercase())).collect();
    assert_eq!(seen, page::spans());
}

#[test]
fn every_span_has_exactly_the_documented_fields_and_some_span_fills_each() {
    let mut filled = BTreeSet::new();
    for span in everything().into_iter().filter(|told| told.is_span) {
        let declared: BTreeSet<String> = span.declared.iter().map(|&it| it.to_owned()).collect();
        assert_eq!(declared, page::fields(), "{}", span.name);
        filled.extend(span.fields.into_keys().map(str::to_owned));
    }
    assert_eq!(filled, page::fields());
}

#[test]
fn the_words_for_what_came_of_a_call_are_exactly_the_documented_ones() {
    let spans = everything().into_iter().filter(|told| told.is_span);
    let seen: BTreeSet<String> = spans.map(|span| span.field("outcome").to_owned()).collect();
    assert_eq!(seen, page::outcomes());
}

#[test]
fn the_fields_of_events_are_exactly_the_documented_ones() {
    let events = everything().into_iter().filter(|told| !told.is_span);
    let seen: BTreeSet<String> =
        events.flat_map(|event| event.fields.into_keys()).map(str::to_owned).collect();
    assert_eq!(seen, page::event_fields());
}

#[test]
fn everything_is_told_under_one_target_and_what_happens_in_a_call_inside_its_span() {
    for told in everything() {
        assert_eq!(told.target, "heirloom", "{told:?}");
        // A window is opened at once: no future, no span.
        let alone = told.name == "recovery window opened";
        assert!(told.is_span || told.parent.is_some() || alone, "{told:?}");
    }
}
