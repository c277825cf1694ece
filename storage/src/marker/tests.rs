use std::{fs, path::Path, sync::Arc};

use super::*;
use crate::{
    Local,
    fault::{Fault, Faulty},
    memory::Memory,
};

fn expected(standing: Standing) -> Expected {
    Expected {
        marker: Marker {
            kind: PlaceKind::StoragePool,
            installation_id: Uuid::from_u128(1),
            place_id: Uuid::from_u128(2),
            hypervisor_id: Some(Uuid::from_u128(3)),
            generation: 1,
        },
        standing,
        witnesses: Vec::new(),
    }
}

fn with_witnesses(names: &[&str]) -> Expected {
    let mut expected = expected(Standing::New);
    let names = names.iter();
    expected.witnesses = names.map(|name| ObjectPath::new(*name).unwrap()).collect();
    expected
}

fn owner(place: &Path) -> String {
    fs::read_to_string(place.join(".tidemark/owner.json")).unwrap()
}

async fn refused(store: &dyn Store, expected: &Expected) -> String {
    match prove(store, expected).await {
        Err(error @ Error::Unproved { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

async fn proved(store: &dyn Store, expected: &Expected) {
    assert_eq!(prove(store, expected).await.unwrap(), Proof::Marker);
}

#[tokio::test]
async fn an_empty_place_is_marked_once_and_known_from_then_on() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("lost+found")).unwrap();
    fs::create_dir_all(directory.path().join("probes")).unwrap();
    fs::create_dir_all(directory.path().join("volumes")).unwrap();
    let store = Local::new(directory.path());
    proved(&store, &expected(Standing::New)).await;
    let file: serde_json::Value = serde_json::from_str(&owner(directory.path())).unwrap();
    assert_eq!(
        file,
        serde_json::json!({
            "formatVersion": 1, "kind": "STORAGE_POOL", "generation": 1,
            "installationId": "00000000-0000-0000-0000-000000000001",
            "placeId": "00000000-0000-0000-0000-000000000002",
            "hypervisorId": "00000000-0000-0000-0000-000000000003",
        })
    );
    fs::write(directory.path().join("a"), "something").unwrap();
    for standing in [Standing::New, Standing::Accepted, Standing::Marked] {
        proved(&store, &expected(standing)).await;
    }
}

#[tokio::test]
async fn a_place_that_was_marked_and_is_not_is_refused_whatever_lies_there() {
    let directory = tempfile::tempdir().unwrap();
    let store = Local::new(directory.path());
    let words = refused(&store, &expected(Standing::Marked)).await;
    assert!(words.contains("its disk may not be mounted"), "{words}");
    assert!(words.contains("acceptPlace"), "{words}");
    fs::write(directory.path().join("witness"), "").unwrap();
    let mut known = with_witnesses(&["witness"]);
    known.standing = Standing::Marked;
    refused(&store, &known).await;
    assert!(!directory.path().join(".tidemark").exists());
}

#[tokio::test]
async fn a_place_in_use_that_was_never_marked_is_known_by_what_lies_there() {
    let directory = tempfile::tempdir().unwrap();
    let store = Local::new(directory.path());
    let known = with_witnesses(&["gone", "there"]);
    let words = refused(&store, &known).await;
    assert!(words.contains("it is empty"), "{words}");

    fs::write(directory.path().join("another"), "").unwrap();
    let words = refused(&store, &known).await;
    assert!(
        words.contains("nothing of what should lie there"),
        "{words}"
    );
    assert!(!directory.path().join(".tidemark").exists());

    fs::write(directory.path().join("there"), "").unwrap();
    proved(&store, &known).await;
    assert!(directory.path().join(".tidemark/owner.json").exists());
}

#[tokio::test]
async fn a_place_with_other_things_in_it_is_taken_only_when_an_administrator_accepts_it() {
    let store = Memory::default();
    let other = ObjectPath::new("others/file").unwrap();
    store.put(&other, Bytes::from_static(b"x")).await.unwrap();
    let words = refused(&store, &expected(Standing::New)).await;
    assert!(words.contains("is not empty"), "{words}");
    proved(&store, &expected(Standing::Accepted)).await;
}

#[tokio::test]
async fn a_full_place_in_use_is_worked_on_without_a_marker() {
    let memory = Arc::new(Memory::default());
    let there = ObjectPath::new("there").unwrap();
    memory.put(&there, Bytes::new()).await.unwrap();
    let full = Faulty::new(memory.clone(), Fault::FullAfter(0));
    let proof = prove(&full, &with_witnesses(&["there"])).await.unwrap();
    assert_eq!(proof, Proof::Witness);
    assert!(memory.size(&ObjectPath::marker()).await.is_err());
}

#[tokio::test]
async fn the_marker_of_another_place_is_refused_by_what_differs() {
    type Change = fn(&mut Marker);
    let changes: [(Change, &str, bool); 4] = [
        (
            |marker| marker.installation_id = Uuid::nil(),
            "another installation",
            false,
        ),
        (
            |marker| marker.place_id = Uuid::nil(),
            "the storage pool 0000",
            false,
        ),
        (
            |marker| marker.hypervisor_id = Some(Uuid::nil()),
            "that of the hypervisor",
            true,
        ),
        (|marker| marker.generation = 7, "of generation 7", true),
    ];
    for (change, words, can_be_accepted) in changes {
        let store = Memory::default();
        let mut theirs = expected(Standing::New);
        change(&mut theirs.marker);
        proved(&store, &theirs).await;
        let content = ObjectPath::new("content").unwrap();
        store.put(&content, Bytes::new()).await.unwrap();
        for standing in [Standing::New, Standing::Marked] {
            let said = refused(&store, &expected(standing)).await;
            assert!(said.contains(words), "{said}");
        }
        let accepted = expected(Standing::Accepted);
        if can_be_accepted {
            proved(&store, &accepted).await;
        } else {
            refused(&store, &accepted).await;
            // Emptied, it may become ours.
            store.delete(&content).await.unwrap();
            refused(&store, &expected(Standing::New)).await;
            proved(&store, &accepted).await;
        }
        proved(&store, &expected(Standing::Marked)).await;
    }
}

#[tokio::test]
async fn a_marker_that_cannot_be_read_is_no_marker_and_a_newer_one_is_kept() {
    let store = Memory::default();
    let marker = ObjectPath::marker();
    for content in [&b"{ torn"[..], b"{}", &[b' '; 5000]] {
        let content = Bytes::copy_from_slice(content);
        store.put(&marker, content).await.unwrap();
        for standing in [Standing::New, Standing::Marked] {
            let words = refused(&store, &expected(standing)).await;
            assert!(words.contains("cannot be read"), "{words}");
        }
    }
    proved(&store, &expected(Standing::Accepted)).await;
    let newer = Bytes::from_static(br#"{ "formatVersion": 2, "owner": "else" }"#);
    store.put(&marker, newer).await.unwrap();
    for standing in [Standing::New, Standing::Accepted, Standing::Marked] {
        let words = refused(&store, &expected(standing)).await;
        assert!(words.contains("newer Tidemark"), "{words}");
    }
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_not_made() {
    let directory = tempfile::tempdir().unwrap();
    let store = Local::new(directory.path().join("unmounted"));
    for standing in [Standing::New, Standing::Accepted, Standing::Marked] {
        let error = prove(&store, &expected(standing)).await.unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    }
    assert!(!store.root().exists());
}
