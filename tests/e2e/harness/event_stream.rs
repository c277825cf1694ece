//! A client of graphql-sse, one operation a connection.

use serde_json::{Value, json};
use testbed::PATIENCE;
use tokio::time::timeout;

use super::client::Client;

/// An event stream.
pub struct EventStream {
    response: reqwest::Response,
    text: String,
}

impl EventStream {
    pub async fn subscribe(client: &Client, query: &str, variables: Value) -> Self {
        let request = client
            .http
            .post(format!("{}/graphql/stream", client.base))
            .bearer_auth(client.token.as_ref().unwrap())
            .header("Accept", "text/event-stream")
            .json(&json!({ "query": query, "variables": variables }));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            response,
            text: String::new(),
        }
    }

    /// The data of the next event, or nothing when the stream is complete or broken off.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            let event = self.event().await?;
            let field = |name: &str| {
                let lines = event.lines().filter_map(|line| line.strip_prefix(name));
                lines
                    .map(|line| line.strip_prefix(' ').unwrap_or(line))
                    .collect::<String>()
            };
            match field("event:").as_str() {
                "next" => {
                    let mut payload: Value = serde_json::from_str(&field("data:")).unwrap();
                    assert!(payload.get("errors").is_none(), "{payload:#}");
                    return Some(payload["data"].take());
                }
                "complete" => return None,
                // A comment that keeps the connection alive.
                "" => {}
                other => panic!("an event of the kind {other}"),
            }
        }
    }

    /// The lines up to the next empty one.
    async fn event(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let event = event.to_owned();
                self.text = self.text.split_off(self.text.len() - rest.len());
                return Some(event);
            }
            let chunk = timeout(PATIENCE, self.response.chunk())
                .await
                .expect("silence");
            self.text += std::str::from_utf8(&chunk.ok()??).unwrap();
        }
    }
}
