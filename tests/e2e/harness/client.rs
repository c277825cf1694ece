//! A caller of the API over HTTP.

use serde_json::{Value, json};

/// A GraphQL client with or without a token.
#[derive(Clone)]
pub struct Client {
    pub http: reqwest::Client,
    pub base: String,
    pub token: Option<String>,
}

impl Client {
    pub fn anonymous(base: String) -> Self {
        // A connection that a dead gateway held would fail the first request to the next one.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0);
        Self {
            http: http.build().unwrap(),
            base,
            token: None,
        }
    }

    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self {
            token: Some(token.into()),
            ..self.clone()
        }
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Self {
        let signed_in = self
            .data(
                "mutation($input: SignInInput!) { signIn(input: $input) { token } }",
                json!({ "input": { "email": email, "password": password } }),
            )
            .await;
        self.with_token(signed_in["signIn"]["token"].as_str().unwrap())
    }

    /// A POST of `body` to the API, not sent yet.
    pub fn post(&self, body: &Value) -> reqwest::RequestBuilder {
        let request = self.http.post(format!("{}/graphql", self.base)).json(body);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn try_answer(&self, query: &str, variables: Value) -> reqwest::Result<Value> {
        let request = self.post(&json!({ "query": query, "variables": variables }));
        request.send().await?.json().await
    }

    /// The whole answer: its data and its errors.
    pub async fn answer(&self, query: &str, variables: Value) -> Value {
        self.try_answer(query, variables).await.unwrap()
    }

    /// The data of an answer that has no errors.
    pub async fn data(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.answer(query, variables.clone()).await;
        assert!(
            answer.get("errors").is_none(),
            "{query}\n{variables:#}\n{answer:#}"
        );
        answer["data"].take()
    }

    /// The first error of an answer.
    pub async fn error(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.answer(query, variables).await;
        assert!(answer["errors"][0].is_object(), "{query}\n{answer:#}");
        answer["errors"][0].take()
    }

    /// The status of a GET, when anybody answers.
    pub async fn status(&self, path: &str) -> Option<u16> {
        let answer = self.http.get(format!("{}{path}", self.base)).send().await;
        Some(answer.ok()?.status().as_u16())
    }
}
