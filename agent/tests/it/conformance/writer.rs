//! Promises about who may write, and about servers that die.

use std::time::Duration;

use bytes::BytesMut;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tidemark_agent::driver::{Code, Failure, Server, SnapshotName};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::{Disk, SIZE, Storage, created, index, kept, unit_of};
use crate::site::MIB;

/// All of them.
pub async fn writers(storage: &dyn Storage) {
    keep!(
        storage,
        a_volume_is_served_to_one_writer,
        a_server_that_dies_is_noticed_and_cleaned_up_after,
        nothing_is_written_once_nobody_keeps_others_from_it,
    );
}

async fn a_volume_is_served_to_one_writer(storage: &dyn Storage) {
    let (disk, driver) = created(storage, SIZE).await;
    let name = kept();
    driver.create_snapshot(name).await.unwrap();
    driver.check_overwrite().await.unwrap();
    let first = driver.overwrite().await.unwrap();
    let write = |pattern: u8| first.target().put(0, unit_of(pattern));
    write(5).await.unwrap();
    let second = storage.driver(disk);
    // Storage that cannot tell a dead user from a living one has to wait for a while.
    let (served, overwrite, roll_back, deleted) = tokio::join!(
        second.overwrite(),
        second.check_overwrite(),
        second.check_roll_back(name),
        second.delete(),
    );
    for outcome in [served.map(drop), overwrite, roll_back, deleted] {
        let failure = outcome.unwrap_err();
        assert_eq!(failure.code, Code::StorageFailed);
        assert!(failure.message.contains("in use"), "{failure}");
    }
    // Nor without asking first.
    super::roll_back(&*second, name).await.unwrap_err();
    write(6).await.unwrap();
    first.target().finish(SIZE).await.unwrap();
    first.close().await.unwrap();
    assert_eq!(storage.read(disk, None)[0], 6);
    second.overwrite().await.unwrap().close().await.unwrap();
    driver.delete().await.unwrap();
}

async fn a_server_that_dies_is_noticed_and_cleaned_up_after(storage: &dyn Storage) {
    let (disk, driver) = created(storage, SIZE).await;
    storage.write(disk, 1, 0, SIZE);
    let temporary = SnapshotName::Temporary(Uuid::now_v7());
    driver.create_snapshot(temporary).await.unwrap();
    let new = Disk::new(SIZE);
    let target = storage.driver(new);
    let snapshot = driver.open_snapshot(temporary).await.unwrap();
    let staged = target.stage().await.unwrap();
    for server in snapshot.server().into_iter().chain(staged.server()) {
        kill_server(server);
        let buffer = BytesMut::zeroed(index(MIB));
        let read = timeout(Duration::from_secs(5), server.client().read(0, buffer));
        assert_eq!(
            Failure::from(read.await.unwrap().unwrap_err()).code,
            Code::StorageFailed
        );
    }
    drop((snapshot, staged));
    driver.clean_up().await.unwrap();
    target.clean_up().await.unwrap();
    assert_eq!(storage.remains(disk), ["volume"]);
    assert_eq!(storage.remains(new), [""; 0]);
    driver.check_overwrite().await.unwrap();
    driver.delete().await.unwrap();
}

/// The server has the lock, or is who everybody else is kept from.
async fn nothing_is_written_once_nobody_keeps_others_from_it(storage: &dyn Storage) {
    let (disk, driver) = created(storage, SIZE).await;
    storage.write(disk, 1, 0, SIZE);
    let opened = driver.overwrite().await.unwrap();
    let server = opened.server().unwrap();
    kill_server(server);
    let lost = async {
        while server.client().ensure_connected().is_ok() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(Duration::from_secs(5), lost).await.unwrap();
    let failure = Failure::from(opened.target().put(0, unit_of(2)).await.unwrap_err());
    assert_eq!(failure.code, Code::StorageFailed);
    opened.close().await.unwrap_err();
    driver.clean_up().await.unwrap();
    assert!(storage.read(disk, None).iter().all(|byte| *byte == 1));
    driver.delete().await.unwrap();
}

fn kill_server(server: &Server) {
    let pid = i32::try_from(server.pid().unwrap()).unwrap();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
}
