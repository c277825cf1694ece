//! Tests of backup storages: by the gateway itself, or asked of an agent.

use std::time::Duration;

use entity::{
    BackupStorageId, BackupStorageTestId, HypervisorId, backup_storage, backup_storage_test,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, ExprTrait, IntoActiveModel,
    QueryFilter, QuerySelect, sea_query::Expr,
};

use storage::Proof;

use super::{Access, find};
use crate::{
    app::App,
    domain::{
        Error, Requester, Result,
        damage::is_damage,
        hypervisor,
        place_mark::{self, Found, Place},
        text,
        transaction::{ROW_LOCK, Transaction},
    },
    events::Topic,
};

/// The most characters of what an agent says of a test; what is longer is cut.
const MAX_MESSAGE_CHARS: usize = 1000;

/// Writes, reads back and deletes a small object there: from the gateway itself, or by the agent
/// of a hypervisor.
pub async fn test(
    app: &App,
    requester: &Requester,
    id: BackupStorageId,
    hypervisor_id: Option<HypervisorId>,
) -> Result<backup_storage_test::Model> {
    requester.admin()?;
    let storage = find(app.database.reads(), id).await?;
    if let Some(hypervisor_id) = hypervisor_id {
        hypervisor::find(app.database.reads(), hypervisor_id).await?;
    }
    let test = ask(app, id, hypervisor_id).await?;
    if hypervisor_id.is_some() {
        return wait(app, test).await;
    }
    match probe(app, storage).await? {
        Ok(()) => record(app, test, true, WORKS).await,
        Err(reason) => record(app, test, false, &reason).await,
    }
}

const WORKS: &str = "A small object was written, read back and deleted.";

async fn probe(app: &App, storage: backup_storage::Model) -> Result<Result<(), String>> {
    let place = Place::of_storage(&storage, None);
    let access = match Access::to(app, storage, None).await {
        Ok(access) => access,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let patience = app.settings.storage_test;
    let mut proof = None;
    let begun = tokio::time::Instant::now();
    // Given up on, it still deletes what it has written.
    let probed = async {
        let store = access.destination.open_with(storage::Policy::PROMPT)?;
        if let Some(mark) = &access.mark {
            proof = Some(storage::prove(&*store, &mark.expected).await?);
        }
        let left = patience.saturating_sub(begun.elapsed());
        storage::probe_within(store, left).await
    };
    let outcome = match tokio::time::timeout(patience, probed).await {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_) => Err(format!(
            "backup storage cannot be reached: no answer within {} s while its mark was read",
            patience.as_secs()
        )),
    };
    if let (Some(place), Some(mark), Some(Proof::Marker)) = (place, access.mark, proof) {
        let found = Found {
            generation: mark.generation(),
            problem: None,
        };
        place_mark::keep(app, place, found).await?;
    }
    Ok(outcome)
}

fn silence(patience: Duration) -> String {
    format!(
        "The agent did not answer within {} seconds.",
        patience.as_secs()
    )
}

/// Asks for a test.
async fn ask(
    app: &App,
    id: BackupStorageId,
    hypervisor_id: Option<HypervisorId>,
) -> Result<backup_storage_test::Model> {
    let mut tx = Transaction::begin(app).await?;
    let test = backup_storage_test::ActiveModel {
        id: Set(app.ids.next(BackupStorageTestId::from_uuid)),
        backup_storage_id: Set(id),
        hypervisor_id: Set(hypervisor_id),
        requested_at: Set(tx.now()),
        finished_at: Set(None),
        ok: Set(false),
        message: Set(String::new()),
    };
    let test = test.insert(tx.db()).await?;
    if let Some(hypervisor_id) = hypervisor_id {
        tx.wake_agent(hypervisor_id);
    }
    tx.commit().await?;
    Ok(test)
}

/// How often it is looked whether an agent has answered.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Waits for the agent's answer; its silence is one too.
async fn wait(app: &App, test: backup_storage_test::Model) -> Result<backup_storage_test::Model> {
    let mut answers = app.hub.watch(Topic::StorageTests);
    let patience = app.settings.storage_test;
    let answered = async {
        loop {
            let known = backup_storage_test::Entity::find_by_id(test.id)
                .one(app.database.reads())
                .await?
                .ok_or_else(|| Error::Broken("a storage test vanished".to_owned()))?;
            if known.finished_at.is_some() {
                return Ok(known);
            }
            // The agent may answer another gateway, which wakes nobody here.
            let _ = tokio::time::timeout(LOOK_AGAIN, answers.changed()).await;
        }
    };
    if let Ok(answer) = tokio::time::timeout(patience, answered).await {
        return answer;
    }
    record(app, test, false, &silence(patience)).await
}

/// A test that waits for an agent.
#[derive(Debug)]
pub struct Asked {
    /// The test.
    pub test: backup_storage_test::Model,
    /// How the storage is reached.
    pub access: Access,
    /// For how much longer somebody waits for the answer.
    pub left: Duration,
}

/// The tests that wait for the agent of `hypervisor_id`, and all it needs to know for them. One
/// that it cannot be told of has failed.
pub async fn list_asked_of(app: &App, hypervisor_id: HypervisorId) -> Result<Vec<Asked>> {
    let db = app.database.reads();
    let patience = app.settings.storage_test;
    let since = app.clock.sql_before(app.database.backend(), patience);
    let tests = backup_storage_test::Entity::find()
        .filter(backup_storage_test::Column::HypervisorId.eq(hypervisor_id))
        .filter(backup_storage_test::Column::FinishedAt.is_null())
        .filter(Expr::col(backup_storage_test::Column::RequestedAt).gt(Expr::cust(since)))
        .all(db)
        .await?;
    if tests.is_empty() {
        return Ok(Vec::new());
    }
    let now = app.clock.now(db).await?;
    let mut asked = Vec::with_capacity(tests.len());
    for test in tests {
        let access = match find(db, test.backup_storage_id).await {
            Ok(storage) => Access::to(app, storage, Some(hypervisor_id)).await,
            Err(error) => Err(error),
        };
        match access {
            Ok(access) => {
                let waited = (now - test.requested_at).to_std().unwrap_or_default();
                let left = patience.saturating_sub(waited);
                asked.push(Asked { test, access, left });
            }
            Err(error) if is_damage(&error) => {
                record(app, test, false, &error.to_string()).await?;
            }
            Err(error) => tracing::error!(test = %test.id, %error, "a storage cannot be tested"),
        }
    }
    Ok(asked)
}

/// The answer of the agent of `hypervisor_id`; false when nobody waits for it any more.
pub async fn answer(
    app: &App,
    hypervisor_id: HypervisorId,
    id: BackupStorageTestId,
    ok: bool,
    message: &str,
) -> Result<bool> {
    let test = backup_storage_test::Entity::find_by_id(id)
        .filter(backup_storage_test::Column::HypervisorId.eq(hypervisor_id))
        .filter(backup_storage_test::Column::FinishedAt.is_null())
        .one(app.database.reads())
        .await?;
    match test {
        Some(test) => {
            let message = if ok { WORKS } else { message };
            record(app, test, ok, message).await.map(|_| true)
        }
        None => Ok(false),
    }
}

/// Keeps how a test ended. The first answer counts: one that came meanwhile is given instead.
async fn record(
    app: &App,
    test: backup_storage_test::Model,
    ok: bool,
    message: &str,
) -> Result<backup_storage_test::Model> {
    let mut tx = Transaction::begin(app).await?;
    let known = backup_storage_test::Entity::find_by_id(test.id)
        .lock(ROW_LOCK)
        .one(tx.db())
        .await?
        .ok_or_else(|| Error::Broken("a storage test vanished".to_owned()))?;
    if known.finished_at.is_some() {
        return Ok(known);
    }
    let mut test = known.into_active_model();
    test.finished_at = Set(Some(tx.now()));
    test.ok = Set(ok);
    test.message = Set(text::printable(message, MAX_MESSAGE_CHARS));
    let test = test.update(tx.db()).await?;
    tx.wake(Topic::StorageTests);
    tx.commit().await?;
    Ok(test)
}
