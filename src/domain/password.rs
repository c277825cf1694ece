//! Passwords: argon2id, hashed and checked on threads that may block, each in its turn.

use argon2::{
    Argon2, PasswordHash, PasswordHasher, PasswordVerifier,
    password_hash::{SaltString, rand_core::OsRng},
};

use super::{
    Error, HangUp, Result,
    hashing::{Client, HashTurn, Hashing},
};

/// The fewest characters of a password.
pub const MIN_CHARS: usize = 12;
/// The most bytes of a password: hashing takes its time from whoever asks.
pub const MAX_BYTES: usize = 1024;

/// The hash to keep, in the PHC string format. `client` waits for its turn.
pub async fn hash(hashing: &Hashing, client: &Client, password: String) -> Result<String> {
    if password.chars().count() < MIN_CHARS {
        return Err(Error::invalid(format!(
            "A password has at least {MIN_CHARS} characters."
        )));
    }
    if password.len() > MAX_BYTES {
        return Err(Error::invalid(format!(
            "A password has at most {MAX_BYTES} bytes."
        )));
    }
    let turn = hashing.turn(client, &HangUp::default()).await?;
    blocking(turn, move || {
        Argon2::default()
            .hash_password(password.as_bytes(), &SaltString::generate(&mut OsRng))
            .map(|hash| hash.to_string())
            .map_err(|error| Error::Broken(format!("argon2 failed: {error}")))
    })
    .await?
}

/// Whether `password` is the one of `hash`. Without a hash it takes as long and is false, so that
/// an unknown email cannot be told from a wrong password. `turn` is over when it is done.
pub async fn verify(turn: HashTurn, password: String, hash: Option<String>) -> Result<bool> {
    // Of no password that anyone could type: its salt and output are all zero bits.
    const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    if password.len() > MAX_BYTES {
        return Ok(false);
    }
    blocking(turn, move || {
        let known = hash.is_some();
        let hash = hash.as_deref().unwrap_or(NOBODY);
        let matches = PasswordHash::new(hash).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
        });
        known && matches
    })
    .await
}

/// Does `work` in its turn, which lasts as long although nobody waits for it any more.
async fn blocking<T: Send + 'static>(
    turn: HashTurn,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    let work = move || {
        let _turn = turn;
        work()
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::Broken(format!("hashing was interrupted: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Settings;

    async fn hashed(password: &str) -> Result<String> {
        hash(&hashing(), &client(), password.to_owned()).await
    }

    async fn verified(password: &str, hash: Option<String>) -> bool {
        let turn = hashing().turn(&client(), &HangUp::default()).await.unwrap();
        verify(turn, password.to_owned(), hash).await.unwrap()
    }

    fn hashing() -> Hashing {
        Hashing::new(&Settings::default())
    }

    fn client() -> Client {
        Client::Stranger(String::new())
    }

    #[tokio::test]
    async fn a_password_is_verified_against_its_own_hash_only() {
        let kept = hashed("correct horse battery").await.unwrap();
        assert!(kept.starts_with("$argon2id$"));
        assert!(verified("correct horse battery", Some(kept.clone())).await);
        assert!(!verified("correct horse batterY", Some(kept)).await);
        assert!(!verified("correct horse battery", None).await);
    }

    #[tokio::test]
    async fn a_short_password_is_refused() {
        assert!(hashed("short").await.is_err());
    }
}
