//! Instances as the hosting platform tells the gateway of them.

use std::path::Path;

use serde_json::json;

use super::machine::Machine;

impl Machine {
    /// An instance with a volume that is started, and whose QEMU listens on a socket.
    pub async fn start_instance(&self, volume: &str, qmp_socket: &Path) -> String {
        let viewer = "{ viewer { account { id } } }";
        let owner = self.owner.data(viewer, json!({})).await;
        let create = "mutation($input: CreateInstanceInput!) {
            createInstance(input: $input) { instance { id } } }";
        let input = json!({
            "accountId": owner["viewer"]["account"]["id"], "hypervisorId": self.platform.hypervisor,
            "name": "web", "qmpSocket": qmp_socket,
        });
        let made = self.admin.data(create, json!({ "input": input })).await;
        let instance = made["createInstance"]["instance"]["id"].as_str().unwrap();
        let attach = "mutation($input: AttachVolumeInput!) {
            attachVolume(input: $input) { volume { id } } }";
        let input = json!({ "volumeId": volume, "instanceId": instance });
        self.owner.data(attach, json!({ "input": input })).await;
        let start = "mutation($input: StartInstanceInput!) {
            startInstance(input: $input) { instance { status } } }";
        let input = json!({ "instanceId": instance });
        self.owner.data(start, json!({ "input": input })).await;
        instance.to_owned()
    }

    /// Says that an instance has stopped.
    pub async fn stop_instance(&self, instance: &str) {
        let stop = "mutation($input: StopInstanceInput!) {
            stopInstance(input: $input) { instance { status } } }";
        let input = json!({ "instanceId": instance });
        self.owner.data(stop, json!({ "input": input })).await;
    }
}
