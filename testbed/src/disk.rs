//! A disk that is mounted, and taken away under whoever uses it.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use crate::{
    skip::{installed, skip},
    tool::{command, run},
    wait::until,
};

/// What is mounted on a directory. It goes with its test.
///
/// Mounting needs root: without, tests [skip](skip()) themselves.
pub struct Disk {
    what: Vec<String>,
    point: PathBuf,
}

impl Disk {
    /// What lies in the directory `content`, mounted on the directory `point`. Both are on one file system: by its
    /// device alone nobody can tell whether it is mounted.
    pub fn of(content: &Path, point: &Path) -> Option<Self> {
        Self::mounted(vec!["--bind".into(), text(content)], point)
    }

    /// A new XFS of `bytes` in the file `image`, mounted on `point`.
    pub fn xfs(image: &Path, point: &Path, bytes: u64) -> Option<Self> {
        if !installed(&["xfs_io"]) {
            return None;
        }
        Self::made("mkfs.xfs", &["-q", "-f"], image, point, bytes)
    }

    /// A new ext4 of `bytes` in the file `image`, mounted on `point`, made with options of one's own.
    pub fn ext4(options: &[&str], image: &Path, point: &Path, bytes: u64) -> Option<Self> {
        let options = [&["-q", "-F"], options].concat();
        Self::made("mkfs.ext4", &options, image, point, bytes)
    }

    fn made(
        program: &str,
        options: &[&str],
        image: &Path,
        point: &Path,
        bytes: u64,
    ) -> Option<Self> {
        if !installed(&[program]) {
            return None;
        }
        if !Path::new("/dev/loop-control").exists() {
            skip("this machine has no loop devices");
            return None;
        }
        let file = fs::File::create(image).expect("a file for the disk");
        file.set_len(bytes).expect("a file for the disk");
        run(program, &[options, &[&text(image)]].concat(), &[]);
        Self::mounted(vec!["-o".into(), "loop".into(), text(image)], point)
    }

    fn mounted(what: Vec<String>, point: &Path) -> Option<Self> {
        if fs::metadata("/proc/self").expect("/proc").uid() != 0 {
            skip("only root can mount a disk");
            return None;
        }
        let disk = Self {
            what,
            point: point.to_owned(),
        };
        if disk.try_mount() {
            return Some(disk);
        }
        skip(&format!("{:?} cannot be mounted here", disk.what));
        None
    }

    fn try_mount(&self) -> bool {
        let mut mount = command("mount", &[]);
        mount.args(&self.what).arg(&self.point);
        mount.status().is_ok_and(|status| status.success())
    }

    /// Mounts it again.
    pub fn mount(&self) {
        assert!(self.try_mount(), "{:?} cannot be mounted again", self.what);
    }

    /// Lets nobody write to it any more, or lets them write again.
    pub fn protect(&self, is_protected: bool) {
        let how = if is_protected {
            "remount,ro"
        } else {
            "remount,rw"
        };
        run("mount", &["-o", how, &text(&self.point)], &[]);
    }

    /// Takes it away. What was below its mount point can be seen then.
    pub fn unmount(&self) {
        run("umount", &[&text(&self.point)], &[]);
    }

    /// Takes it away under whoever has files open on it: they keep them, and nobody else finds them.
    pub fn detach(&self) {
        run("umount", &["--lazy", &text(&self.point)], &[]);
    }

    /// Makes it answer everything with an error, as a disk does that was pulled out. XFS can.
    pub fn fail(&self) {
        run(
            "xfs_io",
            &["-x", "-c", "shutdown -f", &text(&self.point)],
            &[],
        );
    }

    /// Brings it back, once nobody has anything open on it any more.
    pub async fn bring_back(&self) {
        let away = async || (!self.is_mounted() || self.try_unmount()).then_some(());
        until("nobody has anything open on the disk", away).await;
        let back = async || self.try_mount().then_some(());
        until("the disk is mounted again", back).await;
    }

    /// Whether anything is mounted: what does not answer is.
    fn is_mounted(&self) -> bool {
        let device = |path: &Path| path.metadata().map(|metadata| metadata.dev());
        match (device(&self.point), device(&self.point.join(".."))) {
            (Ok(here), Ok(above)) => here != above,
            _ => true,
        }
    }

    fn try_unmount(&self) -> bool {
        let mut umount = command("umount", &[]);
        umount.arg("--quiet").arg(&self.point);
        let status = umount.stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let mut umount = command("umount", &[]);
        umount.args(["--quiet", "--lazy"]).arg(&self.point);
        let _ = umount.stderr(Stdio::null()).status();
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").to_owned()
}
