//! What is left of a machine's operations: everything that is listed is there, and nothing else.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use testbed::until;

use super::{disk, machine::Machine, process::run_well};

const CATALOGUE: &str = "{
    volumes(first: 100) { nodes { id status dataState activeOperation { id } } }
    snapshots(first: 100) { nodes { id status volume { id } } }
    backups(first: 100) { nodes { id status volumeId storedBytes checksum } }
}";

impl Machine {
    /// Waits until no operation is in flight and no volume is held.
    pub async fn settle(&self) {
        let query = "{
            pending: operations(filter: { status: PENDING }) { totalCount }
            started: operations(filter: { status: STARTED }) { totalCount }
            held: volumes(filter: { busy: true }) { totalCount }
        }";
        until("nothing is in flight", async || {
            let counts = self.admin.data(query, json!({})).await;
            let counts = counts.as_object().unwrap();
            counts
                .values()
                .all(|count| count["totalCount"] == 0)
                .then_some(())
        })
        .await;
    }

    /// Fails unless pool and backup storage hold what the API lists, whole, and nothing besides.
    pub async fn assert_nothing_is_left_behind(&self) {
        self.settle().await;
        let catalogue = self.admin.data(CATALOGUE, json!({})).await;
        let mut expected = BTreeSet::new();
        for volume in available(&catalogue["volumes"], &["AVAILABLE", "ATTACHED"]) {
            let id = volume["id"].as_str().unwrap();
            let image = self.image(id);
            assert_eq!(volume["dataState"], "CONSISTENT", "{volume}");
            disk::assert_sound(&image).await;
            let mut marks: BTreeSet<_> = disk::snapshots(&image).await.into_iter().collect();
            for snapshot in available(&catalogue["snapshots"], &["AVAILABLE"]) {
                if snapshot["volume"]["id"] == *id {
                    let mark = format!("tidemark-{}", snapshot["id"].as_str().unwrap());
                    assert!(marks.remove(&mark), "{mark} is not in {id}");
                }
            }
            assert_eq!(
                marks,
                BTreeSet::new(),
                "snapshots in {id} that nobody listed"
            );
            expected.insert(image);
        }
        for backup in available(&catalogue["backups"], &["AVAILABLE"]) {
            let [volume, id] = ["volumeId", "id"].map(|name| backup[name].as_str().unwrap());
            let directory = self.backup(volume, id);
            let disk = directory.join("disk.raw.zst");
            run_well("zstd", &["-q".as_ref(), "-t".as_ref(), disk.as_ref()]).await;
            assert_eq!(backup["storedBytes"], disk.metadata().unwrap().len());
            let digest = blake3::hash(&fs::read(&disk).unwrap());
            assert_eq!(backup["checksum"], format!("blake3:{digest}"));
            expected.extend([disk, directory.join("manifest.json")]);
        }
        let found = self.files();
        assert_eq!(found, expected, "the files on the left are there");
    }

    /// The files in the pool and in the backup storage.
    pub fn files(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        for root in ["pool", "backups"] {
            collect(&self.path(root), &mut found);
        }
        // What a place proves itself with, and what a pool keeps to free itself.
        for (root, kept) in [
            ("pool", "owner.json"),
            ("pool", "reserve"),
            ("backups", "owner.json"),
        ] {
            found.remove(&self.path(root).join(".tidemark").join(kept));
        }
        // These stay when they are empty.
        for kept in ["volumes", "probes"] {
            found.remove(&self.path("backups").join(kept));
        }
        found
    }
}

fn available<'a>(connection: &'a Value, statuses: &[&str]) -> Vec<&'a Value> {
    let nodes = connection["nodes"].as_array().unwrap();
    let available = nodes
        .iter()
        .filter(|node| statuses.iter().any(|status| node["status"] == *status));
    available.collect()
}

/// All files below a directory, hidden ones too, and directories that hold nothing.
fn collect(directory: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if fs::read_dir(&path).unwrap().next().is_none() {
                found.insert(path);
            } else {
                collect(&path, found);
            }
        } else {
            found.insert(path);
        }
    }
}
