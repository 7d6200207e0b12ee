//! Form parameters: decoded, bounded, wiped.

use std::borrow::Cow;
use std::fmt;

use zeroize::Zeroizing;

use crate::oauth::{ErrorCode, ErrorResponse};

/// How many bytes a form may have: of a body as it came, or of all decoded names and values. Decided before anything is
/// decoded.
pub const MAX_BYTES: usize = 32 * 1024;

/// How many parameters a form may have, those that nobody reads included.
pub const MAX_PARAMETERS: usize = 100;

/// The parameters of an `application/x-www-form-urlencoded` body (RFC 6749 appendix B), in memory that is wiped on drop.
///
/// The rules of RFC 6749 section 3.2: a parameter without a value is as good as omitted, one that nobody asks for is
/// ignored, one that is given twice is an error.
///
/// # Security
///
/// `Debug` shows no name and no value. The body itself, and what the decoding of `+` and `%` took in between, is not wiped:
/// the tokens of this crate need no decoding.
pub struct Form {
    pairs: Vec<(Zeroizing<String>, Zeroizing<String>)>,
}

impl Form {
    /// Decodes a body.
    ///
    /// # Errors
    ///
    /// [`FormError`]: over a bound, or not of the encoding. A body that was damaged on its way is never taken for a token
    /// that is wrong.
    pub fn parse(body: &[u8]) -> Result<Self, FormError> {
        if body.len() > MAX_BYTES {
            return Err(FormError::TooLarge);
        }
        if !has_whole_escapes(body) || std::str::from_utf8(body).is_err() {
            return Err(FormError::Encoding);
        }
        let pairs = form_urlencoded::parse(body);
        Self::from_pairs(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())))
    }

    /// Takes parameters that a framework has decoded, in any order. Strings that are moved in are wiped.
    ///
    /// Take a list from the framework: a map hides that a parameter was given twice.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn from_pairs<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Result<Self, FormError>
    where
        N: Into<String>,
        V: Into<String>,
    {
        let (mut form, mut bytes) = (Self { pairs: Vec::new() }, 0_usize);
        for (name, value) in pairs {
            let (name, value) = (Zeroizing::new(name.into()), Zeroizing::new(value.into()));
            if form.pairs.len() == MAX_PARAMETERS {
                return Err(FormError::TooMany);
            }
            bytes = bytes.saturating_add(name.len()).saturating_add(value.len());
            if bytes > MAX_BYTES {
                return Err(FormError::TooLarge);
            }
            // What decoders make of bytes that are not UTF-8: different bytes would look alike.
            if [&name, &value].iter().any(|text| text.contains(char::REPLACEMENT_CHARACTER)) {
                return Err(FormError::Encoding);
            }
            form.pairs.push((name, value));
        }
        Ok(form)
    }

    /// `grant_type`, for a host that has several: the first to look at.
    ///
    /// # Errors
    ///
    /// [`FormError::Missing`], [`FormError::Repeated`].
    pub fn grant_type(&self) -> Result<&str, FormError> {
        self.required("grant_type")
    }

    /// The value of a parameter that may be given once; `None`: omitted, or empty.
    ///
    /// # Errors
    ///
    /// [`FormError::Repeated`], also when all but one are empty: nobody on the way may have read another one.
    pub fn value(&self, name: &'static str) -> Result<Option<&str>, FormError> {
        let mut found = self.named(name);
        let value = found.next();
        match found.next() {
            Some(_) => Err(FormError::Repeated(name)),
            None => Ok(value.filter(|value| !value.is_empty())),
        }
    }

    /// The values of a parameter that may be given several times, without those that are empty.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.named(name).filter(|value| !value.is_empty())
    }

    /// The value of a parameter that must be given.
    pub(super) fn required(&self, name: &'static str) -> Result<&str, FormError> {
        self.value(name)?.ok_or(FormError::Missing(name))
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.pairs.iter().filter(move |(found, _)| found.as_str() == name);
        named.map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form").field("parameters", &self.pairs.len()).finish_non_exhaustive()
    }
}

/// Why a form is no request. The client's fault, and never `invalid_grant`: no token was looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormError {
    /// Over [`MAX_BYTES`].
    #[error("over {MAX_BYTES} bytes")]
    TooLarge,
    /// Over [`MAX_PARAMETERS`].
    #[error("over {MAX_PARAMETERS} parameters")]
    TooMany,
    /// An escape that is cut or not hexadecimal, or not UTF-8 (RFC 6749 appendix B).
    #[error("not form-encoded UTF-8")]
    Encoding,
    /// A parameter that may be given once was given again (RFC 6749 section 3.2).
    #[error("parameter {0} is repeated")]
    Repeated(&'static str),
    /// A parameter that must be given is omitted or empty.
    #[error("parameter {0} is missing")]
    Missing(&'static str),
    /// `grant_type` is not `refresh_token`.
    #[error("not the refresh grant")]
    GrantType,
    /// `client_id` is another client than the one that was authenticated.
    #[error("client_id is not the authenticated client")]
    OtherClient,
}

impl From<FormError> for ErrorResponse {
    fn from(why: FormError) -> Self {
        let named = |name: &str, what: &str| match name.bytes().all(|byte| byte.is_ascii_graphic())
        {
            true if !name.contains(['"', '\\']) => {
                format!("The parameter {name} is {what}.").into()
            }
            _ => Cow::from(format!("A parameter is {what}.")),
        };
        let description = match why {
            FormError::GrantType => {
                let description = "The grant type is not supported.";
                return Self::new(ErrorCode::UnsupportedGrantType, description);
            }
            FormError::TooLarge => "The request is too large.".into(),
            FormError::TooMany => "The request has too many parameters.".into(),
            FormError::Encoding => "The request is not form-encoded UTF-8.".into(),
            FormError::Repeated(name) => named(name, "repeated"),
            FormError::Missing(name) => named(name, "missing"),
            FormError::OtherClient => "The client_id is not the authenticated client.".into(),
        };
        Self::new(ErrorCode::InvalidRequest, description)
    }
}

/// Whether every `%` is followed by two hexadecimal digits. Decoders let the others through as they are.
fn has_whole_escapes(body: &[u8]) -> bool {
    body.split(|byte| *byte == b'%').skip(1).all(|rest| {
        matches!(rest, [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
    })
}
