//! P12: nothing that can be printed shows a token, a secret, a digest, a salt or key material, whole or in part, in any
//! of the usual notations. P6: what is stored holds no token and no secret.
//!
//! Not shown here: that memory is wiped on drop. To look at memory after its owner has gone takes unsafe code, which this
//! crate forbids; `zeroize` shows it for the types that hold secrets.

pub mod needle;
pub mod printer;
pub mod story;

use heirloom::entropy::{Entropy, EntropyError};
use heirloom::family::Family;
use heirloom::{Engine, Grant, Key, KeyRing, MemoryStore, Outcome, Policy, Request, Timestamp};
use needle::Haystack;
use pollster::block_on;
use story::Story;

#[test]
fn nothing_that_can_be_printed_shows_a_secret() {
    let story = Story::tell();
    let haystack = Haystack::new(&story.printed);
    for (name, bytes) in &story.secrets {
        assert_eq!(haystack.find(bytes), None, "{name}");
    }
    for token in &story.tokens {
        assert_eq!(haystack.find_text(needle::secret_part(token)), None, "a token");
    }
}

/// A search that would find nothing proves nothing: each notation, whole and in part, planted in a rendering.
#[test]
fn a_planted_secret_is_found_in_each_notation() {
    let secret: Vec<u8> = (100..132).map(|byte: u8| byte.wrapping_mul(37)).collect();
    let part = &secret[9..17];
    for rendering in [
        format!("{secret:?}"),
        format!("{secret:#?}"),
        format!("{part:?}"),
        format!("{part:02x?}"),
        format!("{part:#04X?}"),
        needle::hex(part),
        needle::hex(part).to_uppercase(),
        part.escape_ascii().to_string(),
        needle::base64(&secret),
        needle::base64(&secret[1..]),
        needle::base64_standard(&secret[2..]),
        u64::from_be_bytes(part.try_into().unwrap()).to_string(),
        u64::from_le_bytes(part.try_into().unwrap()).to_string(),
    ] {
        let haystack = Haystack::new(&[format!("left {rendering} right")]);
        assert!(haystack.find(&secret).is_some(), "{rendering}");
    }
    let token = format!("rt_{}", "AbCdEfGh".repeat(12));
    let haystack = Haystack::new(&[format!("...{}...", &token[60..75])]);
    assert!(haystack.find_text(needle::secret_part(&token)).is_some());
}

#[test]
fn a_stored_record_holds_no_token_and_no_secret() {
    let story = Story::tell();
    let of_tokens: Vec<_> =
        story.secrets.iter().filter(|(name, _)| !["digest", "salt"].contains(name)).collect();
    assert!(of_tokens.len() > 6);
    for record in &story.records {
        for (name, bytes) in &of_tokens {
            let found = bytes.windows(8).any(|part| record.windows(8).any(|stored| stored == part));
            assert!(!found, "{name}");
        }
        for token in &story.tokens {
            let text = needle::secret_part(token).as_bytes();
            assert!(!record.windows(8).any(|stored| text.windows(8).any(|part| part == stored)));
        }
    }
}

#[test]
fn the_story_prints_digests_and_salts_nowhere_though_its_families_hold_them() {
    let story = Story::tell();
    for name in ["secret", "digest", "salt", "key", "adoption key", "legacy"] {
        assert!(story.secrets.iter().any(|(kind, _)| *kind == name), "no {name} in the story");
    }
    // What may be seen is: so the story prints what it is about.
    let all = story.printed.concat();
    for seen in [
        "alice",
        "generation",
        "reuse",
        "forged",
        "Digest(..)",
        "Salt(..)",
        "Renewed",
        "Forked",
        "Displaced",
        "Branch {",
        "AdoptionKey(..)",
        "Legacy(..)",
        "Adopted",
        "Recovered",
        "Diverged",
        "RecoveryOpened",
        "RelatedReuse",
        "Evicted",
        "TooManyFamilies",
        "OtherGrant",
    ] {
        assert!(all.contains(seen), "{seen}");
    }
}

/// Randomness that is known to whoever looks, but for a family's first secret: the only draw of 32 bytes.
struct KnownButForSecrets(u8);

impl Entropy for KnownButForSecrets {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        let byte = if buffer.len() == 32 { self.0 } else { 9 };
        buffer.fill(byte);
        Ok(())
    }
}

/// The second token of a family, and the family.
fn second_token(first_secret: u8) -> (String, Family) {
    let keys = KeyRing::new(Key::new(1, &[7; 32]).unwrap());
    let engine = Engine::new(MemoryStore::new(), keys, Policy::default())
        .with_clock(Timestamp::from_millis(1_000))
        .with_entropy(KnownButForSecrets(first_secret));
    let issued = block_on(engine.issue(Grant::new("alice", "web-app"))).unwrap();
    let first = issued.token.as_ref().unwrap().expose();
    let rotated = block_on(engine.refresh(first, Request::new("web-app"))).unwrap();
    let Outcome::Granted(granted) = rotated else { panic!("refused") };
    let family = engine.store().snapshot().remove(0);
    (granted.token.unwrap().into_exposed(), family)
}

/// P6: two families with one key, one id and one salt. All that could make the second token is the same, but for the first.
#[test]
fn keys_and_records_make_no_successor_without_its_predecessor() {
    let ((token, family), (other_token, other)) = (second_token(1), second_token(2));
    let salt = |family: &Family| family.head.predecessor.as_ref().map(|it| it.salt);
    assert_eq!((family.id, salt(&family)), (other.id, salt(&other)));
    assert_ne!(needle::secret_part(&token), needle::secret_part(&other_token));
    assert_ne!(family.head.digest, other.head.digest);
}
