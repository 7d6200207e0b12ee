//! Evidence, not booleans: what may be had once cannot be had twice, and a token is neither copied, compared nor shown.
//! (P1: no token without a commit. P12: no token in a log.)
//!
//! That evidence and steps cannot be made outside the crate is shown by the examples in `src/_security.rs` that do not
//! compile. Here it is shown that each of them fails for its one reason: it has a twin that compiles and differs in one line.

use std::fmt::{Display, LowerHex};
use std::hash::Hash;
use std::marker::PhantomData;

use heirloom::adoption::{AdoptionKey, Legacy};
use heirloom::pending::Pending;
use heirloom::store::{Advance, Committed, Create, Created, Replace, Revoke, Revoked, Written};
use heirloom::token::{Parsed, Presented};
use heirloom::{MemoryStore, Redemption, RefreshToken, SystemClock};

/// Whether a type has a trait: an inherent method hides that of a trait, and this one is there for types that have it.
/// (The underscore: whichever of the two is not called is no dead code.)
macro_rules! has {
    ($type:ty: $($trait:tt)+) => {{
        struct Probe<T>(PhantomData<T>);
        impl<T: $($trait)+> Probe<T> {
            fn _answer(&self) -> bool {
                true
            }
        }
        impl<T> std::ops::Deref for Probe<T> {
            type Target = PhantomData<T>;
            fn deref(&self) -> &PhantomData<T> {
                &self.0
            }
        }
        Probe(PhantomData::<$type>)._answer()
    }};
}

/// The answer for every type, behind that of `Probe`.
trait Otherwise {
    fn _answer(&self) -> bool {
        false
    }
}

impl<T> Otherwise for PhantomData<T> {}

type AnyRedemption = Redemption<'static, MemoryStore, SystemClock, heirloom::entropy::OsEntropy>;

#[test]
fn the_probe_sees_the_traits_that_a_type_has() {
    assert!(has!(String: Clone) && has!(String: PartialEq) && has!(String: Display));
    assert!(has!(String: From<&'static str>) && has!(u8: LowerHex) && has!(String: Hash));
    assert!(!has!(Box<dyn Send>: Clone) && !has!(String: Copy) && !has!(Vec<u8>: Display));
}

#[test]
fn a_token_is_not_copied_compared_shown_or_made_from_text() {
    assert!(!has!(RefreshToken: Clone));
    assert!(!has!(RefreshToken: PartialEq) && !has!(RefreshToken: PartialEq<str>));
    assert!(!has!(RefreshToken: Hash) && !has!(RefreshToken: PartialOrd));
    assert!(!has!(RefreshToken: Display) && !has!(RefreshToken: LowerHex));
    assert!(!has!(RefreshToken: AsRef<str>) && !has!(RefreshToken: AsRef<[u8]>));
    assert!(!has!(RefreshToken: From<String>) && !has!(RefreshToken: std::str::FromStr));
    assert!(!has!(RefreshToken: Default) && !has!(RefreshToken: std::ops::Deref));
    assert!(!has!(String: From<RefreshToken>));
}

#[test]
fn what_is_consumed_is_not_copied() {
    assert!(!has!(Create: Clone) && !has!(Advance: Clone) && !has!(Revoke: Clone));
    assert!(!has!(Replace: Clone) && !has!(Pending: Clone) && !has!(AnyRedemption: Clone));
    assert!(!has!(Create: Default) && !has!(Committed: Default) && !has!(Pending: Default));
}

#[test]
fn evidence_is_not_copied_and_not_converted_to() {
    assert!(!has!(Committed: Clone) && !has!(Created: Clone));
    assert!(!has!(Written: Clone) && !has!(Revoked: Clone));
    assert!(!has!(Committed: From<heirloom::family::Family>));
    assert!(!has!(Presented: Clone) && !has!(Presented: PartialEq));
    assert!(!has!(Presented: From<Parsed>) && !has!(Presented: std::str::FromStr));
}

#[test]
fn what_makes_a_legacy_token_redeemable_is_not_shown_and_not_converted_to() {
    assert!(!has!(AdoptionKey: Display) && !has!(AdoptionKey: LowerHex));
    assert!(!has!(AdoptionKey: PartialEq) && !has!(AdoptionKey: Hash));
    assert!(!has!(AdoptionKey: AsRef<[u8]>) && !has!(AdoptionKey: Default));
    assert!(!has!(Legacy: Display) && !has!(Legacy: LowerHex) && !has!(Legacy: AsRef<[u8]>));
    assert!(!has!(Legacy: Default) && !has!(Presented: From<Legacy>));
    assert!(!has!(Committed: From<heirloom::engine::Adopted>));
}

/// The examples of `_security`, in pairs: the code that compiles, the error named, the code that does not.
fn pairs() -> Vec<(String, String, String)> {
    let text = include_str!("../src/_security.rs");
    let lines: Vec<&str> = text.lines().map(|line| line.trim_start_matches("//!").trim()).collect();
    let mut blocks = Vec::new();
    let mut rest = lines.iter();
    while let Some(fence) = rest.find(|line| line.starts_with("```")) {
        let code: Vec<&str> = rest.by_ref().take_while(|line| **line != "```").copied().collect();
        blocks.push((fence.trim_start_matches('`').to_owned(), code.join("\n")));
    }
    let is_negative = |block: &(String, String)| block.0.starts_with("compile_fail");
    let twins = blocks.windows(2).filter(|pair| is_negative(&pair[1]));
    twins.map(|twins| (twins[0].1.clone(), twins[1].0.clone(), twins[1].1.clone())).collect()
}

#[test]
fn each_example_that_does_not_compile_has_a_twin_that_does_and_differs_in_one_line() {
    for (twin, fence, example) in pairs() {
        assert!(fence.starts_with("compile_fail,E0"), "names no error: {fence}\n{example}");
        let (twin, example): (Vec<_>, Vec<_>) = (twin.lines().collect(), example.lines().collect());
        assert_eq!(twin.len(), example.len(), "{example:#?}");
        let differing = twin.iter().zip(&example).filter(|(one, other)| one != other).count();
        assert_eq!(differing, 1, "{example:#?}");
    }
}

#[test]
fn there_is_an_example_for_each_kind_of_evidence_and_each_step() {
    let examples: Vec<String> = pairs().into_iter().map(|(.., example)| example).collect();
    for line in [
        "pending.token",
        "Pending { token, digest }",
        "Committed(family)",
        "Create::new(",
        "Advance::new(",
        "Revoke::new(",
        "Replace::new(",
        "Purge::new(",
        "let _ = step.created();",
        "let _ = begun.commit().await;",
        "Presented { position",
        "RefreshToken(text",
        "Family { id, ..other }",
    ] {
        assert!(examples.iter().any(|example| example.contains(line)), "no example with {line}");
    }
}
