//! Mutations by their name: the document follows from what each of them answers with.

use serde_json::{Value, json};
use tidemark::domain::Requester;

use super::World;

const OPERATION: &str =
    "operation { id kind status phase: progress { phase } error { code message } }";
const SNAPSHOT: &str = "snapshot { id name status failure }";
const BACKUP: &str = "backup { id name status failure }";
const VOLUME: &str = "volume { id name status dataState }";
const INSTANCE: &str = "instance { id status }";

/// What a mutation's payload is asked for.
fn selection(mutation: &str) -> String {
    match mutation {
        "createSnapshot" | "deleteSnapshot" => format!("{SNAPSHOT} {OPERATION}"),
        "createBackup" | "deleteBackup" => format!("{BACKUP} {OPERATION}"),
        "restoreInPlace" | "restoreToNewVolume" | "createVolume" | "deleteVolume" => {
            format!("{VOLUME} {OPERATION}")
        }
        "attachVolume" | "detachVolume" | "updateVolume" | "moveVolumeToPlan" => VOLUME.to_owned(),
        "startInstance" | "stopInstance" | "updateInstance" => INSTANCE.to_owned(),
        "cancelOperation" | "failOperation" => OPERATION.to_owned(),
        _ => "__typename".to_owned(),
    }
}

/// The document of a mutation, which takes its input as `$input`.
pub fn document(mutation: &str, selection: &str) -> String {
    let (first, rest) = mutation.split_at(1);
    let input = format!("{}{rest}Input", first.to_uppercase());
    format!("mutation($input: {input}!) {{ {mutation}(input: $input) {{ {selection} }} }}")
}

impl World {
    /// The payload of a mutation, or its error.
    pub async fn attempt(
        &self,
        requester: &Requester,
        mutation: &str,
        input: Value,
    ) -> Result<Value, Value> {
        let document = document(mutation, &selection(mutation));
        let variables = json!({ "input": input });
        let mut answer = self.answer(requester, &document, variables).await;
        match answer.pointer_mut("/errors/0") {
            Some(error) => Err(error.take()),
            None => Ok(answer["data"][mutation].take()),
        }
    }

    /// The payload of a mutation that is carried out.
    pub async fn run(&self, requester: &Requester, mutation: &str, input: Value) -> Value {
        match self.attempt(requester, mutation, input).await {
            Ok(payload) => payload,
            Err(error) => panic!("{mutation} was refused: {error:#}"),
        }
    }

    /// The error of a mutation that is refused.
    pub async fn refused(&self, requester: &Requester, mutation: &str, input: Value) -> Value {
        match self.attempt(requester, mutation, input).await {
            Ok(payload) => panic!("{mutation} was carried out: {payload:#}"),
            Err(error) => error,
        }
    }

    /// The code and the message of a mutation that is refused.
    pub async fn refusal(
        &self,
        requester: &Requester,
        mutation: &str,
        input: Value,
    ) -> (String, String) {
        let error = self.refused(requester, mutation, input).await;
        (text(&error["extensions"]["code"]), text(&error["message"]))
    }
}

/// The text of a JSON string.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => panic!("no text: {other}"),
    }
}
