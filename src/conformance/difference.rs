//! In which fields two families differ.

use std::fmt::Debug;

use crate::family::{Family, Head};
use crate::grant::Grant;

/// The fields in which what was seen differs from what was promised; `None` if in none.
pub(super) fn difference(promised: &Family, seen: &Family) -> Option<String> {
    let Family { id, version, grant, created_at, expires_at, status, head } = promised;
    let mut told = Told::default();
    told.compare("id", id, &seen.id);
    told.compare("version", version, &seen.version);
    told.grant(grant, &seen.grant);
    told.compare("created_at", created_at, &seen.created_at);
    told.compare("expires_at", expires_at, &seen.expires_at);
    told.compare("status", status, &seen.status);
    told.head(head, &seen.head);
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

    fn head(&mut self, promised: &Head, seen: &Head) {
        let Head { generation, digest, key, rotated_at, used_at, idle_expires_at, predecessor } =
            promised;
        self.compare("generation", generation, &seen.generation);
        self.compare("digest", digest, &seen.digest);
        self.compare("key", key, &seen.key);
        self.compare("rotated_at", rotated_at, &seen.rotated_at);
        self.compare("used_at", used_at, &seen.used_at);
        self.compare("idle_expires_at", idle_expires_at, &seen.idle_expires_at);
        let (promised, seen) = (predecessor.as_ref(), seen.predecessor.as_ref());
        self.compare(
            "predecessor digest",
            &promised.map(|it| it.digest),
            &seen.map(|it| it.digest),
        );
        self.compare("predecessor salt", &promised.map(|it| it.salt), &seen.map(|it| it.salt));
        self.compare("closed", &promised.map(|it| it.closed), &seen.map(|it| it.closed));
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
