//! Records end: what is old enough, nothing that is younger, and nothing that something still needs.

use chrono::TimeDelta;
use entity::{operation::OperationKind, operation_event::OperationEventKind};
use sea_orm::{ConnectionTrait, DbBackend, Set, Statement};
use serde_json::json;
use tidemark::{
    domain::{
        records::{self, Kind},
        settings::Kept,
    },
    graphql::page::Cursor,
};

use crate::harness::{World, on, on_each_database};

const DAY: i64 = 24 * 3600;

/// Lets the task run, and says how many rows ended.
async fn end(world: &World) -> u64 {
    let ended = records::end(&world.app).await.unwrap();
    assert!(!ended.more);
    ended.rows
}

#[tokio::test]
async fn idempotency_keys_end_after_two_days() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let mut input = on("volumeId", volume.id);
        input["idempotencyKey"] = json!("once");
        let first = world
            .run(&alice.requester, "createSnapshot", input.clone())
            .await;
        world.work_and_rest().await;
        world.wait_seconds(2 * DAY - 300);
        assert_eq!(end(&world).await, 0);
        let again = world
            .run(&alice.requester, "createSnapshot", input.clone())
            .await;
        assert_eq!(again["operation"]["id"], first["operation"]["id"]);
        world.wait_seconds(1);
        assert_eq!(end(&world).await, 1);
        let new = world.run(&alice.requester, "createSnapshot", input).await;
        assert_ne!(new["operation"]["id"], first["operation"]["id"]);
    })
    .await;
}

#[tokio::test]
async fn tokens_end_a_month_after_they_expired_or_were_revoked() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let token = |name: &str, expires: Option<i64>, revoked: Option<i64>| {
            let at = |days: Option<i64>| match days {
                Some(days) => format!("'{}'", (world.now() + TimeDelta::days(days)).to_rfc3339()),
                None => "NULL".to_owned(),
            };
            format!(
                "INSERT INTO tokens (id, kind, user_id, name, hash, created_at, expires_at, revoked_at, scope)
                 VALUES ('{name}', 'api', '{}', '{name}', '{name}', '{}', {}, {}, 'full')",
                alice.user.id,
                world.now().to_rfc3339(),
                at(expires),
                at(revoked),
            )
        };
        for row in [
            token("endless", None, None),
            token("living", Some(40), None),
            token("expired", Some(1), None),
            token("revoked", None, Some(2)),
            token("both", Some(50), Some(2)),
        ] {
            world.by_hand(&row).await;
        }
        world.wait_seconds(31 * DAY);
        assert_eq!(end(&world).await, 0, "30 days and not a moment less");
        world.wait_seconds(1);
        assert_eq!(end(&world).await, 1, "what expired");
        world.wait_seconds(DAY);
        assert_eq!(end(&world).await, 2, "what was revoked");
        world.wait_seconds(365 * DAY);
        assert_eq!(end(&world).await, 1, "what lived then");
        assert_eq!(world.count("tokens").await, 1, "one never ends");
    })
    .await;
}

#[tokio::test]
async fn logs_and_timelines_end_ninety_days_after_their_operation_and_streams_say_so() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let volume = world.volume(&alice, |_| {}).await;
        let long = world
            .operation(&volume, OperationKind::CreateBackup, |row| {
                row.finished_at = Set(Some(world.now() + TimeDelta::days(10)));
            })
            .await;
        let short = world
            .operation(&volume, OperationKind::CreateSnapshot, |_| {})
            .await;
        for operation in [&short, &long, &short] {
            world.event(operation, OperationEventKind::Completed).await;
            world.log(operation, "Exporting", true).await;
        }
        world.wait_seconds(90 * DAY);
        assert_eq!(end(&world).await, 0);
        world.wait_seconds(1);
        // The last event is behind one that stays: nothing is ever missing in between.
        assert_eq!(end(&world).await, 3, "two lines and the first event");
        assert_eq!(world.count("operation_logs").await, 1);
        let events = "subscription($after: String) { operationEvents(after: $after) { cursor } }";
        let after = |seq: i64| json!({ "after": Cursor::of_event(seq).encode() });
        let stream = world.watch(&by, events, after(0));
        assert_eq!(stream.refusal().await, "CURSOR_GONE");
        let mut stream = world.watch(&by, events, after(1));
        for seq in [2, 3] {
            let cursor = Cursor::of_event(seq).encode();
            assert_eq!(stream.next().await["cursor"], cursor);
        }
        world.wait_seconds(10 * DAY);
        assert_eq!(end(&world).await, 3, "the rest");
        assert_eq!(world.count("operations").await, 2, "which are told still");
        // A stream goes on behind what is gone.
        let mut stream = world.watch(&by, events, after(3));
        assert!(stream.is_silent().await);
        world.event(&short, OperationEventKind::Failed).await;
        let written = tidemark::events::Topic::EventsOf(alice.account.id);
        world.app.hub.wake([written]);
        assert_eq!(stream.next().await["cursor"], Cursor::of_event(4).encode());
    })
    .await;
}

#[tokio::test]
async fn the_audit_trail_ends_after_a_year() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let input = json!({ "volumeId": "none" });
        world
            .refused(&alice.requester, "createSnapshot", input.clone())
            .await;
        world.wait_seconds(365 * DAY);
        world.refused(&alice.requester, "createBackup", input).await;
        assert_eq!(end(&world).await, 0);
        world.wait_seconds(1);
        assert_eq!(end(&world).await, 1);
        assert_eq!(world.audit().await[0].mutation, "createBackup");
    })
    .await;
}

#[tokio::test]
async fn operations_and_what_was_deleted_end_after_two_years_but_nothing_that_is_there() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let gone = Some(world.now());
        let deleted = world.volume(&alice, |row| row.deleted_at = Set(gone)).await;
        let there = world.volume(&alice, |_| {}).await;
        world
            .snapshot(&deleted, |row| row.deleted_at = Set(gone))
            .await;
        // A backup outlives its volume, whose row it names.
        let outliving = world.backup(&deleted, |_| {}).await;
        let kept = world.snapshot(&there, |_| {}).await;
        let other = world.volume(&alice, |row| row.deleted_at = Set(gone)).await;
        world
            .backup(&other, |row| row.deleted_at = Set(gone))
            .await;
        let held = world
            .operation(&there, OperationKind::CreateBackup, |_| {})
            .await;
        world
            .by_hand(&format!(
                "UPDATE volumes SET active_operation_id = '{}', active_operation = 'create_backup' WHERE id = '{}'",
                held.id, there.id
            ))
            .await;
        world.wait_seconds(730 * DAY);
        assert_eq!(end(&world).await, 0);
        world.wait_seconds(1);
        end(&world).await;
        // Of the items that are there, and what holds a volume.
        assert_eq!(world.count("operations").await, 3);
        world.operation_row(kept.operation_id).await;
        world.operation_row(outliving.operation_id).await;
        world.operation_row(held.id).await;
        assert_eq!(world.count("snapshots").await, 1);
        assert_eq!(world.count("backups").await, 1);
        assert_eq!(world.count("volumes").await, 2, "one is named by its backup");
        assert_eq!(end(&world).await, 0);
        let shown = "{ backups { nodes { volumeName operation { id } } }
            volumes { nodes { id snapshots { nodes { operation { id } } } } } }";
        world.data(&alice.requester, shown).await;
    })
    .await;
}

#[tokio::test]
async fn more_rows_than_one_statement_deletes_end_in_one_run() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let operation = world
            .operation(&volume, OperationKind::CreateBackup, |_| {})
            .await;
        let at = world.now().to_rfc3339();
        let numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1201)";
        for insert in [
            format!(
                "INSERT INTO idempotency_keys (account_id, key, input_hash, operation_id, created_at)
                 {numbers} SELECT '{}', 'k' || i, 'h', '{}', '{at}' FROM n",
                alice.account.id, operation.id
            ),
            format!(
                "INSERT INTO operation_logs (operation_id, at, level, message, public)
                 {numbers} SELECT '{}', '{at}', 'info', 'm', true FROM n",
                operation.id
            ),
        ] {
            world.by_hand(&insert).await;
        }
        world.wait_seconds(91 * DAY);
        assert_eq!(end(&world).await, 2 * 1201);
    })
    .await;
}

#[tokio::test]
async fn what_is_more_than_a_run_deletes_ends_in_the_next() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let at = world.now().to_rfc3339();
        world
            .by_hand(&format!(
                "INSERT INTO idempotency_keys (account_id, key, input_hash, operation_id, created_at)
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50010)
                 SELECT '{}', 'k' || i, 'h', 'o', '{at}' FROM n",
                alice.account.id
            ))
            .await;
        world.wait_seconds(3 * DAY);
        let ended = records::end(&world.app).await.unwrap();
        assert!(ended.more);
        assert_eq!(ended.rows, 50_000);
        assert_eq!(end(&world).await, 10);
    })
    .await;
}

#[tokio::test]
async fn what_ends_is_found_by_an_index() {
    on_each_database(async |world| {
        let db = world.app.database.reads();
        let backend = db.get_database_backend();
        for (kind, index) in [
            (Kind::Keys, "idempotency_keys_created_at"),
            (Kind::RevokedTokens, "tokens_revoked_at"),
            (Kind::ExpiredTokens, "tokens_expires_at"),
            (Kind::AuditEvents, "audit_events_at"),
            (Kind::Operations, "operations_finished_at"),
            (Kind::Snapshots, "snapshots_deleted_at"),
            (Kind::Backups, "backups_deleted_at"),
            (Kind::Volumes, "volumes_deleted_at"),
        ] {
            let due = backend.build(&kind.due(&Kept::default(), world.now()));
            let plan = world.plan_of(due).await;
            assert!(plan.contains(index), "{kind:?}: {plan}");
            let scan = match backend {
                DbBackend::Sqlite => plan
                    .lines()
                    .any(|line| line.starts_with("SCAN") && !line.contains("USING")),
                _ => plan.contains("Seq Scan"),
            };
            assert!(!scan, "{kind:?}: {plan}");
        }
        for table in ["snapshots", "backups"] {
            let unsettled = Statement::from_string(
                backend,
                format!(
                    "SELECT id FROM {table} WHERE status IN ('pending', 'creating', 'restoring', 'deleting')
                     AND deleted_at IS NULL"
                ),
            );
            let plan = world.plan_of(unsettled).await;
            assert!(plan.contains(&format!("{table}_status")), "{plan}");
        }
    })
    .await;
}
