//! The client of QMP against peers that behave in every way.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tidemark_agent::qmp::{Error, Monitor};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
};

use crate::site::within;

const LIMIT: Duration = Duration::from_secs(5);
const GREETING: &str = r#"{"QMP":{"version":{},"capabilities":["oob"]}}"#;

struct Peer {
    directory: tempfile::TempDir,
}

impl Peer {
    /// A server that greets and answers each command as `answer` says, given its name and its id.
    fn start(
        greeting: &'static str,
        answer: impl Fn(&str, &Value) -> String + Send + Sync + 'static,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let peer = Self { directory };
        let listener = UnixListener::bind(peer.socket()).unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serve(stream, greeting, &answer).await;
            }
        });
        peer
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("qmp.sock")
    }

    async fn connect(&self) -> Result<Monitor, Error> {
        within(Monitor::connect(&self.socket())).await
    }
}

async fn serve(stream: UnixStream, greeting: &str, answer: &impl Fn(&str, &Value) -> String) {
    let (commands, mut answers) = stream.into_split();
    let _ = answers
        .write_all(format!("{greeting}\r\n").as_bytes())
        .await;
    let mut commands = BufReader::new(commands).lines();
    while let Ok(Some(command)) = commands.next_line().await {
        let command: Value = serde_json::from_str(&command).unwrap();
        let name = command["execute"].as_str().unwrap();
        let line = match name {
            "qmp_capabilities" => json!({ "return": {}, "id": command["id"] }).to_string() + "\r\n",
            _ => answer(name, &command["id"]),
        };
        if line.is_empty() {
            return;
        }
        let _ = answers.write_all(line.as_bytes()).await;
    }
}

#[tokio::test]
async fn events_and_answers_to_others_are_not_taken_for_the_answer() {
    let peer = Peer::start(GREETING, |_, id| {
        let lines = [
            json!({ "event": "A_NEW_ONE", "data": { "x": 1 }, "timestamp": {} }),
            json!({ "return": "somebody else's", "id": "0" }),
            json!({ "return": "somebody else's" }),
            json!({ "error": { "class": "GenericError", "desc": "somebody else's" }, "id": 1 }),
            json!({ "return": "ours", "id": id, "added": "by a later QEMU" }),
        ];
        lines.map(|line| line.to_string()).join("\r\n") + "\r\n"
    });
    let mut monitor = peer.connect().await.unwrap();
    for _ in 0..2 {
        let answer: String = monitor.execute("query", json!({}), LIMIT).await.unwrap();
        assert_eq!(answer, "ours");
    }
}

#[tokio::test]
async fn a_refusal_is_told_in_qemu_s_own_words() {
    let peer = Peer::start(GREETING, |_, id| {
        let error = json!({ "class": "GenericError", "desc": "Need a root block node" });
        json!({ "error": error, "id": id }).to_string() + "\n"
    });
    let mut monitor = peer.connect().await.unwrap();
    let refused = monitor.execute::<Value>("do", json!({}), LIMIT).await;
    let error = refused.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }));
    assert_eq!(error.to_string(), "QEMU refused do: Need a root block node");
}

#[tokio::test]
async fn no_answer_is_waited_for_no_longer_than_was_said() {
    let peer = Peer::start(GREETING, |name, id| match name {
        "fast" => json!({ "return": name, "id": id }).to_string() + "\n",
        // An answer without its end.
        _ => json!({ "event": "NOTHING" }).to_string() + "\n" + r#"{"event":"#,
    });
    let mut monitor = peer.connect().await.unwrap();
    let answer: String = monitor.execute("fast", json!({}), LIMIT).await.unwrap();
    assert_eq!(answer, "fast");
    let asked_at = Instant::now();
    let limit = Duration::from_millis(50);
    let error = monitor.execute::<Value>("slow", json!({}), limit).await;
    assert!(matches!(error, Err(Error::Silent { .. })), "{error:?}");
    assert!(asked_at.elapsed() < LIMIT);
}

#[tokio::test]
async fn a_qemu_that_hangs_up_or_talks_nonsense_is_told_apart_from_none() {
    let closes = Peer::start(GREETING, |_, _| String::new());
    let mut monitor = closes.connect().await.unwrap();
    let error = monitor.execute::<Value>("x", json!({}), LIMIT).await;
    assert!(matches!(error, Err(Error::Closed { .. })), "{error:?}");

    let rubbish = Peer::start(GREETING, |_, _| "rubbish\n".into());
    let mut monitor = rubbish.connect().await.unwrap();
    let error = monitor.execute::<Value>("x", json!({}), LIMIT).await;
    assert!(matches!(error, Err(Error::Nonsense { .. })), "{error:?}");

    let other = Peer::start(GREETING, |_, id| {
        json!({ "return": { "not": "a number" }, "id": id }).to_string() + "\n"
    });
    let mut monitor = other.connect().await.unwrap();
    let error = monitor.execute::<u64>("x", json!({}), LIMIT).await;
    assert!(matches!(error, Err(Error::Nonsense { .. })), "{error:?}");

    for greeting in ["", "220 ready", "{}", r#"{"return":{}}"#] {
        let stranger = Peer::start(greeting, |_, _| String::new());
        let error = stranger.connect().await.unwrap_err();
        assert!(
            matches!(error, Error::Nonsense { .. }),
            "{greeting}: {error}"
        );
    }

    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("qmp.sock");
    let error = Monitor::connect(&socket).await.unwrap_err();
    assert!(matches!(error, Error::Absent), "{error}");
    drop(UnixListener::bind(&socket).unwrap());
    let error = Monitor::connect(&socket).await.unwrap_err();
    assert!(matches!(error, Error::Absent), "{error}");
    std::fs::remove_file(&socket).unwrap();
    std::fs::write(socket.with_extension("file"), "").unwrap();
    let error = Monitor::connect(&directory.path().join("qmp.file")).await;
    assert!(matches!(error, Err(Error::Absent)), "{error:?}");
    let error = Monitor::connect(&directory.path().join("qmp.file/below")).await;
    assert!(matches!(error, Err(Error::Unusable(_))), "{error:?}");
}
