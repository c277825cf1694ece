//! Tests that cannot run here: they say so, and where everything has to run they fail.

use std::{path::PathBuf, sync::LazyLock};

/// Where programs are looked for: in the system's directories, then in the caller's.
pub(crate) static PATH: LazyLock<String> = LazyLock::new(|| {
    let system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let own = std::env::var("PATH").unwrap_or_default();
    format!("{system}:{own}")
});

/// Says that a test, or a part of it, is skipped for a reason; with `CI=true` the test fails.
///
/// ```
/// # fn test() {
/// if !tidemark_testbed::installed(&["zstd"]) {
///     return;
/// }
/// # }
/// # test();
/// ```
pub fn skip(reason: &str) {
    eprintln!("SKIPPED: {reason}");
    let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!in_ci, "CI runs every test: {reason}");
}

/// Whether these programs are there; if not, [skips](skip).
pub fn installed(programs: &[&str]) -> bool {
    let missing = programs.iter().find(|program| find(program).is_none());
    if let Some(program) = missing {
        skip(&format!(
            "{program} is not installed (scripts/setup test installs it)"
        ));
    }
    missing.is_none()
}

fn find(program: &str) -> Option<PathBuf> {
    let mut places = PATH
        .split(':')
        .map(|directory| PathBuf::from(directory).join(program));
    places.find(|place| place.is_file())
}
