//! What a client can ask for, and as whom.

use heirloom::{Binding, Request};

use super::states::{BINDING, CLIENT, RESOURCE};

/// A request, by name.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub name: &'static str,
    pub client: &'static str,
    pub binding: Option<Binding>,
    pub scope: Option<&'static str>,
    pub resources: &'static [&'static str],
}

/// The client's own key, for all that was granted.
pub const PLAIN: Asked =
    Asked { name: "all", client: CLIENT, binding: Some(BINDING), scope: None, resources: &[] };

pub const ALL: [Asked; 17] = [
    PLAIN,
    Asked { name: "no key", binding: None, ..PLAIN },
    Asked { name: "another key", binding: Some(Binding::Jkt([2; 32])), ..PLAIN },
    Asked { name: "another method", binding: Some(Binding::X5tS256([1; 32])), ..PLAIN },
    Asked { name: "another client", client: "app", ..PLAIN },
    Asked { name: "another client, no key", client: "app", binding: None, ..PLAIN },
    Asked { name: "another client, wider", client: "app", scope: Some("admin"), ..PLAIN },
    Asked { name: "no key, wider", binding: None, scope: Some("admin"), ..PLAIN },
    Asked { name: "scope empty", scope: Some(""), ..PLAIN },
    Asked { name: "scope blank", scope: Some("  "), ..PLAIN },
    Asked { name: "scope the same", scope: Some("w r"), ..PLAIN },
    Asked { name: "scope narrower", scope: Some("r"), ..PLAIN },
    Asked { name: "scope wider", scope: Some("r admin"), ..PLAIN },
    Asked { name: "resource within", resources: &[RESOURCE], ..PLAIN },
    Asked { name: "resource beyond", resources: &[RESOURCE, "https://b.example"], ..PLAIN },
    Asked { name: "narrower, within", scope: Some("r"), resources: &[RESOURCE], ..PLAIN },
    Asked {
        name: "wider, beyond",
        scope: Some("admin"),
        resources: &["https://b.example"],
        ..PLAIN
    },
];

/// One of each kind.
pub const SOME: [Asked; 6] = [
    PLAIN,
    Asked { name: "no key", binding: None, ..PLAIN },
    Asked { name: "another client", client: "app", ..PLAIN },
    Asked { name: "scope narrower", scope: Some("r"), ..PLAIN },
    Asked { name: "scope wider", scope: Some("r admin"), ..PLAIN },
    Asked { name: "resource beyond", resources: &["https://b.example"], ..PLAIN },
];

impl Asked {
    pub fn request(&self) -> Request<'static> {
        let request = Request::new(self.client).scope(self.scope).resources(self.resources);
        request.binding(self.binding)
    }

    pub fn narrows(&self) -> bool {
        self.scope.is_some_and(|scope| !scope.is_empty()) || !self.resources.is_empty()
    }
}
