//! Programs that run to their end.

use std::{ffi::OsStr, process::Command};

use crate::skip::PATH;

/// A program with nothing of the caller's environment but what `variables` say.
pub(crate) fn command(program: impl AsRef<OsStr>, variables: &[(&str, &str)]) -> Command {
    #[expect(
        clippy::disallowed_methods,
        reason = "what hangs ends with its test, which has a time-out"
    )]
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs([
            ("LC_ALL", "C"),
            ("PATH", PATH.as_str()),
            ("HOME", "/nonexistent"),
        ])
        .envs(variables.iter().copied())
        .current_dir("/");
    command
}

/// Runs a program to its good end, and gives its standard output.
pub(crate) fn run(program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let mut command = command(program, variables);
    finish(command.args(arguments))
}

/// The same for a command of one's own.
pub(crate) fn finish(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} does not run: {error}"));
    assert!(
        output.status.success(),
        "{command:?} ends with {}:\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}
