//! The stores of these tests, as destinations.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use testbed::{Rgw, S3sFs};
use tidemark_storage::{ObjectPath, ObjectWriter, Policy, Result, S3, S3Bucket, Secret, Store};

use crate::proxy::{Fate, Kind, Proxy, refusal};

pub const MIB: usize = 1 << 20;

/// An object of three parts: of 5, of 8 and of 3 MiB.
pub const EXPECTED: u64 = 5 << 20;
pub const CHUNKS: usize = 16;

/// A store in this process, whose deviations are mended on the way to it: it keeps directories
/// that have become empty, and knows neither keys that are directories nor uploads that are over.
pub struct InProcess {
    store: S3sFs,
    proxy: Proxy,
    /// Its URL.
    pub endpoint: String,
}

impl InProcess {
    pub async fn start() -> Self {
        let store = S3sFs::start().await;
        let proxy = Proxy::start(&store.endpoint).await;
        let root = store.directory().to_owned();
        proxy.rule(move |seen| {
            let key = seen.path.trim_matches('/');
            let place = root.join(key);
            match seen.kind {
                Kind::Put => {
                    remove_if_empty(&place);
                    Fate::Pass
                }
                Kind::Head if key.contains('/') && place.is_dir() => {
                    Fate::Answer(404, String::new())
                }
                Kind::Abort if !root.join(upload_file(seen.query)).exists() => {
                    Fate::Answer(404, refusal("NoSuchUpload"))
                }
                _ => Fate::Pass,
            }
        });
        let endpoint = proxy.endpoint.clone();
        Self {
            store,
            proxy,
            endpoint,
        }
    }

    pub fn address(&self) -> S3Bucket {
        let keys = (&self.store.access_key_id, &self.store.secret_access_key);
        address(&self.endpoint, keys, &self.store.bucket)
    }

    /// Waits until nothing is on its way to it. An upload that is aborted while a part arrives keeps
    /// that part here, where real stores do not.
    pub async fn idle(&self) {
        self.proxy.idle().await;
    }

    /// Waits until the two parts that [`append_all`] sends have arrived and are answered.
    pub async fn has_both_parts(&self) {
        let is_part = |name: &&String| name.contains(".part-");
        let arrived = async || (self.leftovers().iter().filter(is_part).count() == 2).then_some(());
        testbed::until("both parts have arrived", arrived).await;
        self.idle().await;
    }

    /// Every file that it keeps for objects and uploads.
    pub fn leftovers(&self) -> Vec<String> {
        let mut found = Vec::new();
        collect(self.store.directory(), &mut |file| {
            let name = file.strip_prefix(self.store.directory()).unwrap();
            found.push(name.to_str().unwrap().to_owned());
        });
        // It keeps attributes of objects beside the buckets, and does not always delete them.
        found.retain(|name| !name.starts_with(".bucket-"));
        found.sort();
        found
    }
}

/// Where it keeps what it knows of an upload.
fn upload_file(query: &str) -> String {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let id = pairs.find(|(name, _)| *name == "uploadId");
    format!(".upload-{}.json", id.map_or("", |(_, id)| id))
}

fn collect(directory: &Path, file: &mut dyn FnMut(&Path)) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, file);
        } else {
            file(&path);
        }
    }
}

fn remove_if_empty(directory: &Path) {
    if directory.is_dir() {
        let mut files = 0;
        collect(directory, &mut |_| files += 1);
        if files == 0 {
            std::fs::remove_dir_all(directory).unwrap();
        }
    }
}

/// The address of Ceph's store.
pub fn rgw(store: &Rgw) -> S3Bucket {
    let keys = (&store.access_key_id, &store.secret_access_key);
    address(&store.endpoint, keys, &store.bucket)
}

fn address(endpoint: &str, (id, secret): (&String, &String), bucket: &str) -> S3Bucket {
    S3Bucket {
        endpoint: Some(endpoint.to_owned()),
        region: "us-east-1".to_owned(),
        bucket: bucket.to_owned(),
        prefix: Some("below/here".to_owned()),
        access_key_id: id.to_owned(),
        secret_access_key: Secret::new(secret),
        force_path_style: None,
    }
}

/// The same store by another way.
pub fn through(endpoint: &str, address: &S3Bucket) -> S3Bucket {
    let endpoint = Some(endpoint.to_owned());
    S3Bucket {
        endpoint,
        ..address.clone()
    }
}

/// As often as elsewhere, and without long pauses.
pub const HASTY: Policy = Policy {
    attempts: 4,
    first_pause: Duration::from_millis(5),
    longest_pause: Duration::from_millis(20),
    limit: Duration::from_secs(30),
};

pub fn hasty(address: &S3Bucket) -> S3 {
    S3::new(address).with_patience(HASTY)
}

pub fn path(path: &str) -> ObjectPath {
    ObjectPath::new(path).unwrap()
}

/// A MiB that is like no other.
pub fn chunk(number: usize) -> Bytes {
    let mut content = vec![0; MIB];
    blake3::Hasher::new()
        .update(&number.to_le_bytes())
        .finalize_xof()
        .fill(&mut content);
    content.into()
}

/// Opens `path` and appends all of the three parts.
pub async fn append_all(store: &dyn Store, path: &ObjectPath) -> Result<Box<dyn ObjectWriter>> {
    let mut writer = store.create(path, EXPECTED).await?;
    for number in 0..CHUNKS {
        writer.append(chunk(number)).await?;
    }
    Ok(writer)
}

/// Writes an object of three parts.
pub async fn write(store: &dyn Store, path: &ObjectPath) -> Result<()> {
    append_all(store, path).await?.commit().await
}

/// Asserts that what [`write`] wrote is there.
pub async fn assert_written(store: &dyn Store, path: &ObjectPath) {
    assert_eq!(store.size(path).await.unwrap(), (CHUNKS * MIB) as u64);
    for number in 0..CHUNKS {
        let start = (number * MIB) as u64;
        let read = store.read(path, start..start + MIB as u64).await.unwrap();
        assert!(read == chunk(number), "MiB {number} differs");
    }
}
