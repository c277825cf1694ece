//! Generated images of every kind, with snapshots and damage: what the agent reads of them is what `qemu-img` reads,
//! or it refuses them for a reason that `docs/images.md` has. Nothing else may come of it.
//!
//! `TIDEMARK_SOAK_IMAGES` says how many, `TIDEMARK_SOAK_SEED` which (`just soak-images`).

mod generate;

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use tidemark_agent::{
    driver::{Code, Driver as _, Failure, SnapshotName, qcow2_file::Qcow2File},
    export::{Target, copy},
    qcow2::NewImage,
    report::Progress,
};
use uuid::Uuid;

use self::generate::{Numbers, Subject};
use crate::site::{Site, digest_of, processes_that_mention, run, text, within};

const IMAGES: u64 = 26;
const SEED: u64 = 20_261_130;

/// How a refusal begins that `docs/images.md` has.
const DOCUMENTED: [&str; 5] = [
    "The volume cannot be worked on: its image ",
    "The volume cannot be opened.",
    "The snapshot is no longer on the volume's storage.",
    "The snapshot cannot be read: its image has become smaller since.",
    "The snapshot holds ",
];

/// What came of reading a snapshot.
enum Reading {
    Whole(Vec<u8>),
    Refused(String),
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_an_image_is_like_it_is_read_as_qemu_reads_it_or_refused() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
    let images = number("TIDEMARK_SOAK_IMAGES").unwrap_or(IMAGES);
    let seed = number("TIDEMARK_SOAK_SEED").unwrap_or(SEED);
    eprintln!("{images} images, seed {seed}");
    let (mut whole, mut refused) = (0, BTreeMap::<String, u64>::new());
    for number in 0..images {
        let site = Site::new();
        let id = Uuid::now_v7();
        let image = site.path("pool").join(format!("{id}.qcow2"));
        let mut numbers = Numbers::new(seed, number);
        let subject = generate::image(&image, &site.path("scratch"), number, &mut numbers);
        for name in &subject.snapshots {
            match judge(&site, id, &image, &subject, *name).await {
                Ok(None) => whole += 1,
                Ok(Some(reason)) => *refused.entry(reason).or_default() += 1,
                Err(wrong) => panic!("image {number} of seed {seed}: {wrong}\n{subject:#?}"),
            }
        }
        let servers = processes_that_mention(text(&image));
        assert!(servers.is_empty(), "still running: {servers:?}");
    }
    eprintln!("{whole} snapshots were read as QEMU reads them, and refused were: {refused:#?}");
    assert!(whole >= images / 2, "most of them were refused");
}

/// Nothing if a snapshot is read as QEMU reads it, or why it is refused; or what is wrong.
async fn judge(
    site: &Site,
    id: Uuid,
    image: &Path,
    subject: &Subject,
    name: SnapshotName,
) -> Result<Option<String>, String> {
    let before = digest_of(image);
    let expected = converted(image, Some(name), &site.path("scratch/expected"));
    let driver = Qcow2File::new(
        &site.path("pool"),
        id,
        subject.largest_bytes,
        site.surroundings(),
    );
    let copied = site.path("scratch/copied");
    let reading = match within(read(&driver.unwrap(), name, &copied)).await {
        Ok(()) => {
            let raw = site.path("scratch/raw");
            let read = converted(&copied, None, &raw).ok_or("what was copied cannot be read")?;
            fs::remove_file(&copied).unwrap();
            Reading::Whole(read)
        }
        Err(failure) => {
            let _ = fs::remove_file(&copied);
            let is_documented = DOCUMENTED
                .iter()
                .any(|words| failure.message.starts_with(words));
            // What a server finds in the middle has no words of its own.
            let is_server = failure.code == Code::StorageFailed
                && failure.message.starts_with("The volume's storage failed");
            if !is_documented && !is_server {
                return Err(format!(
                    "{name} is refused without a documented reason: {failure}"
                ));
            }
            Reading::Refused(failure.message)
        }
    };
    if digest_of(image) != before {
        return Err(format!("reading {name} has changed the image"));
    }
    match (reading, expected) {
        (Reading::Refused(reason), _) => Ok(Some(without_numbers(&reason))),
        (Reading::Whole(_), None) => Err(format!("{name} is read, and QEMU refuses it")),
        (Reading::Whole(read), Some(expected)) => {
            // QEMU offers a snapshot at the size that the disk has today.
            let both = read.len().min(expected.len());
            if read[..both] != expected[..both] {
                return Err(format!("{name} is not read as QEMU reads it"));
            }
            if read
                .get(both..)
                .is_some_and(|rest| read.len() > both && rest.iter().any(|byte| *byte != 0))
                && !subject.has_shrunk
            {
                return Err(format!("{name} is read beyond its end"));
            }
            Ok(None)
        }
    }
}

/// Copies a snapshot to a new image, by what a backup reads with.
async fn read(driver: &Qcow2File, name: SnapshotName, copied: &Path) -> Result<(), Failure> {
    let snapshot = driver.open_snapshot(name).await?;
    let image = NewImage::create(copied, snapshot.source().size_bytes()).unwrap();
    let target = Target::from(image);
    let progress = Progress::default();
    if let Err(error) = copy(snapshot.source(), &target, &progress).await {
        return Err(snapshot.explain(error).await);
    }
    snapshot.finish().await
}

/// What QEMU reads of an image or of a snapshot in it; nothing if it refuses.
fn converted(image: &Path, snapshot: Option<SnapshotName>, raw: &Path) -> Option<Vec<u8>> {
    let name = snapshot.map(|name| format!("snapshot.name={name}"));
    let mut command = Command::new("qemu-img");
    command.args(["convert", "-U", "-f", "qcow2", "-O", "raw"]);
    command.args(name.iter().flat_map(|name| ["-l", name]));
    let done = command.arg(image).arg(raw).output().unwrap();
    let content = done.status.success().then(|| fs::read(raw).unwrap());
    let _ = fs::remove_file(raw);
    content
}

fn without_numbers(reason: &str) -> String {
    reason
        .replace(|letter: char| letter.is_ascii_digit(), "#")
        .replace("##", "#")
        .replace("##", "#")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_does_not_change_because_a_table_was_wrong() {
    for number in 0..12 {
        let site = Site::new();
        let volume = site.volume(8 << 20);
        let image = site.image(&volume);
        let options = [
            "cluster_size=64k",
            "cluster_size=4k,refcount_bits=64",
            "cluster_size=64k,refcount_bits=2",
            "cluster_size=64k,refcount_bits=4",
            "cluster_size=16k,extended_l2=on",
            "cluster_size=512",
        ];
        let option = options[number % options.len()];
        run(
            "qemu-img",
            [
                "create",
                "-q",
                "-f",
                "qcow2",
                "-o",
                option,
                text(&image),
                "8M",
            ],
        );
        site.scribble(&volume, 1, 0, 6 << 20);
        let backup = site.take_backup(&volume).await;
        site.scribble(&volume, 2, 0, 4 << 20);
        let kept = site.take_snapshot(&volume).await;
        site.scribble(&volume, 3, 1 << 20, 1 << 20);
        let name = SnapshotName::Kept(kept.id);
        let before = converted(&image, Some(name), &site.path("scratch/raw")).unwrap();
        let lie = if number < options.len() {
            generate::claim_what_is_shared(&image)
        } else {
            generate::count_nothing(&image)
        };
        let sound = digest_of(&image);
        let work = tidemark_agent::operation::Work::RestoreInPlace {
            volume: volume.clone(),
            source: tidemark_agent::operation::RestoreSource::Backup(Box::new(backup)),
        };
        let (failure, touched) = site.fail(work).await;
        assert_eq!(
            failure.code,
            Code::ImageDamaged,
            "{option}, {lie}: {failure}"
        );
        assert!(!touched && digest_of(&image) == sound, "{option}, {lie}");
        let after = converted(&image, Some(name), &site.path("scratch/raw")).unwrap();
        assert!(before == after, "{option}, {lie}: the snapshot has changed");
        site.assert_clean();
    }
}
