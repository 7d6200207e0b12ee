//! An independent model of families, tokens, leeway, ends, revocation, purge and lost writes; and the driver that
//! holds the engine to it.
//!
//! The model (`words`, `history`, `verdict`, `hear`) imports nothing of heirloom. It knows no digests, no versions,
//! no tags, no guards and no heads: it remembers who was issued which token, which token was exchanged for which at
//! what instant, and what the store has forgotten since, and it tells from that alone what must be answered. So it
//! cannot repeat a mistake of `decide`, and the two agree only if both are right, or wrong for different reasons.
//!
//! A call whose outcome is not known, because the store failed or the future was dropped, may have done all of
//! its effect on a family or nothing of it; which of the two is seen in the store, and nothing else is accepted.
//! Calls that race must have answered as if one had come after the other.
//!
//! | file | what |
//! |---|---|
//! | `words` | what is asked and what can be answered |
//! | `history` | what has happened, and what the store remembers of it |
//! | `verdict` | what showing a token means, told from the history |
//! | `hear` | every call: its answer, and the history after it |
//! | `operation` | what can happen, as plain data |
//! | `resolve` | from an operation to what is asked |
//! | `translate`, `answers` | from the model's words to heirloom's, and back |
//! | `node` | two engines over one store that fails, loses and races |
//! | `backend` | the store under test |
//! | `driver` | carries out operations on both |
//! | `agree`, `remember`, `races` | answers, strings, events and records are those of the model, races included |
//! | `kind` | kinds of answers, to see whether enough happens |
//! | `log`, `said` | what is noted from the outside; what a log may show |
//! | `properties` | P1 to P19, one function each |

pub mod agree;
pub mod answers;
#[path = "../backend/mod.rs"]
pub mod backend;
pub mod driver;
pub mod hear;
pub mod history;
pub mod kind;
pub mod log;
pub mod node;
pub mod operation;
pub mod properties;
pub mod races;
pub mod remember;
pub mod resolve;
pub mod said;
pub mod translate;
pub mod verdict;
pub mod words;
