//! A bucket by its address: what an administrator configures.

use crate::Secret;

/// A bucket of an S3-compatible store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Bucket {
    /// The store's URL; that of AWS in the region if there is none.
    pub endpoint: Option<String>,
    /// The region.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// What the keys begin with.
    pub prefix: Option<String>,
    /// The access key's id.
    pub access_key_id: String,
    /// The access key's secret.
    pub secret_access_key: Secret,
    /// Whether the bucket stands in the path instead of the host's name; what the endpoint is
    /// likely to want if it is not said.
    pub force_path_style: Option<bool>,
}
