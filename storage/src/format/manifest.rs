//! The manifest: what a backup is of, and how to tell that it is whole.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Corrupt, Digest, Place};

/// The version of the format that this code writes.
pub const FORMAT_VERSION: u32 = 2;
/// The oldest one that it reads: without an [`Origin`].
const WITHOUT_ORIGIN: u32 = 1;
/// No manifest is larger.
pub const MAX_MANIFEST_BYTES: u64 = 64 << 10;

/// The kind of storage that a volume lies on. A backup restores onto its own kind only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StorageType {
    /// A qcow2 file.
    #[serde(rename = "QCOW2_FILE")]
    Qcow2File,
    /// A Ceph RBD image.
    CephRbd,
}

impl fmt::Display for StorageType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Qcow2File => "qcow2 files",
            Self::CephRbd => "Ceph",
        })
    }
}

/// Everything there is to know about a backup without reading its disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// [`FORMAT_VERSION`], or that of the code that wrote it.
    pub format_version: u32,
    /// The version of Tidemark that wrote the backup.
    pub tidemark_version: String,
    /// The backup's id, as in its path.
    pub backup_id: Uuid,
    /// The backup's name when it was made.
    pub backup_name: String,
    /// The volume's id, as in the path.
    pub volume_id: Uuid,
    /// The volume's name when the backup was made.
    pub volume_name: String,
    /// The volume's plan then.
    pub plan_id: Uuid,
    /// That plan's name.
    pub plan_name: String,
    /// Where it comes from; none where it was written before version 2.
    #[serde(flatten)]
    pub origin: Option<Origin>,
    /// What the volume lay on.
    pub storage_type: StorageType,
    /// The size of the disk.
    pub volume_size_bytes: u64,
    /// How many frames the object has, its seek table aside.
    pub frame_count: u64,
    /// The size of the object.
    pub stored_bytes: u64,
    /// BLAKE3 of the object: `b3sum disk.raw.zst`.
    pub object_blake3: Digest,
    /// The digest of the disk's content, as [`DiskDigest`](super::DiskDigest) defines it.
    pub disk_blake3: Digest,
    /// When the backup was asked for.
    pub created_at: DateTime<Utc>,
    /// The instant that the backup shows the volume at.
    pub taken_at: DateTime<Utc>,
    /// When all of it had been stored.
    pub completed_at: DateTime<Utc>,
}

/// Where a backup comes from: with it a catalogue that is lost can be made again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// The installation that made it.
    pub installation_id: Uuid,
    /// The account whose volume it is of.
    pub account_id: Uuid,
    /// That account's name then.
    pub account_name: String,
    /// The storage pool that the volume lay in.
    pub pool_id: Uuid,
    /// That pool's name then.
    pub pool_name: String,
    /// The hypervisor group whose pool that was.
    pub group_id: Uuid,
    /// That group's name then.
    pub group_name: String,
}

/// A manifest as it is stored: with a digest of itself, so that a changed bit is noticed here too.
///
/// The digest is the BLAKE3 of the other members in compact form:
/// `jq -cj 'del(.manifestBlake3)' manifest.json | b3sum`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sealed {
    #[serde(flatten)]
    manifest: Manifest,
    manifest_blake3: Digest,
}

/// What can be read of a manifest of any version.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Versioned {
    format_version: u32,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is not what was written.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// It was written by a later version of Tidemark.
    #[error(
        "Backup has format version {found}, this agent reads versions up to {FORMAT_VERSION}: update the agent."
    )]
    TooNew {
        /// Its version.
        found: u32,
    },
}

impl Manifest {
    /// The manifest as it is stored.
    pub fn encode(&self) -> serde_json::Result<Vec<u8>> {
        let sealed = Sealed {
            manifest: self.clone(),
            manifest_blake3: self.digest()?,
        };
        let mut encoded = serde_json::to_vec_pretty(&sealed)?;
        encoded.push(b'\n');
        Ok(encoded)
    }

    /// Reads a manifest back. It has to be byte for byte what [`encode`](Self::encode) writes.
    pub fn parse(encoded: &[u8]) -> Result<Self, ManifestError> {
        let unreadable = |error: serde_json::Error| {
            Corrupt::new(Place::Manifest, format!("it cannot be read ({error})"))
        };
        let Versioned { format_version } = serde_json::from_slice(encoded).map_err(unreadable)?;
        if format_version > FORMAT_VERSION {
            return Err(ManifestError::TooNew {
                found: format_version,
            });
        }
        let sealed: Sealed = serde_json::from_slice(encoded).map_err(unreadable)?;
        let manifest = sealed.manifest;
        if manifest.format_version < WITHOUT_ORIGIN
            || manifest.origin.is_some() != (manifest.format_version > WITHOUT_ORIGIN)
            || manifest.digest().map_err(unreadable)? != sealed.manifest_blake3
            || manifest.encode().map_err(unreadable)? != encoded
        {
            let reason = "it does not match its own checksum";
            return Err(Corrupt::new(Place::Manifest, reason).into());
        }
        Ok(manifest)
    }

    fn digest(&self) -> serde_json::Result<Digest> {
        serde_json::to_vec(self).map(|members| Digest::of(&members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest {
            format_version: FORMAT_VERSION,
            tidemark_version: "0.1.0".into(),
            backup_id: Uuid::from_u128(1),
            backup_name: "before the \"upgrade\"".into(),
            volume_id: Uuid::from_u128(2),
            volume_name: "größe".into(),
            plan_id: Uuid::from_u128(3),
            plan_name: "10 GB".into(),
            origin: Some(Origin {
                installation_id: Uuid::from_u128(4),
                account_id: Uuid::from_u128(5),
                account_name: "alice".into(),
                pool_id: Uuid::from_u128(6),
                pool_name: "fast".into(),
                group_id: Uuid::from_u128(7),
                group_name: "rack 1".into(),
            }),
            storage_type: StorageType::Qcow2File,
            volume_size_bytes: 10 << 30,
            frame_count: 12,
            stored_bytes: 123_456,
            object_blake3: Digest::of(b"object"),
            disk_blake3: Digest::of(b"disk"),
            created_at: DateTime::UNIX_EPOCH,
            taken_at: DateTime::UNIX_EPOCH,
            completed_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_manifest_reads_back_as_it_was() {
        let encoded = manifest().encode().unwrap();
        assert_eq!(Manifest::parse(&encoded).unwrap(), manifest());
    }

    #[test]
    fn a_manifest_of_the_first_version_is_still_read() {
        let old = Manifest {
            format_version: 1,
            origin: None,
            ..manifest()
        };
        let encoded = old.encode().unwrap();
        let text = String::from_utf8(encoded.clone()).unwrap();
        assert!(!text.contains("installation"), "{text}");
        assert_eq!(Manifest::parse(&encoded).unwrap(), old);
    }

    #[test]
    fn a_manifest_has_what_its_version_has() {
        for (format_version, origin) in [(1, manifest().origin), (2, None), (0, None)] {
            let odd = Manifest {
                format_version,
                origin,
                ..manifest()
            };
            let error = Manifest::parse(&odd.encode().unwrap()).unwrap_err();
            assert!(matches!(error, ManifestError::Corrupt(_)), "{error}");
        }
    }

    #[test]
    fn any_flipped_bit_of_a_manifest_is_noticed() {
        let encoded = manifest().encode().unwrap();
        for byte in 0..encoded.len() {
            for bit in 0..8 {
                let mut flipped = encoded.clone();
                flipped[byte] ^= 1 << bit;
                assert!(
                    Manifest::parse(&flipped).is_err(),
                    "bit {bit} of byte {byte}"
                );
            }
        }
    }

    #[test]
    fn a_cut_manifest_is_corrupt() {
        let encoded = manifest().encode().unwrap();
        for length in 0..encoded.len() {
            let error = Manifest::parse(&encoded[..length]).unwrap_err();
            assert!(
                matches!(error, ManifestError::Corrupt(_)),
                "{length}: {error}"
            );
        }
    }

    #[test]
    fn a_manifest_of_a_later_version_asks_for_an_update() {
        let later = br#"{"formatVersion": 3, "volumes": ["something else"]}"#;
        let error = Manifest::parse(later).unwrap_err();
        assert!(error.to_string().contains("update the agent"), "{error}");
    }
}
