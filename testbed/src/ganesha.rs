//! nfs-ganesha: an NFS 4.1 server in user space, with a directory to export.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{daemon::Daemon, installed, port, skip};

/// A server whose clients need neither a reserved port nor another credential than `AUTH_SYS`; root
/// is root to it.
#[derive(Debug)]
pub struct Ganesha {
    /// Its address and port.
    pub server: String,
    /// The name of the export.
    pub export: String,
    /// The directory that is exported.
    pub directory: PathBuf,
    daemon: Daemon,
    #[expect(dead_code, reason = "it is removed after the daemon that uses it")]
    home: TempDir,
}

impl Ganesha {
    /// Starts a server on a directory of its own, if the program is there and may open handles.
    pub async fn start() -> Option<Self> {
        let home = crate::directory("nfs");
        let directory = home.path().join("export");
        fs::create_dir(&directory).unwrap();
        Self::serve(home, directory, OPEN).await
    }

    /// Starts a server on a directory that is there, such as a small file system of its own.
    pub async fn exporting(directory: &Path) -> Option<Self> {
        Self::serve(crate::directory("nfs"), directory.to_owned(), OPEN).await
    }

    /// Starts a server on a directory that is there, with other permissions, such as
    /// `Access_Type = RO; Squash = Root_Squash;`.
    pub async fn restricting(directory: &Path, permissions: &str) -> Option<Self> {
        Self::serve(crate::directory("nfs"), directory.to_owned(), permissions).await
    }

    async fn serve(home: TempDir, directory: PathBuf, permissions: &str) -> Option<Self> {
        if !installed(&["setpriv", "stdbuf", "ganesha.nfsd"]) {
            return None;
        }
        if fs::metadata("/proc/self").unwrap().uid() != 0 {
            skip("an NFS server opens files by their handles, which takes root");
            return None;
        }
        let at = |name: &str| home.path().join(name);
        fs::create_dir(at("recovery")).unwrap();
        let port = port::free();
        fs::write(
            at("ganesha.conf"),
            configuration(port, &directory, &at("recovery"), permissions),
        )
        .unwrap();
        let arguments = [
            "-F".into(),
            "-f".into(),
            at("ganesha.conf"),
            "-p".into(),
            at("pid"),
            "-L".into(),
            "STDERR".into(),
        ];
        let mut ganesha = Self {
            server: format!("127.0.0.1:{port}"),
            export: "/export".to_owned(),
            directory,
            daemon: Daemon::start("ganesha.nfsd", arguments, home.path()),
            home,
        };
        ganesha.serves().await;
        Some(ganesha)
    }

    async fn serves(&mut self) {
        let initialized = async |daemon: &Daemon| {
            daemon
                .said()
                .contains("NFS SERVER INITIALIZED")
                .then_some(())
        };
        self.daemon.until("it serves", initialized).await;
    }

    /// Makes it stand still: connections are made, and nothing is answered.
    pub fn pause(&self) {
        self.daemon.pause();
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.daemon.resume();
    }

    /// `kill -9`: what clients had not committed may be lost.
    pub fn kill(&mut self) {
        self.daemon.kill();
    }

    /// Starts it again, on the same port. Clients that it knew have five seconds to reclaim their
    /// state, in which it opens nothing for anybody else.
    pub async fn restart(&mut self) {
        self.daemon.restart();
        self.serves().await;
    }
}

/// Anybody may write, and root is root.
const OPEN: &str = "Access_Type = RW; Squash = No_Root_Squash;";

fn configuration(port: u16, directory: &Path, recovery: &Path, permissions: &str) -> String {
    format!(
        "NFS_CORE_PARAM {{
    Protocols = 4;
    NFS_Port = {port};
    Bind_addr = 127.0.0.1;
    Enable_NLM = false;
    Enable_RQUOTA = false;
    Enable_UDP = false;
    mount_path_pseudo = true;
}}
NFSV4 {{
    Grace_Period = 5;
    Lease_Lifetime = 10;
    RecoveryBackend = fs;
    RecoveryRoot = {recovery};
}}
EXPORT {{
    Export_Id = 1;
    Path = {directory};
    Pseudo = /export;
    {permissions}
    SecType = sys;
    Transports = TCP;
    Protocols = 4;
    PrivilegedPort = false;
    FSAL {{ Name = VFS; }}
}}
LOG {{ Default_Log_Level = EVENT; }}
",
        recovery = recovery.display(),
        directory = directory.display(),
    )
}
