//! Which operations somebody watches at other gateways: who reports them reports often then. What is not known, because
//! the line to the others was cut or is new, may be watched.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use entity::OperationId;
use tokio::time::Instant;

/// How often gateways tell what is watched there.
pub(super) const TOLD_EVERY: Duration = Duration::from_secs(5);
/// How long it is believed: one message may be lost.
const BELIEVED: Duration = Duration::from_secs(12);

/// What other gateways told.
#[derive(Debug, Default)]
pub(super) struct Elsewhere(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    line: Line,
    watched: HashMap<OperationId, Instant>,
}

/// The line to other gateways.
#[derive(Clone, Copy, Debug, Default)]
enum Line {
    /// There are no others.
    #[default]
    None,
    /// Nothing is heard of them.
    Cut,
    /// They have been heard since.
    Since(Instant),
}

impl Elsewhere {
    /// Nothing is heard of the others.
    pub(super) fn is_cut(&self) {
        self.told().line = Line::Cut;
    }

    /// The others are heard from now on.
    pub(super) fn is_heard(&self) {
        self.told().line = Line::Since(Instant::now());
    }

    /// These are watched at another gateway.
    pub(super) fn hear(&self, operations: &BTreeSet<OperationId>) {
        if operations.is_empty() {
            return;
        }
        let mut told = self.told();
        let now = Instant::now();
        told.watched.retain(|_, at| now - *at < BELIEVED);
        told.watched
            .extend(operations.iter().map(|operation| (*operation, now)));
    }

    /// Whether `operation` may be watched elsewhere.
    pub(super) fn may_watch(&self, operation: OperationId) -> bool {
        let told = self.told();
        match told.line {
            Line::None => false,
            Line::Cut => true,
            // Each has told what is watched there by then.
            Line::Since(at) if at.elapsed() < 2 * TOLD_EVERY => true,
            Line::Since(_) => told
                .watched
                .get(&operation)
                .is_some_and(|at| at.elapsed() < BELIEVED),
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_not_known_may_be_watched() {
        let [one, other] = [1, 2].map(|id| OperationId::from_uuid(Uuid::from_u128(id)));
        let elsewhere = Elsewhere::default();
        assert!(!elsewhere.may_watch(one), "there are no others");
        elsewhere.is_cut();
        assert!(elsewhere.may_watch(one));
        elsewhere.is_heard();
        assert!(elsewhere.may_watch(one), "not all have told yet");
        tokio::time::advance(2 * TOLD_EVERY).await;
        assert!(!elsewhere.may_watch(one));
        elsewhere.hear(&[one].into());
        assert!(elsewhere.may_watch(one) && !elsewhere.may_watch(other));
        tokio::time::advance(BELIEVED).await;
        assert!(!elsewhere.may_watch(one), "nobody told it again");
        elsewhere.is_cut();
        assert!(elsewhere.may_watch(other));
    }
}
