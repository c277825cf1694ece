//! The disk that is read.

use std::{ops::Range, sync::Arc};

use bytes::BytesMut;

use super::{Error, in_time};
use crate::{
    nbd::{Client, Patience},
    qcow2::Content,
};

/// A disk to read from, which nobody changes.
#[derive(Clone)]
pub enum Source {
    /// One that a server serves.
    Served(Client),
    /// A snapshot in an image, which is read without a server.
    Image(Arc<Content>),
}

impl Source {
    /// The size of the disk.
    pub fn size_bytes(&self) -> u64 {
        match self {
            Self::Served(client) => client.size_bytes(),
            Self::Image(content) => content.size_bytes(),
        }
    }

    /// The stretches from `offset` on that may hold anything but zeros, up to where the answer ends.
    pub(super) async fn data(&self, offset: u64) -> Result<(Vec<Range<u64>>, u64), Error> {
        match self {
            Self::Served(client) => {
                let regions = client.regions(offset).await.map_err(Error::Source)?;
                let end = regions.last().map_or(offset, |r| r.offset + r.length);
                let data = regions.iter().filter(|region| !region.zero);
                let ranges = data.map(|region| region.offset..region.offset + region.length);
                Ok((ranges.collect(), end))
            }
            Self::Image(content) => {
                let content = Arc::clone(content);
                in_time(Patience::default().request, move || {
                    Ok(content.data(offset)?)
                })
                .await
            }
        }
    }

    /// Fills `buffer`, whose length says how much, from `offset` on.
    pub async fn read(&self, offset: u64, mut buffer: BytesMut) -> Result<BytesMut, Error> {
        match self {
            Self::Served(client) => client.read(offset, buffer).await.map_err(Error::Source),
            Self::Image(content) => {
                let content = Arc::clone(content);
                in_time(Patience::default().request, move || {
                    content.read(offset, &mut buffer)?;
                    Ok(buffer)
                })
                .await
            }
        }
    }
}

impl From<Client> for Source {
    fn from(client: Client) -> Self {
        Self::Served(client)
    }
}

impl From<Content> for Source {
    fn from(content: Content) -> Self {
        Self::Image(Arc::new(content))
    }
}
