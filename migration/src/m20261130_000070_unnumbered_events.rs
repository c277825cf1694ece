//! Events that are committed and wait for their numbers, on PostgreSQL, and the function that gives them. SQLite has one
//! writer, which numbers events itself: there the table is empty.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

use crate::table::{bytes, drop_all, index, instant, table, text, text_null};

const TABLE: &str = "unnumbered_events";

/// The dead rows of a queue are taken away by their number, not by their share.
const TIDY: &str = "ALTER TABLE unnumbered_events SET (autovacuum_vacuum_scale_factor = 0, \
    autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0)";

/// What refers to an operation or account was looked at when the event was written: it is not looked at again, and no
/// row of theirs is locked, when the event is numbered.
const NAMED: [(&str, &str); 2] = [("operation_id", "operations"), ("account_id", "accounts")];

/// Numbers the first events behind `above`, `at_most` so many, in the order of their serials, and tells the gateways in
/// the same transaction. One call does all of it: a caller that stops in the middle holds no lock.
///
/// Nobody else numbers meanwhile, whoever it is: the row of the counter is locked before the events are read. They are read
/// by a statement of their own, which sees what was committed until then.
///
/// For whoever calls it again: all serials up to `mark_serial` are of transactions before `mark_xact`, and all of those
/// before `oldest` have ended. So once `oldest` has reached `mark_xact`, a call that found all leaves nothing up to
/// `mark_serial`.
pub const FUNCTION: &str = "
CREATE FUNCTION number_events(
    sender text, above bigint, at_most integer,
    OUT numbered bigint, OUT is_all boolean, OUT message text,
    OUT mark_serial bigint, OUT mark_xact bigint, OUT oldest bigint
) LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    last bigint;
    top bigint;
    waiting bigint;
    serials text;
    accounts text;
BEGIN
    numbered := 0;
    oldest := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    SELECT max(first.serial), count(*) INTO top, waiting
        FROM (SELECT u.serial FROM unnumbered_events u WHERE u.serial > above
              ORDER BY u.serial LIMIT at_most) first;
    is_all := waiting < at_most;
    IF waiting = 0 THEN
        RETURN;
    END IF;
    SELECT value INTO STRICT last FROM sequences
        WHERE name = 'operation_events' FOR NO KEY UPDATE;
    SELECT s.last_value INTO mark_serial FROM unnumbered_events_serial_seq s;
    mark_xact := pg_current_xact_id()::text::bigint;
    WITH taken AS (
        DELETE FROM unnumbered_events u WHERE u.serial > above AND u.serial <= top
        RETURNING u.*
    ), ranked AS (
        SELECT t.*, row_number() OVER (ORDER BY t.serial) AS place FROM taken t
    ), placed AS (
        INSERT INTO operation_events (seq, operation_id, account_id, kind, actor, message, at)
        SELECT last + r.place, r.operation_id, r.account_id, r.kind, r.actor, r.message, r.at
        FROM ranked r ORDER BY r.place
    )
    SELECT
        (SELECT count(*) FROM ranked),
        (SELECT string_agg(format(' =%s-%s', run.first, run.last), '' ORDER BY run.first)
         FROM (SELECT min(r.serial) AS first, max(r.serial) AS last
               FROM ranked r GROUP BY r.serial - r.place) run),
        (SELECT string_agg(DISTINCT ' a' || r.account_id, '') FROM ranked r)
    INTO numbered, serials, accounts;
    IF numbered = 0 THEN
        RETURN;
    END IF;
    UPDATE sequences SET value = last + numbered WHERE name = 'operation_events';
    message := format('2 %s #%s-%s', sender, last + 1, last + numbered);
    IF octet_length(message || serials || accounts) < 7900 THEN
        message := message || serials || ' E' || accounts;
    ELSE
        message := message || ' *';
    END IF;
    PERFORM pg_notify(
        'tidemark_' || coalesce(to_regnamespace(current_schema()::text)::oid, 0), message);
END
$$";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut serial = bytes("serial");
        serial.primary_key().auto_increment();
        let columns = vec![
            serial,
            text("operation_id"),
            text("account_id"),
            text("kind"),
            text_null("actor"),
            text_null("message"),
            instant("at"),
        ];
        manager
            .create_table(table(TABLE, columns, &[("operation_id", "operations")]))
            .await?;
        manager
            .create_index(index(TABLE, &["operation_id"]))
            .await?;
        let db = manager.get_connection();
        if db.get_database_backend() == DbBackend::Postgres {
            for (column, _) in NAMED {
                let unname = format!(
                    "ALTER TABLE operation_events DROP CONSTRAINT operation_events_{column}_fkey"
                );
                db.execute_unprepared(&unname).await?;
            }
            db.execute_unprepared(TIDY).await?;
            db.execute_unprepared(FUNCTION).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        if db.get_database_backend() == DbBackend::Postgres {
            // None is lost.
            db.execute_unprepared("SELECT number_events('-', 0, 2147483647)")
                .await?;
            db.execute_unprepared("DROP FUNCTION number_events").await?;
            for (column, table) in NAMED {
                let name = format!(
                    "ALTER TABLE operation_events ADD CONSTRAINT operation_events_{column}_fkey \
                     FOREIGN KEY ({column}) REFERENCES {table} (id)"
                );
                db.execute_unprepared(&name).await?;
            }
        }
        drop_all(manager, &[TABLE]).await
    }
}
