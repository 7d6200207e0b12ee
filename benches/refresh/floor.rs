//! The primitives alone, called as the engine calls them, with nothing between.

use std::hint::black_box;

use base64ct::{Base64UrlUnpadded, Encoding};
use dashmap::DashMap;
use hmac::{Hmac, KeyInit, Mac};
use rand::Rng;
use sha2::{Digest, Sha256};

/// `rt_` before the base64url of 72 bytes.
const PREFIX: usize = 3;

/// Decode and tag check: what a forged token cannot be refused without.
pub struct Verify {
    tag: Hmac<Sha256>,
}

impl Verify {
    pub fn new() -> Self {
        Self { tag: keyed(7) }
    }

    pub fn run(&self, token: &str) -> ([u8; 72], [u8; 32]) {
        let mut bytes = [0; 72];
        Base64UrlUnpadded::decode(&token[PREFIX..], &mut bytes).expect("a token is base64url");
        let tag = mac(&self.tag, &[&bytes[1..56]]);
        (bytes, tag)
    }
}

/// Decode, tag check, digest, randomness, ratchet, digest, tag, encode, one map entry.
pub struct Refresh {
    verify: Verify,
    ratchet: Hmac<Sha256>,
    families: DashMap<[u8; 16], [u8; 192]>,
    tokens: Vec<String>,
    turn: usize,
}

impl Refresh {
    pub fn new(tokens: Vec<String>) -> Self {
        let verify = Verify::new();
        let families = tokens.iter().map(|token| (id(&verify.run(token).0), [0; 192])).collect();
        Self { verify, ratchet: keyed(8), families, tokens, turn: 0 }
    }

    pub fn run(&mut self) {
        self.turn = (self.turn + 1) % self.tokens.len();
        let (mut bytes, tag) = self.verify.run(&self.tokens[self.turn]);
        black_box(tag);
        let digest = Sha256::digest(&bytes[24..56]);
        let mut salt = [0; 16];
        #[expect(clippy::disallowed_methods, reason = "the primitive itself is measured")]
        rand::rng().fill_bytes(&mut salt);
        let secret = mac(&self.ratchet, &[&bytes[24..56], &salt, &bytes[18..24]]);
        bytes[24..56].copy_from_slice(&secret);
        let successor = Sha256::digest(secret);
        let tag = mac(&self.verify.tag, &[&bytes[1..56]]);
        bytes[56..].copy_from_slice(&tag[..16]);
        let mut text = [0; 96];
        let text = Base64UrlUnpadded::encode(&bytes, &mut text).expect("96 characters");
        let mut family = self.families.get_mut(&id(&bytes)).expect("the id does not change");
        family[..32].copy_from_slice(&successor);
        family[32..64].copy_from_slice(&digest);
        family[64..80].copy_from_slice(&salt);
        drop(family);
        self.tokens[self.turn] = format!("rt_{text}");
    }
}

fn id(bytes: &[u8; 72]) -> [u8; 16] {
    bytes[2..18].try_into().expect("16 bytes")
}

fn keyed(byte: u8) -> Hmac<Sha256> {
    Hmac::new_from_slice(&[byte; 32]).expect("HMAC takes a key of any length")
}

fn mac(keyed: &Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = keyed.clone();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}
