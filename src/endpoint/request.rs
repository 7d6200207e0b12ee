//! What the endpoints are asked, read from a form.

use std::fmt;

use super::form::{Form, FormError};
use crate::request::Request;

/// A refresh request at the token endpoint (RFC 6749 section 6, RFC 8707 section 2.2).
///
/// ```
/// # use heirloom::endpoint::{Form, TokenRequest};
/// let form = Form::parse(b"grant_type=refresh_token&refresh_token=rt_x&scope=read+write")?;
/// let asked = TokenRequest::read(&form)?;
/// assert_eq!((asked.refresh_token, asked.scope), ("rt_x", Some("read write")));
/// # Ok::<(), heirloom::endpoint::FormError>(())
/// ```
#[non_exhaustive]
pub struct TokenRequest<'f> {
    /// `refresh_token`: to be passed to the engine, and shown nowhere.
    pub refresh_token: &'f str,
    /// `scope`.
    pub scope: Option<&'f str>,
    /// `resource`, as often as it was given.
    pub resources: Vec<&'f str>,
    /// `client_id`: what a public client says it is (RFC 6749 section 3.2.1). Nobody has proved it.
    pub client_id: Option<&'f str>,
}

impl<'f> TokenRequest<'f> {
    /// Reads a refresh request.
    ///
    /// # Errors
    ///
    /// [`FormError::GrantType`] for another grant; [`FormError::Missing`], [`FormError::Repeated`].
    pub fn read(form: &'f Form) -> Result<Self, FormError> {
        if form.grant_type()? != "refresh_token" {
            return Err(FormError::GrantType);
        }
        Ok(Self {
            refresh_token: form.required("refresh_token")?,
            scope: form.value("scope")?,
            resources: form.values("resource").collect(),
            client_id: form.value("client_id")?,
        })
    }

    /// For a server that uses no resource indicators (RFC 8707): to it `resource` is a parameter that it does not know, and so ignores
    /// (RFC 6749 section 3.2). Clients of MCP send it with every request.
    ///
    /// Without this, a resource that the grant does not name is refused as `invalid_target`, whichever it is, also where grants name none.
    #[must_use]
    pub fn ignoring_resources(mut self) -> Self {
        self.resources.clear();
        self
    }

    /// The engine's request, for the client that the host has authenticated; add what it has proved with
    /// [`Request::binding`].
    ///
    /// # Errors
    ///
    /// [`FormError::OtherClient`]: the form names another one.
    pub fn request<'r>(&'r self, client: &'r str) -> Result<Request<'r>, FormError> {
        let request = same_client(self.client_id, client)?;
        Ok(request.scope(self.scope).resources(&self.resources))
    }
}

impl fmt::Debug for TokenRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRequest")
            .field("scope", &self.scope)
            .field("resources", &self.resources)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// A request at the revocation endpoint (RFC 7009 section 2.1).
#[non_exhaustive]
pub struct RevocationRequest<'f> {
    /// `token`: a refresh token, or one of the host's own, which the engine does not know.
    pub token: &'f str,
    /// `token_type_hint`. It may tell the host where to look first, and never where not to look.
    pub token_type_hint: Option<&'f str>,
    /// `client_id`: what a public client says it is. Nobody has proved it.
    pub client_id: Option<&'f str>,
}

impl<'f> RevocationRequest<'f> {
    /// Reads a revocation request.
    ///
    /// # Errors
    ///
    /// [`FormError::Missing`], [`FormError::Repeated`].
    pub fn read(form: &'f Form) -> Result<Self, FormError> {
        Ok(Self {
            token: form.required("token")?,
            token_type_hint: form.value("token_type_hint")?,
            client_id: form.value("client_id")?,
        })
    }

    /// The engine's request, for the client that the host has authenticated.
    ///
    /// # Errors
    ///
    /// [`FormError::OtherClient`]: the form names another one.
    pub fn request<'r>(&self, client: &'r str) -> Result<Request<'r>, FormError> {
        same_client(self.client_id, client)
    }
}

impl fmt::Debug for RevocationRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationRequest")
            .field("token_type_hint", &self.token_type_hint)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// A request at the introspection endpoint (RFC 7662 section 2.1).
#[non_exhaustive]
pub struct IntrospectionRequest<'f> {
    /// `token`: a refresh token, or one of the host's own, which the engine does not know.
    pub token: &'f str,
    /// `token_type_hint`. It may tell the host where to look first, and never where not to look.
    pub token_type_hint: Option<&'f str>,
}

impl<'f> IntrospectionRequest<'f> {
    /// Reads an introspection request. Whoever sends it is to be authenticated first (RFC 7662 section 2.1).
    ///
    /// # Errors
    ///
    /// [`FormError::Missing`], [`FormError::Repeated`].
    pub fn read(form: &'f Form) -> Result<Self, FormError> {
        let (token, token_type_hint) = (form.required("token")?, form.value("token_type_hint")?);
        Ok(Self { token, token_type_hint })
    }
}

impl fmt::Debug for IntrospectionRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectionRequest")
            .field("token_type_hint", &self.token_type_hint)
            .finish_non_exhaustive()
    }
}

fn same_client<'r>(named: Option<&str>, client: &'r str) -> Result<Request<'r>, FormError> {
    match named {
        Some(named) if named != client => Err(FormError::OtherClient),
        _ => Ok(Request::new(client)),
    }
}
