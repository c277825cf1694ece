//! What administrators type of a destination, checked field by field before it is kept.

use std::net::Ipv6Addr;

use entity::backup_storage::{ActiveModel, BackupStorageKind, Model};
use sea_orm::ActiveValue::Set;
use storage::{ObjectPath, Secret};
use url::{Host, Url};

use crate::domain::{
    Error, Result,
    text::{absolute_path, credential, relative_path},
};

const MAX_REGION_CHARS: usize = 64;
const MAX_ACCESS_KEY_CHARS: usize = 128;
const MAX_SECRET_KEY_CHARS: usize = 1024;
/// S3's keys end at 1024 bytes; what lies below the prefix takes about a hundred.
const MAX_PREFIX_BYTES: usize = 512;

/// What kind of destination, and where it is.
#[derive(Debug)]
pub enum Location {
    /// A directory of the hypervisors themselves.
    Local {
        /// The directory.
        path: String,
    },
    /// A bucket of an S3-compatible store.
    S3(Bucket),
    /// A directory of an NFS export.
    Nfs(Export),
}

/// A bucket. Of what may be missing, `None` leaves it as it is and `Some(None)` clears it.
#[derive(Debug)]
pub struct Bucket {
    /// The store's URL; that of AWS if there is none.
    pub endpoint: Option<Option<String>>,
    /// The region.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// What the keys begin with.
    pub prefix: Option<Option<String>>,
    /// The access key's id.
    pub access_key_id: String,
    /// The access key's secret; it stays if there is none.
    pub secret_access_key: Option<Secret>,
    /// Whether the bucket stands in the path.
    pub force_path_style: Option<Option<bool>>,
}

/// An NFS export. Of what may be missing, `None` leaves it as it is and `Some(None)` clears it.
#[derive(Debug)]
pub struct Export {
    /// The server's name or address, with its port where that is not 2049.
    pub server: String,
    /// The export.
    pub export: String,
    /// The directory below it.
    pub directory: Option<Option<String>>,
}

impl Location {
    /// What kind it is.
    pub fn kind(&self) -> BackupStorageKind {
        match self {
            Self::Local { .. } => BackupStorageKind::Local,
            Self::S3(_) => BackupStorageKind::S3,
            Self::Nfs(_) => BackupStorageKind::Nfs,
        }
    }

    /// Writes it into `row`, all but its secret, which is left to be encrypted.
    pub(super) fn write(self, row: &mut ActiveModel) -> Result<Option<Secret>> {
        match self {
            Self::Local { path } => {
                row.path = Set(Some(absolute_path("local.path", &path)?));
                Ok(None)
            }
            Self::S3(bucket) => bucket.write(row),
            Self::Nfs(export) => export.write(row).map(|()| None),
        }
    }
}

impl Bucket {
    fn write(self, row: &mut ActiveModel) -> Result<Option<Secret>> {
        if let Some(endpoint) = self.endpoint {
            row.s3_endpoint = Set(endpoint.as_deref().map(endpoint_url).transpose()?);
        }
        row.s3_region = Set(Some(region(&self.region)?));
        let endpoint = row.s3_endpoint.try_as_ref().and_then(Option::as_deref);
        let bucket = match endpoint {
            Some(endpoint) if !is_aws(endpoint) => others_bucket_name(&self.bucket),
            _ => bucket_name(&self.bucket),
        };
        row.s3_bucket = Set(Some(bucket?));
        if let Some(prefix) = self.prefix {
            let prefix = prefix.as_deref().map(prefix_path).transpose()?;
            row.s3_prefix = Set(prefix.flatten());
        }
        let id = &self.access_key_id;
        let id = credential("s3.accessKeyId", id, MAX_ACCESS_KEY_CHARS)?;
        row.s3_access_key_id = Set(Some(id));
        if let Some(style) = self.force_path_style {
            row.s3_force_path_style = Set(style);
        }
        let secret = self.secret_access_key.map(|secret| {
            let field = "s3.secretAccessKey";
            credential(field, secret.expose(), MAX_SECRET_KEY_CHARS).map(Secret::new)
        });
        secret.transpose()
    }
}

impl Export {
    fn write(self, row: &mut ActiveModel) -> Result<()> {
        row.nfs_server = Set(Some(server(&self.server)?));
        row.nfs_export = Set(Some(absolute_path("nfs.export", &self.export)?));
        if let Some(directory) = self.directory {
            let directory = directory.as_deref();
            let directory = directory.map(|text| relative_path("nfs.directory", text));
            row.nfs_directory = Set(directory.transpose()?);
        }
        Ok(())
    }
}

/// What decides where backups lie. The region of a store with an URL of its own is a word that
/// requests are signed with, and how a bucket is addressed is not where it is.
pub(super) fn address(storage: &Model) -> impl PartialEq + use<> {
    let region = match storage.s3_endpoint {
        None => storage.s3_region.clone(),
        Some(_) => None,
    };
    [
        storage.path.clone(),
        storage.s3_endpoint.clone(),
        region,
        storage.s3_bucket.clone(),
        storage.s3_prefix.clone(),
        storage.nfs_server.clone(),
        storage.nfs_export.clone(),
        storage.nfs_directory.clone(),
    ]
}

/// Where a backup storage is, in a line, without secrets.
pub fn summary(storage: &Model) -> String {
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    let below = |part: &Option<String>| part.as_ref().map_or(String::new(), |at| format!("/{at}"));
    match storage.kind {
        BackupStorageKind::Local => format!("local: {}", text(&storage.path)),
        BackupStorageKind::S3 => {
            let at = storage.s3_endpoint.clone();
            let at = at.unwrap_or_else(|| format!("AWS {}", text(&storage.s3_region)));
            let (bucket, prefix) = (text(&storage.s3_bucket), below(&storage.s3_prefix));
            format!("s3: {bucket}{prefix} at {at}")
        }
        BackupStorageKind::Nfs => {
            let (server, export) = (text(&storage.nfs_server), text(&storage.nfs_export));
            let export = export.trim_end_matches('/');
            format!("nfs: {server}:{export}{}", below(&storage.nfs_directory))
        }
    }
}

/// The refusal never repeats the URL: it may hold a password.
fn endpoint_url(text: &str) -> Result<String> {
    let bare = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    match Url::parse(text) {
        Ok(url) if bare(&url) => Ok(url.as_str().trim_end_matches('/').to_owned()),
        _ => Err(Error::invalid(
            "`s3.endpoint` is an http or https URL without user, password, query and fragment: \
             https://s3.example.com",
        )),
    }
}

fn region(text: &str) -> Result<String> {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
    if (1..=MAX_REGION_CHARS).contains(&text.len()) && text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    Err(Error::invalid(format!(
        "`s3.region` has 1 to {MAX_REGION_CHARS} letters, digits, hyphens, dots and underscores."
    )))
}

/// Whether an endpoint is one of AWS, whose rules hold there.
fn is_aws(endpoint: &str) -> bool {
    let url = Url::parse(endpoint).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    [".amazonaws.com", ".amazonaws.com.cn"]
        .iter()
        .any(|end| host.ends_with(end))
}

/// What other stores take, each its own: Ceph's has buckets of tenants, as `tenant:bucket`.
fn others_bucket_name(text: &str) -> Result<String> {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
    let part = |text: &str| text.starts_with(|char: char| char.is_ascii_alphanumeric());
    let (tenant, bucket) = text.split_once(':').unwrap_or(("a", text));
    let fits = (3..=255).contains(&text.len())
        && [tenant, bucket].into_iter().all(part)
        && [tenant, bucket]
            .into_iter()
            .all(|part| part.chars().all(plain));
    if fits {
        return Ok(text.to_owned());
    }
    Err(Error::invalid(
        "`s3.bucket` has 3 to 255 letters, digits, hyphens, underscores and dots, and begins with a \
         letter or digit; a tenant of Ceph's stands before it with a colon: tenant:bucket.",
    ))
}

/// The rules for the names of AWS's general-purpose buckets.
fn bucket_name(text: &str) -> Result<String> {
    let plain = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit();
    let inner = |char: char| plain(char) || char == '-' || char == '.';
    let fits = (3..=63).contains(&text.len())
        && text.chars().all(inner)
        && text.starts_with(plain)
        && text.ends_with(plain)
        && !text.contains("..")
        && text.parse::<std::net::Ipv4Addr>().is_err();
    if fits {
        return Ok(text.to_owned());
    }
    Err(Error::invalid(
        "`s3.bucket` has 3 to 63 lower-case letters, digits, hyphens and dots, begins and ends with \
         a letter or digit, has no two dots in a row, and is no IP address.",
    ))
}

/// None of an empty one.
fn prefix_path(text: &str) -> Result<Option<String>> {
    let text = text.trim_matches('/');
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() <= MAX_PREFIX_BYTES && ObjectPath::new(text).is_ok() {
        return Ok(Some(text.to_owned()));
    }
    Err(Error::invalid(format!(
        "`s3.prefix` has up to {MAX_PREFIX_BYTES} characters: parts of letters, digits, hyphens, \
         underscores and dots, none of which begins with a dot, with \"/\" between them."
    )))
}

/// A name or an address; an IPv6 one stands in brackets. Behind it may stand a colon and a port.
fn server(text: &str) -> Result<String> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((_, rest)) => (&text[..text.len() - rest.len()], rest.strip_prefix(':')),
        None => text
            .split_once(':')
            .map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let digits = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let is_port = |port: &str| digits(port) && port.parse::<u16>().is_ok_and(|port| port > 0);
    let length = host.len() + port.map_or(0, |port| port.len() + 1);
    if is_host(host) && port.is_none_or(is_port) && length == text.len() {
        return Ok(text.to_owned());
    }
    Err(Error::invalid(
        "`nfs.server` is a name or an address (an IPv6 address in brackets), with \":\" and a port \
         behind it where that is not 2049.",
    ))
}

fn is_host(text: &str) -> bool {
    if let Some(address) = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
    text.len() <= 253 && text.chars().all(plain) && Host::parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_bare_url() {
        for (text, kept) in [
            ("https://s3.example.com", "https://s3.example.com"),
            ("https://s3.example.com/", "https://s3.example.com"),
            ("HTTP://Store:9000", "http://store:9000"),
            ("https://[::1]:9000/s3/", "https://[::1]:9000/s3"),
        ] {
            assert_eq!(endpoint_url(text).unwrap(), kept);
        }
        for text in [
            "",
            "s3.example.com",
            "ftp://s3.example.com",
            "https://",
            "https://user@s3.example.com",
            "https://user:hunter2@s3.example.com",
            "https://s3.example.com?hunter2",
            "https://s3.example.com#hunter2",
            "file:///etc/passwd",
        ] {
            let error = endpoint_url(text).unwrap_err().to_string();
            assert!(error.starts_with("`s3.endpoint`"), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_bucket_is_named_by_the_rules() {
        for text in ["abc", "my-bucket.2026", "0-0", &"a".repeat(63)] {
            assert!(bucket_name(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "ab",
            "My-Bucket",
            "under_score",
            "-abc",
            "abc-",
            ".abc",
            "a..b",
            "10.0.0.1",
            "a/b",
            "ä-bucket",
            &"a".repeat(64),
        ] {
            assert!(bucket_name(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_bucket_of_another_store_is_named_by_looser_rules() {
        for text in [
            "abc",
            "My-Bucket",
            "under_score",
            "tenant:bucket",
            "T_1:My.Bucket",
            "abc-",
        ] {
            assert!(others_bucket_name(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "ab",
            "-abc",
            "..",
            "../abc",
            "a/b",
            "a:b:c",
            ":bucket",
            "tenant:",
            "a b",
            "ä-bucket",
            &"a".repeat(256),
        ] {
            assert!(others_bucket_name(text).is_err(), "{text}");
        }
        for (endpoint, aws) in [
            ("https://s3.eu-west-1.amazonaws.com", true),
            ("https://s3.cn-north-1.amazonaws.com.cn", true),
            ("https://rgw.example.com", false),
            ("https://amazonaws.com.example.com", false),
        ] {
            assert_eq!(is_aws(endpoint), aws, "{endpoint}");
        }
    }

    #[test]
    fn a_prefix_is_safe_parts_and_an_empty_one_is_none() {
        assert_eq!(prefix_path("").unwrap(), None);
        assert_eq!(prefix_path("/").unwrap(), None);
        assert_eq!(prefix_path("/a/b-c_d.e/").unwrap().unwrap(), "a/b-c_d.e");
        for text in [
            "..",
            "a/../b",
            "a//b",
            ".a",
            "a b",
            "a\0",
            &"a/".repeat(300),
        ] {
            assert!(prefix_path(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_server_is_a_host_and_perhaps_a_port() {
        for text in [
            "nas",
            "nas.example.com",
            "nas_1.lan:20490",
            "10.0.0.1",
            "10.0.0.1:2049",
            "[fe80::1]",
            "[::1]:2049",
        ] {
            assert_eq!(server(text).unwrap(), text);
        }
        for text in [
            "",
            ":2049",
            "nas:",
            "nas:0",
            "nas:65536",
            "nas:+1",
            "nas:1:2",
            "fe80::1",
            "[nas]",
            "[::1]x",
            "[::1",
            "[::1]]",
            "na s",
            "nas/export",
            "user@nas",
            "nas\n",
        ] {
            assert!(server(text).is_err(), "{text:?}");
        }
    }
}
