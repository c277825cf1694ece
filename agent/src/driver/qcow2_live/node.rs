//! Which of QEMU's block nodes is the image.
//!
//! A disk is a stack of nodes: the file, the qcow2 format in it, and maybe filters over that, such as
//! one that throttles. Each tells the file that it leads to by name, or, where that does not say all
//! of it, by an object in JSON. Names are the operator's: what counts is which file they lead to.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::qmp::{ANSWER_LIMIT, Error, Monitor};

/// A disk, as `query-block` tells of it.
#[derive(Debug, Deserialize)]
struct Disk {
    inserted: Option<Node>,
}

/// A block node.
#[derive(Debug, Deserialize)]
struct Node {
    #[serde(rename = "node-name")]
    name: Option<String>,
    #[serde(rename = "drv")]
    driver: String,
    file: String,
}

/// The node to name when the image's snapshots are to be changed: the topmost one over the image,
/// where QEMU has it open as qcow2.
pub(super) async fn find_root(
    monitor: &mut Monitor,
    image: &Path,
) -> Result<Option<String>, Error> {
    let arguments = json!({ "flat": true });
    let nodes: Vec<Node> = monitor
        .execute("query-named-block-nodes", arguments, ANSWER_LIMIT)
        .await?;
    let disks: Vec<Disk> = monitor
        .execute("query-block", json!({}), ANSWER_LIMIT)
        .await?;
    // Relative names are QEMU's own.
    let base = match monitor.peer() {
        Some(pid) => PathBuf::from(format!("/proc/{pid}/cwd")),
        None => PathBuf::from("/"),
    };
    let image = image.to_owned();
    let found = tokio::task::spawn_blocking(move || choose(nodes, disks, &base, &image)).await;
    Ok(found.unwrap_or_default())
}

fn choose(nodes: Vec<Node>, disks: Vec<Disk>, base: &Path, image: &Path) -> Option<String> {
    let identity = identity(image)?;
    let leads_to_image = |node: &Node| {
        let path = file(&node.file).map(|path| base.join(path));
        path.and_then(|path| self::identity(&path)) == Some(identity)
    };
    let format = nodes
        .into_iter()
        .find(|node| node.driver == "qcow2" && leads_to_image(node))?;
    let attached = disks.into_iter().filter_map(|disk| disk.inserted);
    let top = attached.into_iter().find(leads_to_image);
    top.and_then(|top| top.name).or(format.name)
}

/// The file that a node's own description ends at.
fn file(description: &str) -> Option<PathBuf> {
    let Some(description) = description.strip_prefix("json:") else {
        return Some(description.into());
    };
    let description: Value = serde_json::from_str(description).ok()?;
    let mut node = &description;
    loop {
        match (node.get("filename"), node.get("file")) {
            (Some(filename), _) => return filename.as_str().map(PathBuf::from),
            (None, Some(below)) => node = below,
            (None, None) => return None,
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, driver: &str, file: &str) -> Node {
        Node {
            name: Some(name.into()),
            driver: driver.into(),
            file: file.into(),
        }
    }

    fn disk(inserted: Node) -> Disk {
        let inserted = Some(inserted);
        Disk { inserted }
    }

    #[test]
    fn an_image_is_known_by_its_file_and_named_by_the_topmost_node() {
        let directory = tempfile::tempdir().unwrap();
        let image = directory.path().join("image");
        fs::write(&image, "").unwrap();
        fs::write(directory.path().join("other"), "").unwrap();
        std::os::unix::fs::symlink(&image, directory.path().join("link")).unwrap();
        let throttled =
            r#"json:{"driver":"throttle","file":{"driver":"qcow2","file":{"filename":"link"}}}"#;
        let found = |nodes, disks| choose(nodes, disks, directory.path(), &image);

        let plain = || vec![node("n", "qcow2", "image"), node("f", "file", "image")];
        assert_eq!(found(plain(), vec![]), Some("n".into()), "not plugged in");
        let disks = vec![
            disk(node("x", "qcow2", "other")),
            Disk { inserted: None },
            disk(node("t", "throttle", throttled)),
        ];
        assert_eq!(found(plain(), disks), Some("t".into()));

        let raw = vec![node("n", "raw", "image"), node("f", "file", "image")];
        assert_eq!(found(raw, vec![disk(node("n", "raw", "image"))]), None);
        let other = vec![node("n", "qcow2", "other"), node("m", "qcow2", "gone")];
        assert_eq!(found(other, vec![]), None);
        let rubbish = vec![node("n", "qcow2", "json:{"), node("m", "qcow2", "json:{}")];
        assert_eq!(found(rubbish, vec![]), None);
    }
}
