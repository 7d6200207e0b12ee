//! The ways to exchange a token.

use heirloom::{Begun, Error, Outcome};

use crate::support::{Node, request};

/// A way to present a token; they differ in the store calls that they make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// One conditional write.
    Refresh,
    /// A look, then a write.
    Narrowed,
    /// A look, the host's own, then a write.
    TwoSteps,
}

pub const WAYS: [Way; 3] = [Way::Refresh, Way::Narrowed, Way::TwoSteps];

pub async fn exchange(node: &Node, token: &str, way: Way) -> Result<Outcome, Error> {
    match way {
        Way::Refresh => node.refresh(token, request()).await,
        Way::Narrowed => node.refresh(token, request().scope("read")).await,
        Way::TwoSteps => match node.begin(token, request()).await? {
            Begun::Ready(redemption) => redemption.commit().await,
            Begun::Refused(why) => Ok(Outcome::Refused(why)),
        },
    }
}
