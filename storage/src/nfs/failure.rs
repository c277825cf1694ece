//! What a server or the way to it answered, sorted by what can be done about it.

use std::io;

use nfs_rs::{Nfs4ErrorCode as Code, NfsError};

use crate::Error;

/// Why a request failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The protocol or the connection.
    Nfs(NfsError),
    /// No answer came in time.
    Silent,
    /// Something that is an answer to our caller already.
    Final(Error),
}

/// What a failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The name, or a directory on the way to it, is not there.
    Absent,
    /// The name is taken.
    Exists,
    /// A directory still has entries.
    NotEmpty,
    /// No space, no quota.
    Full,
    /// The server refuses us.
    Denied,
    /// What we hold of the server is void, and a new connection may serve: it was restarted, it
    /// closed the connection, or the directory was made anew.
    Lost,
    /// The server does not answer, or says for a minute that it is busy.
    Silent,
    /// Everything else.
    Other,
}

pub(super) type Outcome<T> = Result<T, Failure>;

impl From<NfsError> for Failure {
    fn from(error: NfsError) -> Self {
        Self::Nfs(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

impl Failure {
    /// Whether it says that what was named is not there.
    pub(super) fn is_absent(&self) -> bool {
        self.kind() == Kind::Absent
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Nfs(error) => kind(error),
            Self::Silent => Kind::Silent,
            Self::Final(_) => Kind::Other,
        }
    }

    /// The error of what was being done with `server`.
    pub(super) fn into_error(self, doing: &str, server: &str) -> Error {
        let kind = self.kind();
        let doing = doing.to_owned();
        match self {
            Self::Final(error) => error,
            Self::Silent => Error::Transient {
                reason: format!("{server} does not answer while {doing}"),
            },
            Self::Nfs(error) => match kind {
                Kind::Full => Error::Full { doing },
                Kind::Denied => Error::Permission { doing },
                Kind::Lost | Kind::Silent => Error::Transient {
                    reason: format!("{server}: {} while {doing}", words(&error)),
                },
                Kind::Absent | Kind::Exists | Kind::NotEmpty | Kind::Other => Error::Io {
                    doing,
                    source: io::Error::other(words(&error)),
                },
            },
        }
    }
}

/// The innermost cause: the library wraps it in advice for its own callers.
fn cause(error: &NfsError) -> &NfsError {
    match error {
        NfsError::OperationOutcome(outcome) => cause(&outcome.source),
        NfsError::FileClose(failures) => match failures.first() {
            Some(first) => cause(&first.error),
            None => error,
        },
        _ => error,
    }
}

fn words(error: &NfsError) -> String {
    match cause(error) {
        NfsError::ServerBusy(busy) => format!("the server was busy for too long ({})", busy.source),
        NfsError::Nfs4(code) => format!("the server answered {code:?}"),
        other => other.to_string(),
    }
}

fn kind(error: &NfsError) -> Kind {
    match cause(error) {
        NfsError::Nfs4(code) => kind_of_code(*code),
        NfsError::ServerBusy(_) => Kind::Silent,
        NfsError::Io(error) if error.kind() == io::ErrorKind::TimedOut => Kind::Silent,
        // A write that an earlier failure of the same file forbids wraps that one.
        NfsError::Io(error) => error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<std::sync::Arc<NfsError>>())
            .map_or(Kind::Lost, |inner| kind(inner)),
        // Sessions and state that did not survive have no type of their own.
        NfsError::Rpc(_) | NfsError::LostOpenState(_) | NfsError::ClientClosed(_) => Kind::Lost,
        _ => Kind::Other,
    }
}

fn kind_of_code(code: Code) -> Kind {
    match code {
        Code::NFS4ERR_NOENT | Code::NFS4ERR_NOTDIR | Code::NFS4ERR_SYMLINK => Kind::Absent,
        Code::NFS4ERR_EXIST => Kind::Exists,
        Code::NFS4ERR_NOTEMPTY => Kind::NotEmpty,
        Code::NFS4ERR_NOSPC | Code::NFS4ERR_DQUOT | Code::NFS4ERR_FBIG => Kind::Full,
        Code::NFS4ERR_ACCESS
        | Code::NFS4ERR_PERM
        | Code::NFS4ERR_ROFS
        | Code::NFS4ERR_WRONGSEC
        | Code::NFS4ERR_WRONG_CRED => Kind::Denied,
        Code::NFS4ERR_STALE
        | Code::NFS4ERR_FHEXPIRED
        | Code::NFS4ERR_BADHANDLE
        | Code::NFS4ERR_NOFILEHANDLE
        | Code::NFS4ERR_MOVED
        | Code::NFS4ERR_EXPIRED
        | Code::NFS4ERR_ADMIN_REVOKED
        | Code::NFS4ERR_STALE_CLIENTID
        | Code::NFS4ERR_STALE_STATEID
        | Code::NFS4ERR_OLD_STATEID
        | Code::NFS4ERR_BAD_STATEID
        | Code::NFS4ERR_BADSESSION
        | Code::NFS4ERR_DEADSESSION
        | Code::NFS4ERR_BADSLOT
        | Code::NFS4ERR_SEQ_MISORDERED
        | Code::NFS4ERR_SEQ_FALSE_RETRY
        | Code::NFS4ERR_RETRY_UNCACHED_REP
        | Code::NFS4ERR_CONN_NOT_BOUND_TO_SESSION => Kind::Lost,
        Code::NFS4ERR_DELAY | Code::NFS4ERR_GRACE => Kind::Silent,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: Code) -> Error {
        Failure::Nfs(NfsError::Nfs4(code)).into_error("writing a", "nas")
    }

    #[test]
    fn answers_become_the_errors_that_a_caller_can_act_upon() {
        for code in [Code::NFS4ERR_NOSPC, Code::NFS4ERR_DQUOT, Code::NFS4ERR_FBIG] {
            assert!(matches!(error(code), Error::Full { .. }), "{code:?}");
        }
        for code in [Code::NFS4ERR_ACCESS, Code::NFS4ERR_PERM, Code::NFS4ERR_ROFS] {
            assert!(matches!(error(code), Error::Permission { .. }), "{code:?}");
        }
        for code in [
            Code::NFS4ERR_STALE,
            Code::NFS4ERR_BADSESSION,
            Code::NFS4ERR_GRACE,
        ] {
            assert!(error(code).is_transient(), "{code:?}");
        }
        assert!(matches!(error(Code::NFS4ERR_IO), Error::Io { .. }));
    }

    #[test]
    fn a_cut_connection_and_a_silent_server_differ() {
        let io = |kind| Failure::Nfs(NfsError::Io(io::Error::from(kind))).kind();
        assert_eq!(io(io::ErrorKind::ConnectionReset), Kind::Lost);
        assert_eq!(io(io::ErrorKind::TimedOut), Kind::Silent);
    }
}
