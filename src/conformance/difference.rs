//! In which fields two families differ.

use std::fmt::Debug;

use crate::family::{Branch, Branches, Family, Head, Predecessor};
use crate::grant::Grant;

/// The fields in which what was seen differs from what was promised; `None` if in none.
pub(super) fn difference(promised: &Family, seen: &Family) -> Option<String> {
    let Family { id, version, grant, created_at, expires_at, kept_until, status, head, branches } =
        promised;
    let mut told = Told::default();
    told.compare("id", id, &seen.id);
    told.compare("version", version, &seen.version);
    told.grant(grant, &seen.grant);
    told.compare("created_at", created_at, &seen.created_at);
    told.compare("expires_at", expires_at, &seen.expires_at);
    told.compare("kept_until", kept_until, &seen.kept_until);
    told.compare("status", status, &seen.status);
    told.head("", head, &seen.head);
    told.branches(branches, &seen.branches);
    (!told.0.is_empty()).then(|| told.0.join(", "))
}

#[derive(Default)]
struct Told(Vec<String>);

impl Told {
    fn compare<T: PartialEq + Debug>(&mut self, field: &str, promised: &T, seen: &T) {
        if promised != seen {
            self.0.push(format!("{field} is {} and not {}", short(seen), short(promised)));
        }
    }

    fn grant(&mut self, promised: &Grant, seen: &Grant) {
        let Grant { subject, client, scope, resources, binding, not_after, attributes } = promised;
        self.compare("subject", subject, &seen.subject);
        self.compare("client", client, &seen.client);
        self.compare("scope", scope, &seen.scope);
        self.compare("resources", resources, &seen.resources);
        self.compare("binding", binding, &seen.binding);
        self.compare("not_after", not_after, &seen.not_after);
        self.compare("attributes", attributes, &seen.attributes);
    }

    fn head(&mut self, of: &str, promised: &Head, seen: &Head) {
        let Head {
            generation,
            digest,
            key,
            rotated_at,
            used_at,
            idle_expires_at,
            predecessor,
            displaced,
        } = promised;
        let mut compare = Of { told: self, of };
        compare.field("generation", generation, &seen.generation);
        compare.field("digest", digest, &seen.digest);
        compare.field("key", key, &seen.key);
        compare.field("rotated_at", rotated_at, &seen.rotated_at);
        compare.field("used_at", used_at, &seen.used_at);
        compare.field("idle_expires_at", idle_expires_at, &seen.idle_expires_at);
        compare.field("displaced", displaced, &seen.displaced);
        compare.predecessor(predecessor.as_ref(), seen.predecessor.as_ref());
    }

    fn branches(&mut self, promised: &Branches, seen: &Branches) {
        let Branches { made, live } = promised;
        self.compare("branches made", made, &seen.made);
        self.compare("branches", &live.len(), &seen.live.len());
        for (promised, seen) in live.iter().zip(&seen.live) {
            let Branch { number, origin, born, head } = promised;
            let of = format!("branch {number}: ");
            let mut compare = Of { told: self, of: &of };
            compare.field("number", number, &seen.number);
            compare.field("origin", origin, &seen.origin);
            compare.field("born", born, &seen.born);
            self.head(&of, head, &seen.head);
        }
    }
}

/// Fields of a part.
struct Of<'a> {
    told: &'a mut Told,
    of: &'a str,
}

impl Of<'_> {
    fn field<T: PartialEq + Debug>(&mut self, field: &str, promised: &T, seen: &T) {
        self.told.compare(&format!("{}{field}", self.of), promised, seen);
    }

    fn predecessor(&mut self, promised: Option<&Predecessor>, seen: Option<&Predecessor>) {
        let (Some(Predecessor { digest, salt, closed, replays, displaced }), Some(seen)) =
            (promised, seen)
        else {
            return self.field("predecessor", &promised.is_some(), &seen.is_some());
        };
        self.field("predecessor digest", digest, &seen.digest);
        self.field("predecessor salt", salt, &seen.salt);
        self.field("closed", closed, &seen.closed);
        self.field("replays", replays, &seen.replays);
        self.field("predecessor displaced", displaced, &seen.displaced);
    }
}

/// As `Debug` shows it, but for what is too long to read.
fn short(value: &impl Debug) -> String {
    const LONG: usize = 120;
    let text = format!("{value:?}");
    if text.chars().count() <= LONG {
        return text;
    }
    text.chars().take(LONG).chain("..".chars()).collect()
}
