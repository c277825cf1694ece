//! Typed ids: UUIDv7, stored as hyphenated text so that an operator can read a row in any SQL shell.

use std::{fmt, str::FromStr};

use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! typed_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            DeriveValueType,
        )]
        #[sea_orm(value_type = "String")]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps an id that was made elsewhere.
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// The id without its type.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }

            /// The id as text, as it is kept and told.
            pub fn text(self) -> String {
                let mut text = Uuid::encode_buffer();
                (*self.0.hyphenated().encode_lower(&mut text)).to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        /// Reads the plain hyphenated form only: other spellings of a UUID are no id of ours.
        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse::<uuid::fmt::Hyphenated>().map(|id| Self(id.into_uuid()))
            }
        }

        impl crate::row::Cell for $name {
            type Kept<'r> = &'r str;

            fn of(kept: Option<&str>) -> Result<Self, sea_orm::DbErr> {
                crate::row::present(kept)?.parse().map_err(|error| sea_orm::DbErr::TryIntoErr {
                    from: "String",
                    into: stringify!($name),
                    source: std::sync::Arc::new(error),
                })
            }

            fn unread() -> Self {
                Self(Uuid::nil())
            }
        }

        impl sea_orm::TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
                Err(sea_orm::DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    )+};
}

typed_id! {
    /// Of an account.
    AccountId,
    /// Of an audit event.
    AuditEventId,
    /// Of a backup.
    BackupId,
    /// Of a backup storage.
    BackupStorageId,
    /// Of a test of a backup storage.
    BackupStorageTestId,
    /// Of a hypervisor.
    HypervisorId,
    /// Of a hypervisor group.
    HypervisorGroupId,
    /// Of an installation.
    InstallationId,
    /// Of an instance.
    InstanceId,
    /// Of an operation.
    OperationId,
    /// Of a place: a storage pool or a backup storage.
    PlaceId,
    /// Of a snapshot.
    SnapshotId,
    /// Of a storage pool.
    StoragePoolId,
    /// Of a token.
    TokenId,
    /// Of a user.
    UserId,
    /// Of a volume.
    VolumeId,
    /// Of a volume plan.
    VolumePlanId,
}
