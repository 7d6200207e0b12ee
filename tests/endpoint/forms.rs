//! RFC 6749 section 3.2 and appendix B: what a form may be, and what becomes of one that is hostile.

use heirloom::endpoint::{Form, FormError, MAX_BYTES, MAX_PARAMETERS};
use proptest::prelude::*;

use crate::support::random;

fn refused(body: &[u8]) -> FormError {
    Form::parse(body).map(|_| ()).unwrap_err()
}

fn pairs(count: usize) -> Vec<(&'static str, &'static str)> {
    vec![("x", "y"); count]
}

#[test]
fn a_parameter_is_decoded_and_a_plus_is_a_space() {
    let form = Form::parse(b"a=b+c&d=%2B%26%3D%25&%65=%C3%A9&f").unwrap();
    assert_eq!(form.value("a"), Ok(Some("b c")));
    assert_eq!(form.value("d"), Ok(Some("+&=%")));
    assert_eq!(form.value("e"), Ok(Some("é")));
    assert_eq!(form.value("f"), Ok(None));
}

/// "Parameters sent without a value MUST be treated as if they were omitted from the request."
#[test]
fn a_parameter_without_a_value_is_omitted() {
    let form = Form::parse(b"grant_type=&scope&&=x&").unwrap();
    assert_eq!(form.grant_type(), Err(FormError::Missing("grant_type")));
    assert_eq!((form.value("scope"), form.value("absent")), (Ok(None), Ok(None)));
}

/// "Request and response parameters MUST NOT be included more than once."
#[test]
fn a_parameter_that_is_given_twice_is_refused_whatever_its_values() {
    for body in ["a=1&a=2", "a=1&a=1", "a=&a=1", "a=1&a", "a=1&%61=1", "a=1&b=2&a=3"] {
        let form = Form::parse(body.as_bytes()).unwrap();
        assert_eq!(form.value("a"), Err(FormError::Repeated("a")), "{body}");
    }
}

#[test]
fn a_repeated_parameter_that_nobody_reads_does_no_harm() {
    let form = Form::parse(b"a=1&a=2&b=3").unwrap();
    assert_eq!(form.value("b"), Ok(Some("3")));
}

#[test]
fn names_are_told_apart_by_case_and_by_every_byte() {
    let form = Form::parse(b"Scope=1&scope%00=2&scope+=3&scope=4").unwrap();
    assert_eq!(form.value("scope"), Ok(Some("4")));
}

#[test]
fn an_empty_body_is_a_form_without_parameters() {
    for body in [&b""[..], b"&", b"&&&", b"="] {
        let form = Form::parse(body).unwrap();
        assert_eq!(form.grant_type(), Err(FormError::Missing("grant_type")));
    }
}

#[test]
fn a_body_is_refused_one_byte_over_its_bound() {
    let body = |bytes: usize| [b"a=".to_vec(), vec![b'x'; bytes - 2]].concat();
    assert!(Form::parse(&body(MAX_BYTES)).is_ok());
    assert_eq!(refused(&body(MAX_BYTES + 1)), FormError::TooLarge);
    assert_eq!(refused(&vec![b'%'; 10 * MAX_BYTES]), FormError::TooLarge);
}

#[test]
fn a_form_is_refused_one_parameter_over_its_bound() {
    let body = |count: usize| vec!["x=y"; count].join("&");
    assert!(Form::parse(body(MAX_PARAMETERS).as_bytes()).is_ok());
    assert_eq!(refused(body(MAX_PARAMETERS + 1).as_bytes()), FormError::TooMany);
    assert!(Form::from_pairs(pairs(MAX_PARAMETERS)).is_ok());
    assert_eq!(Form::from_pairs(pairs(MAX_PARAMETERS + 1)).unwrap_err(), FormError::TooMany);
}

#[test]
fn separators_without_parameters_are_not_counted() {
    let body = format!("{}a=1", "&".repeat(MAX_BYTES - 3));
    assert_eq!(Form::parse(body.as_bytes()).unwrap().value("a"), Ok(Some("1")));
}

#[test]
fn decoded_pairs_have_the_bounds_of_a_body() {
    let value = |bytes: usize| "x".repeat(bytes);
    let form = |first: usize, second: usize| {
        Form::from_pairs([("a", value(first - 1)), ("b", value(second - 1))]).map(|_| ())
    };
    assert_eq!(form(MAX_BYTES / 2, MAX_BYTES / 2), Ok(()));
    assert_eq!(form(MAX_BYTES / 2, MAX_BYTES / 2 + 1), Err(FormError::TooLarge));
    // Endless, and refused all the same.
    assert_eq!(Form::from_pairs(std::iter::repeat(("", ""))).unwrap_err(), FormError::TooMany);
}

#[test]
fn an_escape_that_is_cut_or_not_hexadecimal_is_refused() {
    for body in ["a=%", "a=%4", "a=%zz", "a=%4z", "a=%z4", "a=%+1", "%=1", "a=%%41", "x=1&a=b%&c=d"]
    {
        assert_eq!(refused(body.as_bytes()), FormError::Encoding, "{body}");
    }
}

#[test]
fn what_is_not_utf_8_is_refused_raw_and_escaped_in_names_and_values() {
    for body in
        [&b"a=\xFF"[..], b"\xC3=1", b"a=%FF", b"a=%C3", b"a=%ED%A0%80", b"a=%C0%80", b"%FF=1"]
    {
        assert_eq!(refused(body), FormError::Encoding, "{body:?}");
    }
    let lossy = String::from_utf8_lossy(b"a\xFFb");
    assert_eq!(Form::from_pairs([("a", lossy.clone())]).unwrap_err(), FormError::Encoding);
    assert_eq!(Form::from_pairs([(lossy, "b")]).unwrap_err(), FormError::Encoding);
}

#[test]
fn a_nul_is_a_character_like_any_other() {
    let form = Form::parse(b"a=%00b%00&c=d\0e").unwrap();
    assert_eq!((form.value("a"), form.value("c")), (Ok(Some("\0b\0")), Ok(Some("d\0e"))));
}

#[test]
fn pairs_are_taken_owned_and_borrowed_in_any_form_that_frameworks_have() {
    let owned = vec![("a".to_owned(), "1 +%41".to_owned())];
    for form in [
        Form::from_pairs(owned.iter().map(|(name, value)| (name, value))),
        Form::from_pairs(owned.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
        Form::from_pairs(owned.clone()),
    ] {
        // Decoded already: nothing is decoded a second time.
        assert_eq!(form.unwrap().value("a"), Ok(Some("1 +%41")));
    }
}

#[test]
fn no_log_line_of_a_form_shows_a_name_or_a_value() {
    let form = Form::parse(b"rt_secret&refresh_token=rt_secret").unwrap();
    let shown = format!("{form:?}");
    assert!(shown.contains('2') && !shown.contains("rt_"), "{shown}");
}

#[test]
fn what_was_encoded_comes_back() {
    let pairs = prop::collection::vec((".{0,9}", ".{0,30}"), 0..9);
    random::check(256, &pairs, |pairs| {
        let replaced = |text: &str| text.contains(char::REPLACEMENT_CHARACTER);
        prop_assume!(!pairs.iter().any(|(name, value)| replaced(name) || replaced(value)));
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let form = Form::parse(body.as_bytes()).unwrap();
        for (name, _) in &pairs {
            let sent = pairs.iter().filter(|(other, value)| other == name && !value.is_empty());
            let sent: Vec<&str> = sent.map(|(_, value)| value.as_str()).collect();
            prop_assert_eq!(form.values(name).collect::<Vec<_>>(), sent);
        }
        Ok(())
    });
}

/// A byte as it is and an escape after it made one character together, of a body that is no text. Found by drawing other bodies.
#[test]
fn half_a_character_as_it_is_and_half_as_an_escape_are_none() {
    for body in [&b"\xC2%a0"[..], b"token=\xC2%A0", b"%C2\xA0"] {
        assert!(matches!(Form::parse(body), Err(FormError::Encoding)), "{body:?}");
    }
    for body in ["a=\u{A0}", "a=%C2%A0"] {
        assert_eq!(Form::parse(body.as_bytes()).unwrap().value("a").unwrap(), Some("\u{A0}"));
    }
}

#[test]
fn any_bytes_are_a_form_or_an_error() {
    let byte = prop_oneof![any::<u8>(), prop::sample::select(b"&=%+af0\0\xFF".to_vec())];
    random::check(256, &prop::collection::vec(byte, 0..200), |body| {
        let strict = String::from_utf8(body.clone()).is_ok();
        match Form::parse(&body) {
            Ok(_) => prop_assert!(strict),
            Err(why) => prop_assert!(matches!(why, FormError::Encoding | FormError::TooMany)),
        }
        Ok(())
    });
}
