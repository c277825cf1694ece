//! The disk that is written, and what it held before.

use std::{ops::Range, slice, sync::Arc};

use bytes::Bytes;
use futures_util::future::try_join_all;
use storage::format::frame;

use super::{Error, Place, in_time};
use crate::{
    nbd::{self, Client, Patience},
    qcow2::{NewImage, OwnClusters},
};

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
pub enum Target {
    /// One that a server serves.
    Served(Client, Fill),
    /// An image that a server serves, which holds anything. What the disk shares with nobody is written
    /// without the server.
    Overwritten(Client, Arc<OwnClusters>),
    /// An image that nobody has yet, all zeros, which is written without a server.
    Image(Arc<NewImage>),
}

impl Target {
    /// Refuses a disk that cannot be written, and content that is larger than the disk.
    pub(super) fn ensure_holds(&self, bytes: u64) -> Result<(), Error> {
        if let Self::Served(client, _) | Self::Overwritten(client, _) = self
            && client.is_read_only()
        {
            let what = "it is read-only".into();
            return Err(Error::Target(nbd::Error::Invalid(what)));
        }
        let target = self.size_bytes();
        if bytes > target {
            return Err(Error::TooSmall {
                target,
                source_bytes: bytes,
            });
        }
        Ok(())
    }

    /// Writes a block, its zeros as zeros.
    pub async fn put(&self, offset: u64, block: Bytes) -> Result<(), Error> {
        let place = Place::Bytes(offset..offset.saturating_add(block.len() as u64));
        let put = self.put_block(offset, block).await;
        put.map_err(|error| error.at(place))
    }

    async fn put_block(&self, offset: u64, block: Bytes) -> Result<(), Error> {
        match self {
            Self::Served(client, _) => self.put_runs(client, offset, &block, runs(&block)).await,
            Self::Overwritten(client, own) => {
                // The image's lock goes with the server, and somebody else may take it.
                client.ensure_connected().map_err(Error::Target)?;
                let (own, content) = (Arc::clone(own), block.clone());
                let write = move || {
                    let mut left = Vec::new();
                    for (run, is_zero) in runs(&content) {
                        if is_zero {
                            left.push((run, true));
                            continue;
                        }
                        let place = offset + run.start as u64;
                        let rest = own.write(place, &content[run.clone()]);
                        for part in rest.map_err(|defect| Error::Write(defect.into()))? {
                            left.push((run.start + part.start..run.start + part.end, false));
                        }
                    }
                    Ok(left)
                };
                let left = in_time(Patience::default().request, write).await?;
                self.put_runs(client, offset, &block, left).await
            }
            Self::Image(image) => {
                let image = Arc::clone(image);
                let write = move || {
                    let mut data = runs(&block).filter(|(_, is_zero)| !is_zero);
                    data.try_for_each(|(run, _)| {
                        let place = offset + run.start as u64;
                        image.write(place, &block[run]).map_err(Error::Write)
                    })
                };
                in_time(Patience::default().request, write).await
            }
        }
    }

    /// Has a server write some runs of a block: first its zeros, then its data. Of a cluster that is divided
    /// (`extended_l2`) QEMU would forget zeros that it is told while it copies the cluster for data.
    async fn put_runs(
        &self,
        client: &Client,
        offset: u64,
        block: &Bytes,
        runs: impl IntoIterator<Item = (Range<usize>, bool)>,
    ) -> Result<(), Error> {
        let place = |run: &Range<usize>| offset + run.start as u64..offset + run.end as u64;
        let (zeros, data): (Vec<_>, Vec<_>) = runs.into_iter().partition(|(_, is_zero)| *is_zero);
        let zeros: Vec<_> = zeros.iter().map(|(run, _)| place(run)).collect();
        self.zero(&zeros).await?;
        let writes = data.into_iter().map(|(run, _)| async move {
            let write = client.write(offset + run.start as u64, block.slice(run));
            write.await.map_err(Error::Target)
        });
        try_join_all(writes).await.map(drop)
    }

    /// Makes a stretch read as zeros.
    pub(super) async fn put_zeros(&self, offset: u64, length: u64) -> Result<(), Error> {
        let stretch = offset..offset.saturating_add(length);
        let zeroed = self.zero(slice::from_ref(&stretch)).await;
        zeroed.map_err(|error| error.at(Place::Bytes(stretch)))
    }

    /// Makes stretches, which are in order, read as zeros. What does so already is left alone: to say it again of what is
    /// not there takes tables that say so, a quarter of a GiB for two TiB, and as much time. For many neighbours, it is
    /// asked once.
    async fn zero(&self, stretches: &[Range<u64>]) -> Result<(), Error> {
        let (Self::Served(client, Fill::Used) | Self::Overwritten(client, _)) = self else {
            return Ok(());
        };
        let (Some(first), Some(last)) = (stretches.first(), stretches.last()) else {
            return Ok(());
        };
        let (mut position, end) = (first.start, last.end);
        while position < end {
            let regions = client.regions_within(position, end - position).await;
            for region in regions.map_err(Error::Target)? {
                let next = (region.offset + region.length).min(end);
                if !region.zero {
                    let parts = stretches
                        .iter()
                        .map(|stretch| stretch.start.max(position)..stretch.end.min(next));
                    let writes = parts
                        .filter(|part| !part.is_empty())
                        .map(|part| async move {
                            let zeroed = client.write_zeroes(part.start, part.end - part.start);
                            zeroed.await.map_err(Error::Target)
                        });
                    try_join_all(writes).await?;
                }
                position = position.max(next);
            }
        }
        Ok(())
    }

    /// Zeroes what lies beyond the content, and makes everything durable.
    pub async fn finish(&self, content_bytes: u64) -> Result<(), Error> {
        let rest = self.size_bytes().saturating_sub(content_bytes);
        if rest > 0 {
            self.put_zeros(content_bytes, rest).await?;
        }
        let synced = self.sync().await;
        synced.map_err(|error| error.at(Place::Somewhere))
    }

    /// Makes everything durable.
    async fn sync(&self) -> Result<(), Error> {
        match self {
            Self::Served(client, _) => client.flush().await.map_err(Error::Target),
            Self::Overwritten(client, own) => {
                client.flush().await.map_err(Error::Target)?;
                let own = Arc::clone(own);
                let sync = move || own.sync().map_err(Error::Write);
                in_time(Patience::default().flush, sync).await
            }
            Self::Image(image) => {
                let image = Arc::clone(image);
                let finish = move || image.finish().map_err(Error::Write);
                in_time(Patience::default().flush, finish).await
            }
        }
    }

    /// The size of the disk.
    pub fn size_bytes(&self) -> u64 {
        match self {
            Self::Served(client, _) | Self::Overwritten(client, _) => client.size_bytes(),
            Self::Image(image) => image.size_bytes(),
        }
    }
}

impl From<NewImage> for Target {
    fn from(image: NewImage) -> Self {
        Self::Image(Arc::new(image))
    }
}

/// The runs of a block, and whether they are zeros.
fn runs(block: &[u8]) -> impl Iterator<Item = (Range<usize>, bool)> {
    let mut position = 0;
    std::iter::from_fn(move || {
        let start = position;
        let is_zero = is_zero_step(block.get(start..).filter(|rest| !rest.is_empty())?);
        while position < block.len() && is_zero_step(&block[position..]) == is_zero {
            position = (position + STEP).min(block.len());
        }
        Some((start..position, is_zero))
    })
}

/// How much of a block is not zeros, as it is written.
pub(super) fn data_bytes(block: &[u8]) -> u64 {
    let data = runs(block).filter(|(_, is_zero)| !is_zero);
    data.map(|(run, _)| run.len() as u64).sum()
}

/// Whether what follows begins with a step of zeros.
fn is_zero_step(rest: &[u8]) -> bool {
    frame::is_zero(&rest[..rest.len().min(STEP)])
}
