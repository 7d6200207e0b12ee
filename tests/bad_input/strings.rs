//! Strings that the engine did not mint: refused by their own reason, without asking any store (P4; of P5 what the tag does).

use base64ct::{Base64UrlUnpadded, Encoding};
use heirloom::event::EventKind;
use heirloom::key::{KeyId, Prefix};
use heirloom::testing::{FaultStore, Operations, token};
use heirloom::token::{Malformed, Parsed, Position};
use heirloom::{Begun, Introspection, Key, KeyRing, Refusal, Request, RevokeOutcome};
use pollster::block_on;

use super::world::{CLIENT, World, key};

type Faulty = World<FaultStore<std::sync::Arc<heirloom::MemoryStore>>>;

const TEN_MEGABYTES: usize = 10_000_000;

fn world() -> Faulty {
    let world = World::over(FaultStore::new);
    world.engine.store().take_operations();
    world.events.lock().unwrap().clear();
    world
}

/// Every call that takes a token refuses the string with this reason, asks no store and touches no family.
fn assert_refused(world: &Faulty, text: &str, why: Refusal) {
    let request = Request::new(CLIENT);
    let shown: String = text.chars().take(120).collect();
    assert_eq!(world.refused(text), why, "{shown:?}");
    match block_on(world.engine.begin(text, request)).unwrap() {
        Begun::Refused(refusal) => assert_eq!(refusal, why, "{shown:?}"),
        Begun::Ready(_) => panic!("{shown:?}"),
    }
    let revoked = block_on(world.engine.revoke(text, request)).unwrap();
    assert_eq!(revoked, RevokeOutcome::NoEffect(why), "{shown:?}");
    let introspection = block_on(world.engine.introspect(text)).unwrap();
    assert_eq!(introspection, Introspection::Inactive, "{shown:?}");
    let explanation = block_on(world.engine.explain(text, request)).unwrap();
    assert!(explanation.family.is_none() && explanation.presented.is_none(), "{shown:?}");
    assert_eq!(world.engine.store().take_operations(), Operations::default(), "{shown:?}");
    for event in world.events.lock().unwrap().drain(..) {
        assert_eq!(event.about, None, "{shown:?}");
        assert_eq!(event.kind, EventKind::Refused { why, presented: None }, "{shown:?}");
    }
}

fn malformed(why: Malformed) -> Refusal {
    Refusal::Malformed(why)
}

/// The token's 72 bytes, changed.
fn altered(text: &str, change: impl FnOnce(&mut [u8; 72])) -> String {
    let mut bytes = [0; 72];
    Base64UrlUnpadded::decode(&text[3..], &mut bytes).unwrap();
    change(&mut bytes);
    let mut body = [0; 96];
    format!("rt_{}", Base64UrlUnpadded::encode(&bytes, &mut body).unwrap())
}

#[test]
fn an_empty_string_is_a_missing_parameter() {
    let world = world();
    assert_refused(&world, "", malformed(Malformed::Empty));
    world.assert_nothing_lost();
}

#[test]
fn a_string_of_another_length_is_refused_before_it_is_decoded() {
    let world = world();
    let token = world.token.clone();
    let huge = [
        "a".repeat(TEN_MEGABYTES),
        "\u{1f511}".repeat(TEN_MEGABYTES / 4),
        token.repeat(TEN_MEGABYTES / token.len()),
        " ".repeat(TEN_MEGABYTES),
    ];
    for text in &huge {
        assert_refused(&world, text, malformed(Malformed::Length));
    }
    world.assert_nothing_lost();
}

#[test]
fn a_truncated_token_is_refused_at_every_length() {
    let world = world();
    for length in 1..world.token.len() {
        let why = match world.token.len() - length {
            // Still as long as a token of a shorter prefix.
            1 => Malformed::Prefix,
            _ => Malformed::Length,
        };
        assert_refused(&world, &world.token[..length], malformed(why));
        let tail = &world.token[world.token.len() - length..];
        // Without its first letter it is a token of another prefix.
        let why = if length == 98 { Malformed::ForeignPrefix } else { why };
        assert_refused(&world, tail, malformed(why));
    }
    world.assert_nothing_lost();
}

#[test]
fn a_token_that_was_padded_wrapped_or_respelt_is_refused() {
    let world = world();
    let token = world.token.clone();
    for (text, why) in [
        (format!("{token}="), Malformed::Prefix),
        (format!("{token}\n"), Malformed::Prefix),
        (format!("{token} "), Malformed::Prefix),
        (format!(" {token}"), Malformed::Prefix),
        (format!("\"{token}\""), Malformed::Prefix),
        (format!("\u{feff}{token}"), Malformed::Prefix),
        (format!("{token}\0"), Malformed::Prefix),
        (token.to_uppercase(), Malformed::Prefix),
        (token.replacen("rt_", "RT_", 1), Malformed::Prefix),
        (token.replacen("rt_", "rt-", 1), Malformed::Prefix),
        (token.replacen("rt_", "_", 1), Malformed::Length),
        (token.replacen("rt_", "rt_rt_", 1), Malformed::Prefix),
        (token.replacen("rt_", "Bearer rt_", 1), Malformed::Prefix),
        (token.replacen("rt_", "abcdefghijklmnopq_", 1), Malformed::Length),
        (token.replacen("rt_", "at_", 1), Malformed::ForeignPrefix),
        (format!("{}=", &token[..98]), Malformed::Encoding),
        (format!("{}+", &token[..98]), Malformed::Encoding),
        (format!("{}/", &token[..98]), Malformed::Encoding),
        (format!("{}\n", &token[..98]), Malformed::Encoding),
        (format!("{}\u{e9}", &token[..97]), Malformed::Encoding),
        (format!("{}\u{e9}{}", &token[..2], &token[4..]), Malformed::Prefix),
        (format!("{}\u{e9}{}", &token[..1], &token[3..]), Malformed::Prefix),
    ] {
        assert_refused(&world, &text, malformed(why));
    }
    world.assert_nothing_lost();
}

#[test]
fn a_token_with_any_bit_flipped_is_refused() {
    let world = world();
    for bit in 0..72 * 8 {
        let (byte, mask) = (bit / 8, 1 << (bit % 8));
        let text = altered(&world.token, |bytes| bytes[byte] ^= mask);
        let why = match byte {
            0 => malformed(Malformed::Version),
            1 => Refusal::UnknownKey(KeyId::new(1 ^ mask)),
            _ => Refusal::Forged,
        };
        assert_refused(&world, &text, why);
    }
    world.assert_nothing_lost();
}

#[test]
fn a_token_with_any_character_replaced_is_refused() {
    let world = world();
    for place in 0..world.token.len() {
        for replacement in "Aa9-_+/= \0z".chars().filter(|c| !world.token[place..].starts_with(*c))
        {
            let mut text = world.token.clone();
            text.replace_range(place..=place, &replacement.to_string());
            let why = world.refused(&text);
            let expected =
                matches!(why, Refusal::Malformed(_) | Refusal::UnknownKey(_) | Refusal::Forged);
            assert!(expected, "{text}: {why}");
            assert_refused(&world, &text, why);
        }
    }
    world.assert_nothing_lost();
}

#[test]
fn a_token_has_one_spelling() {
    let world = world();
    assert_eq!(Parsed::parse(&world.token).unwrap().to_text(), world.token);
}

#[test]
fn a_token_of_foreign_keys_or_prefixes_is_refused() {
    let world = world();
    let at = Position { family: world.family, branch: 0, generation: 0 };
    let acme = Prefix::new("acme").unwrap();
    for (key, why) in [
        (Key::new(2, &[7; 32]), Refusal::UnknownKey(KeyId::new(2))),
        (Key::new(1, &[8; 32]), Refusal::Forged),
        (Key::with_prefix(1, acme, &[7; 32]), malformed(Malformed::ForeignPrefix)),
    ] {
        let text = token(&key.unwrap(), at, [1; 32]).into_exposed();
        assert_refused(&world, &text, why);
    }
    world.assert_nothing_lost();
}

#[test]
fn a_prefix_belongs_to_its_key() {
    let world = world();
    let acme = Prefix::new("acme").unwrap();
    let ring = KeyRing::new(key()).accept(Key::with_prefix(2, acme, &[8; 32]).unwrap()).unwrap();
    world.engine.set_keys(ring);
    let text = world.token.replacen("rt_", "acme_", 1);
    assert_refused(&world, &text, Refusal::Forged);
    world.assert_nothing_lost();
}

#[test]
fn a_real_family_with_a_made_up_secret_is_forged() {
    let world = world();
    for filler in [0, 1, 0xff] {
        let text = altered(&world.token, |bytes| bytes[24..56].fill(filler));
        assert_refused(&world, &text, Refusal::Forged);
        let text = altered(&world.token, |bytes| bytes[24..].fill(filler));
        assert_refused(&world, &text, Refusal::Forged);
    }
    world.assert_nothing_lost();
}

#[test]
fn whoever_holds_a_key_can_end_a_family_but_not_redeem_it() {
    for (generation, branch, ends, why) in [
        (1, 0, true, "diverged"),
        (0, 0, true, "diverged"),
        (2, 0, false, "ahead"),
        (u32::MAX, 0, false, "ahead"),
        (1, 1, false, "ahead"),
    ] {
        let mut world = world();
        world.token = world.rotate(&world.token);
        let at = Position { family: world.family, branch, generation };
        let forged = token(&key(), at, [9; 32]).into_exposed();
        let refusal = world.refused(&forged);
        let expected = if ends { Refusal::Diverged } else { Refusal::AheadOfStore };
        assert_eq!(refusal, expected, "{why} at {generation}");
        assert_eq!(refusal.ended_family(), ends);
        if ends {
            let revoked = Refusal::Revoked(heirloom::Reason::Diverged);
            assert_eq!(world.refused(&world.token), revoked);
            world.assert_bystander_untouched();
        } else {
            world.assert_nothing_lost();
        }
    }
}

#[test]
fn a_genuine_token_of_no_family_is_unknown_and_writes_nothing() {
    let world = world();
    let family = heirloom::token::FamilyId::from_bytes([9; 16]);
    let text = token(&key(), Position { family, branch: 0, generation: 0 }, [1; 32]).into_exposed();
    assert_eq!(world.refused(&text), Refusal::Unknown);
    assert!(world.events.lock().unwrap().drain(..).all(|event| event.about.is_none()));
    assert_eq!(block_on(world.engine.introspect(&text)).unwrap(), Introspection::Inactive);
    let revoked = block_on(world.engine.revoke(&text, Request::new(CLIENT))).unwrap();
    assert_eq!(revoked, RevokeOutcome::NoEffect(Refusal::Unknown));
    world.assert_nothing_lost();
}
