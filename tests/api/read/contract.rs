//! The schema against what is promised.

use serde_json::Value;
use tidemark::domain::{ErrorCode, Requester};

use crate::harness::on_each_database;

#[tokio::test]
async fn the_server_tells_its_time_to_anybody() {
    on_each_database(async |world| {
        let data = world.data(&Requester::Anonymous, "{ serverTime }").await;
        assert_eq!(data["serverTime"], "2026-09-21T14:13:20.000Z");
    })
    .await;
}

#[tokio::test]
async fn every_error_code_is_in_the_catalog() {
    on_each_database(async |world| {
        let document = "{ errorCatalog { code meaning retriable remedy }
                          __type(name: \"ErrorCode\") { enumValues { name } } }";
        let data = world.data(&Requester::Anonymous, document).await;
        let named = |list: &Value, key: &str| -> Vec<String> {
            let rows = list.as_array().unwrap().iter();
            rows.map(|row| row[key].as_str().unwrap().to_owned())
                .collect()
        };
        let values = named(&data["__type"]["enumValues"], "name");
        assert_eq!(named(&data["errorCatalog"], "code"), values);
        assert_eq!(values.len(), ErrorCode::ALL.len());
    })
    .await;
}

#[tokio::test]
async fn everything_in_the_schema_is_described() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let document = "{ __schema { types { name kind description
            fields { name description args { name description } }
            inputFields { name description }
            enumValues { name description } } } }";
        let data = world.data(&admin, document).await;
        let mut bare = Vec::new();
        for ty in data["__schema"]["types"].as_array().unwrap() {
            let name = ty["name"].as_str().unwrap();
            if name.starts_with("__") || matches!(name, "ID" | "PageInfo" | "Query") {
                continue;
            }
            let mut check = |part: &Value, place: String| {
                if part["description"].as_str().is_none_or(str::is_empty) {
                    bare.push(place);
                }
            };
            check(ty, name.to_owned());
            for list in ["fields", "inputFields", "enumValues"] {
                for part in ty[list].as_array().into_iter().flatten() {
                    let place = format!("{name}.{}", part["name"].as_str().unwrap());
                    check(part, place.clone());
                    for argument in part["args"].as_array().into_iter().flatten() {
                        check(argument, format!("{place}({})", argument["name"]));
                    }
                }
            }
        }
        assert!(bare.is_empty(), "{bare:#?}");
    })
    .await;
}

#[tokio::test]
async fn instants_have_a_specification() {
    on_each_database(async |world| {
        let document = "{ __type(name: \"DateTime\") { specifiedByURL } }";
        let data = world.data(&Requester::Anonymous, document).await;
        let url = data["__type"]["specifiedByURL"].as_str().unwrap();
        assert!(url.starts_with("https://scalars.graphql.org/"), "{url}");
    })
    .await;
}
