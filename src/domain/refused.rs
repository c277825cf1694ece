//! What callers were refused whom nobody knows: counted, not kept, so that they cannot make the database
//! grow. There is a row for each mutation and code, and nothing else.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use entity::refusal_count::{ActiveModel, Column, Entity};
use sea_orm::{
    ActiveValue::Set,
    EntityTrait, ExprTrait,
    sea_query::{Expr, OnConflict},
};

use super::{ErrorCode, Result, transaction::Transaction};
use crate::app::App;

/// What was counted since it was last kept. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Refused(Arc<Mutex<BTreeMap<String, i64>>>);

impl Refused {
    /// Counts that `mutation` was refused with `code`.
    pub fn count(&self, mutation: &str, code: ErrorCode) {
        *self.lock().entry(format!("{mutation} {code}")).or_default() += 1;
    }

    fn add(&self, counts: BTreeMap<String, i64>) {
        let mut known = self.lock();
        for (kind, count) in counts {
            *known.entry(kind).or_default() += count;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds what was counted to what is kept.
pub async fn keep(app: &App) -> Result<()> {
    let counts = std::mem::take(&mut *app.refused.lock());
    if counts.is_empty() {
        return Ok(());
    }
    let kept = write(app, &counts).await;
    if kept.is_err() {
        app.refused.add(counts);
    }
    kept
}

/// In the order of the kinds: gateways that do it at the same moment wait for each other, and not in a circle.
async fn write(app: &App, counts: &BTreeMap<String, i64>) -> Result<()> {
    let tx = Transaction::begin(app).await?;
    for (kind, count) in counts {
        let row = ActiveModel {
            kind: Set(kind.clone()),
            count: Set(*count),
            last_at: Set(tx.now()),
        };
        let add = OnConflict::column(Column::Kind)
            .value(
                Column::Count,
                Expr::col((Entity, Column::Count)).add(*count),
            )
            .value(Column::LastAt, Expr::value(tx.now()))
            .to_owned();
        Entity::insert(row)
            .on_conflict(add)
            .exec_without_returning(tx.db())
            .await?;
    }
    tx.commit().await
}
