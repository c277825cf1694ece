//! Volumes in a Ceph cluster: the pool that a machine uses, and the images in it.

use serde_json::json;
use testbed::Ceph;

use super::{machine::Machine, platform::create_storage_pool};

/// Makes a pool of the machine's group, which uses it as a user of that pool only.
pub async fn create_ceph_pool(machine: &Machine, ceph: &Ceph) {
    let keyring = ceph.user("tidemark", ceph.pool());
    let key = keyring
        .lines()
        .find_map(|line| line.trim().strip_prefix("key = "));
    let pool = json!({
        "pool": ceph.pool(), "user": "tidemark", "configPath": ceph.conf(), "keyring": key,
    });
    create_storage_pool(machine, &machine.platform.group, "cephRbd", pool).await;
}

/// A volume's image, as QEMU's tools name it.
pub fn rbd_image(ceph: &Ceph, volume: &str) -> String {
    let images = ceph.rbd(&["ls", ceph.pool()]);
    let image = images.lines().find(|image| image.contains(volume)).unwrap();
    format!(
        "rbd:{}/{image}:id=admin:conf={}",
        ceph.pool(),
        ceph.conf().display()
    )
}
