//! The disk that is written, and what it held before.

use bytes::Bytes;
use futures_util::future::try_join_all;
use storage::format::frame;

use super::Error;
use crate::nbd::{self, Client};

/// Zeros are told from data in steps of a qcow2 cluster.
const STEP: usize = 64 << 10;

/// What a disk holds before it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// Nothing but zeros: they need not be written again, and no space is taken for them.
    Fresh,
    /// Anything: zeros are written too.
    Used,
}

/// A disk to write to.
#[derive(Clone)]
pub struct Target {
    client: Client,
    fill: Fill,
}

impl Target {
    /// The disk behind `client`.
    pub fn new(client: Client, fill: Fill) -> Self {
        Self { client, fill }
    }

    /// Refuses a disk that cannot be written, and content that is larger than the disk.
    pub(super) fn ensure_holds(&self, bytes: u64) -> Result<(), Error> {
        if self.client.is_read_only() {
            let what = "it is read-only".into();
            return Err(Error::Target(nbd::Error::Invalid(what)));
        }
        let target = self.client.size_bytes();
        if bytes > target {
            return Err(Error::TooSmall {
                target,
                source_bytes: bytes,
            });
        }
        Ok(())
    }

    /// Writes a block, its zeros as zeros.
    pub(super) async fn put(&self, offset: u64, block: Bytes) -> Result<(), Error> {
        let mut writes = Vec::new();
        let mut position = 0;
        while position < block.len() {
            let zero = is_zero_step(&block, position);
            let start = position;
            while position < block.len() && is_zero_step(&block, position) == zero {
                position = (position + STEP).min(block.len());
            }
            let run = block.slice(start..position);
            let place = offset + start as u64;
            writes.push(async move {
                if zero {
                    self.put_zeros(place, run.len() as u64).await
                } else {
                    self.client.write(place, run).await.map_err(Error::Target)
                }
            });
        }
        try_join_all(writes).await.map(drop)
    }

    /// Makes a stretch read as zeros.
    pub(super) async fn put_zeros(&self, offset: u64, length: u64) -> Result<(), Error> {
        match self.fill {
            Fill::Fresh => Ok(()),
            Fill::Used => self
                .client
                .write_zeroes(offset, length)
                .await
                .map_err(Error::Target),
        }
    }

    /// Zeroes what lies beyond the content, and makes everything durable.
    pub(super) async fn finish(&self, content_bytes: u64) -> Result<(), Error> {
        let rest = self.client.size_bytes().saturating_sub(content_bytes);
        if rest > 0 {
            self.put_zeros(content_bytes, rest).await?;
        }
        self.client.flush().await.map_err(Error::Target)
    }
}

fn is_zero_step(block: &[u8], position: usize) -> bool {
    frame::is_zero(&block[position..(position + STEP).min(block.len())])
}
