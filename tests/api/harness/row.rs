//! What stands in the database, and changes made there by hand.

use chrono::TimeDelta;
use entity::{
    BackupId, OperationId, SnapshotId, VolumeId, audit_event, backup, operation, operation_event,
    operation_event::OperationEventKind, snapshot, token::TokenScope, user, volume,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QueryResult,
    Statement,
};
use serde_json::Value;
use tidemark::domain::{
    Requester,
    hashing::Client,
    operation::recover::{Repaired, recover},
    password,
    token::{Bearer, issue},
};

use super::{World, mutation::text};

impl World {
    /// A volume, deleted or not.
    pub async fn volume_row(&self, id: VolumeId) -> volume::Model {
        let db = self.app.database.writes();
        volume::Entity::find_by_id(id)
            .one(db)
            .await
            .unwrap()
            .unwrap()
    }

    /// A snapshot, deleted or not.
    pub async fn snapshot_row(&self, id: SnapshotId) -> snapshot::Model {
        let db = self.app.database.writes();
        snapshot::Entity::find_by_id(id)
            .one(db)
            .await
            .unwrap()
            .unwrap()
    }

    /// A backup, deleted or not.
    pub async fn backup_row(&self, id: BackupId) -> backup::Model {
        let db = self.app.database.writes();
        backup::Entity::find_by_id(id)
            .one(db)
            .await
            .unwrap()
            .unwrap()
    }

    /// An operation.
    pub async fn operation_row(&self, id: OperationId) -> operation::Model {
        let db = self.app.database.writes();
        operation::Entity::find_by_id(id)
            .one(db)
            .await
            .unwrap()
            .unwrap()
    }

    /// How many rows a table has.
    pub async fn count(&self, table: &str) -> i64 {
        self.settle().await;
        let db = self.app.database.writes();
        let sql = format!("SELECT count(*) AS rows FROM {table}");
        let sql = Statement::from_string(db.get_database_backend(), sql);
        let row = db.query_one_raw(sql).await.unwrap().unwrap();
        row.try_get("", "rows").unwrap()
    }

    /// What happened to an operation, oldest first.
    pub async fn history(&self, id: OperationId) -> Vec<OperationEventKind> {
        self.settle().await;
        let events = operation_event::Entity::find()
            .filter(operation_event::Column::OperationId.eq(id))
            .order_by_asc(operation_event::Column::Seq)
            .all(self.app.database.writes())
            .await
            .unwrap();
        events.into_iter().map(|event| event.kind).collect()
    }

    /// The audit trail, oldest first.
    pub async fn audit(&self) -> Vec<audit_event::Model> {
        audit_event::Entity::find()
            .order_by_asc(audit_event::Column::Id)
            .all(self.app.database.writes())
            .await
            .unwrap()
    }

    /// An administrator's statement in an SQL shell.
    pub async fn by_hand(&self, statement: &str) {
        self.settle().await;
        let db = self.app.database.writes();
        db.execute_unprepared(statement).await.unwrap();
    }

    /// The same in a shell that lets go of rows that others refer to, and takes any word.
    pub async fn by_force(&self, statement: &str) {
        self.settle().await;
        let db = self.app.database.writes();
        let statement = match db.get_database_backend() {
            DbBackend::Sqlite => format!(
                "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; {statement}; \
                 PRAGMA ignore_check_constraints = OFF; PRAGMA foreign_keys = ON"
            ),
            _ => {
                format!("BEGIN; SET LOCAL session_replication_role = replica; {statement}; COMMIT")
            }
        };
        db.execute_unprepared(&statement).await.unwrap();
    }

    /// How the database goes about `query`, line by line. A table without rows is read as a whole whatever its indexes:
    /// here it is not.
    pub async fn plan_of(&self, query: Statement) -> String {
        let tx = self.app.database.begin().await.unwrap();
        let backend = tx.get_database_backend();
        let (explain, column) = match backend {
            DbBackend::Sqlite => ("EXPLAIN QUERY PLAN", "detail"),
            _ => ("EXPLAIN", "QUERY PLAN"),
        };
        if backend == DbBackend::Postgres {
            tx.execute_unprepared("SET LOCAL enable_seqscan = off")
                .await
                .unwrap();
        }
        let sql = format!("{explain} {}", query.sql);
        let values = query.values.map_or_else(Vec::new, |values| values.0);
        let explained = Statement::from_sql_and_values(backend, sql, values);
        let rows = tx.query_all_raw(explained).await.unwrap();
        let lines = rows
            .iter()
            .map(|row| row.try_get::<String>("", column).unwrap());
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The one text that a query finds; none where there is no row, or null in it.
    pub async fn text(&self, query: &str) -> Option<String> {
        let db = self.app.database.writes();
        let query = Statement::from_string(db.get_database_backend(), query);
        let row = db.query_one_raw(query).await.unwrap()?;
        row.try_get_by_index(0).unwrap()
    }

    /// All that the database keeps: of SQLite its files, byte by byte; of PostgreSQL every row.
    pub async fn everything_kept(&self) -> Vec<u8> {
        let db = self.app.database.writes();
        let backend = db.get_database_backend();
        let texts = async |sql: &str, column: &str| {
            let rows = db.query_all_raw(Statement::from_string(backend, sql)).await;
            let text = |row: &QueryResult| row.try_get::<String>("", column).unwrap();
            rows.unwrap().iter().map(text).collect::<Vec<_>>()
        };
        if backend == DbBackend::Sqlite {
            let file = texts("PRAGMA database_list", "file").await.remove(0);
            let mut kept = std::fs::read(&file).unwrap();
            kept.extend(std::fs::read(format!("{file}-wal")).unwrap());
            return kept;
        }
        let tables = "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()";
        let mut kept = String::new();
        for table in texts(tables, "name").await {
            let rows = format!("SELECT t::text AS row FROM {table} t");
            kept.extend(texts(&rows, "row").await);
        }
        kept.into_bytes()
    }

    /// One run of the cleanup.
    pub async fn clean_up(&self) -> Repaired {
        recover(&self.app).await.unwrap()
    }

    /// The same user with a session of its own, which streams need.
    pub async fn signed_in(&self, requester: &Requester) -> Requester {
        let user = requester.user().unwrap().clone();
        let (db, now) = (self.app.database.writes(), self.now());
        let bearer = Bearer::Session(user.id);
        let ends_at = Some(now + TimeDelta::days(365));
        let issued = issue(&self.app, db, bearer, "Sign-in", now, ends_at).await;
        Requester::User {
            user,
            token: issued.unwrap().token.id,
            token_scope: TokenScope::Full,
        }
    }

    /// Gives a user a password, and says what it signs in with.
    pub async fn set_password(&self, user: &user::Model, password: &str) -> String {
        let client = Client::Known(user.id);
        let hash = password::hash(&self.app.hashing, &client, password.to_owned());
        let hash = hash.await.unwrap();
        self.by_hand(&format!(
            "UPDATE users SET password_hash = '{hash}' WHERE id = '{}'",
            user.id
        ))
        .await;
        user.email.clone()
    }
}

/// The id in a payload, as the type that is asked for: `id(&payload["snapshot"])`.
pub fn id<T: std::str::FromStr>(node: &Value) -> T {
    let id = text(&node["id"]).parse().ok();
    id.unwrap_or_else(|| panic!("no id: {node}"))
}
