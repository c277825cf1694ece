//! How fast it is. Run with `--release --run-ignored only --no-capture`; nothing is asserted.

use std::time::Instant;

use tidemark_agent::operation::{RestoreSource, Work};

use crate::site::{MIB, Site};

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
