//! How many rows a query has: exactly where there are few, about where there are many. Nobody reads on to the ten thousandth row,
//! and counting a whole table takes as long as reading it.

use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, EntityTrait, PaginatorTrait, QuerySelect, QueryTrait,
    Select, Statement,
    sea_query::{Asterisk, Expr, ExprTrait, Query},
};

/// Up to so many rows are counted one by one.
pub const EXACTLY: u64 = 10_000;

/// How many rows `query` has. Above [`EXACTLY`] that is what PostgreSQL estimates; SQLite estimates nothing, and counts.
pub async fn about<E>(db: &impl ConnectionTrait, query: Select<E>) -> Result<u64, DbErr>
where
    E: EntityTrait<Model: Send + Sync>,
{
    let backend = db.get_database_backend();
    if backend == DbBackend::Sqlite {
        return query.count(db).await;
    }
    let first = query
        .clone()
        .select_only()
        .column_as(Expr::value(1), "one")
        .limit(EXACTLY + 1)
        .into_query();
    let counted = Query::select()
        .expr_as(Expr::col(Asterisk).count(), "rows")
        .from_subquery(first, "first")
        .to_owned();
    let counted = db.query_one(&counted).await?;
    let counted: i64 = counted.map_or(Ok(0), |row| row.try_get("", "rows"))?;
    let counted = u64::try_from(counted).unwrap_or_default();
    if counted <= EXACTLY {
        return Ok(counted);
    }
    let mut explain: Statement = query.build(backend);
    explain.sql.insert_str(0, "EXPLAIN ");
    let plan = db.query_one_raw(explain).await?;
    let plan: String = plan.map_or(Ok(String::new()), |row| row.try_get_by_index(0))?;
    Ok(Ord::max(estimated(&plan).unwrap_or_default(), counted))
}

/// The rows that the first line of a plan tells: `Seq Scan on volumes  (cost=0.00..1.10 rows=10 width=4)`.
fn estimated(plan: &str) -> Option<u64> {
    let (_, rows) = plan.split_once("rows=")?;
    rows.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_is_read_from_the_first_line_of_a_plan() {
        let plan = "Limit  (cost=0.42..1.07 rows=21000 width=372)";
        assert_eq!(estimated(plan), Some(21_000));
        assert_eq!(estimated("Result"), None);
    }
}
