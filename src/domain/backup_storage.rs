//! Backup storages: where backups are written to, and whether that works.

use chrono::{DateTime, Utc};
use entity::{
    BackupStorageId, BackupStorageTestId, HypervisorId, backup, backup_storage,
    backup_storage::BackupStorageKind, backup_storage_test,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, QuerySelect,
};

use super::{
    Error, Requester, Result, hypervisor,
    text::{self, absolute_path},
    transaction::Transaction,
};
use crate::{app::App, events::Topic};

/// The most characters of what an agent says of a test; what is longer is cut.
const MAX_MESSAGE_CHARS: usize = 1000;

/// What kind of destination, and where it is.
#[derive(Debug)]
pub enum Location {
    /// A directory of the hypervisors themselves.
    Local {
        /// The directory.
        path: String,
    },
}

/// The backup storage `id`.
pub async fn find(db: &impl ConnectionTrait, id: BackupStorageId) -> Result<backup_storage::Model> {
    let storage = backup_storage::Entity::find_by_id(id).one(db).await?;
    storage.ok_or(Error::NotFound("backup storage"))
}

/// Makes a backup storage.
pub async fn create(
    app: &App,
    requester: &Requester,
    name: &str,
    location: Location,
) -> Result<backup_storage::Model> {
    requester.admin()?;
    let tx = Transaction::begin(app).await?;
    let Location::Local { path } = location;
    let storage = backup_storage::ActiveModel {
        id: Set(app.ids.next(BackupStorageId::from_uuid)),
        name: Set(text::name(name)?),
        kind: Set(BackupStorageKind::Local),
        path: Set(Some(absolute_path(&path)?)),
        created_at: Set(tx.now()),
    };
    let storage = storage.insert(tx.db()).await?;
    tx.commit().await?;
    Ok(storage)
}

/// Changes a backup storage. One that holds backups cannot be pointed elsewhere.
pub async fn update(
    app: &App,
    requester: &Requester,
    id: BackupStorageId,
    name: Option<&str>,
    location: Option<Location>,
) -> Result<backup_storage::Model> {
    requester.admin()?;
    let tx = Transaction::begin(app).await?;
    let storage = backup_storage::Entity::find_by_id(id)
        // Stronger than other locks of rows: a backup that refers to it waits, too.
        .lock_exclusive()
        .one(tx.db())
        .await?;
    let storage = storage.ok_or(Error::NotFound("backup storage"))?;
    let mut changed = storage.clone().into_active_model();
    if let Some(name) = name {
        changed.name = Set(text::name(name)?);
    }
    if let Some(Location::Local { path }) = location {
        if storage.kind != BackupStorageKind::Local {
            return Err(Error::invalid(
                "The kind of a backup storage cannot be changed.",
            ));
        }
        let path = absolute_path(&path)?;
        if storage.path.as_deref() != Some(&*path) {
            let backups = backup::Entity::find()
                .filter(backup::Column::BackupStorageId.eq(id))
                .filter(backup::Column::DeletedAt.is_null())
                .count(tx.db())
                .await?;
            if backups > 0 {
                return Err(Error::invalid(format!(
                    "The backup storage holds {backups} backups and cannot be pointed elsewhere."
                )));
            }
            changed.path = Set(Some(path));
        }
    }
    let storage = changed.update(tx.db()).await?;
    tx.commit().await?;
    Ok(storage)
}

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
    let answer = probe(&storage).await;
    let message = answer.err().unwrap_or_else(|| WORKS.to_owned());
    let ok = message == WORKS;
    record(app, test, ok, &message).await
}

const WORKS: &str = "A small object was written, read back and deleted.";

async fn probe(storage: &backup_storage::Model) -> Result<(), String> {
    let path = storage
        .path
        .as_deref()
        .ok_or("The backup storage has no path.")?;
    storage::probe(&storage::Local::new(path))
        .await
        .map_err(|error| error.to_string())
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
            answers.changed().await;
        }
    };
    if let Ok(answer) = tokio::time::timeout(patience, answered).await {
        return answer;
    }
    let silence = format!(
        "The agent did not answer within {} seconds.",
        patience.as_secs()
    );
    record(app, test, false, &silence).await
}

/// The tests that wait for the agent of `hypervisor_id`.
pub async fn list_asked_of(
    app: &App,
    hypervisor_id: HypervisorId,
) -> Result<Vec<(backup_storage_test::Model, backup_storage::Model)>> {
    let db = app.database.reads();
    let since: DateTime<Utc> = app.clock.now(db).await? - app.settings.storage_test;
    let tests = backup_storage_test::Entity::find()
        .filter(backup_storage_test::Column::HypervisorId.eq(hypervisor_id))
        .filter(backup_storage_test::Column::FinishedAt.is_null())
        .filter(backup_storage_test::Column::RequestedAt.gt(since))
        .all(db)
        .await?;
    let mut asked = Vec::with_capacity(tests.len());
    for test in tests {
        let storage = find(db, test.backup_storage_id).await?;
        asked.push((test, storage));
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

async fn record(
    app: &App,
    test: backup_storage_test::Model,
    ok: bool,
    message: &str,
) -> Result<backup_storage_test::Model> {
    let mut tx = Transaction::begin(app).await?;
    let mut test = test.into_active_model();
    test.finished_at = Set(Some(tx.now()));
    test.ok = Set(ok);
    test.message = Set(text::printable(message, MAX_MESSAGE_CHARS));
    let test = test.update(tx.db()).await?;
    tx.wake(Topic::StorageTests);
    tx.commit().await?;
    Ok(test)
}
