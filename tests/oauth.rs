//! What a client, a resource server or a revocation endpoint is told: one function each, and all of `invalid_grant`
//! told alike. RFC 6749 section 5, RFC 7009, RFC 7662, RFC 8707, draft-ietf-oauth-refresh-token-expiration-03.

mod errors;
mod introspection;
mod server;
mod tokens;
