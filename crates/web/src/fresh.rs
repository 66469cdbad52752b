//! New ids.

use ports::Platform;
use uuid::Uuid;

/// A new UUID of version 7.
#[must_use]
pub fn new_uuid(platform: &Platform) -> Uuid {
    let mut random = [0; 10];
    platform.random.fill(&mut random);
    domain::uuid_at(platform.clock.now(), random)
}
