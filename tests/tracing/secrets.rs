//! P12 for a subscriber: no token, secret, digest, salt or key, whole or in part, in any of the usual notations; and nothing of
//! a user's but the family's id and the client.

use heirloom::testing::{ManualClock, SeededEntropy};
use heirloom::{AdoptionKey, Engine, Grant, Key, KeyRing, MemoryStore, Outcome, Policy, Request};
use pollster::block_on;

use crate::calls::{LEGACY, START, what_the_story_leaves_out};
use crate::capture::Log;
use crate::needle::{self, Haystack};
use crate::story::Story;

#[test]
fn a_whole_story_told_at_every_level_shows_no_secret() {
    let mut story = None;
    let log = Log::of(|| story = Some(Story::tell()));
    let story = story.unwrap();
    // What may be seen is: so it is the story that was listened to.
    for seen in ["heirloom.commit", "breach", "forged", "the store is unavailable", "web-app"] {
        assert!(log.contains(seen), "{seen}");
    }
    let haystack = Haystack::new(&[log]);
    for of in ["secret", "digest", "salt", "key"] {
        assert!(story.secrets.iter().any(|(name, _)| *name == of), "no {of} in the story");
    }
    assert!(story.tokens.len() > 4, "{}", story.tokens.len());
    for (name, bytes) in &story.secrets {
        assert_eq!(haystack.find(bytes), None, "{name}");
    }
    for token in &story.tokens {
        assert_eq!(haystack.find_text(needle::secret_part(token)), None, "a token");
    }
}

/// A log that would not show it proves nothing.
#[test]
fn a_token_in_a_field_of_a_span_or_an_event_is_found() {
    let token = format!("rt_{}", "AbCdEfGh".repeat(12));
    for log in [
        Log::of(|| drop(tracing::trace_span!("host", %token).entered())),
        Log::of(|| tracing::trace!(token)),
    ] {
        let haystack = Haystack::new(&[log]);
        assert!(haystack.find_text(needle::secret_part(&token)).is_some());
    }
}

#[test]
fn subject_scope_resource_and_attributes_are_not_told() {
    let log = Log::of(|| {
        let keys = KeyRing::new(Key::new(1, &[1; 32]).unwrap());
        let engine = Engine::new(MemoryStore::new(), keys, Policy::default())
            .with_clock(ManualClock::at(START))
            .with_entropy(SeededEntropy::new(1));
        let grant = Grant::new("subject-of-it", "client-of-it")
            .scope("scope-of-it")
            .resource("https://resource-of-it.example")
            .attribute("key-of-it", "value-of-it");
        let issued = block_on(engine.issue(grant)).unwrap();
        let token = issued.token.unwrap().into_exposed();
        let request = Request::new("client-of-it").scope("scope-of-it");
        for request in [request, request.scope("wish-of-it"), Request::new("other-of-it")] {
            let _ = block_on(engine.explain(&token, request)).unwrap();
            let _: Outcome = block_on(engine.refresh(&token, request)).unwrap();
        }
        let raise = |grant: &Grant| grant.clone().scope("raised-of-it");
        block_on(engine.change_grant(issued.family, raise)).unwrap();
    });
    assert!(log.contains("client-of-it") && log.contains("other-of-it"));
    for unseen in ["subject", "scope", "resource", "key", "value", "wish", "raised"] {
        assert!(!log.contains(&format!("{unseen}-of-it")), "{unseen}: {log}");
    }
}

#[test]
fn a_legacy_token_is_not_told_whether_it_is_adopted_or_not() {
    let log = Log::of(what_the_story_leaves_out);
    assert!(log.contains("heirloom.adopt") && log.contains("adopted_before"));
    assert_eq!(Haystack::new(&[log]).find_text(LEGACY), None);
    let log = Log::of(|| {
        let keys = KeyRing::new(Key::new(1, &[1; 32]).unwrap());
        let keys = keys.with_adoption(AdoptionKey::new(&[8; 32]).unwrap());
        let engine = Engine::new(MemoryStore::new(), keys, Policy::default());
        drop(block_on(engine.refresh(LEGACY, Request::new("web-app"))).unwrap());
    });
    assert!(log.contains("refused"));
    assert_eq!(Haystack::new(&[log]).find_text(LEGACY), None);
}
