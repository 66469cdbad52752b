//! How much somebody may have of something at a time: each place that is taken holds memory,
//! descriptors, or a request at the edge.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What is taken, by whoever took it.
#[derive(Debug)]
pub(crate) struct Places<K> {
    of_each: usize,
    of_all: usize,
    taken: Mutex<Taken<K>>,
}

/// How many places are taken: by each, and in all.
#[derive(Debug)]
struct Taken<K> {
    by: HashMap<K, usize>,
    in_all: usize,
}

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub(crate) struct Place<K: Eq + Hash> {
    places: Arc<Places<K>>,
    whose: K,
}

impl<K: Copy + Eq + Hash> Places<K> {
    /// So many for each, and for all together.
    pub(crate) fn new(of_each: usize, of_all: usize) -> Arc<Self> {
        Arc::new(Self {
            of_each,
            of_all,
            taken: Mutex::new(Taken {
                by: HashMap::new(),
                in_all: 0,
            }),
        })
    }

    /// Takes one, if there is one left.
    pub(crate) fn take(self: &Arc<Self>, whose: K) -> Option<Place<K>> {
        let mut taken = self.taken();
        let of_one = taken.by.get(&whose).copied().unwrap_or_default();
        if of_one >= self.of_each || taken.in_all >= self.of_all {
            return None;
        }
        taken.by.insert(whose, of_one + 1);
        taken.in_all += 1;
        drop(taken);
        Some(Place {
            places: self.clone(),
            whose,
        })
    }
}

impl<K> Places<K> {
    fn taken(&self) -> MutexGuard<'_, Taken<K>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.in_all -= 1;
        if let Some(of_one) = taken.by.get_mut(&self.whose) {
            *of_one -= 1;
            if *of_one == 0 {
                taken.by.remove(&self.whose);
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
        let places = Places::new(2, usize::MAX);
        let first = places.take(1).unwrap();
        let _second = places.take(1).unwrap();
        assert!(places.take(1).is_none());
        assert!(places.take(2).is_some());
        drop(first);
        assert!(places.take(1).is_some());
    }

    #[test]
    fn one_does_not_take_all_places() {
        let places = Places::new(128, 1024);
        let taken: Vec<_> = (0..=128).map(|_| places.take(1)).collect();
        assert_eq!(taken.iter().flatten().count(), 128);
        assert!(places.take(2).is_some());
        drop(taken);
        assert!(places.take(1).is_some());
        assert!(places.taken().by.is_empty());
    }

    #[test]
    fn all_together_have_so_many() {
        let places = Places::new(2, 3);
        let taken: Vec<_> = [1, 1, 2, 2].map(|whose| places.take(whose)).into();
        assert_eq!(taken.iter().flatten().count(), 3);
        assert!(places.take(3).is_none());
    }
}
