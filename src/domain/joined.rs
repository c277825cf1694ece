//! Rows of several tables that are read by one statement, each under names of its own.

use sea_orm::{
    DbBackend, EntityTrait, IdenStatic, Iterable,
    sea_query::{Expr, ExprTrait, IntoColumnRef, SelectStatement, SimpleExpr},
};

/// Has `query` read all columns of `E`'s table, under names that begin with `prefix`.
pub fn add<E: EntityTrait>(query: &mut SelectStatement, prefix: &str) {
    for column in E::Column::iter() {
        let name = format!("{prefix}{}", column.as_str());
        query.expr_as(Expr::col((E::default(), column)), name);
    }
}

/// That `column` is one of `ids`. On PostgreSQL the statement is the same however many there are, so that it is prepared
/// once.
pub fn is_one_of<I>(
    backend: DbBackend,
    column: impl IntoColumnRef,
    ids: impl IntoIterator<Item = I>,
) -> SimpleExpr
where
    I: ToString,
{
    let ids = ids.into_iter().map(|id| id.to_string());
    let column = Expr::col(column);
    if backend == DbBackend::Sqlite {
        return column.is_in(ids);
    }
    let all = ids.collect::<Vec<_>>().join(",");
    let any = "$1 = ANY (string_to_array($2, ','))";
    Expr::cust_with_exprs(any, [column, Expr::value(all)])
}
