//! What is mounted where on this host, and whether a path lies on a mount of an NFS server.

use std::{
    ffi::OsString,
    fs, io,
    os::{
        fd::AsFd,
        unix::{ffi::OsStringExt as _, fs::MetadataExt as _},
    },
    path::{Path, PathBuf},
};

use nix::sys::{
    stat::{fstat, major, minor},
    statfs::{FsType, NFS_SUPER_MAGIC, fstatfs},
};

use crate::{Error, Result, nfs_export::Address};

const DEFAULT_PORT: &str = "2049";

/// The table of mounts, and what in it counts as a mount of a server.
#[derive(Debug, Clone)]
pub(crate) struct MountTable {
    file: PathBuf,
    types: &'static [&'static str],
    magic: FsType,
}

impl Default for MountTable {
    fn default() -> Self {
        Self {
            file: "/proc/self/mountinfo".into(),
            types: &["nfs", "nfs4"],
            magic: NFS_SUPER_MAGIC,
        }
    }
}

impl MountTable {
    /// The table of a system whose NFS mounts are of another type, for tests without a kernel client.
    #[cfg(test)]
    pub(super) fn taking_for_nfs(types: &'static [&'static str], magic: FsType) -> Self {
        Self {
            types,
            magic,
            ..Self::default()
        }
    }

    /// Where the directory of an export is mounted on this host, and from which source.
    pub(crate) fn find_export(&self, address: &Address) -> Option<(PathBuf, String)> {
        let mounts = self.read().ok()?;
        self.find_in(&mounts, address)
    }

    fn find_in(&self, mounts: &[Mount], address: &Address) -> Option<(PathBuf, String)> {
        let wanted: Vec<&str> = address
            .export
            .iter()
            .chain(&address.directory)
            .map(String::as_str)
            .collect();
        let found = mounts.iter().filter_map(|mount| {
            if !self.is_server(mount) || mount.root != Path::new("/") {
                return None;
            }
            let below = mount.below(address, &wanted)?;
            let path = wanted[wanted.len() - below..]
                .iter()
                .fold(mount.point.clone(), |path, component| path.join(component));
            // What is mounted over it hides it.
            let visible = holding(mounts, &path).is_some_and(|top| top == mount);
            visible.then(|| (below, path, mount.source.clone()))
        });
        let (_, path, source) = found.min_by_key(|(below, ..)| *below)?;
        Some((path, source))
    }

    /// The source of the NFS mount that an open directory lies on, if it lies on one.
    ///
    /// The table, the file system and the device have to agree: what has the right name in the table
    /// may have been mounted over, and what has the right type may be another server's.
    pub(super) fn source_of(&self, path: &Path, directory: impl AsFd) -> Result<Option<String>> {
        let failed =
            |error: io::Error| Error::from_io(error, format!("looking at {}", path.display()));
        let canonical = fs::canonicalize(path).map_err(failed)?;
        let mounts = self.read().map_err(failed)?;
        let Some(mount) = holding(&mounts, &canonical).filter(|mount| self.is_server(mount)) else {
            return Ok(None);
        };
        let inconsistent = |what: &str| Error::Unreachable {
            reason: format!(
                "{} is to be a mount of {}, but {what}",
                path.display(),
                mount.source
            ),
        };
        let system = fstatfs(&directory).map_err(|errno| failed(errno.into()))?;
        if system.filesystem_type() != self.magic {
            return Err(inconsistent("its file system is of another type"));
        }
        let device = fstat(&directory)
            .map_err(|errno| failed(errno.into()))?
            .st_dev;
        if (major(device), minor(device)) != mount.device {
            return Err(inconsistent("its device is another"));
        }
        let parent = mount.point.join("..").metadata().map_err(failed)?;
        if parent.dev() == device {
            return Err(inconsistent("nothing is mounted there"));
        }
        Ok(Some(mount.source.clone()))
    }

    fn is_server(&self, mount: &Mount) -> bool {
        self.types.contains(&mount.kind.as_str())
    }

    fn read(&self) -> io::Result<Vec<Mount>> {
        Ok(parse(&fs::read(&self.file)?))
    }
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mount {
    device: (u64, u64),
    /// What of the file system is mounted.
    root: PathBuf,
    point: PathBuf,
    kind: String,
    source: String,
    /// The file system's own options.
    options: String,
}

impl Mount {
    /// How many of the wanted components are below what is mounted, if that is the server's and above
    /// them.
    fn below(&self, address: &Address, wanted: &[&str]) -> Option<usize> {
        let (host, export) = self.source.split_once(":/")?;
        let option = |name: &str| {
            let mut options = self.options.split(',').filter_map(|o| o.split_once('='));
            options.find_map(|(key, value)| (key == name).then_some(value))
        };
        let bare = address.host.trim_matches(['[', ']']);
        let same_host = [
            host.trim_matches(['[', ']']),
            option("addr").unwrap_or(host),
        ]
        .iter()
        .any(|name| name.eq_ignore_ascii_case(bare));
        let port = option("port").filter(|port| *port != "0");
        if !same_host || port.unwrap_or(DEFAULT_PORT) != address.port.to_string() {
            return None;
        }
        let mounted: Vec<&str> = export.split('/').filter(|c| !c.is_empty()).collect();
        let above = wanted.starts_with(&mounted);
        above.then(|| wanted.len() - mounted.len())
    }
}

/// The mount that a path lies on: the longest prefix, and of those the last.
fn holding<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    mounts
        .iter()
        .filter(|mount| path.starts_with(&mount.point))
        .max_by_key(|mount| mount.point.components().count())
}

fn parse(table: &[u8]) -> Vec<Mount> {
    table
        .split(|byte| *byte == b'\n')
        .filter_map(parse_line)
        .collect()
}

/// `36 35 98:0 /root /point rw,noatime master:1 - nfs4 server:/export rw,addr=…`
fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let device = std::str::from_utf8(fields.nth(2)?).ok()?;
    let (major, minor) = device.split_once(':')?;
    let device = (major.parse().ok()?, minor.parse().ok()?);
    let root = PathBuf::from(OsString::from_vec(unescape(fields.next()?)));
    let point = PathBuf::from(OsString::from_vec(unescape(fields.next()?)));
    fields.find(|field| *field == b"-")?;
    let mut text = || Some(String::from_utf8_lossy(&unescape(fields.next()?)).into_owned());
    Some(Mount {
        device,
        root,
        point,
        kind: text()?,
        source: text()?,
        options: text()?,
    })
}

/// Spaces and their like are written as three octal digits.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, after)) = rest.split_first() {
        let code = (byte == b'\\').then(|| after.get(..3)).flatten();
        let code = code.and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(escaped) = code.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            plain.push(escaped);
            rest = &after[3..];
        } else {
            plain.push(byte);
            rest = after;
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NfsExport;

    const TABLE: &[u8] = b"\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
24 22 0:22 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw
61 22 0:52 / /mnt/nas\\040one rw,relatime shared:31 - nfs4 nas.example.com:/srv/backups rw,vers=4.2,rsize=1048576,wsize=1048576,hard,proto=tcp,timeo=600,sec=sys,clientaddr=10.0.0.9,addr=10.0.0.5
62 22 0:53 / /mnt/odd rw,relatime shared:32 - nfs4 [fd00::5]:/ rw,vers=4.1,hard,port=2050,addr=fd00::5
63 22 0:54 /part /mnt/bound rw,relatime - nfs4 nas:/bound rw,addr=10.0.0.6
64 22 0:55 / /mnt/hidden rw,relatime - nfs4 nas:/hidden rw,addr=10.0.0.6
65 64 0:56 / /mnt/hidden rw,relatime - tmpfs tmpfs rw
not a line
";

    fn find(server: &str, export: &str, directory: Option<&str>) -> Option<(PathBuf, String)> {
        let address = Address::new(&NfsExport {
            server: server.into(),
            export: export.into(),
            directory: directory.map(Into::into),
        });
        MountTable::default().find_in(&parse(TABLE), &address.unwrap())
    }

    #[test]
    fn an_export_is_found_by_name_or_address_and_below_what_is_mounted() {
        let source = "nas.example.com:/srv/backups".to_owned();
        for server in ["NAS.example.com", "10.0.0.5", "nas.example.com:2049"] {
            let found = find(server, "/srv/backups/", Some("tidemark"));
            let expected = ("/mnt/nas one/tidemark".into(), source.clone());
            assert_eq!(found, Some(expected), "{server}");
        }
        let split = find("10.0.0.5", "/srv", Some("backups"));
        assert_eq!(split, Some(("/mnt/nas one".into(), source)));
        let v6 = find("[fd00::5]:2050", "/a", None);
        assert_eq!(v6, Some(("/mnt/odd/a".into(), "[fd00::5]:/".into())));
    }

    #[test]
    fn another_server_port_or_export_is_not_taken_for_it() {
        assert_eq!(find("other", "/srv/backups", None), None);
        assert_eq!(find("nas.example.com:2050", "/srv/backups", None), None);
        assert_eq!(find("fd00::5", "/a", None), None, "the port is another");
        assert_eq!(find("nas.example.com", "/srv", None), None);
        assert_eq!(find("nas.example.com", "/srv/backups2", None), None);
    }

    #[test]
    fn what_is_mounted_in_part_or_hidden_is_no_mount_of_the_export() {
        assert_eq!(find("nas", "/bound", None), None);
        assert_eq!(find("nas", "/hidden", None), None);
    }

    #[test]
    fn a_path_lies_on_the_longest_and_last_mount() {
        let mounts = parse(TABLE);
        let kind = |path: &str| holding(&mounts, Path::new(path)).unwrap().kind.clone();
        assert_eq!(kind("/mnt/nas one/a"), "nfs4");
        assert_eq!(kind("/mnt/nas"), "ext4");
        assert_eq!(kind("/mnt/hidden/a"), "tmpfs");
        assert_eq!(kind("/"), "ext4");
    }
}
