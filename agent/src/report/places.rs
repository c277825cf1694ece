//! What was found in the places that an operation works in, for the gateway to remember.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use storage::{Expected, Proof, Standing};
use uuid::Uuid;

/// What has to be found in a place before anything is done there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// What.
    pub expected: Expected,
    /// Whether the gateway wants to hear of it, also if all is well.
    pub is_asked: bool,
}

/// What was found in a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The place.
    pub place_id: Uuid,
    /// The generation that was expected.
    pub generation: u32,
    /// What is wrong with it; none if it has its marker.
    pub problem: Option<String>,
}

/// What was found, the latest of each place.
#[derive(Debug, Default)]
pub struct Places(Mutex<BTreeMap<Uuid, Found>>);

#[derive(Debug)]
struct Found {
    proof: Result<Proof, String>,
    generation: u32,
    is_asked: bool,
}

impl Places {
    /// What to expect by what was found before: a marker that was there has to be there still. None if the place
    /// cannot prove itself again, since what proved it may be gone by now.
    pub fn expected(&self, mark: &Mark) -> Option<Expected> {
        let mut expected = mark.expected.clone();
        match self.found().get(&expected.marker.place_id) {
            Some(Found {
                proof: Ok(Proof::Witness),
                ..
            }) => return None,
            Some(Found {
                proof: Ok(Proof::Marker),
                ..
            }) => expected.standing = Standing::Marked,
            Some(Found { proof: Err(_), .. }) | None => {}
        }
        Some(expected)
    }

    /// Takes note of what was found.
    pub fn note(&self, mark: &Mark, proof: &storage::Result<Proof>) {
        let marker = &mark.expected.marker;
        let found = Found {
            proof: proof.as_ref().copied().map_err(ToString::to_string),
            generation: marker.generation,
            is_asked: mark.is_asked,
        };
        self.found().insert(marker.place_id, found);
    }

    /// What the gateway has to hear of, once.
    pub fn take(&self) -> Vec<Sighting> {
        let found = std::mem::take(&mut *self.found());
        let told = found.into_iter().filter_map(|(place_id, found)| {
            let problem = match found.proof {
                Ok(Proof::Marker) if found.is_asked => None,
                Ok(_) => return None,
                Err(problem) => Some(problem),
            };
            Some(Sighting {
                place_id,
                generation: found.generation,
                problem,
            })
        });
        told.collect()
    }

    fn found(&self) -> MutexGuard<'_, BTreeMap<Uuid, Found>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
