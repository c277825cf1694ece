//! Pools with no room left: what frees space works all the same, by what the pool keeps for it.

use std::{fs, path::Path};

use storage::Standing;
use testbed::Disk;
use tidemark_agent::{
    driver::Failure,
    operation::{Outcome, RestoreSource, SnapshotItem, Volume, Work},
};
use uuid::Uuid;

use crate::{
    place::{completed, create, in_pool, perform},
    site::{MIB, Site, text},
};

/// Fills a file system to the last block, and to the last small file.
fn fill(directory: &Path) {
    for size in [1 << 20, 4096, 0] {
        for number in 0.. {
            let file = directory.join(format!("fill-{size}-{number}"));
            if fs::write(file, vec![1; size]).is_err() {
                break;
            }
        }
    }
}

/// Fills it with empty files.
fn fill_with_files(directory: &Path) {
    for number in 0.. {
        if fs::File::create_new(directory.join(format!("fill-0-{number}"))).is_err()
            && !directory.join(format!("fill-0-{number}")).exists()
        {
            break;
        }
    }
}

/// Takes away what fills a file system.
fn make_room(directory: &Path) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_string_lossy().starts_with("fill-") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
}

fn delete(volume: &Volume, snapshot: &SnapshotItem) -> Work {
    Work::DeleteSnapshot {
        volume: volume.clone(),
        snapshot: snapshot.clone(),
    }
}

fn unknown(volume: &Volume) -> SnapshotItem {
    SnapshotItem {
        id: Uuid::now_v7(),
        volume_size_bytes: volume.size_bytes,
    }
}

async fn refused(site: &Site, work: Work) -> Failure {
    match perform(site, work).await.0 {
        Outcome::Failed { failure, .. } => failure,
        other => panic!("{other:?}"),
    }
}

/// A volume in a pool that was marked, with snapshots of which each has something to itself.
async fn volume_with_snapshots(site: &Site, each: u64) -> (Volume, Vec<SnapshotItem>) {
    let volume = site.volume(64 * MIB);
    completed(site, create(&in_pool(&volume, Standing::New))).await;
    let marked = in_pool(&volume, Standing::Marked);
    let mut snapshots = Vec::new();
    for pattern in [1, 2, 3] {
        site.scribble(&volume, pattern, 0, each);
        snapshots.push(site.take_snapshot(&marked).await);
    }
    site.scribble(&volume, 9, 0, each);
    (marked, snapshots)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_pool_has_space_to_free_space() {
    let site = Site::new();
    let pool = site.path("pool");
    let Some(_disk) = Disk::xfs(&site.path("scratch/disk"), &pool, 320 * MIB) else {
        return;
    };
    let (volume, snapshots) = volume_with_snapshots(&site, 16 * MIB).await;
    let reserve = pool.join(".tidemark/reserve");
    assert_eq!(reserve.metadata().unwrap().len(), 16 * MIB);

    // Without it, nothing can be freed.
    fs::remove_file(&reserve).unwrap();
    fill(&pool);
    let failure = refused(&site, delete(&volume, &snapshots[0])).await;
    assert!(failure.is_pool_full(), "{failure}");
    assert_eq!(site.snapshot_names(&volume).len(), 3);
    make_room(&pool);
    completed(&site, delete(&volume, &unknown(&volume))).await;
    assert_eq!(reserve.metadata().unwrap().len(), 16 * MIB);

    fill(&pool);
    // Back to where it was, and forward again by what is deleted: neither asks for more.
    let roll_back = Work::RestoreInPlace {
        volume: volume.clone(),
        source: RestoreSource::Snapshot(snapshots[2].clone()),
    };
    completed(&site, roll_back).await;
    for snapshot in &snapshots {
        fill(&pool);
        completed(&site, delete(&volume, snapshot)).await;
    }
    assert!(site.snapshot_names(&volume).is_empty());
    assert!(site.is_whole(&volume));
    fill(&pool);
    let image = site.image(&volume);
    completed(&site, Work::DeleteVolume { volume }).await;
    assert!(!image.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_can_have_no_more_files_has_one_to_free_space_with() {
    let site = Site::new();
    let pool = site.path("pool");
    let image = site.path("scratch/disk");
    let Some(_disk) = Disk::ext4(&["-N", "32"], &image, &pool, 240 * MIB) else {
        return;
    };
    let (volume, snapshots) = volume_with_snapshots(&site, 4 * MIB).await;
    let reserve = pool.join(".tidemark/reserve");
    fs::remove_file(&reserve).unwrap();
    fill_with_files(&pool);
    let failure = refused(&site, delete(&volume, &snapshots[0])).await;
    assert!(failure.is_pool_full(), "{failure}");
    fs::remove_file(pool.join("fill-0-0")).unwrap();
    completed(&site, delete(&volume, &unknown(&volume))).await;
    assert!(reserve.exists());
    for snapshot in &snapshots {
        fill_with_files(&pool);
        completed(&site, delete(&volume, snapshot)).await;
    }
    assert!(site.snapshot_names(&volume).is_empty());
    assert!(site.is_whole(&volume));
    assert!(reserve.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_quota_refuses_is_freed_by_the_reserve_although_there_is_space() {
    let mut site = Site::new();
    let (volume, snapshots) = volume_with_snapshots(&site, MIB).await;
    let reserve = site.path("pool/.tidemark/reserve");
    let real = site.host.tools.qemu_img.clone();
    // What QEMU says where the agent's user may have no more.
    let body = format!(
        "case \"$*\" in *snapshot*-d*) if [ -e {} ]; then echo \"qemu-img: Could not delete snapshot: Disk quota \
         exceeded\" >&2; exit 1; fi ;; esac\nexec $real \"$@\"",
        text(&reserve)
    );
    site.host.tools.qemu_img = site.script(text(&real), &body);
    for snapshot in &snapshots {
        assert!(reserve.exists());
        completed(&site, delete(&volume, snapshot)).await;
    }
    assert!(site.snapshot_names(&volume).is_empty());
    assert_eq!(reserve.metadata().unwrap().len(), 16 * MIB);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_was_small_or_full_from_the_start_has_a_reserve_too() {
    let site = Site::new();
    let pool = site.path("pool");
    let Some(_disk) = Disk::ext4(&[], &site.path("scratch/disk"), &pool, 40 * MIB) else {
        return;
    };
    let volume = in_pool(&site.volume(64 * MIB), Standing::New);
    completed(&site, create(&volume)).await;
    let reserve = pool.join(".tidemark/reserve").metadata().unwrap().len();
    assert!((MIB..16 * MIB).contains(&reserve), "{reserve}");
    // And no more of it than that.
    let marked = in_pool(&volume, Standing::Marked);
    completed(&site, delete(&marked, &unknown(&volume))).await;
    let again = pool.join(".tidemark/reserve").metadata().unwrap().len();
    assert_eq!(again, reserve);
}
