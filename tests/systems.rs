//! What other systems do, told as sequences: each profile and each nearest policy of [`heirloom::profile`] against its
//! system's documented row (`table`), and the two incidents that integrators tell of, in full: a leeway of three seconds
//! (`three_seconds`), the switch to rotating tokens and back (`switch`), and two tabs and a thief (`two_tabs`).
//!
//! In virtual time, over the store that `HEIRLOOM_STORE` chooses.

mod stage;
mod switch;
mod table;
mod three_seconds;
mod two_tabs;
