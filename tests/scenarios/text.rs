//! Strings made of tokens: altered, spliced, encoded. What the attacker does, who has no key.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};

use super::fields::Check;

/// The length of a token's bytes, and where its parts are.
const LEN: usize = 72;
const GENERATION: std::ops::Range<usize> = 20..24;
const SECRET: std::ops::Range<usize> = 24..56;

/// One operation on a token, and sometimes a second one. `None`: it does not apply.
///
/// # Errors
///
/// When there is no such operation.
pub fn derive(
    op: &str,
    from: &str,
    other: Option<&str>,
    random: &[u8; 32],
) -> Check<Option<String>> {
    let (name, argument) = op.split_once(':').unwrap_or((op, ""));
    let derived = match name {
        "replace_secret_random" => spliced(from, SECRET, random),
        "swap_secrets" => {
            let other = other.ok_or("swap_secrets: no second token")?;
            bytes_of(other).and_then(|bytes| spliced(from, SECRET, &bytes[SECRET]))
        }
        "bump_generation_if_visible" => bytes_of(from).and_then(|bytes| {
            let mut generation = [0; 4];
            generation.copy_from_slice(&bytes[GENERATION]);
            let next = u32::from_be_bytes(generation).wrapping_add(1);
            spliced(from, GENERATION, &next.to_be_bytes())
        }),
        name => respelled(name, argument, from)?,
    };
    Ok(derived.filter(|derived| derived != from))
}

/// Operations that know nothing of a token's form.
fn respelled(name: &str, argument: &str, from: &str) -> Check<Option<String>> {
    let count = || argument.parse().map_err(|_| format!("`{name}:{argument}`: not a number"));
    let chars: Vec<char> = from.chars().collect();
    Ok(match name {
        "truncate_tail" => kept(&chars, 0, chars.len().checked_sub(count()?)),
        "truncate_head" => kept(&chars, count()?, Some(chars.len())),
        "truncate_to" => kept(&chars, 0, Some(count()?)),
        "append" => Some(format!("{from}{argument}")),
        "prepend" => Some(format!("{argument}{from}")),
        "insert_mid" => {
            let (head, tail) = chars.split_at(chars.len() / 2);
            Some(head.iter().copied().chain(argument.chars()).chain(tail.iter().copied()).collect())
        }
        "swapcase" => Some(chars.iter().copied().map(swapped_case).collect()),
        "upper" => Some(from.to_ascii_uppercase()),
        "lower" => Some(from.to_ascii_lowercase()),
        "flip_bit" => flipped(&chars, argument)?,
        "reverse" => Some(chars.iter().rev().collect()),
        "double" => Some(from.repeat(2)),
        "fullwidth_ascii" => Some(chars.iter().copied().map(full_width).collect()),
        "percent_encode_all" => Some(from.bytes().map(|byte| format!("%{byte:02X}")).collect()),
        other => return Err(format!("unknown operation `{other}`")),
    })
}

fn kept(chars: &[char], from: usize, to: Option<usize>) -> Option<String> {
    Some(chars.get(from..to?.min(chars.len()))?.iter().collect())
}

fn swapped_case(letter: char) -> char {
    if letter.is_ascii_lowercase() {
        letter.to_ascii_uppercase()
    } else {
        letter.to_ascii_lowercase()
    }
}

/// The full-width form of printable ASCII: a normalizing database would fold it back.
fn full_width(letter: char) -> char {
    match u32::from(letter) {
        code @ 0x21..=0x7e => char::from_u32(code + 0xfee0).unwrap_or(letter),
        _ => letter,
    }
}

/// Changes the lowest bit that a character carries: as base64url if it is such, else as ASCII.
fn flipped(chars: &[char], which: &str) -> Check<Option<String>> {
    let place = match which {
        "first" => Some(0),
        "middle" => Some(chars.len() / 2),
        "last_char_low_bit" => chars.len().checked_sub(1),
        other => return Err(format!("flip_bit: unknown place `{other}`")),
    };
    let mut changed = chars.to_vec();
    let Some(letter) = place.and_then(|place| changed.get_mut(place)) else { return Ok(None) };
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let value = ALPHABET.iter().position(|own| char::from(*own) == *letter);
    *letter = match value {
        Some(value) => char::from(ALPHABET[value ^ 1]),
        None => char::from_u32(u32::from(*letter) ^ 1).unwrap_or('?'),
    };
    Ok(Some(changed.into_iter().collect()))
}

/// The bytes of a token, if it is one of ours.
pub fn bytes_of(token: &str) -> Option<[u8; LEN]> {
    let (_, body) = token.split_once('_')?;
    let mut bytes = [0; LEN];
    let decoded = Base64UrlUnpadded::decode(body, &mut bytes).ok()?.len();
    (decoded == LEN).then_some(bytes)
}

/// The token with other bytes in one place, and its tag as it was.
fn spliced(token: &str, place: std::ops::Range<usize>, bytes: &[u8]) -> Option<String> {
    let (prefix, _) = token.split_once('_')?;
    let mut all = bytes_of(token)?;
    all[place].copy_from_slice(bytes);
    Some(format!("{prefix}_{}", base64url(&all)))
}

/// Bytes as a client would send them.
///
/// # Errors
///
/// When there is no such encoding.
pub fn encode(encoding: &str, bytes: &[u8]) -> Check<String> {
    match encoding {
        "raw_utf8" => Ok(String::from_utf8_lossy(bytes).into_owned()),
        "hex" => Ok(hex(bytes)),
        "base64" => {
            let mut text = vec![0; bytes.len().div_ceil(3) * 4];
            Ok(Base64::encode(bytes, &mut text).unwrap_or_default().to_owned())
        }
        "base64url" => Ok(base64url(bytes)),
        other => Err(format!("unknown encoding `{other}`")),
    }
}

fn base64url(bytes: &[u8]) -> String {
    let mut text = vec![0; bytes.len().div_ceil(3) * 4];
    Base64UrlUnpadded::encode(bytes, &mut text).unwrap_or_default().to_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes from hexadecimal digits, if that is what a string is.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let bytes = digits?
        .chunks_exact(2)
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]))
        .collect::<Result<_, _>>();
    bytes.ok().filter(|_| text.len().is_multiple_of(2))
}

/// What of a token some bytes hold, if anything: the string, its body, its bytes, its secret, in any encoding.
pub fn found_in(token: &str, bytes: &[u8]) -> Option<&'static str> {
    let mut needles = vec![("the string", token.as_bytes().to_vec())];
    if let (Some((_, body)), Some(own)) = (token.split_once('_'), bytes_of(token)) {
        needles.push(("the body", body.as_bytes().to_vec()));
        needles.push(("the bytes", own.to_vec()));
        needles.push(("the secret", own[SECRET].to_vec()));
        needles.push(("the secret in hexadecimal", hex(&own[SECRET]).into_bytes()));
        needles.push(("the secret in base64url", base64url(&own[SECRET]).into_bytes()));
    }
    needles.extend(unhex(token).map(|decoded| ("its hexadecimal decoding", decoded)));
    let holds = |needle: &[u8]| {
        !needle.is_empty() && bytes.windows(needle.len()).any(|window| window == needle)
    };
    needles.into_iter().find(|(_, needle)| holds(needle)).map(|(what, _)| what)
}

/// How many bits of a token nobody can guess: those of its secret.
pub fn entropy_bits(token: &str) -> usize {
    bytes_of(token).map_or(0, |_| SECRET.len() * 8)
}
