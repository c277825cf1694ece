//! A reader of a stream, which waits for what it expects and never longer than it takes to fail.

use std::time::Duration;

use async_graphql::{Request, Variables};
use entity::hypervisor;
use futures_util::{StreamExt, stream::BoxStream};
use serde_json::{Value, json};
use storage::Secret;
use tidemark::{
    domain::{Requester, token::Bearer, token::issue},
    graphql::{self, told::Told},
    secret::Keys,
};
use tokio::time::timeout;

use super::World;

/// How long a reader waits before the test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// One subscription.
pub struct Watcher(BoxStream<'static, Told>);

impl World {
    /// Subscribes.
    pub fn watch(&self, requester: &Requester, document: &str, variables: Value) -> Watcher {
        let request = Request::new(document)
            .variables(Variables::from_json(variables))
            .data(requester.clone());
        Watcher(self.schema().watch(request))
    }

    /// The agent with a token of its own, which streams need.
    pub async fn enrolled(&self) -> Requester {
        self.enrolled_on(self.platform.hypervisor.clone()).await
    }

    /// The agent of `hypervisor` with a token of its own.
    pub async fn enrolled_on(&self, hypervisor: hypervisor::Model) -> Requester {
        let (db, now) = (self.app.database.writes(), self.now());
        let bearer = Bearer::Agent(hypervisor.id);
        let issued = issue(&self.app, db, bearer, "Agent", now, None).await;
        Requester::Agent {
            hypervisor: std::sync::Arc::new(hypervisor),
            token: issued.unwrap().token.id,
        }
    }

    /// The same world after a restart with these keys for secrets.
    pub fn with_keys(mut self, keys: &[&Secret]) -> Self {
        let mut ring = Keys::default();
        for key in keys {
            ring.add(key).unwrap();
        }
        self.app = self.app.with_keys(ring);
        self.set_schema(graphql::builder(self.app.clone()).finish());
        self
    }

    /// The same world after a restart with other settings.
    pub fn with_settings(mut self, change: impl FnOnce(&mut tidemark::domain::Settings)) -> Self {
        let mut settings = (*self.app.settings).clone();
        change(&mut settings);
        self.app.settings = std::sync::Arc::new(settings);
        self.set_schema(graphql::builder(self.app.clone()).finish());
        self
    }
}

impl Watcher {
    /// The next answer, or that the stream has ended.
    pub async fn next_answer(&mut self) -> Option<Value> {
        let answer = timeout(PATIENCE, self.0.next()).await;
        let answer = answer.expect("nothing came");
        answer.map(|told| value(&told))
    }

    /// The next event: the one field of its data.
    pub async fn next(&mut self) -> Value {
        let mut answer = self.next_answer().await.expect("the stream has ended");
        assert!(answer.get("errors").is_none(), "{answer:#}");
        let data = answer["data"].as_object_mut().unwrap();
        data.values_mut().next().unwrap().take()
    }

    /// Reads until an event is as wished, and gives that.
    pub async fn until(&mut self, wished: impl Fn(&Value) -> bool) -> Value {
        loop {
            let event = self.next().await;
            if wished(&event) {
                return event;
            }
        }
    }

    /// The code of the error that comes next, behind which the stream ends.
    pub async fn refusal(mut self) -> String {
        let answer = self.next_answer().await.expect("the stream has ended");
        let code = answer["errors"][0]["extensions"]["code"].clone();
        assert!(code.is_string(), "{answer:#}");
        self.end().await;
        code.as_str().unwrap().to_owned()
    }

    /// Waits for the end, behind which nothing comes.
    pub async fn end(mut self) {
        let answer = self.next_answer().await;
        assert_eq!(answer, None);
    }

    /// The next answer, if there is one soon.
    pub async fn next_answer_soon(&mut self) -> Option<Value> {
        let answer = timeout(Duration::from_millis(300), self.0.next()).await;
        let answer = answer.ok().flatten();
        answer.map(|told| value(&told))
    }

    /// Whether nothing is there to be read now.
    pub async fn is_silent(&mut self) -> bool {
        self.next_answer_soon().await.is_none()
    }
}

/// The response that was told.
fn value(told: &Told) -> Value {
    let value: Value = serde_json::from_str(told.json()).unwrap();
    if told.is_refusal() {
        json!({ "data": null, "errors": value })
    } else {
        value
    }
}

/// Variables with one id.
pub fn on(name: &str, id: impl std::fmt::Display) -> Value {
    json!({ name: format!("{id}") })
}
