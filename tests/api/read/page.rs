//! Pages: every row once, in order, from either end.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use entity::{operation::OperationKind, operation_event::OperationEventKind};
use sea_orm::Set;
use serde_json::{Value, json};

use crate::harness::{GB, Tenant, World, on_each_database};

const PAGES: &str = "query($orderBy: VolumeOrder, $first: Int, $after: String, $last: Int,
                           $before: String) {
  volumes(orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { name } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    totalCount
  }
}";

#[tokio::test]
async fn every_order_gives_every_volume_once_from_either_end() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        seven_volumes(&world, &alice).await;
        for (field, direction, expected) in [
            ("CREATED_AT", "ASC", "b a b c a c d"),
            ("CREATED_AT", "DESC", "d c a c b a b"),
            ("NAME", "ASC", "a a b b c c d"),
            ("SIZE", "DESC", "d c b a b a c"),
        ] {
            let order = json!({ "field": field, "direction": direction });
            let there = walk(&world, &alice, &order, "first", "after").await;
            if field != "SIZE" {
                assert_eq!(there.join(" "), expected, "{order}");
            }
            let mut back = walk(&world, &alice, &order, "last", "before").await;
            back.reverse();
            // Pages come from the back, the rows of each in the list's order.
            assert_eq!(back, there, "{order}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_cursor_of_any_instant_is_answered_or_refused_and_never_an_internal_error() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        seven_volumes(&world, &alice).await;
        let order = json!({ "field": "CREATED_AT", "direction": "ASC" });
        let refused = |millis: i64| !(-62_167_219_200_000..=253_402_300_799_999).contains(&millis);
        for millis in [
            0,
            -62_167_219_200_000,
            253_402_300_799_999,
            253_402_300_800_000,
            -62_167_219_200_001,
            8_210_000_000_000_000,
            -8_330_000_000_000_000,
            i64::MAX,
            i64::MIN,
        ] {
            let cursor = BASE64_URL_SAFE_NO_PAD.encode(json!([millis, "x"]).to_string());
            let variables = json!({ "orderBy": order, "after": cursor });
            let answer = world.answer(&alice.requester, PAGES, variables).await;
            let code = &answer["errors"][0]["extensions"]["code"];
            let expected = if refused(millis) {
                json!("INVALID_INPUT")
            } else {
                Value::Null
            };
            assert_eq!(*code, expected, "{millis}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_page_goes_on_where_the_cursor_was_although_its_row_is_gone() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let names = ["first", "second", "third"];
        let mut volumes = Vec::new();
        for name in names {
            let rename = |row: &mut entity::volume::ActiveModel| row.name = Set(name.to_owned());
            volumes.push(world.volume(&alice, rename).await);
        }
        let page = page(&world, &alice, json!({ "first": 2 })).await;
        assert_eq!(names_of(&page), ["third", "second"]);
        let cursor = page["pageInfo"]["endCursor"].clone();
        let now = world.now();
        world
            .change(volumes.remove(1), |row| row.deleted_at = Set(Some(now)))
            .await;
        let rest = self::page(&world, &alice, json!({ "first": 2, "after": cursor })).await;
        assert_eq!(names_of(&rest), ["first"]);
        assert_eq!(rest["pageInfo"]["hasNextPage"], false);
        assert_eq!(rest["pageInfo"]["hasPreviousPage"], true);
        assert_eq!(rest["totalCount"], 2);
    })
    .await;
}

#[tokio::test]
async fn a_page_has_twenty_rows_and_says_that_there_are_more() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        for _ in 0..21 {
            world.volume(&alice, |_| {}).await;
        }
        let first = page(&world, &alice, json!({})).await;
        assert_eq!(names_of(&first).len(), 20);
        assert_eq!(first["pageInfo"]["hasNextPage"], true);
        let none = page(&world, &alice, json!({ "first": 0 })).await;
        assert_eq!(names_of(&none).len(), 0);
        assert_eq!(none["totalCount"], 21);
    })
    .await;
}

#[tokio::test]
async fn sizes_and_cursors_that_are_none_are_invalid_input() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let foreign = BASE64_URL_SAFE_NO_PAD.encode("[7]");
        let zero = BASE64_URL_SAFE_NO_PAD.encode("[\"a\\u0000\"]");
        for variables in [
            json!({ "first": 101 }),
            json!({ "first": -1 }),
            json!({ "last": 101 }),
            json!({ "first": 1, "last": 1 }),
            json!({ "after": "?" }),
            json!({ "after": "" }),
            json!({ "before": foreign }),
            json!({ "before": zero }),
        ] {
            let error = world
                .error_with(&alice.requester, PAGES, variables.clone())
                .await;
            assert_eq!(error["extensions"]["code"], "INVALID_INPUT", "{variables}");
        }
    })
    .await;
}

#[tokio::test]
async fn each_volume_has_its_own_page_of_snapshots() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let mut cursors = Vec::new();
        for snapshots in 1..=3 {
            let volume = world.volume(&alice, |_| {}).await;
            for number in 1..=snapshots {
                let name = format!("{snapshots}.{number}");
                let snapshot = world.snapshot(&volume, |row| row.name = Set(name)).await;
                cursors.push(snapshot.id);
            }
        }
        let document = "{ volumes(orderBy: { field: CREATED_AT, direction: ASC }) { nodes {
            newest: snapshots(first: 2) { nodes { name } pageInfo { hasNextPage endCursor } }
            oldest: snapshots(last: 2) { nodes { name } pageInfo { hasPreviousPage } totalCount }
        } } }";
        let data = world.data(&alice.requester, document).await;
        let volumes = data["volumes"]["nodes"].as_array().unwrap();
        let names = |volume: &Value, page: &str| -> Vec<String> {
            let nodes = volume[page]["nodes"].as_array().unwrap().iter();
            nodes
                .map(|node| node["name"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(names(&volumes[0], "newest"), ["1.1"]);
        assert_eq!(names(&volumes[2], "newest"), ["3.3", "3.2"]);
        assert_eq!(names(&volumes[2], "oldest"), ["3.2", "3.1"]);
        assert_eq!(volumes[2]["newest"]["pageInfo"]["hasNextPage"], true);
        assert_eq!(volumes[1]["newest"]["pageInfo"]["hasNextPage"], false);
        assert_eq!(volumes[2]["oldest"]["pageInfo"]["hasPreviousPage"], true);
        assert_eq!(volumes[2]["oldest"]["totalCount"], 3);
        let cursor = &volumes[2]["newest"]["pageInfo"]["endCursor"];
        let document = "query($after: String) { volumes(first: 1) { nodes {
            snapshots(after: $after) { nodes { name } } } } }";
        let data = world
            .data_with(&alice.requester, document, json!({ "after": cursor }))
            .await;
        let rest = &data["volumes"]["nodes"][0];
        assert_eq!(names(rest, "snapshots"), ["3.1"]);
    })
    .await;
}

#[tokio::test]
async fn the_timeline_and_the_log_run_from_the_oldest() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let operation = world
            .operation(&volume, OperationKind::CreateBackup, |_| {})
            .await;
        world.event(&operation, OperationEventKind::Accepted).await;
        world.event(&operation, OperationEventKind::Started).await;
        world.event(&operation, OperationEventKind::Completed).await;
        world.log(&operation, "one", true).await;
        world.log(&operation, "two", true).await;
        let document = format!(
            "{{ operation(id: \"{}\") {{
                events(first: 2) {{ edges {{ cursor node {{ kind cursor }} }} }}
                logs {{ nodes {{ message level }} }} }} }}",
            operation.id
        );
        let data = world.data(&alice.requester, &document).await;
        let events = data["operation"]["events"]["edges"].as_array().unwrap();
        assert_eq!(events[0]["node"]["kind"], "ACCEPTED");
        assert_eq!(events[1]["node"]["kind"], "STARTED");
        // Where the list goes on is where the stream of events goes on.
        assert_eq!(events[1]["cursor"], events[1]["node"]["cursor"]);
        let logs = data["operation"]["logs"]["nodes"].as_array().unwrap();
        assert_eq!(logs[0]["message"], "one");
        assert_eq!(logs[1]["message"], "two");
    })
    .await;
}

async fn seven_volumes(world: &World, alice: &Tenant) {
    for (name, gigabytes) in [
        ("b", 2),
        ("a", 1),
        ("b", 3),
        ("c", 1),
        ("a", 2),
        ("c", 4),
        ("d", 5),
    ] {
        world
            .volume(alice, |row| {
                row.name = Set(name.to_owned());
                row.size_bytes = Set(gigabytes * GB);
            })
            .await;
        world.clock.advance(chrono::TimeDelta::milliseconds(250));
    }
}

async fn page(world: &World, alice: &Tenant, variables: Value) -> Value {
    let mut data = world.data_with(&alice.requester, PAGES, variables).await;
    data["volumes"].take()
}

fn names_of(page: &Value) -> Vec<&str> {
    let edges = page["edges"].as_array().unwrap().iter();
    edges
        .map(|edge| edge["node"]["name"].as_str().unwrap())
        .collect()
}

/// All names, two a page; each page from the back when that is how it is walked.
async fn walk(
    world: &World,
    alice: &Tenant,
    order: &Value,
    size: &str,
    cursor: &str,
) -> Vec<String> {
    let backwards = size == "last";
    let (more, next) = if backwards {
        ("hasPreviousPage", "startCursor")
    } else {
        ("hasNextPage", "endCursor")
    };
    let mut names = Vec::new();
    let mut from = Value::Null;
    loop {
        let mut variables = json!({ "orderBy": order });
        variables[size] = json!(2);
        variables[cursor] = from;
        let page = page(world, alice, variables).await;
        let mut found: Vec<_> = names_of(&page).into_iter().map(str::to_owned).collect();
        if backwards {
            found.reverse();
        }
        names.extend(found);
        if page["pageInfo"][more] == false {
            return names;
        }
        from = page["pageInfo"][next].clone();
    }
}
