//! Volumes too large for the disk: `nbdkit` makes their content up, and the backup is only counted.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use bytes::Bytes;
use storage::{Object, ObjectPath, ObjectWriter, Store};
use tidemark_agent::{
    export::{self, Source},
    nbd::{Client, Error},
    report::Progress,
};
use tokio::process::{Child, Command};

use crate::{Options, contender::Contender, meter, table};

const NAME: &str = "**Tidemark**, export to a store that counts";
const GENERATOR: Contender = Contender {
    name: "a volume that is made up",
    needs: &["nbdkit"],
    prepare: String::new(),
    script: String::new(),
    finish: "",
    once: true,
    streams: true,
    stores: false,
};

/// Exports a volume that exists nowhere.
pub async fn run(options: &Options, size: u64, percent: u64) -> Result<()> {
    if !GENERATOR.missing().is_empty() {
        println!("\nLeft out: {}, for want of nbdkit.", GENERATOR.name);
        return Ok(());
    }
    let directory = tempfile::tempdir()?;
    let socket = directory.path().join("socket");
    let mut server = Command::new("nbdkit")
        .args(["--foreground", "--exit-with-parent", "--unix"])
        .arg(&socket)
        .arg("sparse-random")
        .args([
            format!("size={size}G"),
            format!("percent={percent}"),
            "runlength=4194304".into(),
        ])
        // Noise: the worst case for what is compressed and stored.
        .arg("random-content=true")
        .kill_on_drop(true)
        .spawn()?;
    let source = Source::from(connect(&socket, &mut server).await?);
    let (mut best, mut moved) = (None, 0);
    for _ in 0..options.repeat.min(2) {
        let store = Counting::default();
        let progress = Progress::default();
        let path = ObjectPath::new("disk.raw.zst")?;
        let work = async { Ok(export::write(&source, &store, &path, &progress).await?) };
        let (written, cost) = meter::measure(Box::pin(work)).await?;
        moved = progress.subscribe().borrow().bytes_done;
        let row = table::Row {
            name: NAME.into(),
            cost,
            data_bytes: moved,
            stored_bytes: Some(written.stored_bytes),
        };
        match &mut best {
            None => best = Some(row),
            Some(best) => best.improve(row),
        }
    }
    println!(
        "\n## {size} GiB with {percent} % data, served by nbdkit: {} MB",
        moved / 1_000_000
    );
    table::head("From a volume to a backup that is not kept");
    best.context("it never ran")?.print();
    Ok(())
}

async fn connect(socket: &std::path::Path, server: &mut Child) -> Result<Client> {
    loop {
        match Client::connect(socket, 4).await {
            Err(Error::Connect(_)) => {
                if let Some(status) = server.try_wait()? {
                    bail!("nbdkit ended: {status}");
                }
                tokio::task::yield_now().await;
            }
            client => return Ok(client?),
        }
    }
}

/// Takes everything and keeps nothing.
#[derive(Debug, Default)]
struct Counting(Arc<AtomicU64>);

#[async_trait]
impl Store for Counting {
    async fn create(&self, _: &ObjectPath, _: u64) -> storage::Result<Box<dyn ObjectWriter>> {
        Ok(Box::new(Counter(Arc::clone(&self.0))))
    }

    async fn read(&self, path: &ObjectPath, _: Range<u64>) -> storage::Result<Bytes> {
        Err(storage::Error::NotFound { path: path.clone() })
    }

    async fn size(&self, _: &ObjectPath) -> storage::Result<u64> {
        Ok(self.0.load(Ordering::Relaxed))
    }

    async fn list(&self, _: &ObjectPath) -> storage::Result<Vec<Object>> {
        Ok(Vec::new())
    }

    async fn is_vacant(&self) -> storage::Result<bool> {
        Ok(true)
    }

    async fn delete(&self, _: &ObjectPath) -> storage::Result<()> {
        Ok(())
    }

    async fn delete_prefix(&self, _: &ObjectPath) -> storage::Result<()> {
        Ok(())
    }
}

struct Counter(Arc<AtomicU64>);

#[async_trait]
impl ObjectWriter for Counter {
    async fn append(&mut self, chunk: Bytes) -> storage::Result<()> {
        self.0.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    async fn commit(self: Box<Self>) -> storage::Result<()> {
        Ok(())
    }

    async fn abort(self: Box<Self>) -> storage::Result<()> {
        Ok(())
    }
}
