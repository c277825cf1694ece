//! What proves that a place is the one that is meant: `.tidemark/owner.json`, written into an empty place
//! once, and looked at ever after.
//!
//! A disk that is not mounted leaves an empty directory, which says of everything that it is gone. So
//! nothing is written, deleted or believed to be gone in a place before its marker was read. Whoever asks
//! remembers whether the place was ever marked: from then on the marker has to be there.

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Error, ObjectPath, Result, Store};

const FORMAT_VERSION: u32 = 1;
/// No marker is larger.
const MAX_BYTES: u64 = 4 << 10;

/// What kind of place it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PlaceKind {
    /// Where volumes lie.
    StoragePool,
    /// Where backups lie.
    BackupStorage,
}

/// What a place says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Marker {
    /// What it is.
    pub kind: PlaceKind,
    /// The installation that it belongs to.
    pub installation_id: Uuid,
    /// Its id there.
    pub place_id: Uuid,
    /// The hypervisor whose own it is; none where several share it.
    pub hypervisor_id: Option<Uuid>,
    /// Rises each time that an administrator accepts another disk in its stead.
    pub generation: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    format_version: u32,
    #[serde(flatten)]
    marker: Marker,
}

/// As much of a marker as every version has.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    format_version: u32,
}

/// How much is known of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has seen it marked.
    New,
    /// An administrator has said that what is there now is right.
    Accepted,
    /// Its marker was seen, and has to be there.
    Marked,
}

/// What is expected of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The marker that it has, or will have.
    pub marker: Marker,
    /// How much is known of it.
    pub standing: Standing,
    /// Of a new one: some of what is known to lie there. Each proves that the place is the one.
    pub witnesses: Vec<ObjectPath>,
}

/// What a place was found to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The marker is there, or was written.
    Marker,
    /// What is known to lie there is there, but there is no room or permission for a marker.
    Witness,
}

/// What a marker lies in: any [`Store`], and pools of volumes that are none.
#[async_trait]
pub trait Place: Send + Sync {
    /// What the marker holds: [`Error::NotFound`] where there is none, and [`Error::OutOfRange`] if it has more than
    /// `limit` bytes.
    async fn read_marker(&self, limit: u64) -> Result<Bytes>;

    /// Writes the marker, in place of any that is there.
    async fn write_marker(&self, content: Bytes) -> Result<()>;

    /// Whether nothing lies there that could be somebody's.
    async fn is_unused(&self) -> Result<bool>;

    /// Whether something lies there for certain.
    async fn holds(&self, witness: &ObjectPath) -> Result<bool>;

    /// What may be wrong if nothing is found there, and what to do then.
    fn suspicion(&self) -> &'static str {
        "its disk may not be mounted, or was replaced. Mount it"
    }
}

#[async_trait]
impl<S: Store + ?Sized> Place for S {
    async fn read_marker(&self, limit: u64) -> Result<Bytes> {
        self.get(&ObjectPath::marker(), limit).await
    }

    async fn write_marker(&self, content: Bytes) -> Result<()> {
        self.put(&ObjectPath::marker(), content).await
    }

    async fn is_unused(&self) -> Result<bool> {
        self.is_vacant().await
    }

    async fn holds(&self, witness: &ObjectPath) -> Result<bool> {
        match self.size(witness).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_transient() || error.is_of_the_place() => Err(error),
            // What is no file proves nothing.
            Err(_) => Ok(false),
        }
    }
}

enum Found {
    Nothing,
    /// Something that is no marker.
    Unreadable,
    /// What a later version has written.
    TooNew,
    Marker(Marker),
}

/// Makes sure that a place is the one that is expected, and marks it where it may be marked.
pub async fn prove<P: Place + ?Sized>(place: &P, expected: &Expected) -> Result<Proof> {
    let found = find(place).await?;
    match (expected.standing, found) {
        (_, Found::Marker(found)) if found == expected.marker => Ok(Proof::Marker),
        (_, Found::TooNew) => Err(unproved(
            "its marker (.tidemark/owner.json) was written by a newer Tidemark. Update this one",
        )),
        (Standing::Accepted, Found::Nothing | Found::Unreadable) => mark(place, expected).await,
        (Standing::Accepted, Found::Marker(found)) => {
            let is_ours = found.installation_id == expected.marker.installation_id
                && found.place_id == expected.marker.place_id;
            if is_ours || place.is_unused().await? {
                return mark(place, expected).await;
            }
            Err(foreign(&found, &expected.marker))
        }
        (_, Found::Marker(found)) => Err(foreign(&found, &expected.marker)),
        (_, Found::Unreadable) => Err(unproved(format!(
            "its marker (.tidemark/owner.json) cannot be read. If it is the right one, {ACCEPT}"
        ))),
        (Standing::Marked, Found::Nothing) => Err(unproved(format!(
            "it has no marker (.tidemark/owner.json), although it was marked: {}; if what is there now is right, \
             {ACCEPT}",
            place.suspicion()
        ))),
        (Standing::New, Found::Nothing) => adopt(place, expected).await,
    }
}

/// A place that was never marked: it is, if it is empty and nothing is to be there, or if something is there
/// that is to be there.
async fn adopt<P: Place + ?Sized>(place: &P, expected: &Expected) -> Result<Proof> {
    if place.is_unused().await? {
        if expected.witnesses.is_empty() {
            return mark(place, expected).await;
        }
        return Err(unproved(format!(
            "it is empty, although things are kept there: {}; if it was emptied or replaced, {ACCEPT}",
            place.suspicion()
        )));
    }
    for witness in &expected.witnesses {
        if place.holds(witness).await? {
            return match mark(place, expected).await {
                // What has to be deleted to make room has to be deleted without a marker.
                Err(Error::Full { .. } | Error::Permission { .. }) => Ok(Proof::Witness),
                marked => marked,
            };
        }
    }
    let reason = if expected.witnesses.is_empty() {
        "it has no marker (.tidemark/owner.json), and is not empty. Give it an empty place of its own; if what \
         lies there may stay"
    } else {
        "it has no marker (.tidemark/owner.json), and nothing of what should lie there was found: it may be \
         another disk. Mount the right one; if this is it"
    };
    Err(unproved(format!("{reason}, {ACCEPT}")))
}

async fn find<P: Place + ?Sized>(place: &P) -> Result<Found> {
    let content = match place.read_marker(MAX_BYTES).await {
        Ok(content) => content,
        Err(Error::NotFound { .. }) => return Ok(Found::Nothing),
        Err(Error::OutOfRange { .. }) => return Ok(Found::Unreadable),
        Err(error) => return Err(error),
    };
    let version = serde_json::from_slice(&content).map(|version: Version| version.format_version);
    if version.is_ok_and(|version| version > FORMAT_VERSION) {
        return Ok(Found::TooNew);
    }
    let file: serde_json::Result<File> = serde_json::from_slice(&content);
    Ok(file.map_or(Found::Unreadable, |file| Found::Marker(file.marker)))
}

async fn mark<P: Place + ?Sized>(place: &P, expected: &Expected) -> Result<Proof> {
    let file = File {
        format_version: FORMAT_VERSION,
        marker: expected.marker.clone(),
    };
    let content = serde_json::to_vec_pretty(&file).map_err(|error| Error::Io {
        doing: "writing the marker".into(),
        source: error.into(),
    })?;
    place.write_marker(Bytes::from(content)).await?;
    tracing::info!(place = %expected.marker.place_id, "a place was marked");
    Ok(Proof::Marker)
}

const ACCEPT: &str = "an administrator accepts it (acceptPlace)";

fn unproved(reason: impl Into<String>) -> Error {
    Error::Unproved {
        reason: reason.into(),
    }
}

/// What is wrong with another marker than the one that was expected.
fn foreign(found: &Marker, expected: &Marker) -> Error {
    if found.installation_id != expected.installation_id {
        return unproved(format!(
            "it belongs to another installation of Tidemark ({}). Mount the right disk, or give it an empty \
             place of its own",
            found.installation_id
        ));
    }
    if found.place_id != expected.place_id {
        let kind = match found.kind {
            PlaceKind::StoragePool => "storage pool",
            PlaceKind::BackupStorage => "backup storage",
        };
        return unproved(format!(
            "it is another one: the {kind} {}. Mount the right disk, or give it an empty place of its own",
            found.place_id
        ));
    }
    if found.hypervisor_id != expected.hypervisor_id {
        let whose = found.hypervisor_id.map_or_else(
            || "is shared by hypervisors".into(),
            |hypervisor| format!("is that of the hypervisor {hypervisor}"),
        );
        return unproved(format!(
            "its marker says that it {whose}. A directory that several hypervisors share is no local one; if \
             the disk was moved here for good, {ACCEPT}"
        ));
    }
    unproved(format!(
        "it is of generation {}, and {} is expected: a disk that was replaced, or an older one. Mount the right \
         one; if this is it, {ACCEPT}",
        found.generation, expected.generation
    ))
}

#[cfg(test)]
mod tests;
