//! What the agent's process prints before it works: nothing secret, and no colours where nobody sees them.

use std::{fs, path::Path, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

use crate::site::within;

fn agent(config: &Path) -> Command {
    let mut agent = Command::new(env!("CARGO_BIN_EXE_tidemark-agent"));
    agent.env_clear().arg("--config").arg(config);
    agent.stderr(Stdio::piped()).kill_on_drop(true);
    agent
}

#[tokio::test]
async fn a_broken_configuration_is_told_by_its_line_without_the_token() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("agent.toml");
    fs::write(
        &config,
        "gateway_url = \"http://127.0.0.1:1\"\ntoken = \"hunter2\n",
    )
    .unwrap();
    let output = within(agent(&config).output()).await.unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("agent.toml") && told.contains("line 2: "),
        "{told}"
    );
    assert!(!told.contains("hunter2"), "{told}");
}

#[tokio::test]
async fn the_log_has_no_colours_where_it_goes_to_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("agent.toml");
    let settings = format!(
        "gateway_url = \"http://127.0.0.1:1\"\ntoken = \"x\"\nstate_dir = \"{}\"\n",
        directory.path().join("state").display()
    );
    fs::write(&config, settings).unwrap();
    let mut agent = agent(&config).spawn().unwrap();
    let mut lines = BufReader::new(agent.stderr.take().unwrap()).lines();
    let line = within(lines.next_line()).await.unwrap().unwrap();
    assert!(line.contains("the gateway does not answer yet"), "{line}");
    assert!(!line.contains('\u{1b}'), "{line}");
}
