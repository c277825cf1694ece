//! What strangers try, over HTTP.

use serde_json::{Value, json};

use crate::harness::{Client, Machine, Rules};

async fn code(answer: reqwest::Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    let code = body["errors"][0]["extensions"]["code"].as_str();
    (status, code.unwrap_or("none").to_owned())
}

fn with(url: &str, parameters: &[(&str, &str)]) -> reqwest::Url {
    reqwest::Url::parse_with_params(url, parameters).unwrap()
}

/// The mutations that `client` may call, with the type that each takes.
async fn mutations(client: &Client) -> Vec<(String, String)> {
    let query =
        "{ __schema { mutationType { fields { name args { type { ofType { name } } } } } } }";
    let schema = client.data(query, json!({})).await;
    let fields = schema["__schema"]["mutationType"]["fields"].as_array();
    let mutations = fields.unwrap().iter().filter_map(|field| {
        let input = field["args"][0]["type"]["ofType"]["name"].as_str()?;
        Some((field["name"].as_str().unwrap().to_owned(), input.to_owned()))
    });
    mutations.collect()
}

/// The fields of a type of input.
async fn input_fields(client: &Client, input: &str) -> Vec<Value> {
    let query = "query($name: String!) { __type(name: $name) {
        inputFields { name defaultValue type { kind ofType { kind name } } } } }";
    let mut ty = client.data(query, json!({ "name": input })).await;
    let fields = ty["__type"]["inputFields"].take();
    serde_json::from_value(fields).unwrap()
}

/// Inputs of this type that name something of `owned`, one for each way to name it; none where the type has no
/// field for any of it. What else must be given is given.
async fn inputs(client: &Client, input: &str, owned: &[(&str, &str)]) -> Vec<Value> {
    let find = |name: &str| {
        owned
            .iter()
            .find(|(field, _)| *field == name)
            .map(|(_, id)| *id)
    };
    let mut inputs = vec![json!({})];
    let mut names_one = false;
    for field in input_fields(client, input).await {
        let name = field["name"].as_str().unwrap();
        let required = &field["type"]["ofType"];
        if field["type"]["kind"] != "NON_NULL" || field["defaultValue"].is_string() {
            continue;
        }
        let choices = match (
            required["kind"].as_str().unwrap(),
            required["name"].as_str().unwrap(),
        ) {
            ("SCALAR", "ID") => match find(name) {
                Some(id) => vec![json!(id)],
                // The platform's: everybody may name it.
                None if ["planId", "hypervisorGroupId"].contains(&name) => return Vec::new(),
                None => panic!("{name} is of an account or the platform's: say here which"),
            },
            ("INPUT_OBJECT", below) => {
                let below = input_fields(client, below).await;
                let named = below.iter().filter_map(|below| {
                    let below = below["name"].as_str()?;
                    Some(json!({ below: find(below)? }))
                });
                named.collect()
            }
            _ => vec![json!("x")],
        };
        names_one |= required["kind"] == "INPUT_OBJECT" || find(name).is_some();
        let combined = choices.iter().flat_map(|choice| {
            inputs.iter().map(move |input| {
                let mut input = input.clone();
                input[name] = choice.clone();
                input
            })
        });
        inputs = combined.collect();
    }
    if names_one { inputs } else { Vec::new() }
}

#[tokio::test]
async fn the_ids_of_another_account_are_as_good_as_none() {
    let machine = Machine::with_agent(Rules::default()).await;
    let owner = machine.request();
    let volume = owner.volume("web").await;
    let snapshot = owner.create_snapshot(&volume).await;
    owner.completed(&snapshot).await;
    let backup = owner.create_backup(&volume).await;
    owner.completed(&backup).await;
    let stranger = machine.stranger().await;
    let none = "00000000-0000-7000-8000-000000000000";

    let instance = machine
        .start_instance(&volume, &machine.path("no.qmp"))
        .await;
    let token = "mutation { createApiToken(input: { name: \"t\" }) { apiToken { id } } }";
    let token = machine.owner.data(token, json!({})).await;
    let token = token["createApiToken"]["apiToken"]["id"].as_str().unwrap();
    let session = "{ viewer { sessions { id } } }";
    let session = machine.owner.data(session, json!({})).await;
    let session = session["viewer"]["sessions"][0]["id"].as_str().unwrap();
    let theirs = [
        ("volumeId", volume.as_str()),
        ("snapshotId", &snapshot.item),
        ("backupId", &backup.item),
        ("operationId", &backup.operation),
        ("instanceId", &instance),
        ("apiTokenId", token),
        ("sessionId", session),
    ];

    // All that a stranger may call and that names something of an account.
    let mut tried = Vec::new();
    for (name, input) in mutations(&stranger).await {
        let query =
            format!("mutation($input: {input}!) {{ {name}(input: $input) {{ __typename }} }}");
        let ask = async |input: Value| {
            let mut error = stranger.error(&query, json!({ "input": input })).await;
            error["extensions"]["traceId"].take();
            error
        };
        for foreign in inputs(&stranger, &input, &theirs).await {
            let refused = ask(foreign.clone()).await;
            assert_eq!(
                refused["extensions"]["code"], "NOT_FOUND",
                "{name}: {refused}"
            );
            let unknown = theirs
                .iter()
                .fold(foreign.to_string(), |text, (_, id)| text.replace(id, none));
            let absent = ask(serde_json::from_str(&unknown).unwrap()).await;
            assert_eq!(refused, absent, "{name} tells them apart");
            tried.push(name.clone());
        }
    }
    for mutation in [
        "createSnapshot",
        "restoreInPlace",
        "stopInstance",
        "revokeApiToken",
        "endSession",
    ] {
        assert!(
            tried.iter().any(|name| name == mutation),
            "{mutation} was not among {tried:?}"
        );
    }
    for id in [&volume, &snapshot.item, &backup.item, &backup.operation] {
        let query = "query($id: ID!) { node(id: $id) { id } volume(id: $id) { id }
            snapshot(id: $id) { id } backup(id: $id) { id } operation(id: $id) { id } }";
        let seen = stranger.data(query, json!({ "id": id })).await;
        assert!(
            seen.as_object().unwrap().values().all(Value::is_null),
            "{seen}"
        );
    }
    let lists = "{ volumes { totalCount } snapshots { totalCount } backups { totalCount }
        operations { totalCount } }";
    let lists = stranger.data(lists, json!({})).await;
    for list in lists.as_object().unwrap().values() {
        assert_eq!(list["totalCount"], 0);
    }
    machine.assert_nothing_is_left_behind().await;
    machine.end().await;
}

#[tokio::test]
async fn requests_that_browsers_send_by_themselves_are_not_taken() {
    let machine = Machine::new(Rules::default()).await;
    let owner = &machine.owner;
    let url = format!("{}/graphql", owner.base);
    let token = owner.token.clone().unwrap();
    let mutation = "mutation { signOut }";

    // A token in the address would be in every log on the way: it counts for nothing.
    let viewer = "{ viewer { role } }";
    for name in ["token", "access_token", "authorization"] {
        let query = [("query", viewer), (name, &token)];
        let answer = owner.http.get(with(&url, &query)).send().await.unwrap();
        assert_eq!(code(answer).await.1, "UNAUTHENTICATED", "{name}");
    }
    for path in ["/graphql", "/graphql/stream"] {
        let url = with(&format!("{}{path}", owner.base), &[("query", mutation)]);
        let answer = owner
            .http
            .get(url)
            .bearer_auth(&token)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 405, "{path}");
        assert_eq!(answer.headers()["allow"], "POST");
    }
    // Forms of any page, across origins.
    let form = json!({ "query": mutation }).to_string();
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        for path in ["/graphql", "/graphql/stream"] {
            let post = owner
                .http
                .post(format!("{}{path}", owner.base))
                .bearer_auth(&token);
            let post = post
                .header("Content-Type", kind)
                .header("Origin", "https://evil.example");
            let answer = post.body(form.clone()).send().await.unwrap();
            assert_eq!(answer.status(), 415, "{kind} to {path}");
        }
    }
    let options = owner.http.request(reqwest::Method::OPTIONS, &url);
    let preflight = options
        .header("Origin", "https://evil.example")
        .header("Access-Control-Request-Method", "POST");
    let answer = preflight.send().await.unwrap();
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
    // The token still works: none of it signed its owner out.
    let seen = owner.data(viewer, json!({})).await;
    assert_eq!(seen["viewer"]["role"], "USER");
    machine.end().await;
}

#[tokio::test]
async fn pages_of_other_sites_do_nothing_in_a_browsers_name() {
    let machine = Machine::new(Rules::default()).await;
    let owner = &machine.owner;
    let url = format!("{}/graphql", owner.base);
    let secret = owner.token.clone().unwrap();
    let port = machine.address().port();
    let from = async |origin: &str, query: &str| {
        let request = owner.http.post(&url).json(&json!({ "query": query }));
        let request = request
            .header("Cookie", format!("tidemark_session={secret}"))
            .header("Origin", origin);
        code(request.send().await.unwrap()).await
    };
    for origin in [
        "null".to_owned(),
        "https://evil.example".to_owned(),
        format!("http://evil.example:{port}"),
        format!("http://127.0.0.1.evil.example:{port}"),
        format!("https://127.0.0.1:{port}"),
        "http://127.0.0.1".to_owned(),
    ] {
        let refused = from(&origin, "mutation { signOut }").await;
        assert_eq!(refused, (403, "FORBIDDEN".to_owned()), "{origin}");
    }
    // None of it signed anybody out.
    let viewer = "{ viewer { role } }";
    assert_eq!(from(&owner.base, viewer).await, (200, "none".to_owned()));
    // What the log tells in full detail is not the secret.
    let log = machine.gateway.as_ref().unwrap().log();
    assert!(log.contains("answered"), "{log}");
    assert!(!log.contains(&secret), "{log}");
    machine.end().await;
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_costs_anything() {
    let machine = Machine::new(Rules::default()).await;
    let owner = &machine.owner;
    let url = format!("{}/graphql", owner.base);

    let giant = owner
        .post(&json!({ "query": "x".repeat(64 << 20) }))
        .send()
        .await;
    // It may hang up while the rest is still on its way.
    if let Ok(answer) = giant {
        assert_eq!(answer.status(), 413);
    }
    let deep = format!(
        "{{ node(id: \"x\") {} {}",
        "{ ... on Node ".repeat(5000),
        "}".repeat(5001)
    );
    let nested = (0..40).fold("id".to_owned(), |inner, _| {
        format!("snapshots {{ nodes {{ volume {{ {inner} }} }} }}")
    });
    let nested = format!("{{ volumes {{ nodes {{ {nested} }} }} }}");
    let wide = (0..5000).map(|n| format!("a{n}: volumes(first: 100) {{ nodes {{ id }} }}"));
    let wide = wide.collect::<Vec<_>>().join(" ");
    let spreads = (0..30).map(|n| format!("fragment f{n} on Query {{ ...f{0} ...f{0} }}", n + 1));
    let spreads = spreads.collect::<Vec<_>>().join(" ");
    let spreads = format!("{{ ...f0 }} {spreads} fragment f30 on Query {{ serverTime }}");
    let cycle = "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }".to_owned();
    let brackets = format!("{{ volumes(filter: {}", "[".repeat(200_000));
    for document in [
        deep,
        nested,
        format!("{{ {wide} }}"),
        spreads,
        cycle,
        brackets,
    ] {
        let began = tokio::time::Instant::now();
        let answer = owner
            .post(&json!({ "query": document }))
            .send()
            .await
            .unwrap();
        let (_, code) = code(answer).await;
        let refusals = [
            "QUERY_TOO_COMPLEX",
            "GRAPHQL_PARSE_FAILED",
            "GRAPHQL_VALIDATION_FAILED",
        ];
        let start: String = document.chars().take(60).collect();
        assert!(refusals.contains(&code.as_str()), "{code}: {start}");
        assert!(
            began.elapsed().as_secs() < 5,
            "{start} took {:?}",
            began.elapsed()
        );
    }
    let batch = owner
        .http
        .post(&url)
        .bearer_auth(owner.token.as_ref().unwrap());
    let batch = batch
        .json(&json!([{ "query": "{ serverTime }" }, { "query": "{ serverTime }" }]))
        .send()
        .await
        .unwrap();
    assert_eq!(batch.status(), 400);
    let deep_json = format!(
        "{{\"query\":\"{{ serverTime }}\",\"variables\":{}{}}}",
        "{\"a\":".repeat(100_000),
        "}".repeat(100_000)
    );
    let request = owner
        .http
        .post(&url)
        .header("Content-Type", "application/json");
    let answer = request.body(deep_json).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    // It is still there, for all of it.
    owner.data("{ serverTime }", json!({})).await;
    machine.end().await;
}

#[tokio::test]
async fn tokens_are_for_whom_they_are() {
    let machine = Machine::with_agent(Rules::default()).await;
    machine.request().volume("web").await;
    let token = &machine.platform.agent_token;
    let agent = Client::anonymous(machine.base()).with_token(token);
    let query = "{ volumes { nodes { id } } }";
    let refused = agent.error(query, json!({})).await;
    assert_eq!(refused["extensions"]["code"], "FORBIDDEN", "{refused}");
    let claim = "mutation { agentClaim(input: { limit: 9 }) { assignments { operationId } } }";
    for caller in [&machine.owner, &machine.admin] {
        let refused = caller.error(claim, json!({})).await;
        let code = &refused["extensions"]["code"];
        assert!(
            code == "FORBIDDEN" || code == "GRAPHQL_VALIDATION_FAILED",
            "{refused}"
        );
    }
    for wrong in [
        "",
        "x",
        &token[..token.len() - 1],
        "'; DROP TABLE users; --",
    ] {
        let stranger = Client::anonymous(machine.base()).with_token(wrong);
        let answer = stranger
            .post(&json!({ "query": "{ serverTime }" }))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 401, "{wrong:?}");
    }
    // What a session could do ends with it.
    let stranger = machine.stranger().await;
    stranger.data("mutation { signOut }", json!({})).await;
    let answer = stranger
        .post(&json!({ "query": "{ serverTime }" }))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 401);
    machine.end().await;
}
