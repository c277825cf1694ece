//! What a customer asks for, in words of the API.

use serde_json::{Value, json};
use testbed::until;

use super::{client::Client, platform::Platform};

/// All that is asked of an operation.
const OPERATION: &str = "id kind status progress { phase percent bytesDone bytesTotal } \
    error { code message } createdAt finishedAt targetVolume { id } snapshot { id name } \
    backup { id name } events(first: 100) { nodes { kind message } }";

/// An operation that was accepted, and what it makes, deletes or restores into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    pub operation: String,
    pub item: String,
}

/// Requests in one customer's name.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    client: &'a Client,
    platform: &'a Platform,
}

impl<'a> Request<'a> {
    pub fn new(client: &'a Client, platform: &'a Platform) -> Self {
        Self { client, platform }
    }

    pub async fn create_volume(self, name: &str) -> Accepted {
        let input = json!({
            "name": name, "planId": self.platform.plan, "hypervisorGroupId": self.platform.group,
        });
        self.accepted("createVolume", "volume", input).await
    }

    /// A volume that is there.
    pub async fn volume(self, name: &str) -> String {
        let made = self.create_volume(name).await;
        self.completed(&made).await;
        made.item
    }

    pub async fn create_snapshot(self, volume: &str) -> Accepted {
        let input = json!({ "volumeId": volume });
        self.accepted("createSnapshot", "snapshot", input).await
    }

    pub async fn create_backup(self, volume: &str) -> Accepted {
        let input = json!({ "volumeId": volume });
        self.accepted("createBackup", "backup", input).await
    }

    /// `source` is `{"snapshotId": …}` or `{"backupId": …}`.
    pub async fn restore_in_place(self, volume: &str, source: Value) -> Accepted {
        let name = self.node(volume, "Volume", "name").await;
        let input = json!({ "volumeId": volume, "source": source, "confirmName": name["name"] });
        self.accepted("restoreInPlace", "volume", input).await
    }

    pub async fn restore_to_new_volume(self, source: Value, plan: &str) -> Accepted {
        let input = json!({ "source": source, "name": "restored", "planId": plan });
        self.accepted("restoreToNewVolume", "volume", input).await
    }

    /// Deletes a `Volume`, `Snapshot` or `Backup`.
    pub async fn delete(self, noun: &str, id: &str) -> Accepted {
        let name = self.node(id, noun, "name").await;
        let field = noun.to_lowercase();
        let input = json!({ format!("{field}Id"): id, "confirmName": name["name"] });
        self.accepted(&format!("delete{noun}"), &field, input).await
    }

    /// Sends a mutation that starts an operation.
    pub async fn accepted(self, mutation: &str, item: &str, input: Value) -> Accepted {
        let mut data = self
            .client
            .data(&document(mutation, item), json!({ "input": input }))
            .await;
        let payload = data[mutation].take();
        Accepted {
            operation: payload["operation"]["id"].as_str().unwrap().to_owned(),
            item: payload[item]["id"].as_str().unwrap().to_owned(),
        }
    }

    /// Sends a mutation that is refused, and gives its first error.
    pub async fn refused(self, mutation: &str, item: &str, input: Value) -> Value {
        let query = document(mutation, item);
        self.client.error(&query, json!({ "input": input })).await
    }

    /// Fields of anything that has an id.
    pub async fn node(self, id: &str, noun: &str, fields: &str) -> Value {
        let query =
            format!("query($id: ID!) {{ node(id: $id) {{ ... on {noun} {{ {fields} }} }} }}");
        self.client.data(&query, json!({ "id": id })).await["node"].take()
    }

    pub async fn operation(self, id: &str) -> Value {
        self.node(id, "Operation", OPERATION).await
    }

    /// The operation once it is in one of these statuses.
    pub async fn reaches(self, accepted: &Accepted, statuses: &[&str]) -> Value {
        until(&format!("{accepted:?} is {statuses:?}"), async || {
            let operation = self.operation(&accepted.operation).await;
            statuses
                .iter()
                .any(|status| operation["status"] == *status)
                .then_some(operation)
        })
        .await
    }

    /// The operation once it is in a phase of its work.
    pub async fn enters(self, accepted: &Accepted, phase: &str) -> Value {
        until(&format!("{accepted:?} is {phase}"), async || {
            let operation = self.operation(&accepted.operation).await;
            (operation["progress"]["phase"] == *phase).then_some(operation)
        })
        .await
    }

    /// The operation once it has moved so many bytes, which are not all.
    pub async fn moved(self, accepted: &Accepted, bytes: u64) -> Value {
        let what = format!("{accepted:?} has moved {bytes} bytes");
        let operation = until(&what, async || {
            let operation = self.operation(&accepted.operation).await;
            let done = operation["progress"]["bytesDone"].as_u64();
            (done >= Some(bytes)).then_some(operation)
        })
        .await;
        assert_eq!(operation["status"], "STARTED", "{operation:#}");
        operation
    }

    /// The operation as it ended, once all that follows from its end is done.
    pub async fn ended(self, accepted: &Accepted) -> Value {
        until(&format!("{accepted:?} has ended"), async || {
            let operation = self.operation(&accepted.operation).await;
            (!operation["finishedAt"].is_null()).then_some(operation)
        })
        .await
    }

    /// The operation, which has to end well.
    pub async fn completed(self, accepted: &Accepted) -> Value {
        let operation = self.ended(accepted).await;
        assert_eq!(operation["status"], "COMPLETED", "{operation:#}");
        operation
    }

    /// The code and the message of an operation that has to end badly.
    pub async fn failed(self, accepted: &Accepted) -> (String, String) {
        let operation = self.ended(accepted).await;
        assert_eq!(operation["status"], "FAILED", "{operation:#}");
        let text = |name: &str| operation["error"][name].as_str().unwrap().to_owned();
        (text("code"), text("message"))
    }

    /// All lines of an operation's log that this caller may read, in one text.
    pub async fn log(self, accepted: &Accepted) -> String {
        let fields = "logs(first: 100) { nodes { message } }";
        let operation = self.node(&accepted.operation, "Operation", fields).await;
        let lines = operation["logs"]["nodes"].as_array().unwrap();
        let lines: Vec<_> = lines
            .iter()
            .map(|line| line["message"].as_str().unwrap())
            .collect();
        lines.join("\n")
    }
}

fn document(mutation: &str, item: &str) -> String {
    let mut input = mutation.to_owned();
    input[..1].make_ascii_uppercase();
    format!(
        "mutation($input: {input}Input!) {{ {mutation}(input: $input) {{ {item} {{ id }} \
         operation {{ id }} }} }}"
    )
}
