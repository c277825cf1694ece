//! A destination by its address: what an administrator configures, and what becomes a [`Store`].

use std::{path::PathBuf, sync::Arc};

use crate::{Local, NfsExport, Patience, Policy, Result, Retry, S3, S3Bucket, Store, nfs};

/// Where backups are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A directory of this host.
    Local {
        /// The directory, which exists.
        path: PathBuf,
    },
    /// A bucket of an S3-compatible store.
    S3(S3Bucket),
    /// A directory of an NFS export, by this host's mount of it if it has one.
    Nfs(NfsExport),
}

impl Destination {
    /// The store behind the address. Nothing is asked of it yet.
    pub fn open(&self) -> Result<Arc<dyn Store>> {
        self.open_with(Policy::default())
    }

    /// The same, repeating what fails for reasons that pass as `patience` says.
    pub fn open_with(&self, patience: impl Into<Patience>) -> Result<Arc<dyn Store>> {
        let patience = patience.into();
        match self {
            Self::Local { path } => Ok(Arc::new(Local::new(path).with_patience(patience))),
            Self::S3(bucket) => {
                let store = Arc::new(S3::new(bucket).with_patience(patience.clone()));
                Ok(Arc::new(Retry::new(store, patience)))
            }
            Self::Nfs(export) => nfs::open(export, patience),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, Secret, probe};

    #[tokio::test]
    async fn a_person_who_waits_is_told_soon_that_nobody_listens() {
        let bucket = S3Bucket {
            endpoint: Some("http://127.0.0.1:1".into()),
            region: "us-east-1".into(),
            bucket: "backups".into(),
            prefix: None,
            access_key_id: "key".into(),
            secret_access_key: Secret::new("secret"),
            force_path_style: None,
        };
        let export = NfsExport {
            server: "127.0.0.1:1".into(),
            export: "/export".into(),
            directory: None,
        };
        for destination in [Destination::S3(bucket), Destination::Nfs(export)] {
            let store = destination.open_with(Policy::PROMPT).unwrap();
            let error = probe(store).await.unwrap_err();
            assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
            assert!(error.to_string().contains("tried 2 times"), "{error}");
        }
    }
}
