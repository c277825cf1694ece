//! The API, by whoever shows a token, and what it streams.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::{Value, json};

/// The API as somebody sees it.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Api {
    /// The gateway at `address` for the bearer of `token`, over connections of its own.
    pub fn new(address: SocketAddr, token: String) -> Self {
        Self {
            http: reqwest::Client::new(),
            base: format!("http://{address}/graphql"),
            token,
        }
    }

    /// The data of an answer that has no errors.
    pub async fn data(&self, document: &str, input: Value) -> Result<Value> {
        let request = self.http.post(&self.base).bearer_auth(&self.token);
        let request = request.json(&json!({ "query": document, "variables": { "input": input } }));
        let mut answer: Value = request.send().await?.json().await?;
        if answer.get("errors").is_some() {
            bail!("{document}: {answer:#}");
        }
        let data = answer.get_mut("data");
        Ok(data.ok_or_else(|| anyhow!("{document}: no data"))?.take())
    }

    /// What a subscription tells.
    pub async fn stream(&self, document: &str) -> Result<Stream> {
        let request = self.http.post(format!("{}/stream", self.base));
        let request = request
            .bearer_auth(&self.token)
            .header("Accept", "text/event-stream")
            .json(&json!({ "query": document }));
        let response = request.send().await?.error_for_status()?;
        Ok(Stream {
            response,
            text: String::new(),
        })
    }
}

/// A subscription over an event stream.
pub struct Stream {
    response: reqwest::Response,
    text: String,
}

impl Stream {
    /// The data of the next event.
    pub async fn next(&mut self) -> Result<Value> {
        loop {
            let Some((event, rest)) = self.text.split_once("\n\n") else {
                let chunk = self.response.chunk().await?;
                let chunk = chunk.context("the stream has ended")?;
                self.text += std::str::from_utf8(&chunk)?;
                continue;
            };
            let line = event.lines().find_map(|line| line.strip_prefix("data:"));
            let told = line.map(str::trim).filter(|line| !line.is_empty());
            let told: Option<Value> = told.map(serde_json::from_str).transpose()?;
            let end = self.text.len() - rest.len();
            self.text.drain(..end);
            if let Some(mut told) = told {
                let data = told.get_mut("data").context("no data")?;
                return Ok(data.take());
            }
        }
    }
}
