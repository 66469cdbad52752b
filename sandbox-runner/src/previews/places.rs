//! How many connections into sandboxes there are at a time: each holds descriptors of the runner.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

/// Of one session.
const OF_SESSION: usize = 128;

/// Of all.
const OF_ALL: usize = 1024;

/// What is taken, by session.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<HashMap<Uuid, usize>>);

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    session: Uuid,
}

impl Places {
    /// Takes one, if there is one left for the session.
    pub(super) fn take(self: &Arc<Self>, session: Uuid) -> Option<Place> {
        let mut all = self.all();
        if all.values().sum::<usize>() >= OF_ALL {
            return None;
        }
        let taken = all.entry(session).or_default();
        if *taken >= OF_SESSION {
            return None;
        }
        *taken += 1;
        drop(all);
        Some(Place {
            places: self.clone(),
            session,
        })
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Uuid, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.places.all();
        if let Some(taken) = all.get_mut(&self.session) {
            *taken -= 1;
            if *taken == 0 {
                all.remove(&self.session);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_session_does_not_take_all_places() {
        let places = Arc::new(Places::default());
        let session = Uuid::from_u128(1);
        let taken: Vec<Option<Place>> = (0..=OF_SESSION).map(|_| places.take(session)).collect();
        assert_eq!(taken.iter().flatten().count(), OF_SESSION);
        assert!(places.take(Uuid::from_u128(2)).is_some());
        drop(taken);
        assert!(places.take(session).is_some());
        assert!(places.all().is_empty());
    }
}
