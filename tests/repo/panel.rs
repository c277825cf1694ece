//! What the panel asks: every document of it is valid, and within the limits.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use async_graphql::Request;
use tidemark::{app::App, database::Database, domain::Settings, graphql};

/// The documents in `text`: what stands in backquotes behind `graphql(`.
fn documents(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("graphql(") {
        rest = &rest[at + "graphql(".len()..];
        if let Some(document) = rest.trim_start().strip_prefix('`')
            && let Some(end) = document.find('`')
        {
            // What gql.tada takes out itself.
            found.push(document[..end].replace("@_unmask", ""));
        }
    }
    found
}

fn files(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path
            .extension()
            .is_some_and(|end| end == "ts" || end == "tsx")
        {
            found.extend(documents(&fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The fragments that `document` spreads.
fn spread(document: &str) -> BTreeSet<String> {
    let parts = document.split("...").skip(1).map(str::trim_start);
    let names = parts.map(|part| {
        part.chars()
            .take_while(|one| one.is_alphanumeric() || *one == '_')
            .collect::<String>()
    });
    names
        .filter(|name| !name.is_empty() && name != "on")
        .collect()
}

#[tokio::test]
async fn every_document_of_the_panel_is_valid_and_within_the_limits() {
    let mut all = Vec::new();
    let panel = Path::new(env!("CARGO_MANIFEST_DIR")).join("panel/src");
    files(&panel, &mut all);
    let mut fragments = BTreeMap::new();
    for document in &all {
        if let Some(name) = document.trim_start().strip_prefix("fragment ") {
            let name: String = name.chars().take_while(|one| *one != ' ').collect();
            fragments.insert(name, document.clone());
        }
    }
    let database = Database::connect("sqlite::memory:", 1).await.unwrap();
    let schema = graphql::builder(App::new(database, Settings::default())).finish();
    let mut asked = 0;
    for document in all
        .iter()
        .filter(|one| !one.trim_start().starts_with("fragment "))
    {
        let mut whole = document.clone();
        let mut due: Vec<_> = spread(document).into_iter().collect();
        let mut met = BTreeSet::new();
        while let Some(name) = due.pop() {
            if met.insert(name.clone()) {
                let fragment = &fragments[&name];
                due.extend(spread(fragment));
                whole.push_str(fragment);
            }
        }
        let answer = if document.trim_start().starts_with("subscription") {
            continue;
        } else {
            schema.execute(Request::new(&whole)).await
        };
        for error in &answer.errors {
            let code = error
                .extensions
                .as_ref()
                .and_then(|all| all.get("code").cloned());
            let code = code.map(|code| code.to_string()).unwrap_or_default();
            let refused = ["GRAPHQL", "QUERY_TOO_COMPLEX"]
                .iter()
                .any(|one| code.contains(one));
            assert!(!refused, "{}\n{whole}", error.message);
        }
        asked += 1;
    }
    assert!(asked > 30, "{asked} documents were found");
}
