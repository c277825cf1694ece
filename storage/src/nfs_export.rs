//! Where an export lies: what an administrator configured, checked and taken apart.

use std::{fmt, net::Ipv6Addr};

use crate::{Error, Result};

const DEFAULT_PORT: u16 = 2049;

/// A directory of an NFS export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NfsExport {
    /// The server's name or address, with its port where that is not 2049.
    pub server: String,
    /// The export, as the server names it.
    pub export: String,
    /// The directory below it, which exists.
    pub directory: Option<String>,
}

/// A checked [`NfsExport`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// A name or an address; that of IPv6 in brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The components of the export's path.
    pub(crate) export: Vec<String>,
    /// Those of the directory below it.
    pub(crate) directory: Vec<String>,
}

impl Address {
    pub(crate) fn new(export: &NfsExport) -> Result<Self> {
        let (host, port) = split_server(export.server.trim()).ok_or_else(|| {
            unusable(format!(
                "{:?} is neither a server's name nor an address",
                export.server
            ))
        })?;
        Ok(Self {
            host,
            port,
            export: components(&export.export)?,
            directory: components(export.directory.as_deref().unwrap_or_default())?,
        })
    }

    /// The export's path, as the server names it.
    pub(crate) fn export_path(&self) -> String {
        format!("/{}", self.export.join("/"))
    }

    /// The directory's path below the export.
    pub(crate) fn directory_path(&self) -> String {
        self.directory.join("/")
    }

    /// The export itself, without the directory.
    pub(crate) fn without_directory(&self) -> Self {
        Self {
            directory: Vec::new(),
            ..self.clone()
        }
    }

    /// What the client library mounts: the directory is its root, so that no request can name
    /// anything outside.
    pub(crate) fn url(&self, privileged_port: bool) -> String {
        let path: Vec<String> = self
            .export
            .iter()
            .chain(&self.directory)
            .map(|c| encode(c))
            .collect();
        format!(
            "nfs://{}:{}/{}?version=4.1&noresvport={}",
            self.host,
            self.port,
            path.join("/"),
            !privileged_port,
        )
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}:{} {}",
            self.host,
            self.port,
            self.export_path()
        )?;
        if self.directory.is_empty() {
            return Ok(());
        }
        write!(formatter, " directory {}", self.directory_path())
    }
}

fn unusable(reason: String) -> Error {
    Error::Unreachable { reason }
}

/// `host`, `host:port`, `[v6]`, `[v6]:port` or a bare `v6`.
fn split_server(server: &str) -> Option<(String, u16)> {
    if server.parse::<Ipv6Addr>().is_ok() {
        return Some((format!("[{server}]"), DEFAULT_PORT));
    }
    let (host, port) = match server.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok().filter(|p| *p > 0)?),
        _ => (server, DEFAULT_PORT),
    };
    let bracketed = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let valid = match bracketed {
        Some(inner) => inner.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        }
    };
    valid.then(|| (host.to_owned(), port))
}

fn components(path: &str) -> Result<Vec<String>> {
    path.split('/')
        .filter(|component| !component.is_empty())
        .map(|component| match component {
            "." | ".." => Err(unusable(format!("{path:?} has the component {component}"))),
            _ if component.contains('\0') => Err(unusable(format!("{path:?} has a zero byte"))),
            _ => Ok(component.to_owned()),
        })
        .collect()
}

/// Percent-encodes all but the characters that every URL leaves alone.
fn encode(component: &str) -> String {
    use fmt::Write as _;
    component.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(server: &str, export: &str, directory: Option<&str>) -> Result<Address> {
        Address::new(&NfsExport {
            server: server.into(),
            export: export.into(),
            directory: directory.map(Into::into),
        })
    }

    #[test]
    fn a_server_is_a_name_or_an_address_with_or_without_a_port() {
        for (server, host, port) in [
            ("nas.example.com", "nas.example.com", 2049),
            ("nas:12049", "nas", 12049),
            (" 10.0.0.1 ", "10.0.0.1", 2049),
            ("10.0.0.1:1", "10.0.0.1", 1),
            ("fd00::1", "[fd00::1]", 2049),
            ("[fd00::1]", "[fd00::1]", 2049),
            ("[::1]:2050", "[::1]", 2050),
        ] {
            let parsed = address(server, "/a", None).unwrap();
            assert_eq!(
                (parsed.host.as_str(), parsed.port),
                (host, port),
                "{server}"
            );
        }
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for server in [
            "",
            ":",
            "nas:",
            "nas:0",
            "nas:70000",
            "nas:x",
            "a b",
            "user@nas",
            "nas/x",
            "nas?x",
            "[nas]",
            "[fd00::1",
            "fe80::1%eth0",
            "::1:x",
        ] {
            let refused = address(server, "/a", None);
            assert!(
                matches!(refused, Err(Error::Unreachable { .. })),
                "{server:?}"
            );
        }
    }

    #[test]
    fn a_path_is_encoded_so_that_nothing_in_it_has_a_meaning() {
        let odd = address("[::1]", "/srv/a b?x=1#y%20", Some("ä/..c/.d")).unwrap();
        assert_eq!(
            odd.url(true),
            "nfs://[::1]:2049/srv/a%20b%3Fx%3D1%23y%2520/%C3%A4/%2E%2Ec/%2Ed?version=4.1&noresvport=false"
        );
        assert_eq!(
            address("nas", "/", None).unwrap().url(false),
            "nfs://nas:2049/?version=4.1&noresvport=true"
        );
    }

    #[test]
    fn no_path_leaves_the_export() {
        for directory in ["..", "a/../b", "./a", "a/.", "a\0b"] {
            assert!(
                address("nas", "/srv", Some(directory)).is_err(),
                "{directory:?}"
            );
        }
        assert!(address("nas", "/srv/../etc", None).is_err());
    }
}
