//! The one source of ids and of secrets.

use argon2::password_hash::rand_core::{OsRng, RngCore};
use uuid::Uuid;

/// Makes ids and secrets.
#[derive(Clone, Debug)]
pub struct Ids;

impl Ids {
    /// A new id: `ids.next(VolumeId::from_uuid)`. Later ids sort after earlier ones.
    pub fn next<T>(&self, wrap: impl FnOnce(Uuid) -> T) -> T {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that makes ids"
        )]
        wrap(Uuid::now_v7())
    }

    /// 256 random bits in hexadecimal.
    pub fn secret(&self) -> String {
        let mut bytes = [0; 32];
        OsRng.fill_bytes(&mut bytes);
        blake3::Hash::from_bytes(bytes).to_hex().to_string()
    }
}
