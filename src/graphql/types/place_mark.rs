//! Marks of places as the API shows them.

use std::sync::Arc;

use async_graphql::{Context, Enum, Object};
use entity::place_mark;
use storage::Standing;

use super::Hypervisor;
use crate::{
    domain::place_mark::{SHARED, standing},
    graphql::{context::loaders, error::Result, scalar::DateTime, visible},
};

/// Whether a place has said whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(visible = "visible::to_admins")]
pub enum PlaceState {
    /// Nobody has worked there yet. Whoever does first marks it, if it is empty.
    NotYet,
    /// An administrator has accepted what is there. Whoever works there next marks it anew.
    Accepted,
    /// Its marker was seen, and has to be there.
    Marked,
    /// When it was last looked at, it was not there, or was another place: nothing is written, read or deleted there.
    NotThere,
}

/// What is known of a storage pool or a backup storage on one hypervisor, or on all of them where it is shared.
#[derive(Clone, Debug, Default)]
pub struct PlaceMark(pub Option<Arc<place_mark::Model>>);

/// What is known of a storage pool or a backup storage: whether it carries its marker, `.tidemark/owner.json`.
#[Object(visible = "visible::to_admins")]
impl PlaceMark {
    /// The hypervisor where it lies; null where it is the same for all.
    async fn hypervisor(&self, ctx: &Context<'_>) -> Result<Option<Hypervisor>> {
        let own = self.0.as_ref().map(|mark| mark.hypervisor_id);
        match own.filter(|id| *id != SHARED) {
            Some(id) => Ok(loaders(ctx)?.lookup(id).await?.map(Hypervisor)),
            None => Ok(None),
        }
    }

    /// Whether it has said whose it is.
    async fn state(&self) -> PlaceState {
        let mark = self.0.as_deref();
        if mark.is_some_and(|mark| mark.problem_at.is_some()) {
            return PlaceState::NotThere;
        }
        match standing(mark) {
            Standing::New => PlaceState::NotYet,
            Standing::Accepted => PlaceState::Accepted,
            Standing::Marked => PlaceState::Marked,
        }
    }

    /// Rises each time that an administrator accepts it anew.
    async fn generation(&self) -> i32 {
        self.0.as_ref().map_or(1, |mark| mark.generation)
    }

    /// When it was first seen with its marker; null if it was not yet.
    async fn marked_at(&self) -> Option<DateTime> {
        Some(self.0.as_ref()?.marked_at?.into())
    }

    /// What was wrong with it when it was last looked at, and what to do about it; null if nothing was.
    async fn problem(&self) -> Option<&str> {
        self.0.as_ref()?.problem.as_deref()
    }

    /// When that was found.
    async fn problem_at(&self) -> Option<DateTime> {
        Some(self.0.as_ref()?.problem_at?.into())
    }
}

/// The marks of a place that is the same for all: one, whether anybody has looked at it or not.
pub fn only(marks: &[Arc<place_mark::Model>], hypervisor: entity::HypervisorId) -> Vec<PlaceMark> {
    let mark = marks.iter().find(|mark| mark.hypervisor_id == hypervisor);
    vec![PlaceMark(mark.cloned())]
}
