//! What a refresh costs, beside the floor.
#![allow(missing_docs)]
use base64ct::{Base64UrlUnpadded, Encoding};
use criterion::{Criterion, criterion_group, criterion_main};
use dashmap::DashMap;
use heirloom::*;
use hmac::{Hmac, KeyInit, Mac};
use rand::Rng;
use sha2::{Digest, Sha256};
use std::hint::black_box;

fn token(o: Outcome) -> String {
    match o {
        Outcome::Granted(g) => g.token.unwrap().into_exposed(),
        Outcome::Refused(r) => panic!("{r}"),
    }
}

fn bench(c: &mut Criterion) {
    let e = Engine::new(
        MemoryStore::new(),
        KeyRing::new(Key::new(1, &[7; 32]).unwrap()),
        Policy::default(),
    );
    let mut tokens: Vec<String> = (0..1000)
        .map(|i| {
            pollster::block_on(e.issue(Grant::new(&format!("u{i}"), "web-app").scope("read write")))
                .unwrap()
                .token
                .unwrap()
                .into_exposed()
        })
        .collect();
    let mut i = 0;
    c.bench_function("refresh", |b| {
        b.iter(|| {
            i = (i + 1) % 1000;
            let t = token(ready(e.refresh(&tokens[i], Request::new("web-app"))).unwrap());
            tokens[i] = t;
        })
    });
    let forged = {
        let mut f = tokens[0].clone();
        let x = if f.ends_with('A') { 'B' } else { 'A' };
        f.pop();
        f.push(x);
        f
    };
    c.bench_function("forged", |b| {
        b.iter(|| {
            matches!(
                ready(e.refresh(black_box(&forged), Request::new("web-app"))).unwrap(),
                Outcome::Refused(_)
            )
        })
    });
    let mac = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
    let ratchet = Hmac::<Sha256>::new_from_slice(&[8; 32]).unwrap();
    let map: DashMap<[u8; 16], [u8; 200]> = (0..1000u64)
        .map(|i| {
            let mut k = [0; 16];
            k[..8].copy_from_slice(&i.to_be_bytes());
            (k, [0; 200])
        })
        .collect();
    let mut i = 0u64;
    c.bench_function("floor", |b| {
        b.iter(|| {
            i = (i + 1) % 1000;
            let mut bytes = [0u8; 72];
            Base64UrlUnpadded::decode(&tokens[i as usize][3..], &mut bytes).unwrap();
            let tag = mac.clone().chain_update(&bytes[1..56]).finalize().into_bytes();
            let d = Sha256::digest(&bytes[24..56]);
            let mut salt = [0u8; 16];
            rand::rng().fill_bytes(&mut salt);
            let s = ratchet
                .clone()
                .chain_update(&bytes[..38])
                .chain_update(salt)
                .finalize()
                .into_bytes();
            let d2 = Sha256::digest(&s);
            bytes[24..56].copy_from_slice(&s);
            let tag2 = mac.clone().chain_update(&bytes[1..56]).finalize().into_bytes();
            bytes[56..].copy_from_slice(&tag2[..16]);
            let text = Base64UrlUnpadded::encode(&bytes, &mut [0u8; 96]).unwrap().to_owned();
            let mut k = [0; 16];
            k[..8].copy_from_slice(&i.to_be_bytes());
            let mut e = map.get_mut(&k).unwrap();
            e[..32].copy_from_slice(&d2);
            e[32] = d[0];
            e[33] = tag[0];
            black_box(text)
        })
    });
    c.bench_function("floor forged", |b| {
        b.iter(|| {
            let mut bytes = [0u8; 72];
            Base64UrlUnpadded::decode(&black_box(&forged)[3..], &mut bytes).unwrap();
            black_box(mac.clone().chain_update(&bytes[1..56]).finalize().into_bytes())
        })
    });
}
criterion_group!(benches, bench);
criterion_main!(benches);
fn ready<T>(f: impl Future<Output = T>) -> T {
    let mut f = std::pin::pin!(f);
    match f.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(v) => v,
        _ => panic!(),
    }
}
