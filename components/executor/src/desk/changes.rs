//! What the turn has changed up to now.

use super::Desk;
use agent::Caller;
use domain::{Event, event::TurnDiff};

impl Desk {
    /// Tells the room what the turn has changed, if that is another than it was. Where it cannot be
    /// known, nothing is told.
    pub(super) async fn tell_changes(&self, caller: &Caller) {
        let name = self.run.uuid.to_string();
        let diff = self.site.client.diff(self.site.session, &name).await;
        let Ok(diff) = diff else {
            return;
        };
        let unified_diff = coding::shown_diff(diff.unified_diff);
        let mut told = self.told.lock().await;
        if *told != unified_diff {
            told.clone_from(&unified_diff);
            let event = TurnDiff { unified_diff };
            caller.tell_room(Event::TurnDiff(event)).await;
        }
    }
}
