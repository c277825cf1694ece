//! A new volume while it is filled.

use super::{Result, Server};
use crate::{
    export::{Fill, Target},
    qcow2::NewImage,
};

/// A volume of the right size, all zeros, that does not exist yet for anyone else.
pub struct NewVolume {
    target: Target,
    server: Option<Server>,
}

impl NewVolume {
    /// One that a server serves.
    pub(super) fn served(server: Server) -> Self {
        Self {
            target: Target::Served(server.client().clone(), Fill::Fresh),
            server: Some(server),
        }
    }

    /// An image that is written without a server.
    pub(super) fn direct(image: NewImage) -> Self {
        Self {
            target: image.into(),
            server: None,
        }
    }

    /// What is to be filled.
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
        match self.server {
            Some(server) => server.finish().await,
            None => Ok(()),
        }
    }
}
