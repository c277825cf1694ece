//! Who may read what, below the root fields: every field of every type of the schema, for every kind of
//! caller. The types and their fields come from the schema, so that a new one without a row here fails.
//!
//! What a mutation answers is left out: only who may call it reads it, and its row among the root fields
//! says who that is.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::parser::{
    parse_schema,
    types::{BaseType, TypeKind, TypeSystemDefinition},
};

use super::{Outcomes, elsewhere, outcome, things};
use crate::harness::on_each_database;

/// A type, a document that reads fields of it in the place of `@`, and who may read which of them.
type Row = (
    &'static str,
    &'static str,
    &'static [(&'static str, Outcomes)],
);

/// What each field is to nobody, another account's user, the owner, an administrator, the agent of another
/// hypervisor and the right agent: (A)llowed, (F)orbidden, (N)ot found, or (U)nauthenticated.
const TYPES: &[Row] = &[
    (
        "Account",
        "query { volume(id: \"$volume\") { account { @ } } }",
        &[
            (
                "id name operationsInFlight operationsInFlightLimit volumeCount volumeLimit volumeBytes \
                 volumeBytesLimit",
                "UNAAFF",
            ),
            ("users", "UNFAFF"),
        ],
    ),
    (
        "ActionAvailability",
        "query { volume(id: \"$volume\") { actions { createSnapshot { @ } } } }",
        &[("allowed blockers", "UNAAFF")],
    ),
    (
        "ApiToken",
        "query { viewer { apiTokens { @ } } }",
        &[("id name scope createdAt expiresAt lastUsedAt", "UAAAFF")],
    ),
    (
        "Attention",
        "query { attention { @ } }",
        &[(
            "failedOperations stuckOperations offlineHypervisors outdatedHypervisors backupStoragesUntested \
             backupStoragesFailing volumesWithoutBackup at",
            "UFFAFF",
        )],
    ),
    (
        "Backup",
        "query { backup(id: \"$backup\") { @ } }",
        &[(
            "id name status account volume volumeId volumeName storageType volumeSizeBytes storedBytes \
             location checksum verification cost createdAt availableAt failure operation",
            "UNAAFF",
        )],
    ),
    (
        "BackupLocation",
        "query { backup(id: \"$backup\") { location { @ } } }",
        &[("storageName path", "UNAAFF")],
    ),
    (
        "BackupStorage",
        "query { backupStorages { @ } }",
        &[(
            "id name kind summary s3 nfs local bandwidthLimit createdAt survivesHostLoss lastTest marks",
            "UFFAFF",
        )],
    ),
    (
        "BackupStorageTest",
        "query { backupStorages { lastTest { @ } } }",
        &[("at ok hypervisor tookMilliseconds message", "UFFAFF")],
    ),
    (
        "BackupVerification",
        "query { backup(id: \"$backup\") { verification { @ } } }",
        &[("at ok message", "UNAAFF")],
    ),
    (
        "Blocker",
        "query { volume(id: \"$volume\") { actions { createSnapshot { blockers { @ } } } } }",
        &[("code message availableAt", "UNAAFF")],
    ),
    (
        "Cooldown",
        "query { volume(id: \"$volume\") { cooldown { @ } } }",
        &[("endsAt remainingSeconds", "UNAAFF")],
    ),
    (
        "CooldownTick",
        "subscription { cooldown(volumeId: \"$volume\") { @ } }",
        &[("volumeId cooldown serverTime", "UNAAFF")],
    ),
    (
        "ErrorDescription",
        "query { errorCatalog { @ } }",
        &[("code meaning retriable remedy", "AAAAAA")],
    ),
    (
        "Hypervisor",
        "query { hypervisor(id: \"$hypervisor\") { @ } }",
        &[(
            "id name group backupStorage usesGroupBackupStorage status lastSeenAt deletedAt agentVersion \
             latestAgentVersion agentUpdate capabilities",
            "UFFAFF",
        )],
    ),
    (
        "AgentUpdate",
        "query { hypervisor(id: \"$hypervisor\") { agentUpdate { @ } } }",
        &[(
            "fromVersion toVersion status startedAt finishedAt error",
            "UFFAFF",
        )],
    ),
    (
        "HypervisorGroup",
        "query { hypervisorGroups { @ } }",
        &[
            ("id name plans", "UAAAFF"),
            ("backupStorage hypervisors", "UFFAFF"),
        ],
    ),
    (
        "Instance",
        "query { instances { nodes { @ } } }",
        &[
            ("id name status account volumes creditsPerHour", "UAAAFF"),
            ("hypervisor", "UAFAFF"),
        ],
    ),
    (
        "LocalStorage",
        "query { backupStorages { local { @ } } }",
        &[("path", "UFFAFF")],
    ),
    (
        "NfsStorage",
        "query { backupStorages { nfs { @ } } }",
        &[("server export directory", "UFFAFF")],
    ),
    (
        "PlaceMark",
        "query { storagePools { marks { @ } } }",
        &[(
            "hypervisor state generation markedAt problem problemAt",
            "UFFAFF",
        )],
    ),
    (
        "S3Storage",
        "query { backupStorages { s3 { @ } } }",
        &[(
            "endpoint region bucket prefix accessKeyId forcePathStyle",
            "UFFAFF",
        )],
    ),
    (
        "Operation",
        "query { operation(id: \"$operation\") { @ } }",
        &[
            (
                "id kind status revision attempt maxAttempts subjectName volume snapshot backup targetVolume account waiting \
                 progress error requestedBy createdAt deadlineAt startedAt finishedAt heldUntil events logs",
                "UNAAFF",
            ),
            ("hypervisor", "UNFAFF"),
        ],
    ),
    (
        "OperationError",
        "query { operation(id: \"$operation\") { error { @ } } }",
        &[("code message", "UNAAFF")],
    ),
    (
        "OperationEvent",
        "query { operation(id: \"$operation\") { events { nodes { @ } } } }",
        &[("cursor at kind operation actor message", "UNAAFF")],
    ),
    (
        "OperationLog",
        "query { operation(id: \"$operation\") { logs { nodes { @ } } } }",
        &[("at level message", "UNAAFF")],
    ),
    (
        "OperationProgress",
        "query { operation(id: \"$operation\") { progress { @ } } }",
        &[(
            "phase percent bytesDone bytesTotal bytesPerSecond etaSeconds",
            "UNAAFF",
        )],
    ),
    (
        "OperationWaiting",
        "query { operation(id: \"$operation\") { waiting { @ } } }",
        &[("reason since position", "UNAAFF")],
    ),
    (
        "Session",
        "query { viewer { sessions { @ } } }",
        &[("id createdAt lastUsedAt expiresAt current", "UAAAFF")],
    ),
    (
        "Snapshot",
        "query { snapshot(id: \"$snapshot\") { @ } }",
        &[(
            "id name volume status volumeSizeBytes retainedBytes cost createdAt availableAt failure operation",
            "UNAAFF",
        )],
    ),
    (
        "StoragePool",
        "query { storagePools { @ } }",
        &[(
            "id name storageType summary reach hypervisor marks hypervisorGroup",
            "UFFAFF",
        )],
    ),
    (
        "User",
        "query { viewer { user { @ } } }",
        &[("id email", "UAAAFF"), ("role disabledAt", "UFFAFF")],
    ),
    (
        "Viewer",
        "query { viewer { @ } }",
        &[("user account role apiTokens sessions", "UAAAFF")],
    ),
    (
        "Volume",
        "query { volume(id: \"$volume\") { @ } }",
        &[
            (
                "id name sizeBytes storageType status plan hypervisorGroup account attachedTo createdAt lastBackupAt \
                 activeOperation cooldown snapshots backups operations dataState usage actions",
                "UNAAFF",
            ),
            ("hypervisor", "UNFAFF"),
        ],
    ),
    (
        "VolumeActions",
        "query { volume(id: \"$volume\") { actions { @ } } }",
        &[(
            "createSnapshot createBackup restoreInPlace restoreToNewVolume",
            "UNAAFF",
        )],
    ),
    (
        "VolumeActivity",
        "subscription { volumeActivity(volumeId: \"$volume\") { @ } }",
        &[("volume operation cooldown serverTime", "UNAAFF")],
    ),
    (
        "VolumePlan",
        "query { volumePlans { @ } }",
        &[
            (
                "id name sizeBytes storageType enabled maxSnapshots maxBackups snapshotCreditValue \
                 backupCreditValue rates operationDeadlineSeconds",
                "UAAAFF",
            ),
            ("volumeCount volumesAbove", "UFFAFF"),
        ],
    ),
    (
        "VolumeUsage",
        "query { volume(id: \"$volume\") { usage { @ } } }",
        &[("snapshots maxSnapshots backups maxBackups", "UNAAFF")],
    ),
    (
        "AgentWork",
        "subscription { agentWork { @ } }",
        &[("claimable", "UFFFAA")],
    ),
    (
        "AgentLease",
        "mutation { agentRenew(input: { leases: [] }) { leases { @ } } }",
        &[("operationId epoch state", "UFFFAA")],
    ),
    (
        "AgentAssignment",
        "mutation { agentClaim(input: { limit: 0 }) { assignments { @ } } }",
        &[(
            "operationId epoch installationId account attempt kind createdAt leaseSeconds volume targetVolume replaceImage snapshot backup",
            "UFFFAA",
        )],
    ),
    (
        "UsageReport",
        "query { usageReport(from: \"2026-09-01T00:00:00Z\", to: \"2026-09-02T00:00:00Z\", accountId: \"$account\") { @ } }",
        &[("from to totalCredits closedUntil groups lines", "UNAAFF")],
    ),
    (
        "UsageGroups",
        "query { usageReport(from: \"2026-09-01T00:00:00Z\", to: \"2026-09-02T00:00:00Z\", accountId: \"$account\") { groups(by: KIND) { @ } } }",
        &[("nodes totalCount rest", "UNAAFF")],
    ),
    (
        "UsageGroup",
        "query { usageReport(from: \"2026-09-01T00:00:00Z\", to: \"2026-09-02T00:00:00Z\", accountId: \"$account\") { groups(by: KIND) { nodes { @ } } } }",
        &[(
            "from kind volumeId accountId planId name lineCount byteHours credits",
            "UNAAFF",
        )],
    ),
    (
        "Cost",
        "query { snapshot(id: \"$snapshot\") { cost { @ } } }",
        &[("soFar perMonth", "UNAAFF")],
    ),
    (
        "VolumePlanRate",
        "query { volumePlans { rates { @ } } }",
        &[("kind credits from", "UAAAFF")],
    ),
    (
        "UsageLine",
        "query { usageReport(from: \"2026-09-01T00:00:00Z\", to: \"2026-09-02T00:00:00Z\", accountId: \"$account\") { lines { nodes { @ } } } }",
        &[(
            "kind accountId resourceId resourceName volumeId planId from to hours estimatedHours byteHours gigabyteHours rate credits",
            "UNAAFF",
        )],
    ),
    (
        "AgentAccount",
        "mutation { agentClaim(input: { limit: 0 }) { assignments { account { @ } } } }",
        &[("id name", "UFFFAA")],
    ),
    (
        "AgentVolume",
        "mutation { agentClaim(input: { limit: 0 }) { measurements { @ } } }",
        &[(
            "id name sizeBytes storageType plan pool group instance",
            "UFFFAA",
        )],
    ),
    (
        "AgentPlan",
        "mutation { agentClaim(input: { limit: 0 }) { measurements { plan { @ } } } }",
        &[("id name sizeBytes", "UFFFAA")],
    ),
    (
        "AgentGroup",
        "mutation { agentClaim(input: { limit: 0 }) { measurements { group { @ } } } }",
        &[("id name", "UFFFAA")],
    ),
    (
        "AgentPool",
        "mutation { agentClaim(input: { limit: 0 }) { measurements { pool { @ } } } }",
        &[("id name mark qcow2File cephRbd", "UFFFAA")],
    ),
    (
        "AgentMark",
        "mutation { agentClaim(input: { limit: 0 }) { measurements { pool { mark { @ } } } } }",
        &[(
            "installationId placeId hypervisorId generation standing witnesses isAsked",
            "UFFFAA",
        )],
    ),
    (
        "AgentQcow2FilePool",
        "mutation { agentClaim(input: { limit: 0 }) { measurements { pool { qcow2File { @ } } } } }",
        &[("path", "UFFFAA")],
    ),
    (
        "AgentCephRbdPool",
        "mutation { agentClaim(input: { limit: 0 }) { measurements { pool { cephRbd { @ } } } } }",
        &[("pool user configPath keyring", "UFFFAA")],
    ),
    (
        "AgentInstance",
        "mutation { agentClaim(input: { limit: 0 }) { measurements { instance { @ } } } }",
        &[("id running qmpSocket", "UFFFAA")],
    ),
    (
        "AgentSnapshot",
        "mutation { agentClaim(input: { limit: 0 }) { assignments { snapshot { @ } } } }",
        &[("id name volumeSizeBytes", "UFFFAA")],
    ),
    (
        "AgentBackup",
        "mutation { agentClaim(input: { limit: 0 }) { assignments { backup { @ } } } }",
        &[(
            "id name volumeId volumeName volumeSizeBytes storageType createdAt destination",
            "UFFFAA",
        )],
    ),
    (
        "AgentStorageTest",
        "mutation { agentClaim(input: { limit: 0 }) { storageTests { @ } } }",
        &[("id destination waitSeconds", "UFFFAA")],
    ),
    (
        "AgentDestination",
        "mutation { agentClaim(input: { limit: 0 }) { storageTests { destination { @ } } } }",
        &[("id name mark bandwidthLimit s3 nfs local", "UFFFAA")],
    ),
    (
        "AgentS3Destination",
        "mutation { agentClaim(input: { limit: 0 }) { storageTests { destination { s3 { @ } } } } }",
        &[(
            "endpoint region bucket prefix accessKeyId secretAccessKey forcePathStyle",
            "UFFFAA",
        )],
    ),
    (
        "AgentNfsDestination",
        "mutation { agentClaim(input: { limit: 0 }) { storageTests { destination { nfs { @ } } } } }",
        &[("server export directory", "UFFFAA")],
    ),
    (
        "AgentLocalDestination",
        "mutation { agentClaim(input: { limit: 0 }) { storageTests { destination { local { @ } } } } }",
        &[("path", "UFFFAA")],
    ),
];

/// Each field that has a row here or should have one: by its type, whether it has fields below.
fn fields(sdl: &str) -> BTreeMap<(String, String), bool> {
    let document = parse_schema(sdl).unwrap();
    let types = document.definitions.iter().filter_map(|definition| {
        let TypeSystemDefinition::Type(definition) = definition else {
            return None;
        };
        let TypeKind::Object(object) = &definition.node.kind else {
            return None;
        };
        Some((definition.node.name.node.as_str(), object))
    });
    let objects: BTreeMap<_, _> = types.collect();
    // A page has what its nodes have.
    let left_out = |name: &str| {
        ["Query", "Mutation", "Subscription", "PageInfo"].contains(&name)
            || ["Payload", "Connection", "Edge"]
                .iter()
                .any(|end| name.ends_with(end))
    };
    let name_of = |mut base: &BaseType| loop {
        match base {
            BaseType::Named(name) => return name.to_string(),
            BaseType::List(inner) => base = &inner.base,
        }
    };
    let mut fields = BTreeMap::new();
    for (name, object) in objects.iter().filter(|(name, _)| !left_out(name)) {
        for field in &object.fields {
            let below = objects.contains_key(name_of(&field.node.ty.node.base).as_str());
            fields.insert(((*name).to_owned(), field.node.name.to_string()), below);
        }
    }
    fields
}

#[tokio::test]
async fn every_field_of_every_type_knows_its_readers() {
    let table = TYPES.iter().flat_map(|(name, _, groups)| {
        groups
            .iter()
            .flat_map(|(fields, _)| fields.split(' '))
            .map(|field| ((*name).to_owned(), field.to_owned()))
    });
    let known: BTreeSet<_> = table.collect();
    on_each_database(async |world| {
        let there = fields(&world.schema().sdl());
        let wanted: BTreeSet<_> = there.keys().cloned().collect();
        let differ: Vec<_> = wanted.symmetric_difference(&known).collect();
        assert!(
            differ.is_empty(),
            "each field has a row, and each row a field of the schema: {differ:?}"
        );

        let alice = world.tenant("alice").await;
        let owner = world.signed_in(&alice.requester).await;
        let callers = [
            tidemark::domain::Requester::Anonymous,
            world.signed_in(&world.tenant("bob").await.requester).await,
            owner.clone(),
            world.signed_in(&world.admin().await).await,
            elsewhere(&world).await,
            world.enrolled().await,
        ];
        let ids = things(&world, &alice, &owner).await;
        for (name, via, groups) in TYPES {
            let (kind, _) = via.split_once(' ').unwrap();
            for (field, expected) in groups.iter().flat_map(|(fields, outcomes)| {
                fields.split(' ').map(move |field| (field, outcomes))
            }) {
                let below = there[&((*name).to_owned(), field.to_owned())];
                let selection = if below { " { __typename }" } else { "" };
                let document = ids.iter().fold(
                    via.replace('@', &format!("{field}{selection}")),
                    |text, (id, own)| text.replace(id, own),
                );
                let mut got = String::new();
                for caller in &callers {
                    got.push(outcome(&world, caller, kind, &document).await.0);
                }
                assert_eq!(got, *expected, "{name}.{field} by {document}");
            }
        }
    })
    .await;
}
