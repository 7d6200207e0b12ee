//! An independent model of families, tokens, branches, leeway, ends, limits, adoption, revocation, purge, lost writes and
//! recovery; and the driver that holds the engine to it.
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
//! P1, restated for what may be answered more than once, and checked from the strings that were released:
//!
//! - a place is a family, a branch and a generation; a place has one string that was never displaced (in the history that led to
//!   what is stored: what a store that has lost writes has forgotten of a place, or of a family, is counted no more);
//! - *replay*: hence at most one successor string per place;
//! - *newest*: at most one string of a place is good at any time, the one whose digest is stored; every other one of that
//!   place is displaced, and never granted anything again, unless the store forgets that it was;
//! - *fork*: one string per place, each branch being a place of its own, and as many branches live after a fork as the rules allow.
//!
//! P2 goes by the rules' reaction: reuse ends nothing and is refused, or ends the family, and then whatever it ends beside
//! it, before the refusal: a store that fails at one of them shields none of the others. P7 and P13 to P19 hold for
//! each kind of answer to a predecessor, with uses counted or not; P11 for what is kept until a legacy token's date; P16 for a recovery window, in
//! which a token ahead of the store, and no other, is taken.
//!
//! What the model leaves to the engine: a branch that was left unused may be forgotten at a fork, and what was known of its use with it;
//! two presentations that count at once, the later of which is told of a lost race, may be
//! counted as one; a legacy token that is adopted again after its record was
//! purged begins a family of the same name; a commit whose family the store has lost or forgotten since `begin`, and which has come to the
//! same version again in another way, is not made; of families of one instant the smaller id is the older.
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
//! | `driver` | carries out operations on both |
//! | `agree`, `remember`, `races` | answers, strings, events and records are those of the model, races included |
//! | `kind` | kinds of answers, to see whether enough happens |
//! | `log`, `said` | what is noted from the outside; what a log may show |
//! | `properties` | P1 to P19, one function each |

pub mod agree;
pub mod answers;
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
