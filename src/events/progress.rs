//! How far started operations are, as their agents told last. It is handed on to those who watch, at every gateway, so
//! that nobody reads it from the database, where it is written seldom; what was read there is brought up to date by it.

use std::{
    collections::HashMap,
    fmt,
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use entity::{OperationId, operation, operation::OperationStatus};
use tokio::time::Instant;

/// How long progress is remembered of which nothing more was told. Long before, it stands in the database.
const KEPT: Duration = Duration::from_mins(1);

/// How far a started operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Of which revision of the operation it was told.
    pub revision: i32,
    /// Under which claim.
    pub epoch: i32,
    /// Bytes that the destination acknowledged.
    pub bytes_done: i64,
    /// Bytes in all; 0 while unknown.
    pub bytes_total: i64,
    /// How fast it went lately.
    pub bytes_per_second: Option<i64>,
}

impl Progress {
    /// How far `operation` is.
    pub fn of(operation: &operation::Model) -> Self {
        Self {
            revision: operation.revision,
            epoch: operation.epoch,
            bytes_done: operation.bytes_done,
            bytes_total: operation.bytes_total,
            bytes_per_second: operation.bytes_per_second,
        }
    }

    /// Whether it was told before `other`.
    pub fn is_older(&self, other: &Self) -> bool {
        let place = |of: &Self| (of.revision, of.epoch, of.bytes_done);
        place(self) < place(other)
    }

    /// Brings `operation` up to date, unless this is of another attempt, or older.
    pub fn update(self, operation: &mut Arc<operation::Model>) {
        let now = Self::of(operation);
        let is_of_it = operation.status == OperationStatus::Started
            && (now.revision, now.epoch) == (self.revision, self.epoch);
        if is_of_it && now != self && !self.is_older(&now) {
            let operation = Arc::make_mut(operation);
            operation.bytes_done = self.bytes_done;
            operation.bytes_total = self.bytes_total;
            operation.bytes_per_second = self.bytes_per_second;
        }
    }
}

/// `REVISION:EPOCH:DONE:TOTAL:SPEED`, without a speed where none is known.
impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            revision,
            epoch,
            bytes_done,
            bytes_total,
            bytes_per_second,
        } = self;
        write!(f, "{revision}:{epoch}:{bytes_done}:{bytes_total}:")?;
        bytes_per_second.map_or(Ok(()), |speed| write!(f, "{speed}"))
    }
}

/// A text that is no progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no progress")]
pub struct NoProgress;

impl FromStr for Progress {
    type Err = NoProgress;

    fn from_str(text: &str) -> Result<Self, NoProgress> {
        fn number<T: FromStr>(part: Option<&str>) -> Result<T, NoProgress> {
            part.ok_or(NoProgress)?.parse().map_err(|_| NoProgress)
        }
        let mut parts = text.split(':');
        let progress = Self {
            revision: number(parts.next())?,
            epoch: number(parts.next())?,
            bytes_done: number(parts.next())?,
            bytes_total: number(parts.next())?,
            bytes_per_second: match parts.next() {
                Some("") => None,
                speed => Some(number(speed)?),
            },
        };
        parts.next().map_or(Ok(progress), |_| Err(NoProgress))
    }
}

/// The newest progress of each operation.
#[derive(Debug, Default)]
pub(super) struct Board(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    newest: HashMap<OperationId, (Progress, Instant)>,
    /// When it was looked last for what may be forgotten.
    swept: Option<Instant>,
}

impl Board {
    /// Notes what was told; whether that is news.
    pub(super) fn note(&self, operation: OperationId, progress: Progress) -> bool {
        let mut told = self.told();
        let now = Instant::now();
        let swept = *told.swept.get_or_insert(now);
        if now - swept > KEPT {
            told.newest.retain(|_, (_, at)| now - *at < KEPT);
            told.swept = Some(now);
        }
        let known = told.newest.get(&operation).map(|(known, _)| known);
        if known.is_some_and(|known| *known == progress || progress.is_older(known)) {
            return false;
        }
        told.newest.insert(operation, (progress, now));
        true
    }

    /// What was told last of `operation`.
    pub(super) fn of(&self, operation: OperationId) -> Option<Progress> {
        let told = self.told();
        let (progress, at) = told.newest.get(&operation)?;
        (at.elapsed() < KEPT).then_some(*progress)
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const HALF: Progress = Progress {
        revision: 2,
        epoch: 1,
        bytes_done: 50,
        bytes_total: 100,
        bytes_per_second: None,
    };

    #[test]
    fn progress_is_read_as_it_was_written() {
        let fast = Progress {
            bytes_per_second: Some(7),
            ..HALF
        };
        for progress in [HALF, fast] {
            assert_eq!(progress.to_string().parse(), Ok(progress));
        }
        for text in ["", "1:2:3:4", "1:2:3:4:5:6", "1:2:3:x:", "1:2:3:4:x"] {
            assert_eq!(text.parse::<Progress>(), Err(NoProgress), "{text}");
        }
    }

    #[test]
    fn what_is_older_or_known_is_no_news() {
        let board = Board::default();
        let operation = OperationId::from_uuid(Uuid::from_u128(1));
        let less = Progress {
            bytes_done: 49,
            ..HALF
        };
        let again = Progress {
            revision: 4,
            epoch: 2,
            bytes_done: 0,
            ..HALF
        };
        assert!(board.note(operation, HALF));
        assert!(!board.note(operation, HALF));
        assert!(!board.note(operation, less));
        assert_eq!(board.of(operation), Some(HALF));
        assert!(board.note(operation, again), "another attempt begins at 0");
        assert!(!board.note(operation, HALF));
    }
}
