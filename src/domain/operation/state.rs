//! The pure table of an operation's transitions.

use entity::operation::OperationStatus;

use super::super::{Error, Result};

/// What can happen to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// An agent takes it.
    Claim,
    /// Its agent was lost; another attempt is to be made.
    Requeue,
    /// The work is done.
    Complete,
    /// The work, the wait or the patience ended.
    Fail,
    /// Its requester wants it no more.
    Cancel,
}

/// Where `transition` leads from `status`; nowhere if it may not happen there.
pub fn next(status: OperationStatus, transition: Transition) -> Option<OperationStatus> {
    use OperationStatus::{Cancelled, Completed, Failed, Pending, Started};
    match (status, transition) {
        (Pending, Transition::Claim) => Some(Started),
        (Started, Transition::Requeue) => Some(Pending),
        (Started, Transition::Complete) => Some(Completed),
        (Pending | Started, Transition::Fail) => Some(Failed),
        (Pending | Started, Transition::Cancel) => Some(Cancelled),
        _ => None,
    }
}

/// Like [`next`], for callers who believe that it may happen.
pub fn advance(status: OperationStatus, transition: Transition) -> Result<OperationStatus> {
    next(status, transition).ok_or_else(|| {
        Error::Broken(format!(
            "an operation cannot {transition:?} while it is {status:?}"
        ))
    })
}

/// Whether it can change no more.
pub fn is_ended(status: OperationStatus) -> bool {
    !matches!(status, OperationStatus::Pending | OperationStatus::Started)
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;

    const STATUSES: [OperationStatus; 5] = [
        OperationStatus::Pending,
        OperationStatus::Started,
        OperationStatus::Completed,
        OperationStatus::Failed,
        OperationStatus::Cancelled,
    ];
    const TRANSITIONS: [Transition; 5] = [
        Transition::Claim,
        Transition::Requeue,
        Transition::Complete,
        Transition::Fail,
        Transition::Cancel,
    ];

    proptest! {
        #[test]
        fn an_ended_operation_stays_as_it_is(
            history in prop::collection::vec(select(&TRANSITIONS[..]), 0..40),
        ) {
            let mut status = OperationStatus::Pending;
            for transition in history {
                let after = next(status, transition);
                if is_ended(status) {
                    prop_assert_eq!(after, None);
                }
                status = after.unwrap_or(status);
            }
        }

        #[test]
        fn only_a_started_operation_completes(status in select(&STATUSES[..])) {
            let completes = next(status, Transition::Complete).is_some();
            prop_assert_eq!(completes, status == OperationStatus::Started);
        }

        #[test]
        fn what_is_not_ended_can_always_be_failed(status in select(&STATUSES[..])) {
            prop_assert_eq!(next(status, Transition::Fail).is_none(), is_ended(status));
        }
    }
}
