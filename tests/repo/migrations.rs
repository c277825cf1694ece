//! The migrations: forth, back and forth again, and every entity fits what they make.

use std::collections::BTreeMap;

use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ColumnTrait, ColumnType, ConnectionTrait, Database, DatabaseConnection, DbBackend, EntityTrait,
    IdenStatic, Iterable, Statement,
};

const POSTGRES_URL: &str = "TIDEMARK_TEST_POSTGRES_URL";

async fn on_each_database(test: impl AsyncFn(&DatabaseConnection)) {
    let sqlite = Database::connect("sqlite::memory:").await.unwrap();
    test(&sqlite).await;
    let Ok(url) = std::env::var(POSTGRES_URL) else {
        return testbed::skip(&format!("PostgreSQL: {POSTGRES_URL} is not set"));
    };
    let server = Database::connect(&url).await.unwrap();
    let schema = format!(
        "migrations_{}",
        tidemark::domain::Ids.next(sea_orm::prelude::Uuid::simple)
    );
    let create = format!("CREATE SCHEMA {schema}");
    server.execute_unprepared(&create).await.unwrap();
    let separator = if url.contains('?') { '&' } else { '?' };
    let own = format!("{url}{separator}options=-csearch_path%3D{schema}");
    let postgres = Database::connect(&own).await.unwrap();
    test(&postgres).await;
    let drop = format!("DROP SCHEMA {schema} CASCADE");
    server.execute_unprepared(&drop).await.unwrap();
}

/// The columns of a table: of each its type, as the database calls it, and whether it may be null.
async fn columns(db: &DatabaseConnection, table: &str) -> BTreeMap<String, (String, bool)> {
    let backend = db.get_database_backend();
    let sql = match backend {
        DbBackend::Sqlite => format!(
            "SELECT name, lower(type) AS type, 1 - \"notnull\" AS nullable, pk \
             FROM pragma_table_info('{table}')"
        ),
        _ => format!(
            "SELECT column_name AS name, data_type AS type, \
             CASE is_nullable WHEN 'YES' THEN 1 ELSE 0 END AS nullable, 0 AS pk \
             FROM information_schema.columns \
             WHERE table_schema = current_schema() AND table_name = '{table}'"
        ),
    };
    let rows = db
        .query_all_raw(Statement::from_string(backend, sql))
        .await
        .unwrap();
    let mut columns = BTreeMap::new();
    for row in rows {
        let name: String = row.try_get("", "name").unwrap();
        let kind: String = row.try_get("", "type").unwrap();
        // Numbers come in 32 bits from the one and in 64 from the other.
        let flag = |column: &str| {
            row.try_get::<i64>("", column)
                .or_else(|_| row.try_get::<i32>("", column).map(i64::from))
                .unwrap()
                != 0
        };
        columns.insert(name, (kind, flag("nullable") && !flag("pk")));
    }
    columns
}

/// What a column of this type may be called by either database.
fn names(kind: &ColumnType) -> &'static [&'static str] {
    match kind {
        ColumnType::Text | ColumnType::String(_) => &["text", "varchar", "character varying"],
        ColumnType::BigInteger => &["bigint", "integer"],
        ColumnType::Integer => &["integer"],
        ColumnType::Boolean => &["boolean"],
        ColumnType::TimestampWithTimeZone | ColumnType::Timestamp => {
            &["timestamp_with_timezone_text", "timestamp with time zone"]
        }
        other => panic!("no entity has a {other:?}"),
    }
}

async fn check<E>(db: &DatabaseConnection)
where
    E: EntityTrait + Default,
    E::Column: Iterable,
{
    let table = E::default().table_name().to_owned();
    let columns = columns(db, &table).await;
    let mut declared = Vec::new();
    for column in E::Column::iter() {
        let name = column.as_str().to_owned();
        let definition = column.def();
        let (kind, nullable) = columns
            .get(&name)
            .unwrap_or_else(|| panic!("{table} has no column {name}"));
        let expected = names(definition.get_column_type());
        assert!(
            expected.contains(&kind.as_str()),
            "{table}.{name} is {kind}, not {expected:?}"
        );
        assert_eq!(
            *nullable,
            definition.is_null(),
            "{table}.{name} may be null"
        );
        declared.push(name);
    }
    declared.sort();
    let there: Vec<_> = columns.into_keys().collect();
    assert_eq!(there, declared, "the columns of {table}");
}

async fn check_all(db: &DatabaseConnection) {
    check::<entity::account::Entity>(db).await;
    check::<entity::audit_event::Entity>(db).await;
    check::<entity::backup::Entity>(db).await;
    check::<entity::backup_storage::Entity>(db).await;
    check::<entity::backup_storage_test::Entity>(db).await;
    check::<entity::billing_gap::Entity>(db).await;
    check::<entity::billing_item::Entity>(db).await;
    check::<entity::billing_measurement::Entity>(db).await;
    check::<entity::billing_rate::Entity>(db).await;
    check::<entity::billing_span::Entity>(db).await;
    check::<entity::billing_state::Entity>(db).await;
    check::<entity::hypervisor::Entity>(db).await;
    check::<entity::hypervisor_group::Entity>(db).await;
    check::<entity::idempotency_key::Entity>(db).await;
    check::<entity::installation::Entity>(db).await;
    check::<entity::instance::Entity>(db).await;
    check::<entity::leader::Entity>(db).await;
    check::<entity::operation::Entity>(db).await;
    check::<entity::operation_event::Entity>(db).await;
    check::<entity::operation_log::Entity>(db).await;
    check::<entity::place_mark::Entity>(db).await;
    check::<entity::refusal_count::Entity>(db).await;
    check::<entity::sequence::Entity>(db).await;
    check::<entity::sign_in_counter::Entity>(db).await;
    check::<entity::snapshot::Entity>(db).await;
    check::<entity::storage_pool::Entity>(db).await;
    check::<entity::token::Entity>(db).await;
    check::<entity::turn::Entity>(db).await;
    check::<entity::unnumbered_event::Entity>(db).await;
    check::<entity::user::Entity>(db).await;
    check::<entity::volume::Entity>(db).await;
    check::<entity::volume_plan::Entity>(db).await;
}

async fn tables(db: &DatabaseConnection) -> Vec<String> {
    let backend = db.get_database_backend();
    let sql = match backend {
        DbBackend::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        }
        _ => "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()",
    };
    let rows = db
        .query_all_raw(Statement::from_string(backend, sql))
        .await
        .unwrap();
    let mut names: Vec<String> = rows
        .iter()
        .map(|row| row.try_get("", "name").unwrap())
        .collect();
    names.retain(|name| name != "seaql_migrations");
    names.sort();
    names
}

#[tokio::test]
async fn migrations_go_forth_back_and_forth_again_one_by_one_and_at_once() {
    on_each_database(async |db| {
        Migrator::up(db, None).await.unwrap();
        let whole = tables(db).await;
        check_all(db).await;
        Migrator::down(db, None).await.unwrap();
        assert_eq!(
            tables(db).await,
            Vec::<String>::new(),
            "nothing is left behind"
        );
        for _ in Migrator::migrations() {
            Migrator::up(db, Some(1)).await.unwrap();
            Migrator::down(db, Some(1)).await.unwrap();
            Migrator::up(db, Some(1)).await.unwrap();
        }
        assert_eq!(tables(db).await, whole);
        check_all(db).await;
    })
    .await;
}

#[tokio::test]
async fn every_table_has_an_entity() {
    on_each_database(async |db| {
        Migrator::up(db, None).await.unwrap();
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/entity/src");
        let mut sources = String::new();
        for file in std::fs::read_dir(directory).unwrap() {
            sources += &std::fs::read_to_string(file.unwrap().path()).unwrap();
        }
        for table in tables(db).await {
            let entity = format!("table_name = \"{table}\"");
            assert!(sources.contains(&entity), "the table {table} has no entity");
        }
    })
    .await;
}
