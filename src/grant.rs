//! What the user consented to. heirloom keeps it, bounds it, and never widens it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};

use crate::scope::{Scope, is_scope_token};
use crate::time::Timestamp;

/// A grant: subject, client, scope, resources, sender binding, and attributes of the host's own.
///
/// Built without errors, checked at [`Engine::issue`](crate::Engine::issue) against [`GrantLimits`].
///
/// ```
/// # use heirloom::Grant;
/// let grant = Grant::new("alice", "web-app").scope("read write").attribute("acr", "2");
/// assert!(grant.scope.contains("write"));
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grant {
    /// The user or other resource owner (`sub`).
    pub subject: Arc<str>,
    /// The client that the tokens are issued to (`client_id`).
    pub client: Arc<str>,
    /// The scope consented to: every access token gets this or less (RFC 6749 section 6).
    pub scope: Scope,
    /// The resources consented to, as absolute URIs (RFC 8707 section 2).
    pub resources: Vec<String>,
    /// The key that must be proved at every use, if the tokens are sender-constrained.
    pub binding: Option<Binding>,
    /// An end that the grant itself has, whatever the policy's lifetimes.
    pub not_after: Option<Timestamp>,
    /// Whatever the host wants to find again at a refresh.
    pub attributes: BTreeMap<String, String>,
}

impl Grant {
    /// A grant of nothing yet.
    pub fn new(subject: &str, client: &str) -> Self {
        Self {
            subject: subject.into(),
            client: client.into(),
            scope: Scope::default(),
            resources: Vec::new(),
            binding: None,
            not_after: None,
            attributes: BTreeMap::new(),
        }
    }

    /// The scope, as space-separated words (RFC 6749 section 3.3).
    pub fn scope(mut self, scope: &str) -> Self {
        self.scope = Scope::new(scope);
        self
    }

    /// One more resource.
    pub fn resource(mut self, uri: &str) -> Self {
        self.resources.push(uri.to_owned());
        self
    }

    /// Constrains the tokens to the holder of a key.
    pub fn bound_to(mut self, binding: Binding) -> Self {
        self.binding = Some(binding);
        self
    }

    /// Ends the grant at an instant, whatever the policy's lifetimes.
    pub fn not_after(mut self, end: Timestamp) -> Self {
        self.not_after = Some(end);
        self
    }

    /// One more attribute; the last one of a name stays.
    pub fn attribute(mut self, name: &str, value: &str) -> Self {
        self.attributes.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Whether every field keeps to its form and bounds.
    ///
    /// # Errors
    ///
    /// [`GrantError`] with the field and what is wrong.
    pub fn check(&self, limits: &GrantLimits) -> Result<(), GrantError> {
        identifier("subject", &self.subject, limits.identifier_bytes)?;
        identifier("client", &self.client, limits.identifier_bytes)?;
        bounded("scope", self.scope.as_str().len(), limits.scope_bytes)?;
        if !self.scope.iter().all(is_scope_token) {
            return Err(GrantError::Form { field: "scope" });
        }
        bounded("resources", self.resource_bytes(), limits.resource_bytes)?;
        if !self.resources.iter().all(|uri| is_absolute_uri(uri)) {
            return Err(GrantError::Form { field: "resources" });
        }
        bounded("attributes", self.attribute_bytes(), limits.attribute_bytes)
    }

    fn resource_bytes(&self) -> usize {
        self.resources.iter().map(String::len).sum()
    }

    fn attribute_bytes(&self) -> usize {
        self.attributes.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    /// Whether all the requested resources are granted (RFC 8707 section 2.2). None requested: the grant's.
    pub(crate) fn covers(&self, requested: &[&str]) -> bool {
        // More than are granted would be repetition; bounded, so that a request cannot cost what it likes.
        requested.len() <= self.resources.len()
            && requested.iter().all(|uri| self.resources.iter().any(|granted| granted == uri))
    }
}

/// Without the values of the attributes, which may be the user's business.
impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("subject", &self.subject)
            .field("client", &self.client)
            .field("scope", &self.scope)
            .field("resources", &self.resources)
            .field("binding", &self.binding)
            .field("not_after", &self.not_after)
            .field("attributes", &self.attributes.keys())
            .finish()
    }
}

/// How large the fields of a grant may be, in bytes, so that a family's state stays small.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrantLimits {
    /// Subject and client, each. Default 512.
    pub identifier_bytes: usize,
    /// The scope's text. Default 4096.
    pub scope_bytes: usize,
    /// All resources together. Default 4096.
    pub resource_bytes: usize,
    /// All attributes together, names included. Default 4096.
    pub attribute_bytes: usize,
}

impl GrantLimits {
    /// With room for all that a grant has already: what takes something away is not refused for what is left.
    pub(crate) fn with_room_for(&self, grant: &Grant) -> Self {
        let identifier = grant.subject.len().max(grant.client.len());
        Self {
            identifier_bytes: self.identifier_bytes.max(identifier),
            scope_bytes: self.scope_bytes.max(grant.scope.as_str().len()),
            resource_bytes: self.resource_bytes.max(grant.resource_bytes()),
            attribute_bytes: self.attribute_bytes.max(grant.attribute_bytes()),
        }
    }
}

impl Default for GrantLimits {
    fn default() -> Self {
        Self {
            identifier_bytes: 512,
            scope_bytes: 4096,
            resource_bytes: 4096,
            attribute_bytes: 4096,
        }
    }
}

/// The key that a sender-constrained token is bound to, by its SHA-256 thumbprint.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Binding {
    /// `jkt`: the thumbprint of a DPoP key (RFC 9449 section 6.1).
    Jkt([u8; 32]),
    /// `x5t#S256`: the thumbprint of a client certificate (RFC 8705 section 3.1).
    X5tS256([u8; 32]),
}

impl Binding {
    /// A DPoP key, from the base64url text of its `jkt`.
    ///
    /// # Errors
    ///
    /// [`GrantError::Form`] unless it is the unpadded base64url of 32 bytes.
    pub fn jkt(text: &str) -> Result<Self, GrantError> {
        thumbprint("jkt", text).map(Self::Jkt)
    }

    /// A client certificate, from the base64url text of its `x5t#S256`.
    ///
    /// # Errors
    ///
    /// [`GrantError::Form`] unless it is the unpadded base64url of 32 bytes.
    pub fn x5t_s256(text: &str) -> Result<Self, GrantError> {
        thumbprint("x5t#S256", text).map(Self::X5tS256)
    }

    /// The name of the confirmation method in the `cnf` claim.
    pub fn method(&self) -> &'static str {
        match self {
            Self::Jkt(_) => "jkt",
            Self::X5tS256(_) => "x5t#S256",
        }
    }

    /// The thumbprint as base64url text.
    pub fn thumbprint(&self) -> String {
        let (Self::Jkt(bytes) | Self::X5tS256(bytes)) = self;
        let mut text = [0; 43];
        Base64UrlUnpadded::encode(bytes, &mut text).unwrap_or_default().to_owned()
    }
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.method(), self.thumbprint())
    }
}

/// RFC 8707 section 2: an absolute URI without a fragment.
fn is_absolute_uri(text: &str) -> bool {
    let scheme = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
        && text.split_once(':').is_some_and(|(name, rest)| scheme(name) && !rest.is_empty())
}

fn identifier(field: &'static str, text: &str, limit: usize) -> Result<(), GrantError> {
    bounded(field, text.len(), limit)?;
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(GrantError::Form { field });
    }
    Ok(())
}

fn bounded(field: &'static str, bytes: usize, limit: usize) -> Result<(), GrantError> {
    if bytes > limit { Err(GrantError::TooLong { field, bytes, limit }) } else { Ok(()) }
}

fn thumbprint(field: &'static str, text: &str) -> Result<[u8; 32], GrantError> {
    let mut bytes = [0; 32];
    match Base64UrlUnpadded::decode(text, &mut bytes) {
        Ok(decoded) if decoded.len() == 32 => Ok(bytes),
        _ => Err(GrantError::Form { field }),
    }
}

/// A grant that cannot be issued, or changed to.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// A field over its bound.
    #[error("{field}: {bytes} bytes, and {limit} are allowed")]
    TooLong {
        /// The field.
        field: &'static str,
        /// Its size.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// A field that is empty where it may not be, or not of its form.
    #[error("{field}: not of the form required")]
    Form {
        /// The field.
        field: &'static str,
    },
    /// A change of a field that may never change: subject, client, binding or `not_after`.
    #[error("{field}: may not change")]
    Fixed {
        /// The field.
        field: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_refused_one_byte_over_its_bound() {
        let limits = GrantLimits::default();
        let grant = || Grant::new("s", "c");
        let field = |grant: Grant| match grant.check(&limits) {
            Ok(()) => "",
            Err(GrantError::TooLong { field, .. }) => field,
            Err(other) => panic!("{other}"),
        };
        for (length, name) in [(512, ""), (513, "subject")] {
            assert_eq!(field(Grant::new(&"s".repeat(length), "c")), name);
        }
        for (length, name) in [(512, ""), (513, "client")] {
            assert_eq!(field(Grant::new("s", &"c".repeat(length))), name);
        }
        for (length, name) in [(4096, ""), (4097, "scope")] {
            assert_eq!(field(grant().scope(&"x".repeat(length))), name);
        }
        for (length, name) in [(4096, ""), (4097, "resources")] {
            assert_eq!(field(grant().resource(&format!("a:{}", "x".repeat(length - 2)))), name);
        }
        for (length, name) in [(4095, ""), (4096, "attributes")] {
            assert_eq!(field(grant().attribute("a", &"x".repeat(length))), name);
        }
    }

    #[test]
    fn fields_that_are_not_of_their_form_are_refused() {
        let check = |grant: Grant| grant.check(&GrantLimits::default());
        for (grant, field) in [
            (Grant::new("", "c"), "subject"),
            (Grant::new("s", ""), "client"),
            (Grant::new("s\n", "c"), "subject"),
            (Grant::new("s", "c").scope("a\"b"), "scope"),
            (Grant::new("s", "c").scope("é"), "scope"),
            (Grant::new("s", "c").resource("/relative"), "resources"),
            (Grant::new("s", "c").resource("https://a/#fragment"), "resources"),
        ] {
            assert_eq!(check(grant), Err(GrantError::Form { field }));
        }
    }

    #[test]
    fn a_thumbprint_is_32_bytes_of_base64url() {
        let text = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"; // RFC 9449 section 6.1
        assert_eq!(Binding::jkt(text).unwrap().thumbprint(), text);
        for bad in ["", "K1", &text[1..], &format!("{text}="), &format!("{text}A")] {
            assert_eq!(Binding::jkt(bad), Err(GrantError::Form { field: "jkt" }), "{bad:?}");
        }
    }
}
