//! A disk that is open to be written.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{Result, Server};
use crate::{
    export::{Fill, Target},
    qcow2::{NewImage, OwnClusters},
};

/// A volume that is overwritten, or a new one that is filled and does not exist yet for anyone else.
pub struct OpenTarget {
    target: Target,
    server: Option<Server>,
    epilogue: Option<BoxFuture<'static, Result<()>>>,
}

impl OpenTarget {
    /// One that a server serves.
    pub(super) fn served(server: Server, fill: Fill) -> Self {
        Self {
            target: Target::Served(server.client().clone(), fill),
            server: Some(server),
            epilogue: None,
        }
    }

    /// An image that a server serves, and that holds something.
    pub(super) fn overwritten(server: Server, own: OwnClusters) -> Self {
        Self {
            target: Target::Overwritten(server.client().clone(), Arc::new(own)),
            server: Some(server),
            epilogue: None,
        }
    }

    /// A new image that is written without a server.
    pub(super) fn direct(image: NewImage) -> Self {
        Self {
            target: image.into(),
            server: None,
            epilogue: None,
        }
    }

    /// Has something done once it is closed.
    #[must_use]
    pub(super) fn then(
        mut self,
        epilogue: impl Future<Output = Result<()>> + Send + 'static,
    ) -> Self {
        self.epilogue = Some(Box::pin(epilogue));
        self
    }

    /// What is to be written.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Who serves it, if anybody has to.
    pub fn server(&self) -> Option<&Server> {
        self.server.as_ref()
    }

    /// Lets go of it, filled or not.
    pub async fn close(self) -> Result<()> {
        // The server ends when the last of its clients hangs up.
        drop(self.target);
        if let Some(server) = self.server {
            server.finish().await?;
        }
        match self.epilogue {
            Some(epilogue) => epilogue.await,
            None => Ok(()),
        }
    }
}
