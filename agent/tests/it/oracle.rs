//! Generated images of every kind, with snapshots and damage: what the agent reads of them is what `qemu-img` reads,
//! or it refuses them for a reason that `docs/images.md` has; what it writes changes nothing else. Nothing else may
//! come of it.
//!
//! `TIDEMARK_SOAK_IMAGES` says how many, `TIDEMARK_SOAK_SEED` which (`just soak-images`), `TIDEMARK_SOAK_FIRST` which of
//! these is the first.

mod damage;
mod generate;
mod judge;

use std::{collections::BTreeMap, fs};

use tidemark_agent::driver::{Code, SnapshotName};

use self::{
    generate::{Numbers, Subject},
    judge::{Case, converted},
};
use crate::site::{Site, digest_of, processes_that_mention, run, text};

const IMAGES: u64 = 26;
const SEED: u64 = 20_261_130;
/// So many have every property that an image can have.
const ALL: u64 = 200;

/// What has to be among the images of a soak.
const TRAITS: [&str; 45] = [
    "cluster_size=512",
    "cluster_size=1024",
    "cluster_size=2048",
    "cluster_size=4096",
    "cluster_size=8192",
    "cluster_size=16384",
    "cluster_size=32768",
    "cluster_size=65536",
    "cluster_size=131072",
    "cluster_size=262144",
    "cluster_size=524288",
    "cluster_size=1048576",
    "cluster_size=2097152",
    "compat=0.10",
    "compat=1.1",
    "refcount_bits=1",
    "refcount_bits=2",
    "refcount_bits=4",
    "refcount_bits=8",
    "refcount_bits=16",
    "refcount_bits=32",
    "refcount_bits=64",
    "extended_l2=on",
    "compression_type=zlib",
    "compression_type=zstd",
    "lazy_refcounts=on",
    "preallocation=off",
    "preallocation=metadata",
    "preallocation=falloc",
    "preallocation=full",
    "DataFile",
    "RawDataFile",
    "Luks",
    "Aes",
    "RawBacking",
    "Qcow2Backing",
    "MachineState",
    "None",
    "grown",
    "shrunk",
    "deleted",
    "rolled back",
    "bitmap",
    "sound",
    "damaged",
];

/// What was seen.
#[derive(Debug, Default)]
struct Tally {
    traits: BTreeMap<String, u64>,
    /// What was done as it should be, of each kind of work.
    done: BTreeMap<&'static str, u64>,
    refused: BTreeMap<String, u64>,
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_an_image_is_like_it_is_read_as_qemu_reads_it_or_refused() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
    let images = number("TIDEMARK_SOAK_IMAGES").unwrap_or(IMAGES);
    let first = number("TIDEMARK_SOAK_FIRST").unwrap_or(0);
    let seed = number("TIDEMARK_SOAK_SEED").unwrap_or(SEED);
    eprintln!("{images} images, seed {seed}");
    let (mut tally, mut wrong) = (Tally::default(), Vec::new());
    for number in first..first + images {
        if let Err(reason) = try_image(seed, number, &mut tally).await {
            eprintln!("image {number}: {reason}");
            wrong.push(format!("image {number} of seed {seed}: {reason}"));
        }
    }
    eprintln!("{tally:#?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let whole = tally.done.get("snapshot").copied().unwrap_or_default();
    assert!(whole >= images / 2, "most of them were refused");
    if images >= ALL {
        let kinds = damage::KINDS.map(|kind| format!("damage: {kind}"));
        let all = TRAITS.map(str::to_owned).into_iter().chain(kinds);
        let missing: Vec<_> = all
            .filter(|name| !tally.traits.contains_key(name))
            .collect();
        assert!(missing.is_empty(), "no image had {missing:?}");
    }
}

async fn try_image(seed: u64, number: u64, tally: &mut Tally) -> Result<(), String> {
    let site = Site::new();
    let mut numbers = Numbers::new(seed, number);
    // No disk becomes smaller than that.
    let mut volume = site.volume(256 << 10);
    let image = site.image(&volume);
    // A backup from when all was well.
    run(
        "qemu-img",
        ["create", "-q", "-f", "qcow2", text(&image), "256K"],
    );
    site.scribble(&volume, 0xb5, 64 << 10, 128 << 10);
    let backup = site.take_backup(&volume).await;
    let content = converted(&image, None, &site.path("scratch/raw")).unwrap();
    fs::remove_file(&image).unwrap();

    let subject = generate::image(&image, &site.path("scratch"), number, &mut numbers);
    volume.size_bytes = subject.size_bytes;
    count(&subject, tally);
    let case = Case {
        site: &site,
        volume: &volume,
        image: &image,
        subject: &subject,
    };
    let told = |what: &str| format!("{what}\n{subject:#?}");
    for name in &subject.names {
        let verdict = case.snapshot(*name).await.map_err(|what| told(&what))?;
        tally.take("snapshot", verdict);
    }
    let verdict = case.backup().await.map_err(|what| told(&what))?;
    tally.take("backup", verdict);
    let verdict = case.restore(&backup, &content).await;
    tally.take("restore", verdict.map_err(|what| told(&what))?);
    let servers = processes_that_mention(text(&image));
    if servers.is_empty() {
        return Ok(());
    }
    Err(format!("still running: {servers:?}"))
}

fn count(subject: &Subject, tally: &mut Tally) {
    let health = if subject.is_damaged {
        "damaged"
    } else {
        "sound"
    };
    let words = subject.traits.iter().map(String::as_str).chain([health]);
    for word in words {
        *tally.traits.entry(word.to_owned()).or_default() += 1;
    }
}

impl Tally {
    fn take(&mut self, work: &'static str, refusal: Option<String>) {
        match refusal {
            None => *self.done.entry(work).or_default() += 1,
            Some(reason) => {
                *self.refused.entry(format!("{work}: {reason}")).or_default() += 1;
            }
        }
    }
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
            damage::claim_what_is_shared(&image)
        } else {
            damage::count_nothing(&image)
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
