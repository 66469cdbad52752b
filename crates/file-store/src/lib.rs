//! Files of users: what is known of them is in the database, their bytes are in key-value, or,
//! where they are larger than [`SMALL`], with the runner.
//!
//! Invariants: nobody sees a file before all of its bytes are there; bytes whose file is gone are
//! noted in the database until they are gone too, so that no crash leaves any behind; whatever
//! the size of a file, a piece of it is in memory.

mod address;
mod keep;
mod pieces;
mod read;
mod sweep;

pub use address::{access_url, avatar_url};
pub use keep::{NewFile, keep, keep_stream};
pub use read::read;
pub use sweep::{remove, sweep};

/// The most bytes of a file that is kept in key-value.
pub const SMALL: usize = 1 << 20;

/// What a file's bytes are under in key-value.
fn key(uuid: uuid::Uuid) -> String {
    format!("file/{uuid}")
}
