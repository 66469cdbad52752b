//! Which pages in a browser may call the platform, and what browsers are told about it.
//!
//! Invariant: pure. The edge and the runner's front door both decide here, so that they never
//! differ: an origin is compared by scheme, host and port, whole, and `null` is nobody.
//!
//! | module | what it is |
//! |---|---|
//! | `origin` | one origin, from its text or from a URL |
//! | `list` | the operator's allow-list |
//! | `cors` | answers to preflights, and the headers of every other answer |
//! | `forgery` | requests that another site makes with a reader's cookie |
//! | `protection` | the headers that every answer carries |

mod cors;
mod forgery;
mod list;
mod origin;
mod protection;

pub use cors::vary_by_origin;
pub use forgery::{Forged, Site};
pub use list::{Origins, OriginsError};
pub use origin::Origin;
pub use protection::protect;
