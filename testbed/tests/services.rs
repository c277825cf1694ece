//! Each service serves, fails as it is told, and is gone in the end.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::{fs, path::Path, time::Instant};

use nix::{sys::signal::kill, unistd::Pid};
use serde_json::json;
use tidemark_testbed::{Ceph, Ganesha, Guest, Machine, Rgw, S3sFs, create_image, installed, until};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// The status line of a request without a signature.
async fn ask(endpoint: &str) -> Option<String> {
    let address = endpoint.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET /backups HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    answer.lines().next().map(str::to_owned)
}

#[tokio::test]
async fn a_cluster_keeps_images_until_its_osd_dies() {
    let began = Instant::now();
    let Some(mut ceph) = Ceph::start().await else {
        return;
    };
    eprintln!("Ceph was ready after {:?}", began.elapsed());
    ceph.rbd(&["create", "rbd/image", "--size", "64M"]);
    ceph.rbd(&["snap", "create", "--no-progress", "rbd/image@one"]);
    assert_eq!(ceph.rbd(&["ls", ceph.pool()]), "image\n");
    let keyring = ceph.directory().join("limited");
    fs::write(&keyring, ceph.user("limited", "rbd")).unwrap();
    let as_user = ["--id", "limited", "--keyring", keyring.to_str().unwrap()];
    assert_eq!(
        ceph.rbd(&[&as_user[..], &["ls", "rbd"]].concat()),
        "image\n"
    );
    ceph.kill_osd();
    let answer = std::panic::AssertUnwindSafe(|| {
        ceph.rbd(&["--rados_osd_op_timeout=1", "info", "rbd/image"])
    });
    assert!(std::panic::catch_unwind(answer).is_err());
}

#[tokio::test]
async fn a_gateway_keeps_objects_and_comes_back() {
    let Some(ceph) = Ceph::start().await else {
        return;
    };
    let began = Instant::now();
    let mut rgw = Rgw::start(&ceph).await;
    eprintln!("RGW was ready after {:?}", began.elapsed());
    assert!(ask(&rgw.endpoint).await.unwrap().contains("403"));
    let file = ceph.directory().join("object");
    fs::write(&file, "content").unwrap();
    let object = format!(":s3:{}/a/b", rgw.bucket);
    rgw.rclone(&["copyto", file.to_str().unwrap(), &object]);
    rgw.kill();
    assert_eq!(ask(&rgw.endpoint).await, None);
    rgw.restart().await;
    assert_eq!(rgw.rclone(&["cat", &object]), "content");
    rgw.pause();
    let answer = tokio::time::timeout(std::time::Duration::from_millis(300), ask(&rgw.endpoint));
    assert!(answer.await.is_err(), "it stands still");
    rgw.resume();
    assert!(ask(&rgw.endpoint).await.unwrap().contains("403"));
}

#[tokio::test]
async fn the_store_in_process_wants_signatures() {
    let store = S3sFs::start().await;
    assert!(ask(&store.endpoint).await.unwrap().contains("403"));
    assert!(store.directory().join(&store.bucket).is_dir());
}

#[tokio::test]
async fn a_server_exports_a_directory_and_comes_back_on_its_port() {
    let began = Instant::now();
    let Some(mut ganesha) = Ganesha::start().await else {
        return;
    };
    eprintln!("ganesha was ready after {:?}", began.elapsed());
    assert!(null_procedure(&ganesha.server).await.is_some());
    ganesha.kill();
    assert_eq!(null_procedure(&ganesha.server).await, None);
    ganesha.restart().await;
    assert!(null_procedure(&ganesha.server).await.is_some());
    assert_eq!(fs::read_dir(&ganesha.directory).unwrap().count(), 0);
}

/// The answer to NFS 4's procedure that does nothing.
async fn null_procedure(server: &str) -> Option<()> {
    let mut stream = TcpStream::connect(server).await.ok()?;
    // Last fragment of 40 bytes; id 1, call, RPC 2, NFS 4, NULL, no credential and no verifier.
    let words = [0x8000_0028_u32, 1, 0, 2, 100_003, 4, 0, 0, 0, 0, 0];
    let call = words.map(u32::to_be_bytes).concat();
    stream.write_all(&call).await.ok()?;
    let mut answer = [0; 28];
    stream.read_exact(&mut answer).await.ok()?;
    let accepted = answer[4..] == [1_u32, 1, 0, 0, 0, 0].map(u32::to_be_bytes).concat();
    accepted.then_some(())
}

#[tokio::test]
async fn a_machine_writes_and_quits_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let image = directory.path().join("image.qcow2");
    if !installed(&["qemu-img"]) {
        return;
    }
    create_image(&image, 64 << 20);
    let Some(mut machine) = Machine::start(&image).await else {
        return;
    };
    machine.write(1 << 20, 4 << 20, 0x5a);
    machine.assert_holds(1 << 20, 4 << 20, 0x5a);
    machine.assert_holds(8 << 20, 1 << 20, 0);
    let wrong = std::panic::AssertUnwindSafe(|| machine.assert_holds(4 << 20, 2 << 20, 0x5a));
    assert!(std::panic::catch_unwind(wrong).is_err());
    machine.discard(1 << 20, 1 << 20);
    let status = machine.execute("query-status", &json!({}));
    assert_eq!(status["status"], "prelaunch");
    machine.quit().await;
    assert!(qemu_img(&["check", image.to_str().unwrap()]).await);
}

#[tokio::test]
async fn a_machine_that_is_dropped_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let image = directory.path().join("image.qcow2");
    if !installed(&["qemu-img"]) {
        return;
    }
    create_image(&image, 1 << 20);
    let Some(machine) = Machine::start(&image).await else {
        return;
    };
    let pid = Pid::from_raw(machine.pid().try_into().unwrap());
    let socket = machine.qmp_socket().to_owned();
    assert!(kill(pid, None).is_ok());
    drop(machine);
    assert!(kill(pid, None).is_err());
    until("its directory is gone", async || {
        (!socket.parent().unwrap().exists()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_guest_writes_files_until_it_is_shut_down() {
    let directory = tempfile::tempdir().unwrap();
    let [image, raw] = ["image.qcow2", "raw"].map(|name| directory.path().join(name));
    if !installed(&["qemu-img", "e2fsck", "debugfs"]) {
        return;
    }
    create_image(&image, 128 << 20);
    let began = Instant::now();
    let Some(mut guest) = Guest::start(&image).await else {
        return;
    };
    eprintln!("the guest wrote after {:?}", began.elapsed());
    guest.writes(30).await;
    // An instant, as a power cut would leave it.
    guest.execute("stop", &json!({}));
    let written = guest.written();
    convert(&image, &raw, "--force-share").await;
    guest.execute("cont", &json!({}));
    Guest::assert_file_system(&raw, written);
    guest.writes(written + 30).await;
    guest.shut_down().await;
    assert!(guest.written() >= written + 30);
    convert(&image, &raw, "-q").await;
    Guest::assert_file_system(&raw, guest.written());
}

async fn convert(image: &Path, raw: &Path, how: &str) {
    let [image, raw] = [image, raw].map(|path| path.to_str().unwrap());
    assert!(qemu_img(&["convert", how, "-f", "qcow2", "-O", "raw", image, raw]).await);
}

async fn qemu_img(arguments: &[&str]) -> bool {
    let mut command = tokio::process::Command::new("qemu-img");
    command.args(arguments).status().await.unwrap().success()
}
