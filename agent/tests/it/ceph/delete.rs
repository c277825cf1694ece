//! Deletions that others stand in the way of, or that break off at any command.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tidemark_agent::{
    driver::Removed,
    operation::{Volume, Work},
};
use uuid::Uuid;

use super::{Cluster, POOL, rename::Cut, snapshot_work};
use crate::site::{MIB, text};

fn delete(volume: &Volume) -> Work {
    Work::DeleteVolume {
        volume: volume.clone(),
    }
}

/// Deletes a volume that is open, in vain, and once more when it is not.
async fn delete_while_open(cluster: &Cluster, volume: &Volume) {
    let mut holder = cluster.hold(volume).await;
    let before = cluster.digest(volume);
    let work = delete(volume);
    let (removed, told) = cluster.site.removed(work.clone(), 1).await;
    assert!(told.contains("in use"), "{told}");
    assert_eq!(removed, Removed::Nothing);
    assert_eq!(cluster.images(), [volume.id.to_string()]);
    assert_eq!(cluster.digest(volume), before);
    // It has not been shut out either.
    holder.write(8).await;
    holder.close().await;
    cluster.site.complete(work).await;
    assert_eq!(cluster.images(), [""; 0]);
    cluster.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_volume_is_deleted_while_a_client_has_it_open() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(16 * MIB).await;
    let partial = format!("tidemark-tmp-{}", volume.id);
    cluster.rbd(&["create"], &partial, &["--size", "16M"]);
    // What was never finished is cleaned up.
    delete_while_open(&cluster, &volume).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_with_two_names_is_not_deleted_by_either_while_a_client_has_it_open() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(16 * MIB).await;
    let image = volume.id.to_string();
    let partial = format!("tidemark-tmp-{image}");
    cluster.rename_half(&image, &partial, Cut::BeforeDirectory);
    delete_while_open(&cluster, &volume).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_have_protected_or_cloned_is_refused_and_not_changed() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(16 * MIB).await;
    let before = cluster.digest(&volume);
    let image = volume.id.to_string();
    let (snapshot, work) = snapshot_work(&volume);
    cluster.site.complete(work).await;
    let name = format!("tidemark-{}", snapshot.id);
    cluster.rbd(&["snap", "protect"], &image, &["--snap", &name]);
    let is_protected = || {
        let listed = cluster.rbd(&["snap", "ls"], &image, &["--format", "json"]);
        listed.contains("\"protected\":\"true\"")
    };
    let delete_snapshot = Work::DeleteSnapshot {
        volume: volume.clone(),
        snapshot,
    };
    for format in [None, Some("1"), Some("2")] {
        if let Some(format) = format {
            let option = format!("--rbd-default-clone-format={format}");
            let to = ["--dest-pool", POOL, "--dest", "other", &option];
            let options = [&["--snap", name.as_str()][..], &to].concat();
            cluster.rbd(&["clone"], &image, &options);
            let (removed, told) = cluster.site.removed(delete(&volume), 1).await;
            assert!(told.contains("is a clone"), "{told}");
            assert_eq!(removed, Removed::Nothing, "{format:?}");
        }
        let (removed, told) = cluster.site.removed(delete_snapshot.clone(), 1).await;
        assert!(told.contains("protected"), "{told}");
        assert_eq!(removed, Removed::Nothing, "{format:?}");
        assert!(is_protected(), "{format:?}");
        assert_eq!(cluster.snapshots(&image), [name.as_str()]);
        assert_eq!(cluster.digest(&volume), before);
        if format.is_some() {
            cluster.rbd(&["rm"], "other", &["--no-progress"]);
        }
    }
    cluster.site.complete(delete(&volume)).await;
    assert_eq!(cluster.images(), [""; 0]);
    cluster.assert_clean();
}

impl Cluster {
    /// Has `rbd` fail where `condition`, a line of the shell, is true of its arguments: with these words, and this
    /// status. `$renamed` is a file that is there once an image was renamed.
    fn bend(&mut self, condition: &str, words: &str, status: i32) {
        let real = self.site.host.tools.rbd.clone();
        let body = format!(
            "renamed=$0.renamed\n\
             if {condition}; then echo '{words}' >&2; exit {status}; fi\n\
             case \"$*\" in *' rename '*) touch $renamed ;; esac\n\
             exec $real \"$@\""
        );
        self.site.host.tools.rbd = self.site.script(text(&real), &body);
    }

    /// Has the `number`th run of `rbd` from now on fail, with these words and this status. The file that it gives back
    /// gets a line for each run.
    pub fn break_at(&mut self, number: u32, words: &str, status: i32) -> PathBuf {
        let runs = self.site.path(&format!("scratch/{}", Uuid::now_v7()));
        let real = self.site.host.tools.rbd.clone();
        // A line more is whole or not there, also of a run that is killed meanwhile.
        let body = format!(
            "exec 9>{runs}.lock; flock 9\necho >>{runs}; n=$(wc -l <{runs})\nflock -u 9; exec 9>&-\n\
             if [ $n = {number} ]; then echo '{words}' >&2; exit {status}; fi\nexec $real \"$@\"",
            runs = text(&runs)
        );
        self.site.host.tools.rbd = self.site.script(text(&real), &body);
        runs
    }
}

/// How often `rbd` ran.
pub fn count(runs: &Path) -> u32 {
    let runs = fs::read_to_string(runs).unwrap_or_default();
    runs.lines().count().try_into().unwrap()
}

/// Of arguments that have a word.
fn has(word: &str) -> String {
    format!("case \"$*\" in *' {word} '*) true ;; *) false ;; esac")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_is_refused_after_the_renaming_gives_the_volume_its_name_back() {
    let Some(mut cluster) = Cluster::start().await else {
        return;
    };
    let real = cluster.site.host.tools.clone();
    let volume = cluster.filled_volume(16 * MIB).await;
    let before = cluster.digest(&volume);
    let image = volume.id.to_string();
    let refusals = [
        // A client came after it was looked for.
        ("rm", "rbd: error: image still has watchers", 16),
        ("rm", "rbd: image has snapshots", 39),
        // Somebody has put it into a group, or cloned it.
        (
            "rm",
            "rbd: error: image pertains to a consistency group",
            31,
        ),
        ("rm", "rbd: delete error: (10) No child processes", 10),
        // Of a pool for data, in which nothing may be changed.
        ("rm", "rbd: delete error: (1) Operation not permitted", 1),
        (
            "lock",
            "rbd: listing locks failed: (1) Operation not permitted",
            1,
        ),
    ];
    for (verb, words, status) in refusals {
        let condition = format!("[ -e $renamed ] && {}", has(verb));
        cluster.bend(&condition, words, status);
        let (removed, told) = cluster.site.removed(delete(&volume), 1).await;
        assert_eq!(removed, Removed::Nothing, "{words}: {told}");
        let renamed = cluster.site.host.tools.rbd.with_extension("renamed");
        assert!(renamed.exists(), "{words}: it was refused before");
        cluster.site.host.tools = real.clone();
        assert_eq!(cluster.images(), [image.as_str()]);
        assert_eq!(cluster.digest(&volume), before);
        cluster.assert_clean();
    }
    // Nor can it be renamed back.
    let condition = format!(
        "[ -e $renamed ] && {{ {} || {}; }}",
        has("rm"),
        has("rename")
    );
    cluster.bend(&condition, "rbd: error: image still has watchers", 16);
    let (removed, _) = cluster.site.removed(delete(&volume), 1).await;
    assert_eq!(removed, Removed::Unknown);
    cluster.site.host.tools = real;
    cluster.site.complete(delete(&volume)).await;
    assert_eq!(cluster.images(), [""; 0]);
    cluster.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_fails_at_any_command_never_says_that_nothing_is_gone_when_it_is() {
    let Some(mut cluster) = Cluster::start().await else {
        return;
    };
    let real = cluster.site.host.tools.clone();
    for (says, status) in [
        ("rbd: (1) Operation not permitted", 1),
        ("rbd: timed out", 110),
    ] {
        let mut seen = Vec::new();
        for fail_at in 1_u32.. {
            let volume = cluster.filled_volume(16 * MIB).await;
            let before = cluster.digest(&volume);
            let runs = cluster.break_at(fail_at, says, status);
            let outcome = cluster.site.perform(delete(&volume)).await;
            cluster.site.host.tools = real.clone();
            let tidemark_agent::operation::Outcome::Failed { failure, .. } = outcome else {
                assert_eq!(cluster.images(), [""; 0], "{fail_at}");
                if count(&runs) < fail_at {
                    break;
                }
                // What waited was not needed.
                continue;
            };
            let removed = failure.removed.unwrap();
            if removed == Removed::Nothing {
                assert_eq!(
                    cluster.images(),
                    [volume.id.to_string()],
                    "{fail_at}: {failure}"
                );
                assert_eq!(cluster.digest(&volume), before, "{fail_at}: {failure}");
            }
            seen.push(removed);
            cluster.site.complete(delete(&volume)).await;
            assert_eq!(cluster.images(), [""; 0], "{fail_at}");
        }
        // What is asked first changes nothing.
        assert_eq!(seen[0], Removed::Nothing, "{seen:?}");
        assert!(seen.len() > 5, "{seen:?}");
    }
    cluster.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_does_not_answer_has_removed_nothing_before_it_was_asked_to() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let volume = cluster.filled_volume(16 * MIB).await;
    let (snapshot, work) = snapshot_work(&volume);
    cluster.site.complete(work).await;
    let delete_snapshot = Work::DeleteSnapshot {
        volume: volume.clone(),
        snapshot,
    };
    cluster.ceph.pause_osd();
    for work in [delete_snapshot.clone(), delete(&volume)] {
        for (epoch, expected) in [(1, Removed::Nothing), (2, Removed::Unknown)] {
            let (removed, told) = cluster.site.removed(work.clone(), epoch).await;
            assert!(told.contains("did not answer"), "{told}");
            assert_eq!(removed, expected);
        }
    }
    cluster.ceph.resume_osd();
    testbed::until("the cluster answers", async || {
        Some(cluster.images()).filter(|images| !images.is_empty())
    })
    .await;
    cluster.site.complete(delete_snapshot).await;
    cluster.site.complete(delete(&volume)).await;
    cluster.assert_clean();
}
