//! The programs that drivers run, by absolute path.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::process::find_program;

const DIRECTORIES: [&str; 5] = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"];

/// Where the programs are. Those that are not given are looked for in the usual places.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tools {
    /// `qemu-img` of QEMU.
    pub qemu_img: PathBuf,
    /// `qemu-nbd` of QEMU.
    pub qemu_nbd: PathBuf,
    /// `rbd` of Ceph.
    pub rbd: PathBuf,
    /// `rados` of Ceph, of the same package.
    pub rados: PathBuf,
    /// `ceph` of Ceph, of the same package. Without it nobody asks how much room there is.
    pub ceph: PathBuf,
    /// `setpriv` of util-linux: without it, children may outlive an agent that is killed.
    pub setpriv: Option<PathBuf>,
}

impl Default for Tools {
    fn default() -> Self {
        let directories = DIRECTORIES.map(Path::new);
        let find = |name: &str| find_program(name, &directories);
        // A program that is found nowhere is reported when it is needed, by the path it should have.
        let expect = |name: &str| find(name).unwrap_or_else(|| Path::new("/usr/bin").join(name));
        Self {
            qemu_img: expect("qemu-img"),
            qemu_nbd: expect("qemu-nbd"),
            rbd: expect("rbd"),
            rados: expect("rados"),
            ceph: expect("ceph"),
            setpriv: find("setpriv"),
        }
    }
}
