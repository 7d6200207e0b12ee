//! For authors of *clients*: how to use a refresh token that rotates. Nothing but documentation.
//!
//! Nothing here is special to heirloom. A server that rotates takes a second use of a spent token for theft, sooner or later, and
//! then the user signs in again; most of the logouts that nobody can explain are one of the faults below.
//!
//! # Always store the new token
//!
//! * If the response has a `refresh_token`, it replaces the one that you have (RFC 6749 section 6). If it has none, keep yours.
//! * Store it before you use the access token, durably, in one write with it, and before you say that the refresh is done. A process that is killed
//!   between the response and the write has lost the session, unless it asks again inside the leeway.
//! * Some libraries keep the first token that they were given. Look into yours: does a second refresh send what the first one
//!   returned? If it has a callback for new tokens, it is yours to store them.
//! * Restoring a backup, cloning a virtual machine or copying a profile copies the token. Two copies are a theft.
//!
//! # One at a time
//!
//! * One refresh at a time for each token: a mutex in a process, a lock in the store (`navigator.locks` in a browser, a row lock or a lease among
//!   workers). Who waits for the lock reads the token again when it has it, and goes on without a refresh if the token is new.
//! * The leeway of the server forgives what the lock misses, for seconds. It is no substitute: nobody promises its length.
//! * After an error or a timeout ask again at once, with the *same* token: inside the leeway the answer is the same, or as good. Do not wait for a minute
//!   and try again: outside the leeway it is theft. With a 503, follow `Retry-After`.
//!
//! # Lazy or eager
//!
//! Lazy: refresh when a request needs an access token and there is none that lasts. Nothing happens while nobody is there, and an idle
//! lifetime ends the session as its operator wants. Eager: refresh on a timer, ahead of the end. No request waits; but every device that is
//! forgotten in a drawer keeps its session for ever, and all timers that began together fire together. Lazy, with a margin of
//! some seconds before the access token's end, is the better default; a long job may be eager.
//!
//! # Which `expires_in` is which
//!
//! | member | of what | source |
//! |---|---|---|
//! | `expires_in` | the *access* token, seconds from the response | RFC 6749 section 5.1 |
//! | `refresh_token_timeout` | the refresh token, if it is not used | draft-ietf-oauth-refresh-token-expiration-03 |
//! | `authorization_expires_in` | the whole sign-in: no use extends it | draft-ietf-oauth-refresh-token-expiration-03 |
//!
//! Count from when you sent the request, not from when you read the response. An end that is missing is not promised to be far. When the refresh token's
//! end is near and the user is there, ask for a new sign-in before it comes.
//!
//! # What an error means
//!
//! | answer | do |
//! |---|---|
//! | `invalid_grant` | read your store again: if it has another token than the one you sent, another tab or worker was quicker, use that one. If not, delete that token and ask the user to sign in. Never try again with it |
//! | `use_dpop_nonce`, `invalid_dpop_proof` | ask again with the nonce, or a new proof; the token is as good as it was |
//! | `invalid_scope`, `invalid_target`, `invalid_request` | your request is wrong; the token is as good as it was |
//! | `invalid_client` | your authentication failed; the token is as good as it was |
//! | 5xx, a timeout, a broken connection | keep the token and ask again, two or three times within seconds, then with growing pauses: a late try may be taken for theft, but there is no other |
//!
//! Signing out is a request too: revoke the token (RFC 7009), do not just forget it.
