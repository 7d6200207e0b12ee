//! What a client asks for when it presents a token.

use crate::grant::Binding;
use crate::policy::Policy;

/// One refresh request, after the host has authenticated the client (RFC 6749 section 6) and checked the
/// proof of possession, if there is one.
///
/// ```
/// # use heirloom::Request;
/// let request = Request::new("web-app").scope("read");
/// # assert_eq!(request.client, "web-app");
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The authenticated client.
    pub client: &'a str,
    /// The `scope` parameter. Absent or empty: all of the grant's scope.
    pub scope: Option<&'a str>,
    /// The `resource` parameters (RFC 8707 section 2.2). None: all of the grant's.
    pub resources: &'a [&'a str],
    /// The key that the client has proved to hold: DPoP (RFC 9449 section 5) or mutual TLS (RFC 8705 section 4).
    pub binding: Option<Binding>,
    /// A policy for this call, in place of the engine's: per client, say.
    pub policy: Option<&'a Policy>,
}

impl<'a> Request<'a> {
    /// A request for all that was granted.
    pub fn new(client: &'a str) -> Self {
        Self { client, scope: None, resources: &[], binding: None, policy: None }
    }

    /// Narrows the access token's scope (RFC 6749 section 6). The family's stays.
    pub fn scope(mut self, scope: impl Into<Option<&'a str>>) -> Self {
        self.scope = scope.into();
        self
    }

    /// Narrows the access token's resources (RFC 8707 section 2.2). The family's stay.
    pub fn resources(mut self, resources: &'a [&'a str]) -> Self {
        self.resources = resources;
        self
    }

    /// The key that the client has proved to hold.
    pub fn binding(mut self, binding: impl Into<Option<Binding>>) -> Self {
        self.binding = binding.into();
        self
    }

    /// Decides this call under another policy than the engine's.
    pub fn policy(mut self, policy: impl Into<Option<&'a Policy>>) -> Self {
        self.policy = policy.into();
        self
    }

    /// Whether the answer depends on more of the grant than client and binding.
    pub(crate) fn narrows(&self) -> bool {
        self.scope.is_some_and(|scope| !scope.is_empty()) || !self.resources.is_empty()
    }
}
