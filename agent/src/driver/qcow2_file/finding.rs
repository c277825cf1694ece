//! What `qemu-img check` has found, by how it ended and by what it said (qemu-img(1)).
//!
//! Only what says that the image's tables are wrong counts as damage: whoever may replace a damaged image must not
//! replace a sound one because a tool is broken, memory is short, or the disk was away for a moment.

use crate::process;

/// What it ends with when it has looked at everything, and the tables contradict each other.
const CONTRADICTIONS: i32 = 2;
/// What it ends with when leaks are all that it found.
const LEAKS: i32 = 3;
/// What it ends with when it has looked at everything.
pub(super) const LOOKED_AT_ALL: [i32; 2] = [CONTRADICTIONS, LEAKS];
/// How it begins to say that it has not looked at anything.
const NOT_OPENED: &str = "Could not open '";
/// Of what it cannot open: words that speak of the image, not of the machine.
const OF_THE_IMAGE: [&str; 8] = [
    "table",
    "header",
    "corrupt",
    "cluster size",
    "snapshot",
    "reference count",
    "backing file offset",
    "qcow2 ",
];
/// How the system says that it is the machine.
const OF_THE_MACHINE: [&str; 10] = [
    "Cannot allocate memory",
    "Device or resource busy",
    "No such file or directory",
    "Not a directory",
    "Operation not permitted",
    "Permission denied",
    "Read-only file system",
    "Stale file handle",
    "timed out",
    "Too many open files",
];
/// What a check says of a table of snapshots that makes no sense.
const SNAPSHOTS: &str = "failed to read the snapshot table";
/// How a check says that it could not read what it looks at.
const UNREADABLE: [&str; 4] = [
    "Input/output error",
    "I/O error in check",
    "Structure needs cleaning",
    "Bad message",
];

/// What a check that did not end well has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// Space that nobody uses, and nothing worse.
    Leaks,
    /// Tables that are wrong.
    Damage,
    /// Tables that cannot be read.
    Unreadable,
    /// Somebody else has the image open.
    Locked,
    /// Nothing: the check itself did not come to its end.
    Nothing,
}

/// What a check found that ended with an error.
pub(super) fn of(error: &process::Error) -> Finding {
    match error {
        process::Error::Failed {
            status, message, ..
        } => judge(status.code(), message),
        _ => Finding::Nothing,
    }
}

/// Whether a tool says that somebody else holds the image.
pub(super) fn is_lock(message: &str) -> bool {
    message.contains("Failed to get") && message.contains("lock")
}

fn judge(code: Option<i32>, message: &str) -> Finding {
    let says = |words: &[&str]| words.iter().any(|words| message.contains(words));
    match code {
        Some(_) if is_lock(message) => Finding::Locked,
        Some(LEAKS) => Finding::Leaks,
        Some(CONTRADICTIONS) => Finding::Damage,
        Some(1) if says(&UNREADABLE) => Finding::Unreadable,
        Some(1) if says(&OF_THE_MACHINE) => Finding::Nothing,
        Some(1) if message.contains(SNAPSHOTS) => Finding::Damage,
        Some(1) => match reason(message) {
            Some(reason) if OF_THE_IMAGE.iter().any(|words| reason.contains(words)) => {
                Finding::Damage
            }
            _ => Finding::Nothing,
        },
        _ => Finding::Nothing,
    }
}

/// Why an image was not opened, without its name, in small letters.
fn reason(message: &str) -> Option<String> {
    let (_, named) = message.split_once(NOT_OPENED)?;
    let (_, reason) = named.rsplit_once("': ")?;
    Some(reason.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_of_the_image_is_its_damage() {
        let open = |reason: &str| {
            let name = "driver=qcow2,file.driver=file,file.filename=/a corrupt table/x.qcow2";
            format!("qemu-img: Could not open '{name}': {reason}")
        };
        for (code, message, finding) in [
            (Some(2), String::new(), Finding::Damage),
            (Some(3), String::new(), Finding::Leaks),
            (Some(1), open("Invalid snapshot table"), Finding::Damage),
            (
                Some(1),
                open("Active L1 table offset invalid"),
                Finding::Damage,
            ),
            (
                Some(1),
                open("qcow2 header exceeds cluster size"),
                Finding::Damage,
            ),
            (
                Some(1),
                open("Could not initialize refcount handling: Input/output error"),
                Finding::Unreadable,
            ),
            (
                Some(1),
                open("Could not read L1 table: Cannot allocate memory"),
                Finding::Nothing,
            ),
            (
                Some(1),
                open("Could not open '/a/x.qcow2': Permission denied"),
                Finding::Nothing,
            ),
            (
                Some(1),
                "qemu-img: ERROR failed to read the snapshot table: Too much extra metadata in snapshot table entry 2"
                    .into(),
                Finding::Damage,
            ),
            (Some(1), open("something else"), Finding::Nothing),
            (
                Some(1),
                "ERROR: I/O error in check_refcounts_l2".into(),
                Finding::Unreadable,
            ),
            (
                Some(1),
                "qemu-img: Check failed: Cannot allocate memory".into(),
                Finding::Nothing,
            ),
            (Some(1), String::new(), Finding::Nothing),
            (Some(127), "not found".into(), Finding::Nothing),
            (None, "killed".into(), Finding::Nothing),
            (
                Some(1),
                open("Failed to get \"write\" lock"),
                Finding::Locked,
            ),
        ] {
            assert_eq!(judge(code, &message), finding, "{code:?}: {message}");
        }
    }
}
