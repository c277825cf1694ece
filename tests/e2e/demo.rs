//! `tidemark demo`: everything on one machine with nothing to set up, however it is interrupted.

use std::{collections::BTreeMap, fs, net::SocketAddr, path::Path, time::Duration};

use serde_json::json;
use tempfile::TempDir;
use tokio::{process::Command, time::sleep};

use crate::harness::{Client, Running, gateway, until};

/// Starts the demo on the data in `directory`, on a free port.
async fn start(directory: &Path) -> (Running, Client) {
    let mut command = Command::new(gateway());
    command.args(["demo", "--listen", "127.0.0.1:0", "--data"]);
    command.arg(directory.join("data"));
    command
        .env("TIDEMARK_LOG_FORMAT", "json")
        .env("TIDEMARK_LOG_FILTER", "info");
    command.env("TIDEMARK_RULES_COOLDOWN_SECONDS", "0");
    let mut demo = Running::start(command, &directory.join("demo.log"));
    let serving = demo.logged("serving").await;
    let address: SocketAddr = serving["address"].as_str().unwrap().parse().unwrap();
    let client = Client::anonymous(format!("http://{address}"));
    (demo, client)
}

/// Waits until the demo says that it runs, and gives its sign-ins.
async fn welcomed(demo: &Running, directory: &Path) -> BTreeMap<String, String> {
    until("the demo's welcome", async || {
        demo.output().contains("Tidemark runs.").then_some(())
    })
    .await;
    let sign_ins = fs::read_to_string(directory.join("data/sign-ins.txt")).unwrap();
    let lines = sign_ins.lines().map(|line| {
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        (words[1].clone(), words[2].clone())
    });
    lines.collect()
}

async fn customer(client: &Client, sign_ins: &BTreeMap<String, String>) -> Client {
    let email = "ana@harbour.example";
    client.sign_in(email, &sign_ins[email]).await
}

#[tokio::test]
async fn a_demo_keeps_its_data_and_its_passwords_from_start_to_start() {
    let directory = TempDir::new().unwrap();
    let (demo, client) = start(directory.path()).await;
    let sign_ins = welcomed(&demo, directory.path()).await;
    let ana = customer(&client, &sign_ins).await;
    let query = "{ volumes { nodes { id name status } } }";
    let volumes = ana.data(query, json!({})).await;
    let nodes = volumes["volumes"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 2);
    let free = nodes
        .iter()
        .find(|volume| volume["status"] == "AVAILABLE")
        .unwrap();
    let backup = "mutation($id: ID!) { createBackup(input: { volumeId: $id }) { backup { id } } }";
    let backup = ana.data(backup, json!({ "id": free["id"] })).await;
    let backup = backup["createBackup"]["backup"]["id"].clone();
    let made = "query($id: ID!) { backup(id: $id) { status storedBytes } }";
    until("the backup is made", async || {
        let state = ana.data(made, json!({ "id": backup })).await;
        (state["backup"]["status"] == "AVAILABLE").then_some(())
    })
    .await;
    assert!(demo.terminate().await.success());

    let (demo, client) = start(directory.path()).await;
    let again = welcomed(&demo, directory.path()).await;
    assert_eq!(again, sign_ins);
    let ana = customer(&client, &again).await;
    assert_eq!(ana.data(query, json!({})).await, volumes);
    assert!(demo.terminate().await.success());
}

#[tokio::test]
async fn a_demo_that_is_killed_during_its_first_start_starts_the_next_time() {
    let directory = TempDir::new().unwrap();
    // Earlier and earlier moments of the first start, up to none of it.
    for milliseconds in [1200, 400, 100, 20, 0] {
        let (demo, _) = start(directory.path()).await;
        sleep(Duration::from_millis(milliseconds)).await;
        demo.kill().await;
    }
    let (demo, client) = start(directory.path()).await;
    let sign_ins = welcomed(&demo, directory.path()).await;
    let ana = customer(&client, &sign_ins).await;
    let query = "{ volumes { nodes { name status } } }";
    let volumes = ana.data(query, json!({})).await;
    assert_eq!(volumes["volumes"]["nodes"].as_array().unwrap().len(), 2);
    let pool = fs::read_dir(directory.path().join("data/pool")).unwrap();
    let images = pool.filter(|entry| entry.as_ref().unwrap().path().extension().is_some());
    assert_eq!(images.count(), 4, "two volumes of two customers");
    assert!(demo.terminate().await.success());
}

#[tokio::test]
async fn a_demo_does_not_touch_a_directory_of_somebody_else() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("thesis.txt"), "years of work").unwrap();
    let mut command = Command::new(gateway());
    command
        .args(["demo", "--listen", "127.0.0.1:0", "--data"])
        .arg(&data);
    let output = command.output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(fs::read_dir(&data).unwrap().count(), 1);
}
