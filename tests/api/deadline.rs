//! Deadlines: of the settings or of a plan, fixed when an operation is accepted.

use chrono::TimeDelta;
use entity::operation::OperationStatus;
use sea_orm::Set;
use serde_json::{Value, json};
use tidemark::domain::Requester;

use crate::harness::{World, id, on, on_each_database};

/// When an operation is failed, as its owner reads it.
async fn deadline(world: &World, by: &Requester, operation: &Value) -> Value {
    let document = format!("{{ operation(id: {}) {{ deadlineAt }} }}", operation["id"]);
    world.data(by, &document).await["operation"]["deadlineAt"].take()
}

/// The instant so many seconds from now, as the API writes it.
fn in_seconds(world: &World, seconds: i64) -> Value {
    let at = world.now() + TimeDelta::seconds(seconds);
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
        .into()
}

#[tokio::test]
async fn an_operation_has_the_deadline_that_its_plan_had_when_it_was_accepted() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let by = &alice.requester;
        let usual = world.volume(&alice, |_| {}).await;
        let plan = world.plan(|_| {}).await;
        let slow = world.volume(&alice, |row| row.plan_id = Set(plan.id)).await;
        let set = async |seconds: Value| {
            let mut input = on("planId", plan.id);
            input["operationDeadlineSeconds"] = seconds;
            world.run(&admin, "updateVolumePlan", input).await;
        };
        set(json!(86_400)).await;
        let of_setting = world
            .run(by, "createBackup", on("volumeId", usual.id))
            .await;
        let of_plan = world.run(by, "createBackup", on("volumeId", slow.id)).await;
        let (of_setting, of_plan) = (&of_setting["operation"], &of_plan["operation"]);
        assert_eq!(
            deadline(&world, by, of_setting).await,
            in_seconds(&world, 7_200)
        );
        let in_a_day = in_seconds(&world, 86_400);
        assert_eq!(deadline(&world, by, of_plan).await, in_a_day);
        // What is accepted is not changed by what is decided later.
        set(json!(600)).await;
        assert_eq!(deadline(&world, by, of_plan).await, in_a_day);
        world.wait_seconds(7_200);
        world.clean_up().await;
        let status = async |operation: &Value| world.operation_row(id(operation)).await.status;
        assert_eq!(status(of_setting).await, OperationStatus::Failed);
        assert_eq!(status(of_plan).await, OperationStatus::Pending);
        world.wait_seconds(86_400 - 7_201);
        world.clean_up().await;
        assert_eq!(status(of_plan).await, OperationStatus::Pending);
        world.wait_seconds(1);
        world.clean_up().await;
        let row = world.operation_row(id(of_plan)).await;
        assert_eq!(row.error_code.as_deref(), Some("TIMED_OUT"));
        assert_eq!(
            row.error_message.as_deref(),
            Some("Did not end within 86400 seconds.")
        );
        set(Value::Null).await;
        let delete = json!({ "volumeId": slow.id.to_string(), "confirmName": "volume" });
        let deleting = world.run(by, "deleteVolume", delete).await;
        assert_eq!(
            deadline(&world, by, &deleting["operation"]).await,
            in_seconds(&world, 7_200)
        );
    })
    .await;
}

#[tokio::test]
async fn a_restore_to_a_new_volume_has_the_deadline_of_that_volumes_plan() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = &alice.requester;
        let volume = world.volume(&alice, |_| {}).await;
        let backup = world.backup(&volume, |_| {}).await;
        let plan = world
            .plan(|row| row.operation_deadline_seconds = Set(Some(900)))
            .await;
        let restore = json!({
            "source": { "backupId": backup.id.to_string() }, "planId": plan.id.to_string(),
        });
        let payload = world.run(by, "restoreToNewVolume", restore).await;
        let made = &payload["operation"];
        assert_eq!(deadline(&world, by, made).await, in_seconds(&world, 900));
    })
    .await;
}

#[tokio::test]
async fn an_operation_of_before_has_the_settings_deadline() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = &alice.requester;
        let volume = world.volume(&alice, |_| {}).await;
        let payload = world
            .run(by, "createSnapshot", on("volumeId", volume.id))
            .await;
        let before = "UPDATE operations SET deadline_at = NULL";
        world.by_hand(before).await;
        let operation = &payload["operation"];
        assert_eq!(
            deadline(&world, by, operation).await,
            in_seconds(&world, 7_200)
        );
        world.wait_seconds(7_200);
        assert_eq!(world.clean_up().await.timed_out, 1);
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_was_set_back_gives_no_operation_more_time() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = &alice.requester;
        let volume = world.volume(&alice, |_| {}).await;
        let payload = world
            .run(by, "createSnapshot", on("volumeId", volume.id))
            .await;
        world.wait_seconds(-86_400);
        world.clean_up().await;
        assert_eq!(
            deadline(&world, by, &payload["operation"]).await,
            in_seconds(&world, 7_200)
        );
    })
    .await;
}

#[tokio::test]
async fn a_plans_deadline_is_told_and_has_bounds() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let plan = json!({
            "name": "p", "sizeBytes": 1_048_576, "storageType": "QCOW2_FILE",
            "operationDeadlineSeconds": 600,
        });
        let document =
            crate::harness::document("createVolumePlan", "plan { id operationDeadlineSeconds }");
        let data = world
            .data_with(&admin, &document, json!({ "input": plan }))
            .await;
        let made = &data["createVolumePlan"]["plan"];
        assert_eq!(made["operationDeadlineSeconds"], 600);
        for seconds in [0, -1, 599, 2_592_001] {
            let input = json!({ "planId": made["id"], "operationDeadlineSeconds": seconds });
            let (code, message) = world.refusal(&admin, "updateVolumePlan", input).await;
            assert_eq!(code, "INVALID_INPUT");
            assert_eq!(
                message,
                "`operationDeadlineSeconds` is 600 to 2592000, and more than a lease of 90 seconds."
            );
        }
        let kept = json!({ "planId": made["id"], "name": "q" });
        world.run(&admin, "updateVolumePlan", kept).await;
        let data = world
            .data(&admin, "{ volumePlans { name operationDeadlineSeconds } }")
            .await;
        assert_eq!(
            data["volumePlans"],
            json!([
                { "name": "plan", "operationDeadlineSeconds": null },
                { "name": "q", "operationDeadlineSeconds": 600 },
            ])
        );
    })
    .await;
}
