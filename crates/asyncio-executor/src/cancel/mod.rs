//! Cancel scopes: requests that are answered innermost first, and clean-up that can await.
//!
//! | file | idea |
//! |---|---|
//! | [`nodes`] | the nodes, and the table that they stand in |
//! | [`tree`] | the tree: opening a scope, coming back to it, closing it |
//! | [`marks`] | the marks on them: how a request is answered |
//! | [`unusual`] | tallies of what a poll would have to look for |
//! | [`levels`] | scopes that have no node yet |
//! | [`links`] | who polls whom: the shape of the tree |
//! | [`wakers`] | which waker wakes a scope |
//! | [`unanswered`] | marks that wait for a scope that may never be polled again |
//! | [`mod@reference`] | a node as it is known outside the tree; the handle to a scope |
//! | [`request`] | making a request: which nodes it marks, and what it is passed on to |
//! | [`scope`] | a scope around what a future polls |
//! | [`catch`] | `catch_cancelled`, the plain one |
//! | [`open`] | an open scope, as its future knows it |
//! | [`mod@shielded`] | a body that no request goes into |
//! | [`mod@finally`] | clean-up that may await |
//! | [`orphan`] | clean-ups whose `finally` was dropped |
//! | [`claim`] | a leaf that passes a request on to what it waits for |
//! | [`bare`] | the commonest claim, which needs no node |
//! | [`place`] | where a wait stands, for those who choose whom to wake |
//! | [`around`] | how many requests there are around |
//! | [`cancelled`] | the value of a cancellation, and going on with it |
//!
//! Two kinds of mark. A *request* is answered at the scope's next poll, never in the poll in
//! which it was made or in the scope's first. *Unwinding* (a child let a request through) is
//! answered as soon as the body's poll has returned and no child is pending; it wins over a body
//! that became ready in that poll. Requests are numbered upwards; a scope ignores the ones that
//! it has answered, and inherits its parent's number when it is opened.

mod around;
mod bare;
mod cancelled;
mod catch;
mod claim;
mod finally;
mod here;
mod levels;
mod links;
mod marks;
mod nodes;
mod open;
mod orphan;
mod place;
mod reference;
mod request;
mod scope;
mod shielded;
mod tree;
mod unanswered;
mod unusual;
mod wakers;

pub use around::requests_around;
pub(crate) use bare::BareClaim;
pub use cancelled::{Cancelled, raise_cancelled, renew_requests};
pub use catch::{CatchCancelled, catch_cancelled};
pub(crate) use claim::Target;
pub use claim::{Claim, ClaimRef, Claimed, Settled};
pub use finally::{Finally, finally, finally_with};
pub(crate) use here::Here;
pub(crate) use marks::note_yield;
pub(crate) use nodes::{Kind, NodeId};
pub(crate) use orphan::{CleanUps, give_up};
pub use place::WaitPlace;
pub use reference::{ScopeKey, ScopeRef};
pub use request::Cancellation;
pub(crate) use request::{cancel_task, cancelling, uncancel};
pub use scope::Scope;
pub use shielded::{Shielded, shielded};
pub(crate) use tree::Tree;
