//! Guards that are not the guard: each leaves a comparison out, or is a step off.

use std::time::Duration;

use heirloom::family::{Family, Status};
use heirloom::guard::Guard;
use heirloom::secret::Digest;
use heirloom::{Binding, Ends, Grant, Timestamp};

/// What a wrong statement says of a family.
pub type Wrong = fn(&Guard, &Family) -> bool;

const MS: Duration = Duration::from_millis(1);
const MINUTE: Duration = Duration::from_secs(60);

/// The guard, after what it compares has been made alike.
fn lax(guard: &Guard, family: &Family, edit: fn(&mut Guard, &mut Family)) -> bool {
    let (mut guard, mut family) = (guard.clone(), family.clone());
    edit(&mut guard, &mut family);
    guard.holds(&family)
}

fn later(end: Option<Timestamp>) -> Option<Timestamp> {
    end.map(|end| end.saturating_add(MS))
}

fn earlier(end: Option<Timestamp>) -> Option<Timestamp> {
    end.map(|end| end.saturating_sub(MS))
}

fn same_bytes(guard: &mut Guard, family: &Family, bytes: std::ops::Range<usize>) {
    let mut digest = *family.head.digest.as_bytes();
    digest[bytes.clone()].copy_from_slice(&guard.digest.as_bytes()[bytes]);
    guard.digest = Digest::from_bytes(digest);
}

fn grant(family: &mut Family, edit: impl FnOnce(&mut Grant)) {
    let mut grant = Grant::clone(&family.grant);
    edit(&mut grant);
    family.grant = grant.into();
}

fn thumbprint(binding: Option<Binding>) -> Option<[u8; 32]> {
    match binding {
        Some(Binding::Jkt(bytes) | Binding::X5tS256(bytes)) => Some(bytes),
        _ => None,
    }
}

/// A statement of a word or two, and what is wrong with it.
pub const WRONG: &[(&str, Wrong)] = &[
    ("no branch", |guard, family| lax(guard, family, |guard, _| guard.position.branch = 0)),
    ("half of the branch", |guard, family| {
        lax(guard, family, |guard, _| guard.position.branch &= 0xff)
    }),
    ("no generation", |guard, family| {
        lax(guard, family, |guard, family| guard.position.generation = family.head.generation)
    }),
    ("generation or later", |guard, family| {
        lax(guard, family, |guard, family| {
            let generation = guard.position.generation.max(family.head.generation);
            guard.position.generation = generation.min(family.head.generation);
        }) && guard.position.generation >= family.head.generation
    }),
    ("generation or earlier", |guard, family| {
        lax(guard, family, |guard, family| guard.position.generation = family.head.generation)
            && guard.position.generation <= family.head.generation
    }),
    ("31 bits of the generation", |guard, family| {
        lax(guard, family, |guard, family| {
            guard.position.generation &= (1 << 31) - 1;
            family.head.generation &= (1 << 31) - 1;
        })
    }),
    ("a signed generation", |guard, family| {
        guard.holds(family) && family.head.generation < 1 << 31
    }),
    ("the last generation, too", |guard, family| {
        lax(guard, family, |guard, family| {
            if family.head.generation == u32::MAX && guard.position.generation == u32::MAX {
                (guard.position.generation, family.head.generation) = (7, 7);
            }
        })
    }),
    ("not the last but one", |guard, family| {
        guard.holds(family) && family.head.generation < u32::MAX - 1
    }),
    ("no digest", |guard, family| {
        lax(guard, family, |guard, family| guard.digest = family.head.digest)
    }),
    ("all of the digest but the first byte", |guard, family| {
        lax(guard, family, |guard, family| same_bytes(guard, family, 1..32))
    }),
    ("all of the digest but the last byte", |guard, family| {
        lax(guard, family, |guard, family| same_bytes(guard, family, 0..31))
    }),
    ("the outer bytes of the digest", |guard, family| {
        lax(guard, family, |guard, family| {
            let middle = family.head.digest.as_bytes()[16];
            let mut digest = *guard.digest.as_bytes();
            digest[16] = middle;
            guard.digest = Digest::from_bytes(digest);
        })
    }),
    ("the digest up to a zero", |guard, family| {
        let upto = |digest: &Digest| {
            digest.as_bytes().iter().take_while(|byte| **byte != 0).copied().collect::<Vec<_>>()
        };
        upto(&guard.digest) == upto(&family.head.digest)
            && lax(guard, family, |guard, family| guard.digest = family.head.digest)
    }),
    ("no client", |guard, family| {
        lax(guard, family, |guard, family| guard.client = (*family.grant.client).into())
    }),
    ("the client in any case", |guard, family| {
        guard.client.eq_ignore_ascii_case(&family.grant.client)
            && lax(guard, family, |guard, family| guard.client = (*family.grant.client).into())
    }),
    ("the client without spaces", |guard, family| {
        guard.client.trim() == family.grant.client.trim()
            && lax(guard, family, |guard, family| guard.client = (*family.grant.client).into())
    }),
    ("the beginning of the client", |guard, family| {
        family.grant.client.starts_with(&*guard.client)
            && lax(guard, family, |guard, family| guard.client = (*family.grant.client).into())
    }),
    ("the client to its length", |guard, family| {
        guard.client.starts_with(&*family.grant.client)
            && lax(guard, family, |guard, family| guard.client = (*family.grant.client).into())
    }),
    ("the client as a number", |guard, family| {
        let number = |text: &str| text.parse::<f64>().ok();
        let same = number(&guard.client).is_some()
            && number(&guard.client) == number(&family.grant.client);
        guard.holds(family)
            || same
                && lax(guard, family, |guard, family| guard.client = (*family.grant.client).into())
    }),
    ("no binding", |guard, family| {
        lax(guard, family, |guard, family| guard.binding = family.grant.binding)
    }),
    ("no key proves every binding", |guard, family| {
        guard.holds(family)
            || guard.binding.is_none()
                && lax(guard, family, |guard, family| guard.binding = family.grant.binding)
    }),
    ("any key proves a binding", |guard, family| {
        guard.holds(family)
            || guard.binding.is_some()
                && lax(guard, family, |guard, family| guard.binding = family.grant.binding)
    }),
    ("the thumbprint without its method", |guard, family| {
        let same = thumbprint(guard.binding) == thumbprint(family.grant.binding);
        guard.holds(family)
            || same && lax(guard, family, |guard, family| guard.binding = family.grant.binding)
    }),
    ("a key where none is bound is refused", |guard, family| {
        guard.holds(family) && guard.binding == family.grant.binding
    }),
    ("no status", |guard, family| lax(guard, family, |_, family| family.status = Status::Live)),
    ("no version", |guard, family| lax(guard, family, |guard, _| guard.version = None)),
    ("the version or a later one", |guard, family| {
        guard.version.is_none_or(|version| family.version >= version)
            && lax(guard, family, |guard, _| guard.version = None)
    }),
    ("the version or an earlier one", |guard, family| {
        guard.version.is_none_or(|version| family.version <= version)
            && lax(guard, family, |guard, _| guard.version = None)
    }),
    ("the version in 48 bits", |guard, family| {
        guard.version.is_none_or(|version| family.version >> 5 == version >> 5)
            && (guard.version.is_none_or(|version| family.version == version)
                || family.version > 1 << 50)
            && lax(guard, family, |guard, _| guard.version = None)
    }),
    ("a version is demanded", |guard, family| guard.holds(family) && guard.version.is_some()),
    ("creation at any time", |guard, family| {
        lax(guard, family, |guard, family| family.created_at = family.created_at.min(guard.now))
    }),
    ("creation a minute and a millisecond ahead", |guard, family| {
        lax(guard, family, |guard, family| {
            if family.created_at == guard.now.saturating_add(MINUTE + MS) {
                family.created_at = guard.now;
            }
        })
    }),
    ("creation not quite a minute ahead", |guard, family| {
        guard.holds(family)
            && guard.now.checked_add(MINUTE).is_none_or(|bound| family.created_at < bound)
    }),
    ("creation not ahead", |guard, family| guard.holds(family) && family.created_at <= guard.now),
    ("no stored absolute end", |guard, family| {
        lax(guard, family, |_, family| family.expires_at = None)
    }),
    ("at the stored absolute end", |guard, family| {
        lax(guard, family, |_, family| family.expires_at = later(family.expires_at))
    }),
    ("not just before the stored absolute end", |guard, family| {
        lax(guard, family, |_, family| family.expires_at = earlier(family.expires_at))
    }),
    ("a stored absolute end is demanded", |guard, family| {
        guard.holds(family) && (guard.ends == Ends::Live || family.expires_at.is_some())
    }),
    ("no stored idle end", |guard, family| {
        lax(guard, family, |_, family| family.head.idle_expires_at = None)
    }),
    ("at the stored idle end", |guard, family| {
        lax(guard, family, |_, family| {
            family.head.idle_expires_at = later(family.head.idle_expires_at);
        })
    }),
    ("not just before the stored idle end", |guard, family| {
        lax(guard, family, |_, family| {
            family.head.idle_expires_at = earlier(family.head.idle_expires_at);
        })
    }),
    ("a stored idle end is demanded", |guard, family| {
        guard.holds(family) && (guard.ends == Ends::Live || family.head.idle_expires_at.is_some())
    }),
    ("the lesser of two ends, none if one is none", |guard, family| {
        lax(guard, family, |_, family| {
            if family.expires_at.is_none() || family.head.idle_expires_at.is_none() {
                (family.expires_at, family.head.idle_expires_at) = (None, None);
            }
        })
    }),
    ("the later of two ends", |guard, family| {
        lax(guard, family, |_, family| {
            let latest = family.expires_at.max(family.head.idle_expires_at);
            (family.expires_at, family.head.idle_expires_at) = (latest, latest);
        })
    }),
    ("stored ends alone", |guard, family| lax(guard, family, |guard, _| guard.ends = Ends::Stored)),
    ("live ends alone", |guard, family| lax(guard, family, |guard, _| guard.ends = Ends::Live)),
    ("stored ends and live ones", |guard, family| {
        guard.holds(family) && lax(guard, family, |guard, _| guard.ends = Ends::Stored)
    }),
    ("no live absolute end", |guard, family| lax(guard, family, |guard, _| guard.absolute = None)),
    ("at the live absolute end", |guard, family| {
        lax(guard, family, |guard, _| guard.absolute = guard.absolute.map(|it| it + MS))
    }),
    ("not just before the live absolute end", |guard, family| {
        lax(guard, family, |guard, _| guard.absolute = guard.absolute.map(|it| it - MS))
    }),
    ("the absolute lifetime from the last rotation", |guard, family| {
        lax(guard, family, |_, family| family.created_at = family.head.rotated_at)
    }),
    ("no live idle end", |guard, family| lax(guard, family, |guard, _| guard.idle = None)),
    ("at the live idle end", |guard, family| {
        lax(guard, family, |guard, _| guard.idle = guard.idle.map(|it| it + MS))
    }),
    ("not just before the live idle end", |guard, family| {
        lax(guard, family, |guard, _| guard.idle = guard.idle.map(|it| it - MS))
    }),
    ("the idle lifetime from the last rotation", |guard, family| {
        lax(guard, family, |_, family| family.head.used_at = family.head.rotated_at)
    }),
    ("lifetimes rounded up to the next millisecond", |guard, family| {
        lax(guard, family, |guard, _| {
            let up = |length: Duration| match length.subsec_nanos() % 1_000_000 {
                0 => length,
                _ => length + MS,
            };
            (guard.absolute, guard.idle) = (guard.absolute.map(up), guard.idle.map(up));
        })
    }),
    ("no end of the grant", |guard, family| {
        lax(guard, family, |_, family| grant(family, |grant| grant.not_after = None))
    }),
    ("at the end of the grant", |guard, family| {
        lax(guard, family, |_, family| {
            grant(family, |grant| grant.not_after = later(grant.not_after));
        })
    }),
    ("not just before the end of the grant", |guard, family| {
        lax(guard, family, |_, family| {
            grant(family, |grant| grant.not_after = earlier(grant.not_after));
        })
    }),
    ("the end of the grant if there is no lifetime", |guard, family| {
        lax(guard, family, |guard, family| {
            if guard.absolute.is_some() {
                grant(family, |grant| grant.not_after = None);
            }
        })
    }),
    ("ends past the last instant are none", |guard, family| {
        lax(guard, family, |guard, family| {
            guard.absolute =
                guard.absolute.filter(|it| family.created_at.checked_add(*it).is_some());
            guard.idle = guard.idle.filter(|it| family.head.used_at.checked_add(*it).is_some());
        })
    }),
    ("before the first instant is the first instant", |guard, family| {
        let after = |length: Option<Duration>, from: Timestamp| {
            length.is_none_or(|length| from > guard.now.saturating_sub(length))
        };
        guard.holds(family)
            && (guard.ends == Ends::Stored
                || after(guard.absolute, family.created_at)
                    && after(guard.idle, family.head.used_at))
    }),
];
