//! How fast it is. Run with `--release --run-ignored only --no-capture`; nothing is asserted.

use std::{
    fs,
    os::unix::fs::{FileExt as _, MetadataExt as _},
    time::Instant,
};

use tidemark_agent::operation::{BackupItem, RestoreSource, Volume, Work};

use crate::site::{MIB, Site, run, text};

const SIZE: u64 = 4096 * MIB;
const PART: u64 = 512 * MIB;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures"]
async fn backup_and_restore() {
    let site = Site::new();
    let volume = site.volume(10 << 30);
    site.complete(Work::CreateVolume {
        volume: volume.clone(),
    })
    .await;
    // Half of it compresses well, half does not at all.
    let noise = site.path("scratch/noise");
    let mut content = vec![0; usize::try_from(PART).unwrap()];
    blake3::Hasher::new().finalize_xof().fill(&mut content);
    std::fs::write(&noise, content).unwrap();
    let image = site.image(&volume);
    for offset in (0..SIZE).step_by(2 * usize::try_from(PART).unwrap()) {
        let write = format!("write -s {} {offset} {PART}", noise.display());
        crate::site::run(
            "qemu-io",
            ["-f", "qcow2", "-c", &write, image.to_str().unwrap()],
        );
        site.scribble(&volume, 0x5a, offset + PART, PART);
    }
    let report = |what: &str, start: Instant| {
        let seconds = start.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let speed = SIZE as f64 / 1e6 / seconds;
        eprintln!("{what}: {seconds:.2} s, {speed:.0} MB/s");
    };

    let backup = site.backup_of(&volume);
    let start = Instant::now();
    site.complete(Work::CreateBackup {
        volume: volume.clone(),
        backup: backup.clone(),
    })
    .await;
    report("backup", start);

    let target = site.volume(10 << 30);
    let start = Instant::now();
    let work = Work::RestoreBackup {
        backup: backup.clone(),
        target: target.clone(),
    };
    site.complete(work).await;
    report("restore to a new volume", start);
    site.complete(Work::DeleteVolume { volume: target }).await;

    let snapshot = site.take_snapshot(&volume).await;
    let target = site.volume(10 << 30);
    let start = Instant::now();
    let work = Work::RestoreSnapshot {
        volume: volume.clone(),
        snapshot,
        target: target.clone(),
    };
    site.complete(work).await;
    report("snapshot to a new volume", start);
    site.complete(Work::DeleteVolume { volume: target }).await;

    let source = RestoreSource::Backup(Box::new(backup));
    let start = Instant::now();
    site.complete(Work::RestoreInPlace { volume, source }).await;
    report("restore in place, verified first", start);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures"]
async fn restores_in_place() {
    let site = Site::new();
    let in_place = |volume: &Volume, backup: &BackupItem| Work::RestoreInPlace {
        volume: volume.clone(),
        source: RestoreSource::Backup(Box::new(backup.clone())),
    };
    let measure = async |what: &str, volume: &Volume, backup: &BackupItem| {
        let blocks = || fs::metadata(site.image(volume)).unwrap().blocks();
        let (before, start) = (blocks(), Instant::now());
        site.complete(in_place(volume, backup)).await;
        let (took, grown) = (start.elapsed(), blocks().saturating_sub(before) / 2);
        eprintln!("{what}: {:.2} s, {grown} KiB more", took.as_secs_f64());
    };
    for tebibytes in [2, 8] {
        let volume = site.volume(tebibytes << 40);
        site.complete(Work::CreateVolume {
            volume: volume.clone(),
        })
        .await;
        site.scribble(&volume, 1, 1 << 40, MIB);
        let backup = site.take_backup(&volume).await;
        site.scribble(&volume, 2, 3 << 39, MIB);
        let what = format!("{tebibytes} TiB with 1 MiB of data");
        measure(&what, &volume, &backup).await;
    }
    // Every other step is zeros.
    let volume = site.volume(1024 * MIB);
    let raw = site.path("scratch/striped");
    let striped = fs::File::create(&raw).unwrap();
    striped.set_len(volume.size_bytes).unwrap();
    let mut step = vec![0; 64 << 10];
    for place in (0..volume.size_bytes).step_by(2 * step.len()) {
        blake3::Hasher::new()
            .update(&place.to_be_bytes())
            .finalize_xof()
            .fill(&mut step);
        striped.write_all_at(&step, place).unwrap();
    }
    let convert = ["convert", "-f", "raw", "-O", "qcow2", text(&raw)];
    let image = site.image(&volume);
    run("qemu-img", convert.into_iter().chain([text(&image)]));
    let backup = site.take_backup(&volume).await;
    for _ in 0..3 {
        measure("stripes over the same", &volume, &backup).await;
    }
    for _ in 0..3 {
        site.scribble(&volume, 7, 0, volume.size_bytes);
        measure("stripes over data", &volume, &backup).await;
    }
}
