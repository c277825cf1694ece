//! Who may use which root field: the table that the tests of access go by.

/// What a field is to nobody, another user, the owner, an administrator and an agent: (A)llowed,
/// (F)orbidden, (N)ot found, or (U)nauthenticated.
pub type Outcomes = &'static str;

/// Each root field, its arguments, and its outcomes. `$volume` and the like are the owner's.
pub const FIELDS: &[(&str, &str, Outcomes)] = &[
    ("viewer", "", "UAAAF"),
    ("node", "(id: \"$volume\")", "UNAAF"),
    ("serverTime", "", "AAAAA"),
    ("errorCatalog", "", "AAAAA"),
    ("volume", "(id: \"$volume\")", "UNAAF"),
    ("volumes", "", "UAAAF"),
    ("snapshot", "(id: \"$snapshot\")", "UNAAF"),
    ("snapshots", "", "UAAAF"),
    ("backup", "(id: \"$backup\")", "UNAAF"),
    ("backups", "", "UAAAF"),
    ("operation", "(id: \"$operation\")", "UNAAF"),
    ("operations", "", "UAAAF"),
    ("volumePlans", "", "UAAAF"),
    ("hypervisorGroups", "", "UAAAF"),
    ("instances", "", "UAAAF"),
    (
        "usageReport",
        "(from: \"2026-09-01T00:00:00Z\", to: \"2026-09-02T00:00:00Z\", accountId: \"$account\")",
        "UNAAF",
    ),
    ("accounts", "", "UFFAF"),
    ("hypervisor", "(id: \"$hypervisor\")", "UFFAF"),
    ("hypervisors", "", "UFFAF"),
    ("storagePools", "", "UFFAF"),
    ("backupStorages", "", "UFFAF"),
    ("attention", "", "UFFAF"),
    // Changing.
    (
        "createSnapshot",
        "(input: { volumeId: \"$volume\" })",
        "UNAAF",
    ),
    (
        "deleteSnapshot",
        "(input: { snapshotId: \"$snapshot\", confirmName: \"snapshot\" })",
        "UNAAF",
    ),
    (
        "createBackup",
        "(input: { volumeId: \"$volume\" })",
        "UNAAF",
    ),
    (
        "deleteBackup",
        "(input: { backupId: \"$backup\", confirmName: \"backup\" })",
        "UNAAF",
    ),
    (
        "restoreInPlace",
        "(input: { volumeId: \"$volume\", source: { backupId: \"$backup\" }, confirmName: \"volume\" })",
        "UNAAF",
    ),
    (
        "restoreToNewVolume",
        "(input: { source: { backupId: \"$backup\" } })",
        "UNAAF",
    ),
    (
        "cancelOperation",
        "(input: { operationId: \"$operation\" })",
        "UNAAF",
    ),
    (
        "createVolume",
        "(input: { name: \"v\", planId: \"$plan\", hypervisorGroupId: \"$group\" })",
        "UAAAF",
    ),
    (
        "updateVolume",
        "(input: { volumeId: \"$volume\", name: \"volume\" })",
        "UNAAF",
    ),
    (
        "moveVolumeToPlan",
        "(input: { volumeId: \"$volume\", planId: \"$plan\" })",
        "UFFAF",
    ),
    (
        "deleteVolume",
        "(input: { volumeId: \"$volume\", confirmName: \"volume\" })",
        "UNAAF",
    ),
    (
        "attachVolume",
        "(input: { volumeId: \"$volume\", instanceId: \"$instance\" })",
        "UNAAF",
    ),
    (
        "detachVolume",
        "(input: { volumeId: \"$volume\" })",
        "UNAAF",
    ),
    (
        "startInstance",
        "(input: { instanceId: \"$instance\" })",
        "UNAAF",
    ),
    (
        "stopInstance",
        "(input: { instanceId: \"$instance\" })",
        "UNAAF",
    ),
    // Wrong credentials are answered like none.
    (
        "signIn",
        "(input: { email: \"a@b\", password: \"wrong\" })",
        "UUUUU",
    ),
    ("createApiToken", "(input: { name: \"t\" })", "UAAAF"),
    // Nobody but its owner sees a token.
    (
        "revokeApiToken",
        "(input: { apiTokenId: \"$token\" })",
        "UNANF",
    ),
    (
        "endSession",
        "(input: { sessionId: \"$session\" })",
        "UNANF",
    ),
    // A wrong password is a wrong value, not a wrong caller.
    (
        "changePassword",
        "(input: { currentPassword: \"wrong\", newPassword: \"long enough for it\" })",
        "UAAAF",
    ),
    ("createAccount", "(input: { name: \"a\" })", "UFFAF"),
    (
        "updateAccount",
        "(input: { accountId: \"$account\", name: \"alice\" })",
        "UFFAF",
    ),
    (
        "createUser",
        "(input: { accountId: \"$account\", email: \"new@example.test\", password: \"long enough for it\" })",
        "UFFAF",
    ),
    (
        "updateUser",
        "(input: { userId: \"$user\", role: USER })",
        "UFFAF",
    ),
    (
        "setPassword",
        "(input: { userId: \"$user\", newPassword: \"long enough for it\" })",
        "UFFAF",
    ),
    ("endSessions", "(input: { userId: \"$user\" })", "UFFAF"),
    ("disableUser", "(input: { userId: \"$user\" })", "UFFAF"),
    ("enableUser", "(input: { userId: \"$user\" })", "UFFAF"),
    (
        "deleteUser",
        "(input: { userId: \"$user\", confirmName: \"carol@example.test\" })",
        "UFFAF",
    ),
    (
        "createInstance",
        "(input: { accountId: \"$account\", hypervisorId: \"$hypervisor\", name: \"i\" })",
        "UFFAF",
    ),
    (
        "updateInstance",
        "(input: { instanceId: \"$instance\", name: \"i\" })",
        "UFFAF",
    ),
    (
        "createVolumePlan",
        "(input: { name: \"p\", sizeBytes: 1048576, storageType: QCOW2_FILE })",
        "UFFAF",
    ),
    (
        "updateVolumePlan",
        "(input: { planId: \"$plan\" })",
        "UFFAF",
    ),
    ("createHypervisorGroup", "(input: { name: \"g\" })", "UFFAF"),
    (
        "updateHypervisorGroup",
        "(input: { hypervisorGroupId: \"$group\" })",
        "UFFAF",
    ),
    (
        "createHypervisor",
        "(input: { hypervisorGroupId: \"$group\", name: \"h\" })",
        "UFFAF",
    ),
    (
        "createEnrolmentToken",
        "(input: { hypervisorId: \"$spare\" })",
        "UFFAF",
    ),
    (
        "revokeAgentToken",
        "(input: { hypervisorId: \"$spare\" })",
        "UFFAF",
    ),
    (
        "updateHypervisor",
        "(input: { hypervisorId: \"$hypervisor\", name: \"host\" })",
        "UFFAF",
    ),
    (
        "createStoragePool",
        "(input: { hypervisorGroupId: \"$group\", name: \"s\", qcow2File: { path: \"/p\" } })",
        "UFFAF",
    ),
    (
        "updateStoragePool",
        "(input: { storagePoolId: \"$pool\", name: \"s\" })",
        "UFFAF",
    ),
    (
        "createBackupStorage",
        "(input: { name: \"b\", local: { path: \"/b\" } })",
        "UFFAF",
    ),
    (
        "updateBackupStorage",
        "(input: { backupStorageId: \"$storage\", name: \"b\" })",
        "UFFAF",
    ),
    (
        "testBackupStorage",
        "(input: { backupStorageId: \"$storage\" })",
        "UFFAF",
    ),
    (
        "deleteAccount",
        "(input: { accountId: \"$account\", confirmName: \"another\" })",
        "UFFAF",
    ),
    (
        "deleteInstance",
        "(input: { instanceId: \"$instance\", confirmName: \"another\" })",
        "UFFAF",
    ),
    (
        "deleteVolumePlan",
        "(input: { planId: \"$plan\", confirmName: \"another\" })",
        "UFFAF",
    ),
    (
        "deleteHypervisorGroup",
        "(input: { hypervisorGroupId: \"$group\", confirmName: \"another\" })",
        "UFFAF",
    ),
    (
        "deleteHypervisor",
        "(input: { hypervisorId: \"$hypervisor\", confirmName: \"another\" })",
        "UFFAF",
    ),
    (
        "deleteStoragePool",
        "(input: { storagePoolId: \"$pool\", confirmName: \"another\" })",
        "UFFAF",
    ),
    (
        "deleteBackupStorage",
        "(input: { backupStorageId: \"$storage\", confirmName: \"another\" })",
        "UFFAF",
    ),
    (
        "acceptPlace",
        "(input: { storagePoolId: \"$pool\" })",
        "UFFAF",
    ),
    (
        "writeOff",
        "(input: { target: { volumeId: \"$volume\" }, confirmName: \"another\", reason: \"r\" })",
        "UFFAF",
    ),
    (
        "failOperation",
        "(input: { operationId: \"$operation\", reason: \"r\" })",
        "UFFAF",
    ),
    (
        "agentHello",
        "(input: { version: \"1\", stateId: \"0190a0a0-0000-7000-8000-00000000a9e1\", \
         capabilities: [\"VOLUME_SNAPSHOT\", \"VOLUME_BACKUP\"] })",
        "UFFFA",
    ),
    ("agentRenew", "(input: { leases: [] })", "UFFFA"),
    ("agentClaim", "(input: { limit: 0 })", "UFFFA"),
    (
        "agentReportProgress",
        "(input: { operationId: \"$operation\", epoch: 9, phase: \"p\", bytesDone: 0, bytesTotal: 0 })",
        "UFFFA",
    ),
    (
        "agentLog",
        "(input: { operationId: \"$operation\", epoch: 9, entries: [] })",
        "UFFFA",
    ),
    (
        "agentFinish",
        "(input: { operationId: \"$operation\", epoch: 9, outcome: { completed: {} } })",
        "UFFFA",
    ),
    (
        "agentReportRetained",
        "(input: { volumeId: \"$operation\", retained: [] })",
        "UFFFA",
    ),
    (
        "agentReportPlace",
        "(input: { placeId: \"$pool\", generation: 9 })",
        "UFFFA",
    ),
    (
        "agentFinishStorageTest",
        "(input: { id: \"$operation\", ok: true, message: \"m\" })",
        "UFFFA",
    ),
    // Watching.
    (
        "operationProgress",
        "(operationId: \"$operation\")",
        "UNAAF",
    ),
    ("operationEvents", "(after: \"$cursor\")", "UAAAF"),
    ("volumeActivity", "(volumeId: \"$volume\")", "UNAAF"),
    ("cooldown", "(volumeId: \"$volume\")", "UNAAF"),
    ("hypervisorEvents", "", "UFFAF"),
    ("agentWork", "", "UFFFA"),
    // It ends the token that the others came with, so it stands last.
    ("signOut", "", "UAAAF"),
];

/// Mutations that leave no audit event: an agent calls them every few seconds for as long as it runs, so that
/// they would bury what was done, and what becomes of an operation stands in that operation's events.
pub const NOT_AUDITED: [&str; 5] = [
    "agentRenew",
    "agentClaim",
    "agentReportProgress",
    "agentLog",
    "agentReportRetained",
];
