//! A snapshot that is open to be read.

use futures_util::future::BoxFuture;

use super::{Failure, Result, Server};
use crate::{
    export::{self, Source},
    qcow2::Content,
};

/// Says, once everything is read, whether what was read had been there all the time.
type Witness = BoxFuture<'static, Result<()>>;

/// A snapshot, at the size that the volume had when it was taken.
pub struct OpenSnapshot {
    source: Source,
    server: Option<Server>,
    witness: Witness,
}

impl OpenSnapshot {
    /// Of what a server serves. QEMU offers a snapshot at the size that its image has today: of the
    /// first `bytes`, which all have to be there.
    pub(super) fn served(
        server: Server,
        bytes: u64,
        witness: impl Future<Output = Result<()>> + Send + 'static,
    ) -> Result<Self> {
        let offered = server.client().size_bytes();
        if offered < bytes {
            let detail = format!("{offered} bytes are served of {bytes}");
            let message = "The snapshot cannot be read: its image has become smaller since.";
            return Err(Failure::storage(message).because(detail));
        }
        Ok(Self {
            source: server.client().clone().cut_to(bytes).into(),
            server: Some(server),
            witness: Box::pin(witness),
        })
    }

    /// Of an image's content, which is read without a server.
    pub(super) fn direct(
        content: Content,
        witness: impl Future<Output = Result<()>> + Send + 'static,
    ) -> Self {
        Self {
            source: content.into(),
            server: None,
            witness: Box::pin(witness),
        }
    }

    /// What is to be read.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Who serves it, if anybody has to.
    pub fn server(&self) -> Option<&Server> {
        self.server.as_ref()
    }

    /// Why reading it failed: that it was lost meanwhile explains whatever else was seen.
    pub async fn explain(self, error: export::Error) -> Failure {
        if let export::Error::Image(_) | export::Error::Source(_) = error
            && let Err(lost) = self.witness.await
        {
            return lost;
        }
        error.into()
    }

    /// Ends the reading. Only then is it certain that what was read is what was to be read.
    pub async fn finish(self) -> Result<()> {
        // The server ends when the last of its clients hangs up.
        drop(self.source);
        if let Some(server) = self.server {
            server.finish().await?;
        }
        self.witness.await
    }
}
