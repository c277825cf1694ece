//! What can be chosen: where volumes lie, and where backups go.

use clap::ValueEnum;

/// The storage that volumes lie on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Source {
    /// A directory of qcow2 images.
    Qcow2,
    /// A pool of a Ceph cluster whose OSD keeps everything in memory.
    Ceph,
}

/// What backups are written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// A directory.
    Local,
    /// A bucket of Ceph's S3 gateway, whose cluster keeps everything in memory.
    S3,
    /// An export of nfs-ganesha, which nobody mounts.
    Nfs,
}

impl Source {
    /// What it is called in a heading.
    pub fn name(self) -> &'static str {
        match self {
            Self::Qcow2 => "qcow2",
            Self::Ceph => "Ceph RBD",
        }
    }
}

impl Target {
    /// What it is called in a heading.
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "a local directory",
            Self::S3 => "S3 (RGW)",
            Self::Nfs => "NFS (ganesha)",
        }
    }
}

/// What a run takes: of the disk, and of the memory of a cluster.
#[derive(Debug, Clone, Copy, Default)]
pub struct Room {
    /// Bytes on the disk.
    pub disk_bytes: u64,
    /// Bytes in memory.
    pub memory_bytes: u64,
}

impl Room {
    /// What all that is done with a volume takes.
    pub fn needed(source: Source, target: Target, data_bytes: u64) -> Self {
        // What a file system keeps for itself.
        let mut room = Self {
            disk_bytes: 1 << 30,
            memory_bytes: 0,
        };
        // A volume and a copy of it; in Ceph also what its snapshot keeps when it is overwritten.
        match source {
            Source::Qcow2 => room.disk_bytes += data_bytes * 2,
            Source::Ceph => room.memory_bytes += data_bytes * 3,
        }
        // Two backups; a third, as it is copied from the bucket.
        let backup = data_bytes * 6 / 10;
        match target {
            Target::Local | Target::Nfs => room.disk_bytes += backup * 2,
            Target::S3 => {
                room.memory_bytes += backup * 2;
                room.disk_bytes += backup;
            }
        }
        room
    }
}
