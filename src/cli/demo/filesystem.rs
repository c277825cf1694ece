//! Fills a volume's image with a real file system that holds files.

use std::{
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use agent::{
    Tools,
    process::{Invocation, Launcher, Processes, find_program},
    report::Journal,
};
use anyhow::Context;
use tokio::{fs, io::AsyncWriteExt};

const PATIENCE: Duration = Duration::from_mins(5);
const FILES: u32 = 24;
const FILE_BYTES: usize = 512 << 10;

/// Makes an ext4 file system of `size_bytes` with files that say `about`, and writes it into the
/// qcow2 image `image`, which exists and is as large. `scratch` is used meanwhile.
pub(super) async fn fill(
    image: &Path,
    size_bytes: u64,
    about: &str,
    scratch: &Path,
) -> anyhow::Result<()> {
    let tools = Tools::default();
    let launcher = Launcher::new(tools.setpriv.clone())?;
    let processes = Processes::new(launcher, Arc::new(Journal::default()));
    let tree = scratch.join("tree");
    let raw = scratch.join("disk.raw");
    write_tree(&tree, about).await?;
    fs::File::create(&raw).await?.set_len(size_bytes).await?;
    processes
        .run(
            Invocation::new(mke2fs())
                .args(["-q", "-t", "ext4", "-F", "-d"])
                .arg(&tree)
                .arg(&raw)
                .time_limit(PATIENCE),
        )
        .await?;
    processes
        .run(
            Invocation::new(&tools.qemu_img)
                .args(["convert", "-n", "-f", "raw", "-O", "qcow2"])
                .arg(&raw)
                .arg(image)
                .time_limit(PATIENCE),
        )
        .await?;
    fs::remove_dir_all(scratch).await?;
    Ok(())
}

/// Where Debian and others keep it.
fn mke2fs() -> PathBuf {
    let directories = ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin"].map(Path::new);
    find_program("mke2fs", &directories).unwrap_or_else(|| PathBuf::from("/usr/sbin/mke2fs"))
}

/// Text to read, and bytes that do not compress to nothing.
async fn write_tree(tree: &Path, about: &str) -> anyhow::Result<()> {
    let records = tree.join("records");
    fs::create_dir_all(&records).await?;
    fs::write(tree.join("README.txt"), format!("This is {about}.\n")).await?;
    for number in 0..FILES {
        let mut bytes = vec![0; FILE_BYTES];
        blake3::Hasher::new()
            .update(about.as_bytes())
            .update(&number.to_le_bytes())
            .finalize_xof()
            .fill(&mut bytes);
        // Half of it repeats, as files do.
        let (first, second) = bytes.split_at_mut(FILE_BYTES / 2);
        second.copy_from_slice(first);
        fs::write(records.join(format!("{number:03}.bin")), bytes).await?;
    }
    Ok(())
}

/// Writes a file that only its owner may read.
pub(super) async fn write_secret(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = fs::OpenOptions::from(options)
        .open(path)
        .await
        .with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(text.as_bytes()).await?;
    file.sync_all().await?;
    Ok(())
}
