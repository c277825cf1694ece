//! `scripts/generate` writes what is checked in, and whatever fails never takes the old away.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const FILES: [&str; 2] = ["schema.graphql", "docs/tidemark.example.toml"];

#[expect(
    clippy::disallowed_methods,
    reason = "nextest ends a script that hangs, with all that it started"
)]
fn generate(into: &Path, program: &Path) -> Output {
    Command::new(Path::new(ROOT).join("scripts/generate"))
        .arg(into)
        .env("TIDEMARK_BIN", program)
        .output()
        .unwrap()
}

/// A program that does as the lines of a shell script say.
fn program(directory: &Path, lines: &str) -> std::path::PathBuf {
    let path = directory.join("program");
    fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn old(into: &Path) {
    fs::create_dir(into.join("docs")).unwrap();
    for file in FILES {
        fs::write(into.join(file), "old\n").unwrap();
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[test]
fn what_is_generated_is_what_is_checked_in() {
    let into = tempfile::tempdir().unwrap();
    let output = generate(into.path(), Path::new(env!("CARGO_BIN_EXE_tidemark")));
    assert!(output.status.success(), "{output:?}");
    for file in FILES {
        let written = fs::read_to_string(into.path().join(file)).unwrap();
        let checked_in = fs::read_to_string(Path::new(ROOT).join(file)).unwrap();
        assert!(written == checked_in, "{file} differs");
    }
}

#[test]
fn the_old_file_is_there_until_the_new_one_is_whole() {
    let (into, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    old(into.path());
    // It finds what was there before, as the build of the program does.
    let program = program(
        other.path(),
        &format!(
            "echo \"new, after $(cat {}/schema.graphql)\"",
            into.path().display()
        ),
    );
    let output = generate(into.path(), &program);
    assert!(output.status.success(), "{output:?}");
    for file in FILES {
        let written = fs::read_to_string(into.path().join(file)).unwrap();
        assert_eq!(written, "new, after old\n", "{file}");
    }
    assert_eq!(names(into.path()), ["docs", "schema.graphql"]);
}

#[test]
fn a_program_that_fails_half_way_changes_nothing() {
    let (into, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    old(into.path());
    let program = program(other.path(), "echo half; exit 3");
    let output = generate(into.path(), &program);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    for file in FILES {
        let kept = fs::read_to_string(into.path().join(file)).unwrap();
        assert_eq!(kept, "old\n", "{file}");
    }
    assert_eq!(names(into.path()), ["docs", "schema.graphql"]);
    assert_eq!(names(&into.path().join("docs")), ["tidemark.example.toml"]);
}
