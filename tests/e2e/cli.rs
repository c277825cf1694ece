//! The command line: what it prints, what it changes, and its exit codes.

use std::{fs, path::Path};

use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use crate::harness::{Client, Machine, Rules, gateway};

/// Runs a command in an empty environment, and gives its code and all it said.
async fn tidemark(directory: &Path, words: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(gateway());
    command.args(words).current_dir(directory);
    let output = command.output().await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn the_example_configuration_is_one() {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (code, example) = tidemark(directory.path(), &["config", "example"]).await;
    assert_eq!(code, Some(0), "{example}");
    let checked_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tidemark.example.toml");
    assert_eq!(example, fs::read_to_string(checked_in).unwrap());
    let own = example.replace("/var/lib/tidemark", &path("state"));
    fs::create_dir_all(path("state/agent")).unwrap();
    fs::write(path("own.toml"), own).unwrap();
    let own = path("own.toml");

    // The doctor finds what is missing, migrating helps, and the doctor agrees.
    let (code, said) = tidemark(directory.path(), &["doctor", "--config", &own]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("make it: tidemark migrate"), "{said}");
    let (code, said) = tidemark(directory.path(), &["migrate", "--config", &own]).await;
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = tidemark(directory.path(), &["doctor", "--config", &own]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("BAD"), "{said}");
    let (code, said) = tidemark(directory.path(), &["migrate", "--config", &own]).await;
    assert_eq!(
        (code, said.trim()),
        (Some(0), "The database has all migrations.")
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_configuration_is_one_line_and_code_2() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("wrong.toml");
    let path = file.display().to_string();
    for (text, expected) in [
        (
            "[rules]\ncooldown = 5\n",
            "did you mean rules.cooldown_seconds?",
        ),
        (
            "[rules]\nlease_seconds = 10\n",
            "at most a third of rules.lease_seconds",
        ),
        ("[http]\nlisten = \"nowhere\"\n", "listen"),
        ("no toml at all", "wrong.toml"),
    ] {
        fs::write(&file, text).unwrap();
        for command in ["serve", "migrate", "doctor"] {
            let (code, said) = tidemark(directory.path(), &[command, "--config", &path]).await;
            assert_eq!(code, Some(2), "{command}: {said}");
            assert!(said.contains(expected), "{command}: {said}");
            assert_eq!(said.trim_end().lines().count(), 1, "{command}: {said}");
        }
    }
    let (code, said) = tidemark(directory.path(), &["serve", "--config", "/nowhere"]).await;
    assert_eq!(code, Some(2), "{said}");
    let (code, _) = tidemark(directory.path(), &["dance"]).await;
    assert_eq!(code, Some(2));
}

#[tokio::test]
async fn a_user_that_was_made_on_the_command_line_signs_in() {
    let machine = Machine::new(Rules::default()).await;
    let words = ["user", "create", "--config"];
    let create = async |email: &str, password: &str| {
        let mut command = machine.command(&words);
        command.args(["--email", email, "--account", "Harbour Books"]);
        command
            .env("TIDEMARK_PASSWORD", password)
            .output()
            .await
            .unwrap()
    };
    let made = create("eve@harbour.example", "a long enough password").await;
    assert!(made.status.success());
    let client = Client::anonymous(machine.base());
    let eve = client
        .sign_in("eve@harbour.example", "a long enough password")
        .await;
    let viewer = eve
        .data("{ viewer { role account { name } } }", json!({}))
        .await;
    assert_eq!(
        viewer["viewer"],
        json!({ "role": "USER", "account": { "name": "Harbour Books" } })
    );
    let twice = create("eve@harbour.example", "another long password").await;
    assert_eq!(twice.status.code(), Some(1));
    let short = create("tom@harbour.example", "x7Qz").await;
    assert_eq!(short.status.code(), Some(1));
    let said = String::from_utf8(short.stderr).unwrap();
    assert!(!said.contains("x7Qz"), "the password is told: {said}");

    // A password that was forgotten is set there, too, and opens what the old one did; nothing else does.
    let set = async |email: &str, password: &str| {
        let mut command = machine.command(&["user", "set-password", "--config"]);
        command.args(["--email", email]);
        let output = command.env("TIDEMARK_PASSWORD", password).output().await;
        let output = output.unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let (code, said) = set("EVE@harbour.example", "yet another password").await;
    assert_eq!(code, Some(0), "{said}");
    let ended = eve.error("{ viewer { role } }", json!({})).await;
    assert_eq!(ended["extensions"]["code"], "UNAUTHENTICATED");
    client
        .sign_in("eve@harbour.example", "yet another password")
        .await;
    let (code, said) = set("nobody@harbour.example", "yet another password").await;
    assert_eq!(code, Some(1));
    assert!(said.contains("There is no user with this email."), "{said}");
    machine.end().await;
}

#[tokio::test]
async fn the_schema_that_is_printed_is_the_one_in_the_repository() {
    let directory = TempDir::new().unwrap();
    let (code, schema) = tidemark(directory.path(), &["schema"]).await;
    assert_eq!(code, Some(0));
    let checked_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
    let checked_in = fs::read_to_string(checked_in).unwrap();
    assert!(
        schema == checked_in,
        "run `tidemark schema > schema.graphql`"
    );
}
