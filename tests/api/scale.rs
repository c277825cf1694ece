//! What the API and the tasks cost does not grow with what is stored: on a filled database no statement reads more rows than
//! a page or a batch needs.
//!
//! The statements are those that the database has run, not a list. `just soak-scale` fills it with a million volumes and prints
//! what the slowest took.

mod document;
mod fill;
mod sql;

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::json;
use tidemark::{
    database::Begun,
    domain::{records, refused},
    graphql::Limits,
};

use self::{
    fill::{Filled, OPERATION, VOLUME, fill},
    sql::Sql,
};
use crate::harness::{World, on, on_each_database};

/// How many volumes there are, unless the environment says another number.
const VOLUMES: u64 = 15_000;
const VOLUMES_VARIABLE: &str = "TIDEMARK_SCALE_VOLUMES";
/// The most rows that a statement may read of one table: ten thousand that a list counts, and some among them that were deleted.
const MOST_ROWS: f64 = 14_500.0;
/// How many of the slowest statements a soak prints.
const TOLD: usize = 40;

/// What reads many rows, and may.
const EXPECTED: &[(&str, DbBackend, &str)] = &[
    (
        "LIKE",
        DbBackend::Sqlite,
        "SQLite has no index of the parts of a name",
    ),
    (
        "COUNT(*)",
        DbBackend::Sqlite,
        "SQLite estimates nothing, and counts",
    ),
    (
        "_at\" < ",
        DbBackend::Postgres,
        "a list that ends long ago is read from its newest row on",
    ),
    (
        "COUNT(\"volumes\".\"plan_id\")",
        DbBackend::Sqlite,
        "the volumes of a plan are counted in an index",
    ),
    (
        "COUNT(\"volumes\".\"plan_id\")",
        DbBackend::Postgres,
        "the volumes of a plan are counted in an index",
    ),
];

#[tokio::test]
async fn no_statement_of_the_api_or_of_a_task_reads_a_large_table() {
    let found = Mutex::new(Vec::new());
    on_each_database(async |world| {
        let asked = std::env::var(VOLUMES_VARIABLE);
        let volumes = asked.as_ref().map_or(VOLUMES, |text| text.parse().unwrap());
        let filled = fill(&world, volumes).await;
        let world = world.with_limits(Limits {
            max_complexity: u64::MAX,
            max_depth: 64,
            query_timeout_seconds: 600,
            ..Limits::DEFAULT
        });
        world.note_statements();
        read_everything(&world, &filled).await;
        change(&world, &filled).await;
        tasks(&world).await;
        let noted = world.noted_statements();
        assert!(noted.len() > 100, "{} statements", noted.len());
        if asked.is_ok() {
            tell(&noted);
        }
        let tables = large_tables(&world).await;
        for (statement, elapsed) in &noted {
            let judged = judge(&world, statement, &tables, *elapsed).await;
            found.lock().unwrap().extend(judged);
        }
    })
    .await;
    let found = found.into_inner().unwrap();
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}

/// All that can be read, by an administrator and by a customer.
async fn read_everything(world: &World, filled: &Filled) {
    let sql = Sql::of(world);
    let id = async |kind: u32| {
        let query = format!("SELECT {}", sql.id(kind, "77"));
        world.text(&query).await.unwrap()
    };
    let (volume, operation) = (id(VOLUME).await, id(OPERATION).await);
    let platform = &world.platform;
    let known: BTreeMap<&str, String> = BTreeMap::from([
        ("volume", volume.clone()),
        ("node", volume),
        ("operation", operation),
        ("account", filled.alice.account.id.to_string()),
        ("hypervisor", platform.hypervisor.id.to_string()),
        ("hypervisorGroup", platform.group.id.to_string()),
        ("plan", platform.plan.id.to_string()),
        ("volumePlan", platform.plan.id.to_string()),
        ("backupStorage", platform.backup_storage.id.to_string()),
        ("storagePool", platform.pool.id.to_string()),
    ]);
    let admin = world.admin().await;
    let documents = document::all(&world.schema().sdl(), &|of| known.get(of).cloned());
    assert!(documents.len() > 60, "{documents:#?}");
    for document in &documents {
        for by in [&admin, &filled.alice.requester] {
            let answer = world.answer(by, document, json!({})).await;
            let code = answer["errors"][0]["extensions"]["code"].as_str();
            let refused = matches!(code, Some("FORBIDDEN" | "NOT_FOUND" | "INVALID_INPUT"));
            assert!(code.is_none() || refused, "{document}: {answer:#}");
        }
    }
}

/// What customers and agents do.
async fn change(world: &World, filled: &Filled) {
    let alice = &filled.alice;
    let volume = world.volume(alice, |_| {}).await;
    let worker = world.worker();
    worker.hello().await;
    for mutation in ["createSnapshot", "createBackup"] {
        let mut input = on("volumeId", volume.id);
        input["idempotencyKey"] = json!(mutation);
        let made = world.run(&alice.requester, mutation, input).await;
        let item = &made[if mutation == "createSnapshot" {
            "snapshot"
        } else {
            "backup"
        }];
        let works = worker.claim_up_to(100).await;
        worker.renew_all(&works.iter().collect::<Vec<_>>()).await;
        for work in &works {
            worker.report(work, "Uploading", 1, 2).await;
            worker.log(work, "Uploading").await;
            worker.complete(work).await;
        }
        world.wait_seconds(300);
        let delete = mutation.replace("create", "delete");
        let (kind, name) = match mutation {
            "createSnapshot" => ("snapshotId", &item["name"]),
            _ => ("backupId", &item["name"]),
        };
        let input = json!({ kind: item["id"], "confirmName": name });
        world.run(&alice.requester, &delete, input).await;
        world.work_and_rest().await;
        worker.measurements().await;
    }
    let input = json!({ "volumeId": volume.id.to_string(), "confirmName": "volume" });
    world.run(&alice.requester, "deleteVolume", input).await;
    world.work().await;
    let new = world.new_volume("data");
    let _ = world.attempt(&alice.requester, "createVolume", new).await;
}

/// What runs without being asked.
async fn tasks(world: &World) {
    world.clean_up().await;
    records::end(&world.app).await.unwrap();
    refused::keep(&world.app).await.unwrap();
}

/// Prints the slowest statements.
fn tell(noted: &[(Statement, Duration)]) {
    let mut slowest: Vec<_> = noted.iter().collect();
    slowest.sort_by_key(|(_, elapsed)| std::cmp::Reverse(*elapsed));
    for (statement, elapsed) in slowest.iter().take(TOLD) {
        let text: String = statement.sql.chars().take(300).collect();
        println!("{:9.2} ms  {text}", elapsed.as_secs_f64() * 1000.0);
    }
}

/// The tables that have more rows than a statement may read.
async fn large_tables(world: &World) -> Vec<String> {
    let db = world.app.database.reads();
    let names = match db.get_database_backend() {
        DbBackend::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table'",
        _ => "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()",
    };
    let names = Statement::from_string(db.get_database_backend(), names);
    let mut large = Vec::new();
    for row in db.query_all_raw(names).await.unwrap() {
        let name: String = row.try_get("", "name").unwrap();
        if world.count(&name).await > 10_000 {
            large.push(name);
        }
    }
    large
}

/// What is wrong with a statement: it reads too many rows.
async fn judge(
    world: &World,
    statement: &Statement,
    tables: &[String],
    elapsed: Duration,
) -> Option<String> {
    let backend = world.app.database.backend();
    let verb = statement.sql.split_whitespace().next()?.to_uppercase();
    if !["SELECT", "UPDATE", "DELETE", "INSERT", "WITH"].contains(&verb.as_str()) {
        return None;
    }
    let is_expected =
        |(text, of, _): &(&str, DbBackend, &str)| *of == backend && statement.sql.contains(text);
    if EXPECTED.iter().any(is_expected) {
        return None;
    }
    let tx = world.app.database.begin().await.unwrap();
    let (plan, reads_much) = if backend == DbBackend::Sqlite {
        let plan = explained(&tx, "EXPLAIN QUERY PLAN", "detail", statement).await;
        let scans = scans(&tx, &plan, &statement.sql, tables).await;
        (plan, scans)
    } else {
        let plan = explained(&tx, "EXPLAIN ANALYZE", "QUERY PLAN", statement).await;
        let reads = plan_reads(&plan);
        (plan, reads > MOST_ROWS)
    };
    // Dropped, it changes nothing.
    drop(tx);
    reads_much.then(|| {
        let lines = plan.join("\n");
        format!(
            "{}\n{:?}\n{elapsed:?}\n{lines}",
            statement.sql, statement.values
        )
    })
}

async fn explained(tx: &Begun, explain: &str, column: &str, statement: &Statement) -> Vec<String> {
    let values = statement
        .values
        .clone()
        .map_or_else(Vec::new, |values| values.0);
    let sql = format!("{explain} {}", statement.sql);
    let explain = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    let rows = match tx.query_all_raw(explain).await {
        Ok(rows) => rows,
        // What was inserted then is there now.
        Err(error) if error.sql_err().is_some() => return Vec::new(),
        Err(error) => panic!("{}: {error}", statement.sql),
    };
    let line = |row: &sea_orm::QueryResult| row.try_get::<String>("", column).unwrap();
    rows.iter().map(line).collect()
}

/// The most rows that one step of a plan of PostgreSQL has read, those that it threw away among them.
fn plan_reads(plan: &[String]) -> f64 {
    let (mut most, mut last, mut times) = (0.0_f64, 0.0, 1.0);
    let number = |text: &str| -> Option<f64> {
        let digits: String = text
            .chars()
            .take_while(|char| char.is_ascii_digit() || *char == '.')
            .collect();
        digits.parse().ok()
    };
    for line in plan {
        let behind = |key: &str| line.split_once(key).and_then(|(_, rest)| number(rest));
        if line.contains("(actual ") {
            let (_, actual) = line.split_once("(actual ").unwrap();
            let rows = actual
                .split_once("rows=")
                .and_then(|(_, rest)| number(rest));
            let loops = actual
                .split_once("loops=")
                .and_then(|(_, rest)| number(rest));
            times = loops.unwrap_or(1.0);
            last = if line.contains("Scan on") || line.contains("Scan using") {
                rows.unwrap_or_default() * times
            } else {
                0.0
            };
            most = most.max(last);
        } else if let Some(removed) = behind("Rows Removed by Filter: ") {
            most = most.max(last + removed * times);
        } else if let Some(removed) = behind("Rows Removed by Index Recheck: ") {
            most = most.max(last + removed * times);
        }
    }
    most
}

/// Whether a plan of SQLite goes through a large table. Through an index it may, where that is a small one or the statement stops
/// after some rows.
async fn scans(tx: &Begun, plan: &[String], sql: &str, tables: &[String]) -> bool {
    let sorts = plan
        .iter()
        .any(|line| line.contains("TEMP B-TREE FOR ORDER BY"));
    for line in plan {
        let mut words = line.split_whitespace();
        let (Some("SCAN"), Some(table)) = (words.next(), words.next()) else {
            continue;
        };
        if !tables.iter().any(|large| large == table) {
            continue;
        }
        let index = line.split_once("INDEX ").map(|(_, rest)| rest);
        let index = index.and_then(|rest| rest.split_whitespace().next());
        match index {
            Some(index) if is_small(tx, index, table).await => {}
            // It stops after some rows, for it need not sort all of them.
            _ if sql.contains("LIMIT") && !sorts => {}
            _ => return true,
        }
    }
    false
}

/// Whether an index holds few of its table's rows.
async fn is_small(tx: &Begun, index: &str, table: &str) -> bool {
    let definition = format!("SELECT sql FROM sqlite_master WHERE name = '{index}'");
    let row = Statement::from_string(DbBackend::Sqlite, definition);
    let Some(row) = tx.query_one_raw(row).await.unwrap() else {
        return false;
    };
    let Ok(Some(definition)) = row.try_get_by_index::<Option<String>>(0) else {
        return false;
    };
    let Some((_, condition)) = definition.split_once("WHERE") else {
        return false;
    };
    let count = format!("SELECT COUNT(*) FROM {table} WHERE {condition}");
    let count = Statement::from_string(DbBackend::Sqlite, count);
    let rows: i64 = tx
        .query_one_raw(count)
        .await
        .unwrap()
        .unwrap()
        .try_get_by_index(0)
        .unwrap();
    rows < 10_000
}
