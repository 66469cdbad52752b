//! How many commands one user may wait for at a time: each holds a request at the edge as well.

use crate::admin::Refused;
use axum::http::StatusCode;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How many of each user are taken.
#[derive(Debug)]
pub(super) struct Places {
    most: usize,
    taken: Mutex<HashMap<i64, usize>>,
}

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    user: i64,
}

impl Places {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            taken: Mutex::default(),
        })
    }

    /// Takes one of the user's.
    pub(super) fn take(self: &Arc<Self>, user: i64) -> Result<Place, Refused> {
        let mut all = self.all();
        let taken = all.entry(user).or_default();
        if *taken >= self.most {
            let detail = format!(
                "You wait for {taken} commands already. Wait for one to end, or run it in the \
                 background"
            );
            return Err(Refused::new(StatusCode::TOO_MANY_REQUESTS, detail));
        }
        *taken += 1;
        drop(all);
        Ok(Place {
            places: self.clone(),
            user,
        })
    }

    fn all(&self) -> MutexGuard<'_, HashMap<i64, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.places.all();
        if let Some(taken) = all.get_mut(&self.user) {
            *taken -= 1;
            if *taken == 0 {
                all.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_back() {
        let places = Places::new(2);
        let first = places.take(1).unwrap();
        let _second = places.take(1).unwrap();
        assert!(places.take(1).is_err());
        assert!(places.take(2).is_ok());
        drop(first);
        assert!(places.take(1).is_ok());
    }
}
