//! What the turn has changed up to now.

use super::Desk;
use agent::Caller;
use domain::Event;
use runner_api::files::content_hash;

impl Desk {
    /// Tells the room what the turn has changed, if that is another than it was. Where it cannot be
    /// known, nothing is told.
    pub(super) async fn tell_changes(&self, caller: &Caller) {
        let name = self.run.uuid.to_string();
        let diff = self.site.client.diff(self.site.session, &name).await;
        let diff = match diff {
            Ok(diff) => diff,
            Err(error) => {
                eprintln!("run {name}: changes not known: {error}");
                return;
            }
        };
        // By all of it: what is told may be cut, and the same again where more has changed.
        let hash = match diff.unified_diff.as_str() {
            "" => String::new(),
            whole => content_hash(whole.as_bytes()),
        };
        let mut told = self.told.lock().await;
        if *told != hash {
            *told = hash;
            let shown = coding::shown_diff(diff);
            caller.tell_room(Event::TurnDiff(shown)).await;
        }
    }
}
