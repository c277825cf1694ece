//! The page that tells how to restore without Tidemark, run as it stands.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use testbed::{Ceph, Rgw};
use tokio::{process::Command, time::timeout};

use crate::harness::{Content, MIB, Machine, PlatformSize, Rules, bucket, create_backup_storage};

/// A block of commands, and when it is for the reader.
struct Block {
    /// All of these have to apply.
    tags: Vec<String>,
    commands: String,
}

/// Who has a directory, and wants a qcow2 image.
const DIRECTORY: &[&str] = &["local", "b3sum", "qcow2", "grow"];
/// Who has a bucket, and wants an image of each kind.
const BUCKET: &[&str] = &["s3", "b3sum", "stream", "qcow2", "ceph", "grow"];
/// A kernel that mounts NFS is not everywhere. What it mounts is a directory.
const NOT_RUN: &[&str] = &["nfs"];

impl Block {
    fn is_for(&self, reader: &[&str]) -> bool {
        self.tags.iter().all(|tag| reader.contains(&tag.as_str()))
    }
}

fn blocks() -> Vec<Block> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/restore-without-tidemark.md");
    let page = fs::read_to_string(page).unwrap();
    let fenced = page.split("\n```").skip(1).step_by(2);
    let blocks = fenced.map(|block| {
        let (info, commands) = block.split_once('\n').unwrap();
        let mut words = info.split(' ');
        assert_eq!(words.next(), Some("sh"), "{info}");
        let tags = words.map(str::to_owned).collect();
        let commands = commands.to_owned();
        Block { tags, commands }
    });
    blocks.collect()
}

/// Who follows the page, and what the page asks of him.
struct Reader<'a> {
    directory: PathBuf,
    /// What he has and wants.
    tags: &'a [&'a str],
    variables: Vec<(&'a str, String)>,
}

impl Reader<'_> {
    /// Runs what is for him, and gives what it printed.
    async fn follow(&self) -> String {
        fs::create_dir(&self.directory).unwrap();
        let blocks = blocks().into_iter().filter(|block| block.is_for(self.tags));
        let script = blocks.map(|block| block.commands).collect::<Vec<_>>();
        let file = self.directory.join("script");
        fs::write(&file, script.join("\n")).unwrap();
        let mut shell = Command::new("sh");
        shell.arg(&file).current_dir(&self.directory);
        shell.kill_on_drop(true);
        let ours = ["PATH", "HOME"].map(|name| (name, std::env::var(name).unwrap()));
        shell.env_clear().envs(ours).envs(self.variables.clone());
        let output = timeout(Duration::from_mins(1), shell.output()).await;
        let output = output.expect("the page's commands hang").unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}\n{said}", script.join("\n"));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// Backs a file system up, and gives what it holds and the backup's place.
async fn back_up(machine: &Machine) -> (Content, String) {
    let owner = machine.request();
    let volume = owner.volume("web").await;
    let content = Content::file_system(machine.path("content/disk"), PlatformSize::PLAN, "a").await;
    content.write_to(&machine.image(&volume)).await;
    let backup = owner.create_backup(&volume).await;
    owner.completed(&backup).await;
    (content, format!("{volume}/{}", backup.item))
}

/// The tools that Debian may lack are optional for readers, and here as all tools are.
const TOOLS: [&str; 6] = ["rclone", "jq", "zstd", "qemu-img", "xxd", "b3sum"];

#[tokio::test]
async fn a_directory_of_backups_is_restored_by_hand() {
    if !testbed::installed(&TOOLS) {
        return;
    }
    let machine = Machine::with_agent(Rules::default()).await;
    let (content, backup) = back_up(&machine).await;
    let large = PlatformSize::LARGE_PLAN;
    let reader = Reader {
        directory: machine.path("by-hand"),
        tags: DIRECTORY,
        variables: vec![
            ("DIRECTORY", machine.path("backups").display().to_string()),
            ("BACKUP", backup.clone()),
            ("SIZE", large.to_string()),
        ],
    };
    let said = reader.follow().await;
    let listed = said.lines().next().unwrap().split('\t').collect::<Vec<_>>();
    assert_eq!(listed[1], "web");
    assert_eq!(listed[3..], ["QCOW2_FILE", "67108864", &backup]);
    assert!(
        content
            .is_in(&reader.directory.join("disk.raw"), "raw")
            .await
    );
    let grown = content.extended(machine.path("content/large"), large);
    grown.assert_in(&reader.directory.join("disk.qcow2")).await;
    machine.end().await;
}

#[tokio::test]
async fn a_bucket_of_backups_is_restored_by_hand_to_qcow2_and_to_ceph() {
    if !testbed::installed(&TOOLS) {
        return;
    }
    let Some(ceph) = Ceph::start().await else {
        return;
    };
    let rgw = Rgw::start(&ceph).await;
    let machine = Machine::with_agent(Rules::default()).await;
    let bucket = create_backup_storage(&machine, bucket(&rgw, Some("tidemark"))).await;
    machine.back_up_to(&bucket).await;
    let (content, backup) = back_up(&machine).await;
    let large = PlatformSize::LARGE_PLAN;
    let reader = Reader {
        directory: machine.path("by-hand"),
        tags: BUCKET,
        variables: vec![
            ("S3_PROVIDER", "Ceph".to_owned()),
            ("S3_ENDPOINT", rgw.endpoint.clone()),
            ("S3_REGION", "us-east-1".to_owned()),
            ("S3_ACCESS_KEY_ID", rgw.access_key_id.clone()),
            ("S3_SECRET_ACCESS_KEY", rgw.secret_access_key.clone()),
            ("S3_BUCKET", format!("{}/tidemark", rgw.bucket)),
            ("BACKUP", backup),
            ("SIZE", format!("{}M", large / MIB)),
            ("POOL", ceph.pool().to_owned()),
            ("IMAGE", "restored".to_owned()),
            ("CEPH_CONF", ceph.conf().display().to_string()),
        ],
    };
    reader.follow().await;
    let grown = content.extended(machine.path("content/large"), large);
    grown.assert_in(&reader.directory.join("disk.qcow2")).await;
    let exported = machine.path("content/exported");
    ceph.rbd(&[
        "export",
        "--no-progress",
        "rbd/restored",
        exported.to_str().unwrap(),
    ]);
    assert!(grown.is_in(&exported, "raw").await);
    machine.end().await;
}

#[tokio::test]
async fn a_changed_bit_stops_the_reader() {
    if !testbed::installed(&TOOLS) {
        return;
    }
    let machine = Machine::with_agent(Rules::default()).await;
    let (_, backup) = back_up(&machine).await;
    let object = machine
        .path("backups/volumes")
        .join(&backup)
        .join("disk.raw.zst");
    crate::harness::disk::flip_a_bit(&object);
    let reader = Reader {
        directory: machine.path("by-hand"),
        tags: &["local", "qcow2"],
        variables: vec![
            ("DIRECTORY", machine.path("backups").display().to_string()),
            ("BACKUP", backup),
        ],
    };
    let followed = tokio::spawn(async move { reader.follow().await }).await;
    let stopped = followed.unwrap_err().into_panic();
    let said = stopped.downcast_ref::<String>().unwrap();
    assert!(
        said.contains("disk.raw.zst") && said.contains("checksum"),
        "{said}"
    );
    assert!(!machine.path("by-hand/disk.qcow2").exists());
    machine.end().await;
}

#[test]
fn every_block_of_the_page_is_run_by_a_test() {
    let blocks = blocks();
    assert!(blocks.len() > 10, "the page has its blocks");
    for block in blocks {
        let run = block.is_for(DIRECTORY) || block.is_for(BUCKET);
        assert!(
            run || block.tags == NOT_RUN,
            "nobody runs this:\n{}",
            block.commands
        );
    }
}
