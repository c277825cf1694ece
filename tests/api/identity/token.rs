//! API tokens: none makes one that may do more or lasts longer than itself, and what one made ends with it.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tidemark::domain::{
    Requester, api_token,
    token::{authenticate, revoke},
};

use crate::harness::{World, on, on_each_database};

const CREATE: &str = "mutation($input: CreateApiTokenInput!) {
    createApiToken(input: $input) { secret apiToken { id name scope expiresAt } } }";

/// A token that `by` makes: its bearer, and how the API shows it.
async fn made(world: &World, by: &Requester, input: Value) -> (Requester, Value) {
    let mut data = world.data_with(by, CREATE, json!({ "input": input })).await;
    let secret = data["createApiToken"]["secret"].as_str().unwrap();
    let bearer = authenticate(&world.app, secret).await.unwrap();
    (bearer, data["createApiToken"]["apiToken"].take())
}

/// Whether the token of `bearer` still speaks for its user.
async fn lives(world: &World, bearer: &Requester) -> bool {
    let again = tidemark::domain::token::reauthenticate(&world.app, bearer).await;
    again.is_ok()
}

#[tokio::test]
async fn a_token_is_full_unless_it_is_asked_to_only_read() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let session = world.signed_in(&alice.requester).await;
        let (full, shown) = made(&world, &session, json!({ "name": "full" })).await;
        assert_eq!(shown["scope"], "FULL");
        let volume = world.volume(&alice, |_| {}).await;
        let snapshot = on("volumeId", volume.id);
        world.run(&full, "createSnapshot", snapshot.clone()).await;

        let input = json!({ "name": "reads", "scope": "READ_ONLY" });
        let (reads, shown) = made(&world, &session, input).await;
        assert_eq!(shown["scope"], "READ_ONLY");
        let seen = "{ viewer { apiTokens { name scope } } volumes { nodes { id } } }";
        let seen = world.data(&reads, seen).await;
        let id = json!([{ "id": volume.id.to_string() }]);
        assert_eq!(seen["volumes"]["nodes"], id);
        let listed = json!([
            { "name": "reads", "scope": "READ_ONLY" }, { "name": "full", "scope": "FULL" },
        ]);
        assert_eq!(seen["viewer"]["apiTokens"], listed);
        let (code, message) = world.refusal(&reads, "createSnapshot", snapshot).await;
        assert_eq!(code, "FORBIDDEN");
        assert_eq!(
            message,
            "This token only reads. Use one of scope FULL, or sign in."
        );
        let types = world
            .data(&reads, "{ __schema { mutationType { name } } }")
            .await;
        assert_eq!(types["__schema"]["mutationType"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn a_token_that_only_reads_makes_no_callers() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let email = world
            .set_password(&alice.user, "correct horse battery")
            .await;
        let session = world.signed_in(&alice.requester).await;
        let input = json!({ "name": "reads", "scope": "READ_ONLY" });
        let (reads, _) = made(&world, &session, input).await;
        for scope in ["READ_ONLY", "FULL"] {
            let input = json!({ "input": { "name": "more", "scope": scope } });
            let error = world.error_with(&reads, CREATE, input).await;
            assert_eq!(error["extensions"]["code"], "FORBIDDEN");
        }
        let input = json!({ "email": email, "password": "correct horse battery" });
        let (code, _) = world.refusal(&reads, "signIn", input).await;
        assert_eq!(code, "FORBIDDEN");
        // Nor past the API.
        let wanted = api_token::Create {
            name: "more",
            scope: entity::token::TokenScope::ReadOnly,
            expires_at: None,
        };
        let refused = api_token::create(&world.app, &reads, wanted).await;
        assert!(refused.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_token_makes_none_that_lasts_longer_than_itself() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let session = world.signed_in(&alice.requester).await;
        let at = |seconds| {
            let at = world.now() + TimeDelta::seconds(seconds);
            tidemark::graphql::error::instant(at)
        };
        let input = json!({ "name": "maker", "expiresAt": at(100) });
        let (maker, _) = made(&world, &session, input).await;
        let later = json!({ "input": { "name": "later", "expiresAt": at(101) } });
        let error = world.error_with(&maker, CREATE, later).await;
        assert_eq!(error["extensions"]["code"], "INVALID_INPUT");
        for (wanted, expected) in [
            (json!({ "name": "sooner", "expiresAt": at(50) }), at(50)),
            (json!({ "name": "as long", "expiresAt": at(100) }), at(100)),
            (json!({ "name": "silent" }), at(100)),
            (json!({ "name": "null", "expiresAt": null }), at(100)),
        ] {
            let (_, shown) = made(&world, &maker, wanted).await;
            assert_eq!(shown["expiresAt"], expected, "{shown}");
        }
        let (_, endless) = made(&world, &session, json!({ "name": "endless" })).await;
        assert_eq!(endless["expiresAt"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn revoking_a_token_ends_all_that_it_made_and_their_streams_and_nothing_else() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let session = world.signed_in(&alice.requester).await;
        let volume = world.volume(&alice, |_| {}).await;
        let (first, shown) = made(&world, &session, json!({ "name": "first" })).await;
        let (other, _) = made(&world, &session, json!({ "name": "other" })).await;
        let (child, _) = made(&world, &first, json!({ "name": "child" })).await;
        let reads = json!({ "name": "grandchild", "scope": "READ_ONLY" });
        let (grandchild, _) = made(&world, &child, reads).await;
        let (cousin, _) = made(&world, &other, json!({ "name": "cousin" })).await;
        let document = "subscription($id: ID!) { volumeActivity(volumeId: $id) { volume { id } } }";
        let mut stream = world.watch(&grandchild, document, on("id", volume.id));
        stream.next().await;

        let input = json!({ "apiTokenId": shown["id"] });
        world.run(&session, "revokeApiToken", input).await;
        assert_eq!(stream.refusal().await, "UNAUTHENTICATED");
        for ended in [&first, &child, &grandchild] {
            assert!(!lives(&world, ended).await);
        }
        for living in [&session, &other, &cousin] {
            assert!(lives(&world, living).await);
        }
        let listed = "{ viewer { apiTokens { name } } }";
        let listed = world.data(&session, listed).await;
        let names = json!([{ "name": "cousin" }, { "name": "other" }]);
        assert_eq!(listed["viewer"]["apiTokens"], names);
    })
    .await;
}

#[tokio::test]
async fn what_a_session_made_outlives_it() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let session = world.signed_in(&alice.requester).await;
        let (token, _) = made(&world, &session, json!({ "name": "nightly" })).await;
        world.data(&session, "mutation { signOut }").await;
        assert!(!lives(&world, &session).await);
        assert!(lives(&world, &token).await);
        // Who signed out makes no more of them.
        let input = json!({ "input": { "name": "late" } });
        let error = world.error_with(&session, CREATE, input).await;
        assert_eq!(error["extensions"]["code"], "UNAUTHENTICATED");
    })
    .await;
}

#[tokio::test]
async fn a_token_that_is_made_while_its_maker_is_revoked_ends_with_it() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let session = world.signed_in(&alice.requester).await;
        for _ in 0..10 {
            let (maker, _) = made(&world, &session, json!({ "name": "maker" })).await;
            let (middle, _) = made(&world, &maker, json!({ "name": "middle" })).await;
            let input = json!({ "input": { "name": "late" } });
            let making = world.answer(&middle, CREATE, input);
            let id = maker.token().unwrap();
            let (late, revoked) = tokio::join!(making, revoke(&world.app, id));
            revoked.unwrap();
            match late["data"]["createApiToken"]["secret"].as_str() {
                Some(secret) => assert!(authenticate(&world.app, secret).await.is_err()),
                None => assert_eq!(late["errors"][0]["extensions"]["code"], "UNAUTHENTICATED"),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_user_has_a_hundred_tokens_and_another_once_one_has_ended() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let session = world.signed_in(&alice.requester).await;
        let ends_at = tidemark::graphql::error::instant(world.now() + TimeDelta::seconds(60));
        let short = json!({ "name": "short", "expiresAt": ends_at });
        made(&world, &session, short).await;
        for _ in 1..api_token::MAX_API_TOKENS {
            made(&world, &session, json!({ "name": "t" })).await;
        }
        let more = json!({ "input": { "name": "more" } });
        let error = world.error_with(&session, CREATE, more.clone()).await;
        assert_eq!(error["extensions"]["code"], "INVALID_INPUT");
        assert_eq!(
            error["message"],
            "You have 100 API tokens, and no more are possible. Revoke one first."
        );
        world.wait_seconds(60);
        world.data_with(&session, CREATE, more).await;
        let listed = world
            .data(&session, "{ viewer { apiTokens { id } } }")
            .await;
        assert_eq!(listed["viewer"]["apiTokens"].as_array().unwrap().len(), 100);
    })
    .await;
}
