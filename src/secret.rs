//! Secrets at rest: single columns, sealed with a key that the configuration names.
//!
//! A sealed secret reads `v1:KEY:TEXT`. KEY is the id of the key that sealed it, so that keys can be
//! rotated; TEXT is the nonce, the ciphertext and the tag of AES-256-GCM in base64. The table, the
//! column and the row are authenticated with it: sealed for one row, it does not open in another.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use entity::Sealed;
use storage::Secret;

const VERSION: &str = "v1";
/// How many bytes a key has.
pub const KEY_BYTES: usize = 32;

/// Why a secret was not sealed or opened. No text of it tells anything of the secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is nothing to seal with.
    #[error("no key is configured")]
    NoKey,
    /// It was sealed with a key that is not there.
    #[error("it is encrypted with the key {0}, which is not configured")]
    UnknownKey(KeyId),
    /// There is none where one is needed.
    #[error("it is not set")]
    Missing,
    /// It is not what was sealed, or was sealed for another row.
    #[error("it is not what was encrypted for this row")]
    Tampered,
    /// The cipher itself failed.
    #[error("it cannot be encrypted")]
    Cipher,
}

/// Why something is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// It is not base64, or not as long as a key.
    #[error("a key is {KEY_BYTES} bytes in base64: `tidemark secrets new-key` prints one")]
    Malformed,
    /// It is there already.
    #[error("the key {0} is there twice")]
    Repeated(KeyId),
}

/// Which key sealed a secret. It is derived from the key and tells nothing of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyId([u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl KeyId {
    fn of(key: &[u8; KEY_BYTES]) -> Self {
        let digest = blake3::derive_key("tidemark 2026-11-23 id of a key for secrets", key);
        let mut id = [0; 8];
        id.copy_from_slice(&digest[..8]);
        Self(id)
    }

    fn parse(text: &str) -> Option<Self> {
        let number = u64::from_str_radix(text, 16).ok()?;
        let id = Self(number.to_be_bytes());
        (id.to_string() == text).then_some(id)
    }
}

/// Where a secret is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The row's id.
    pub row: String,
}

impl Place {
    fn authenticated(&self, key: KeyId) -> String {
        let (table, column, row) = (self.table, self.column, &self.row);
        format!("{VERSION}\0{key}\0{table}\0{column}\0{row}")
    }
}

/// The keys: the first one seals, all of them open.
#[derive(Debug, Default)]
pub struct Keys(Vec<Key>);

struct Key {
    id: KeyId,
    cipher: RandomizedNonceKey,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

impl Keys {
    /// Adds a key in base64 behind those that are there.
    pub fn add(&mut self, key: &Secret) -> Result<(), BadKey> {
        let bytes = STANDARD.decode(key.expose().trim()).ok();
        let bytes: Option<[u8; KEY_BYTES]> = bytes.and_then(|bytes| bytes.try_into().ok());
        let bytes = bytes.ok_or(BadKey::Malformed)?;
        let id = KeyId::of(&bytes);
        if self.find(id).is_some() {
            return Err(BadKey::Repeated(id));
        }
        let cipher = RandomizedNonceKey::new(&AES_256_GCM, &bytes);
        let cipher = cipher.map_err(|_| BadKey::Malformed)?;
        self.0.push(Key { id, cipher });
        Ok(())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Seals `secret` for `place`, each time otherwise.
    pub fn seal(&self, place: &Place, secret: &Secret) -> Result<Sealed, Error> {
        let key = self.0.first().ok_or(Error::NoKey)?;
        let mut text = secret.expose().as_bytes().to_vec();
        let about = Aad::from(place.authenticated(key.id));
        let nonce = key.cipher.seal_in_place_append_tag(about, &mut text);
        let nonce = nonce.map_err(|_| Error::Cipher)?;
        let text = STANDARD.encode([nonce.as_ref().as_slice(), &text].concat());
        Ok(Sealed::new(format!("{VERSION}:{}:{text}", key.id)))
    }

    /// The secret that was sealed for `place`.
    pub fn open(&self, place: &Place, sealed: &Sealed) -> Result<Secret, Error> {
        let (id, text) = parts(sealed).ok_or(Error::Tampered)?;
        let key = self.find(id).ok_or(Error::UnknownKey(id))?;
        let bytes = STANDARD.decode(text).map_err(|_| Error::Tampered)?;
        let (nonce, text) = bytes.split_at_checked(NONCE_LEN).ok_or(Error::Tampered)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Error::Tampered)?;
        let about = Aad::from(place.authenticated(id));
        let mut text = text.to_vec();
        let text = key.cipher.open_in_place(nonce, about, &mut text);
        let text = text.map_err(|_| Error::Tampered)?.to_vec();
        String::from_utf8(text)
            .map(Secret::new)
            .map_err(|_| Error::Tampered)
    }

    /// Whether it was sealed with the first key.
    pub fn is_current(&self, sealed: &Sealed) -> bool {
        let current = self.0.first().map(|key| key.id);
        current.is_some() && parts(sealed).map(|(id, _)| id) == current
    }

    fn find(&self, id: KeyId) -> Option<&Key> {
        self.0.iter().find(|key| key.id == id)
    }
}

/// A new key, in base64.
pub fn new_key() -> Result<Secret, Error> {
    let mut key = [0; KEY_BYTES];
    aws_lc_rs::rand::fill(&mut key).map_err(|_| Error::Cipher)?;
    Ok(Secret::new(STANDARD.encode(key)))
}

fn parts(sealed: &Sealed) -> Option<(KeyId, &str)> {
    let rest = sealed.as_str().strip_prefix(VERSION)?.strip_prefix(':')?;
    let (id, text) = rest.split_once(':')?;
    Some((KeyId::parse(id)?, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys<const N: usize>(keys: [&Secret; N]) -> Keys {
        let mut ring = Keys::default();
        for key in keys {
            ring.add(key).unwrap();
        }
        ring
    }

    fn place(row: &str) -> Place {
        let (table, column, row) = ("backup_storages", "s3_secret_access_key", row.to_owned());
        Place { table, column, row }
    }

    #[test]
    fn a_secret_comes_back_and_is_never_sealed_alike() {
        let ring = keys([&new_key().unwrap()]);
        let secret = Secret::new("pässword/with+all=");
        let (one, two) = (
            ring.seal(&place("a"), &secret).unwrap(),
            ring.seal(&place("a"), &secret).unwrap(),
        );
        assert_ne!(one, two);
        assert!(!one.as_str().contains("password"));
        assert_eq!(ring.open(&place("a"), &one).unwrap(), secret);
        assert_eq!(ring.open(&place("a"), &two).unwrap(), secret);
    }

    #[test]
    fn a_secret_opens_only_where_it_was_sealed() {
        let ring = keys([&new_key().unwrap()]);
        let sealed = ring.seal(&place("a"), &Secret::new("x")).unwrap();
        let mut table = place("a");
        table.table = "storage_pools";
        let mut column = place("a");
        column.column = "rbd_keyring";
        for other in [place("b"), table, column] {
            assert_eq!(
                ring.open(&other, &sealed),
                Err(Error::Tampered),
                "{other:?}"
            );
        }
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let ring = keys([&new_key().unwrap()]);
        let sealed = ring.seal(&place("a"), &Secret::new("secret")).unwrap();
        for at in 0..sealed.as_str().len() {
            let mut bytes = sealed.as_str().as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            let changed = Sealed::new(String::from_utf8(bytes).unwrap());
            assert!(
                ring.open(&place("a"), &changed).is_err(),
                "{changed:?} at {at}"
            );
            let cut = Sealed::new(&sealed.as_str()[..at]);
            assert!(ring.open(&place("a"), &cut).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn the_first_key_seals_and_all_of_them_open() {
        let (old, new) = (new_key().unwrap(), new_key().unwrap());
        let before = keys([&old]);
        let sealed = before.seal(&place("a"), &Secret::new("x")).unwrap();
        let during = keys([&new, &old]);
        assert_eq!(during.open(&place("a"), &sealed).unwrap().expose(), "x");
        assert!(!during.is_current(&sealed) && before.is_current(&sealed));
        let resealed = during.seal(&place("a"), &Secret::new("x")).unwrap();
        let after = keys([&new]);
        assert!(after.is_current(&resealed));
        assert_eq!(after.open(&place("a"), &resealed).unwrap().expose(), "x");
        let gone = after.open(&place("a"), &sealed).unwrap_err();
        assert_eq!(gone, Error::UnknownKey(before.0[0].id));
        assert_eq!(
            Keys::default().seal(&place("a"), &Secret::new("x")),
            Err(Error::NoKey)
        );
    }

    #[test]
    fn what_is_no_key_is_refused_and_never_shown() {
        let mut ring = Keys::default();
        let short = STANDARD.encode([7; 31]);
        for text in ["", "short", &short, "ÄÄÄÄ"] {
            assert_eq!(
                ring.add(&Secret::new(text)),
                Err(BadKey::Malformed),
                "{text}"
            );
        }
        let key = new_key().unwrap();
        // A file ends in a line break.
        ring.add(&Secret::new(format!("{}\n", key.expose())))
            .unwrap();
        assert!(matches!(ring.add(&key), Err(BadKey::Repeated(_))));
        assert!(!format!("{ring:?}").contains(key.expose()));
    }
}
