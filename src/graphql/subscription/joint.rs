//! What a subscription that is carried out once for many, and those who are told of it, say to each other.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::Context;
use tokio::sync::watch;

use crate::{
    app::App,
    domain::{Requester, token},
    events::Topic,
    graphql::{context::user, error::Result},
};

/// Between the one that is carried out and the many.
#[derive(Debug, Default)]
pub struct Joint {
    /// Rises with each that joins.
    asked: watch::Sender<u64>,
    /// Of what is told next.
    mark: Mutex<Option<Mark>>,
}

/// What is to be known of a state that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Who joined as this one, or before, is told of a state that was read since.
    pub answers: u64,
    /// Who has followed until now need not be told.
    pub is_repeat: bool,
    /// Who has not yet been told of the state before need not be.
    pub replaces: bool,
}

impl Joint {
    /// Somebody joins, who is to be told the state as it is from now on; their number.
    pub fn ask(&self) -> u64 {
        let mut number = 0;
        self.asked.send_modify(|asked| {
            *asked += 1;
            number = *asked;
        });
        number
    }

    /// Tells of those who join.
    pub fn asked(&self) -> watch::Receiver<u64> {
        self.asked.subscribe()
    }

    /// Marks the state that is told next.
    pub fn mark(&self, mark: Mark) {
        *self.kept() = Some(mark);
    }

    /// The mark of what is told now. What has none, as an error, is for all.
    pub fn take_mark(&self) -> Mark {
        self.kept().take().unwrap_or(Mark {
            answers: u64::MAX,
            is_repeat: false,
            replaces: false,
        })
    }

    fn kept(&self) -> MutexGuard<'_, Option<Mark>> {
        self.mark.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For whom a stream reads its state.
#[derive(Clone, Debug)]
pub struct Reader {
    requester: Requester,
    /// Of many with the same rights, each of whom sees to it that it still has them.
    pub joint: Option<Arc<Joint>>,
}

impl Reader {
    /// The users who subscribe by `ctx`.
    pub fn of(ctx: &Context<'_>) -> Result<Self> {
        Ok(Self {
            requester: user(ctx)?.clone(),
            joint: ctx.data_opt::<Arc<Joint>>().cloned(),
        })
    }

    /// One who reads alone.
    pub fn alone(requester: Requester) -> Self {
        Self {
            requester,
            joint: None,
        }
    }

    /// Who reads.
    pub fn requester(&self) -> &Requester {
        &self.requester
    }

    /// Who reads, as they are known now; an error once their token has ended.
    pub async fn known(&self, app: &App) -> Result<Requester> {
        Ok(match &self.joint {
            Some(_) => self.requester.clone(),
            None => token::reauthenticate(app, &self.requester).await?,
        })
    }

    /// What is woken when what the reader may do changes.
    pub fn topic(&self) -> Option<Topic> {
        match &self.joint {
            Some(_) => None,
            None => self.requester.topic(),
        }
    }
}
