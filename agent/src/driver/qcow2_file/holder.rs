//! Who has an image open, so that a refused lock can be explained.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

/// A process that has the image open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    pid: u32,
    program: String,
}

/// Looks through the open files of all processes that we may look at.
pub(super) fn find(image: &Path) -> Vec<Holder> {
    let Ok(image) = image.metadata() else {
        return Vec::new();
    };
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let mut holders = Vec::new();
    for process in processes.flatten() {
        let Some(pid) = process
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let open = open_files(&process.path());
        let is_image = |file: &PathBuf| {
            file.metadata()
                .is_ok_and(|file| (file.dev(), file.ino()) == (image.dev(), image.ino()))
        };
        if open.iter().any(is_image) {
            let program = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            holders.push(Holder {
                pid,
                program: program.trim().to_owned(),
            });
        }
    }
    holders
}

fn open_files(process: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(process.join("fd"));
    files
        .map(|files| files.flatten().map(|file| file.path()).collect())
        .unwrap_or_default()
}

/// The holders in words.
pub(super) fn describe(holders: &[Holder]) -> String {
    if holders.is_empty() {
        return "a process that cannot be seen from here".into();
    }
    let words: Vec<_> = holders
        .iter()
        .map(|holder| format!("{} (pid {})", holder.program, holder.pid))
        .collect();
    words.join(", ")
}
