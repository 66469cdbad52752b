//! Rooms: numbered events of a session, kept for a while and fanned out.
//!
//! | module | what it is |
//! |---|---|
//! | [`Rooms`] | all rooms of a runner: publish, subscribe, delete, sweep |
//! | [`Subscription`] | one reader of a room: replay, then live |
//! | [`EventId`] | `epoch:seq` |
//! | [`RunStep`] | the step of a run that events tell, which is told once |
//! | [`Entry`] | an event with its number and time, rendered once for all readers |
//! | `log` | the events on disk |
//! | `upkeep` | closing, forgetting and removing what is not used |
//! | `custody` | whether what is on disk can be trusted after the last stop |
//!
//! Invariants: within an epoch events are numbered from 1 without a gap. An id that a reader was
//! shown is never given to another event. A reader gets every event after the one that it named,
//! once and in order, or is told [`Delivery::Lost`].
//!
//! An event is written to its room's file before anybody sees it. Files are not synced while the
//! runner runs: what is written outlasts the death of the process, also by `kill -9`. Where the
//! machine itself died (its boot is another, and the last stop was not clean) nobody knows which
//! ids were shown, so all kept events are dropped and every room begins a new epoch: readers who
//! come back are told of the loss, and find the transcript in the database.
//!
//! A room is *lasting* from when one of its numbers is first shown without an epoch: to a reader,
//! or to whoever asks for the [newest](Rooms::newest). Its events are synced before they are
//! shown, so it outlasts the death of the machine too, and is never removed but with its session:
//! events that are too old leave their numbers behind. So no number of it is given twice, and none
//! is left out, but where its file itself was damaged: then numbers go on above all that can have
//! been shown.

mod clock;
mod counts;
mod custody;
mod entry;
mod errors;
mod id;
mod live;
mod log;
mod readers;
mod room;
mod rooms;
mod settings;
mod subscription;
mod told;
mod upkeep;

pub use clock::now;
pub use counts::Counts;
pub use custody::OpenError;
pub use entry::{Entry, View};
pub use errors::{PublishError, SubscribeError};
pub use id::{After, EventId};
pub use live::{Closed, Presence};
pub use rooms::Rooms;
pub use settings::Settings;
pub use subscription::{Delivery, Loss, Subscription};
pub use told::{Published, RunStep};
