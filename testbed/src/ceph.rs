//! A Ceph cluster, in memory or on the disk: a monitor, an OSD and a pool for RBD.
//!
//! What makes it quick: one key for all, registered with the monitor's first keyring; no manager;
//! a monitor that does not gather proposals; few placement groups; and of `ceph`, which takes as
//! long to start as the daemons, one call.

use std::io::Write as _;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use tempfile::TempDir;

use crate::{daemon::Daemon, installed, port, skip, tool};

const POOL: &str = "rbd";

/// A cluster.
#[derive(Debug)]
pub struct Ceph {
    conf: PathBuf,
    // In this order: the monitor outlives the OSD, and the directory both.
    osd: Daemon,
    monitor: Daemon,
    directory: TempDir,
}

impl Ceph {
    /// Starts a cluster, if Ceph's programs are there: those of the gateway [`Rgw`](crate::Rgw) too.
    /// It forgets everything when its OSD dies.
    pub async fn start() -> Option<Self> {
        Self::start_with("memstore").await
    }

    /// Starts a cluster whose OSD keeps what it has on the disk.
    pub async fn start_on_disk() -> Option<Self> {
        Self::start_with("bluestore").await
    }

    async fn start_with(store: &str) -> Option<Self> {
        let programs = [
            "setpriv",
            "stdbuf",
            "qemu-img",
            "ceph",
            "ceph-authtool",
            "ceph-mon",
            "ceph-osd",
            "monmaptool",
            "rados",
            "rbd",
            "radosgw",
            "radosgw-admin",
            "rclone",
        ];
        if !installed(&programs) {
            return None;
        }
        if !qemu_reads_rbd() {
            skip("QEMU's driver for RBD is not installed (scripts/setup test installs it)");
            return None;
        }
        let directory = crate::directory("ceph");
        let at = |name: &str| {
            directory
                .path()
                .join(name)
                .into_os_string()
                .into_string()
                .unwrap()
        };
        let [conf, keyring, map] = ["ceph.conf", "keyring", "monmap"].map(at);
        for name in ["mon", "osd"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        let ids = [uuid(), uuid()];
        let [cluster, osd] = [ids[0].as_str(), ids[1].as_str()];
        let address = format!("[v2:127.0.0.1:{}]", port::free());
        let key = tool::run("ceph-authtool", &["--gen-print-key"], &[]);
        fs::write(&keyring, keys(key.trim())).unwrap();
        fs::write(
            &conf,
            configuration(directory.path(), cluster, &address, store),
        )
        .unwrap();

        let create_map = ["--create", "--fsid", cluster, "--addv", "a", &address, &map];
        tool::run("monmaptool", &create_map, &[]);
        let mon = ["-c", &conf, "-i", "a"];
        let make = ["--mkfs", "--monmap", &map, "--keyring", &keyring];
        tool::run("ceph-mon", &[&mon[..], &make].concat(), &[]);
        let foreground = ["-f", "-c", &conf, "-i"];
        let monitor = Daemon::start(
            "ceph-mon",
            [&foreground[..], &["a"]].concat(),
            directory.path(),
        );

        let make = [
            "-c",
            &conf,
            "-i",
            "0",
            "--mkfs",
            "--no-mon-config",
            "--osd-uuid",
            osd,
        ];
        tool::run("ceph-osd", &make, &[]);
        let mut console = tool::command("ceph", &[("CEPH_CONF", &conf)]);
        console.args(["--connect-timeout", "60"]);
        let commands = format!("osd create {osd}\nosd pool create {POOL} 4 4 replicated\n");
        type_into(&mut console, &commands);
        let osd = Daemon::start(
            "ceph-osd",
            [&foreground[..], &["0"]].concat(),
            directory.path(),
        );

        let ceph = Self {
            conf: conf.into(),
            osd,
            monitor,
            directory,
        };
        ceph.await_osd();
        Some(ceph)
    }

    /// Its configuration, which names the administrator's keyring.
    pub fn conf(&self) -> &Path {
        &self.conf
    }

    /// The directory with its configuration and logs.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The pool for images.
    pub fn pool(&self) -> &'static str {
        POOL
    }

    /// Runs `rbd` as the administrator, and gives what it prints.
    pub fn rbd(&self, arguments: &[&str]) -> String {
        self.run("rbd", arguments)
    }

    /// Runs `rados` as the administrator, and gives what it prints.
    pub fn rados(&self, arguments: &[&str]) -> String {
        self.run("rados", arguments)
    }

    /// Runs `ceph` as the administrator, and gives what it prints.
    pub fn ceph(&self, arguments: &[&str]) -> String {
        self.run("ceph", arguments)
    }

    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> String {
        tool::run(
            program,
            arguments,
            &[("CEPH_CONF", self.conf.to_str().unwrap())],
        )
    }

    /// The keyring of a user `client.{name}` who may use images of one pool, and nothing else.
    pub fn user(&self, name: &str, pool: &str) -> String {
        let entity = format!("client.{name}");
        let profile = format!("profile rbd pool={pool}");
        let arguments = [
            "auth",
            "get-or-create",
            &entity,
            "mon",
            "profile rbd",
            "osd",
            &profile,
        ];
        self.ceph(&arguments)
    }

    /// `kill -9` of the OSD, and with it of all that is in the cluster, unless it lies on the disk.
    pub fn kill_osd(&mut self) {
        self.osd.kill();
    }

    /// Starts the OSD again, and waits until it serves.
    pub fn restart_osd(&mut self) {
        self.osd.restart();
        self.await_osd();
    }

    /// Waits until the OSD serves; without the option it would look every five seconds.
    fn await_osd(&self) {
        self.rbd(&["--objecter_tick_interval=0.2", "pool", "init", POOL]);
    }

    /// Makes the OSD stand still: clients wait for it.
    pub fn pause_osd(&self) {
        self.osd.pause();
    }

    /// Lets the OSD go on, and waits until it serves: it has to see to what it missed first.
    pub fn resume_osd(&self) {
        self.osd.resume();
        self.await_osd();
    }

    /// `kill -9` of the monitor: whoever connects finds nobody.
    pub fn kill_monitor(&mut self) {
        self.monitor.kill();
    }
}

/// Whether QEMU has its driver for RBD, a module of a package of its own: only opening an image
/// shows it.
fn qemu_reads_rbd() -> bool {
    let mut open = tool::command("qemu-img", &[]);
    open.args(["info", "rbd:none/none:conf=/nonexistent"]);
    let said = open.output().unwrap().stderr;
    String::from_utf8_lossy(&said).contains("conf file")
}

fn uuid() -> String {
    fs::read_to_string("/proc/sys/kernel/random/uuid")
        .unwrap()
        .trim()
        .to_owned()
}

/// Several commands by one start of the program.
fn type_into(program: &mut std::process::Command, commands: &str) {
    let spawned = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut running = spawned.unwrap_or_else(|error| panic!("{program:?} does not run: {error}"));
    running
        .stdin
        .take()
        .unwrap()
        .write_all(commands.as_bytes())
        .unwrap();
    let output = running.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    let fine = output.status.success() && !said.contains("Error");
    assert!(fine, "{program:?}: {said}");
}

fn keys(key: &str) -> String {
    let all = "caps mon = \"allow *\"\ncaps osd = \"allow *\"\n";
    format!(
        "[mon.]\nkey = {key}\ncaps mon = \"allow *\"\n\
         [client.admin]\nkey = {key}\n{all}\
         [osd.0]\nkey = {key}\ncaps mon = \"allow profile osd\"\ncaps osd = \"allow *\"\n\
         [client.rgw]\nkey = {key}\n{all}"
    )
}

fn configuration(directory: &Path, cluster: &str, address: &str, store: &str) -> String {
    let directory = directory.display();
    format!(
        "[global]
fsid = {cluster}
mon host = {address}
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr1 = false
keyring = {directory}/keyring
run dir = {directory}
crash dir = {directory}
admin socket =
log file =
log to stderr = true
auth allow insecure global id reclaim = false
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon allow pool delete = true
mon max pg per osd = 1000

[client]
log to stderr = false

[mon]
mon data = {directory}/mon
mon cluster log file = {directory}/cluster.log
mon data avail warn = 2
mon data avail crit = 1
paxos propose interval = 0.05
paxos min wait = 0.01

[osd]
osd data = {directory}/osd
osd objectstore = {store}
memstore device bytes = 12884901888
bluestore block size = 4294967296
bluestore fsck on mkfs = false
osd class load list = *
osd class default list = *
osd op num shards = 2
osd op num threads per shard = 1

[client.rgw]
log to stderr = true
rgw data = {directory}
rgw rados pool pg num min = 1
rgw run sync thread = false
rgw enable usage log = false
rgw relaxed s3 bucket names = true
rgw thread pool size = 32
"
    )
}
