//! The audit trail, and what opens and closes the door: passwords, sessions and tokens.

use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder, Statement};
use serde_json::{Value, json};
use tidemark::domain::{Error, Requester, refused, token::authenticate};

use crate::harness::{World, on, on_each_database};

const SIGN_IN: &str = "mutation($email: String!, $password: String!) {
    signIn(input: { email: $email, password: $password }) { token viewer { user { email } } } }";

async fn sign_in(world: &World, email: &str, password: &str) -> Value {
    let variables = json!({ "email": email, "password": password });
    world
        .answer(&Requester::Anonymous, SIGN_IN, variables)
        .await
}

#[tokio::test]
async fn every_mutation_leaves_an_event_whether_it_was_carried_out_or_refused() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let bob = world.tenant("bob").await;
        let volume = world.volume(&alice, |_| {}).await;
        let input = on("volumeId", volume.id);
        world
            .run(&alice.requester, "createSnapshot", input.clone())
            .await;
        world
            .refused(&alice.requester, "createBackup", input.clone())
            .await;
        world
            .refused(&bob.requester, "deleteVolume", {
                let mut input = input.clone();
                input["confirmName"] = json!("volume");
                input
            })
            .await;
        world
            .refused(&Requester::Anonymous, "createSnapshot", input.clone())
            .await;
        world
            .refused(
                &alice.requester,
                "createVolumePlan",
                json!({
                    "name": "p", "sizeBytes": 1_048_576, "storageType": "QCOW2_FILE",
                }),
            )
            .await;
        world.work().await;
        let told: Vec<_> = world
            .audit()
            .await
            .into_iter()
            .map(|event| (event.actor, event.mutation, event.outcome))
            .collect();
        let row = |actor: &str, mutation: &str, outcome: &str| {
            (actor.to_owned(), mutation.to_owned(), outcome.to_owned())
        };
        let expected = [
            row("alice@example.test", "createSnapshot", "OK"),
            row("alice@example.test", "createBackup", "VOLUME_BUSY"),
            row("bob@example.test", "deleteVolume", "NOT_FOUND"),
            row("alice@example.test", "createVolumePlan", "FORBIDDEN"),
            row("agent host", "agentFinish", "OK"),
        ];
        assert_eq!(told, expected);
        let first = &world.audit().await[0];
        assert_eq!(first.resource_ids, volume.id.to_string());
        assert_eq!(first.account_id, Some(alice.account.id));
    })
    .await;
}

#[tokio::test]
async fn what_strangers_are_refused_is_counted_and_makes_no_table_grow() {
    on_each_database(async |world| {
        let everything = async || {
            let mut rows = 0;
            for table in ["audit_events", "tokens", "idempotency_keys", "operations"] {
                rows += world.count(table).await;
            }
            rows
        };
        let before = everything().await;
        for _ in 0..2 {
            for at in 0..3 {
                let wrong = sign_in(&world, &format!("{at}@example.test"), "wrong").await;
                assert_eq!(wrong["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
                let input = json!({ "volumeId": at.to_string() });
                world
                    .refused(&Requester::Anonymous, "createSnapshot", input)
                    .await;
            }
            refused::keep(&world.app).await.unwrap();
        }
        refused::keep(&world.app).await.unwrap();
        assert_eq!(everything().await, before);
        let counts = entity::refusal_count::Entity::find()
            .order_by_asc(entity::refusal_count::Column::Kind)
            .all(world.app.database.reads())
            .await
            .unwrap();
        let counts: Vec<_> = counts
            .iter()
            .map(|row| (row.kind.as_str(), row.count))
            .collect();
        let expected = [
            ("createSnapshot UNAUTHENTICATED", 6),
            ("signIn UNAUTHENTICATED", 6),
        ];
        assert_eq!(counts, expected);
    })
    .await;
}

#[tokio::test]
async fn an_id_that_is_none_is_refused_and_audited_whatever_it_contains() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let ids = [
            "",
            "nul \0",
            "'; DROP TABLE volumes; --",
            &"x".repeat(10_000),
        ];
        for id in ids {
            let input = json!({ "volumeId": id });
            let (code, message) = world
                .refusal(&alice.requester, "createSnapshot", input)
                .await;
            assert_eq!(code, "NOT_FOUND");
            assert_eq!(message, "There is no volume with this id.");
        }
        assert_eq!(world.audit().await.len(), ids.len());
    })
    .await;
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_email_are_answered_alike() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let email = world
            .set_password(&alice.user, "correct horse battery")
            .await;
        let wrong = sign_in(&world, &email, "wrong").await;
        assert_eq!(wrong["errors"][0]["message"], "Email or password is wrong.");
        assert_eq!(wrong["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        let long = "x".repeat(100_000);
        for (email, password) in [
            ("nobody@example.test", "wrong"),
            ("", ""),
            ("nul\0@example.test", "wrong"),
            (&email, "nul\0"),
            (&email, long.as_str()),
            (&long, "wrong"),
        ] {
            assert_eq!(sign_in(&world, email, password).await, wrong);
        }
        let right = sign_in(&world, " Alice@Example.TEST ", "correct horse battery").await;
        assert_eq!(right["data"]["signIn"]["viewer"]["user"]["email"], email);
    })
    .await;
}

#[tokio::test]
async fn a_session_lasts_twelve_hours_or_until_it_is_signed_out() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let email = world
            .set_password(&alice.user, "correct horse battery")
            .await;
        let token = || async {
            let answer = sign_in(&world, &email, "correct horse battery").await;
            answer["data"]["signIn"]["token"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        let (first, second) = (token().await, token().await);
        let requester = authenticate(&world.app, &first).await.unwrap();
        let data = world.data(&requester, "mutation { signOut }").await;
        assert_eq!(data["signOut"], true);
        let ended = authenticate(&world.app, &first).await;
        assert!(matches!(ended, Err(Error::Unauthenticated)));
        world.wait_seconds(12 * 3600 - 1);
        assert!(authenticate(&world.app, &second).await.is_ok());
        world.wait_seconds(1);
        let ended = authenticate(&world.app, &second).await;
        assert!(matches!(ended, Err(Error::Unauthenticated)));
    })
    .await;
}

#[tokio::test]
async fn an_api_token_works_until_it_expires_or_is_revoked_and_is_shown_once() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let document = "mutation($at: DateTime) {
            createApiToken(input: { name: \"ci\", expiresAt: $at }) { secret apiToken { id name expiresAt } } }";
        let ends_at = (world.now() + chrono::TimeDelta::seconds(60)).to_rfc3339();
        let make = |at: Value| world.data_with(&by, document, json!({ "at": at }));
        let endless = make(Value::Null).await["createApiToken"].take();
        let short = make(json!(ends_at)).await["createApiToken"].take();
        for made in [&endless, &short] {
            assert!(authenticate(&world.app, made["secret"].as_str().unwrap()).await.is_ok());
        }
        let listed = world.data(&alice.requester, "{ viewer { apiTokens { id name lastUsedAt } } }").await;
        assert_eq!(listed["viewer"]["apiTokens"].as_array().unwrap().len(), 2);
        assert!(!listed.to_string().contains("tidemark_"));
        world.wait_seconds(60);
        assert!(authenticate(&world.app, short["secret"].as_str().unwrap()).await.is_err());
        let revoke = json!({ "apiTokenId": endless["apiToken"]["id"] });
        for _ in 0..2 {
            world.run(&alice.requester, "revokeApiToken", revoke.clone()).await;
        }
        assert!(authenticate(&world.app, endless["secret"].as_str().unwrap()).await.is_err());
        let past = json!({ "at": world.now().to_rfc3339() });
        let error = world.error_with(&by, document, past).await;
        assert_eq!(error["extensions"]["code"], "INVALID_INPUT");
    })
    .await;
}

#[tokio::test]
async fn no_secret_is_kept_in_any_table() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let password = "correct horse battery";
        let email = world.set_password(&alice.user, password).await;
        let session = sign_in(&world, &email, password).await;
        sign_in(&world, &email, "a wrong but telling password").await;
        let token = "mutation { createApiToken(input: { name: \"ci\" }) { secret } }";
        let by = world.signed_in(&alice.requester).await;
        let token = world.data(&by, token).await;
        let document = "mutation($group: ID!) {
            createHypervisor(input: { hypervisorGroupId: $group, name: \"h\" }) { enrolmentToken } }";
        let group = on("group", world.platform.group.id);
        let enrolled = world.data_with(&admin, document, group).await;
        let user = json!({
            "accountId": alice.account.id.to_string(),
            "email": "new@example.test",
            "password": "another long password",
        });
        world.run(&admin, "createUser", user).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let secrets = [
            password.to_owned(),
            "a wrong but telling password".to_owned(),
            "another long password".to_owned(),
            text(&session["data"]["signIn"]["token"]),
            text(&token["createApiToken"]["secret"]),
            text(&enrolled["createHypervisor"]["enrolmentToken"]),
        ];
        let everything = dump(&world).await;
        assert!(everything.contains("createHypervisor"), "the dump is one");
        for secret in secrets {
            assert!(!everything.contains(&secret), "{secret} is kept");
        }
    })
    .await;
}

/// Every text of the tables that a secret might have got into.
async fn dump(world: &World) -> String {
    let db = world.app.database.writes();
    let columns = [
        (
            "audit_events",
            "actor || mutation || resource_ids || outcome",
        ),
        ("tokens", "name || hash"),
        ("users", "email || password_hash"),
        ("hypervisors", "name"),
        (
            "operation_events",
            "coalesce(actor, '') || coalesce(message, '')",
        ),
        ("operation_logs", "message"),
    ];
    let mut everything = String::new();
    for (table, text) in columns {
        let sql = format!("SELECT {text} AS text FROM {table}");
        let sql = Statement::from_string(db.get_database_backend(), sql);
        for row in db.query_all_raw(sql).await.unwrap() {
            everything += &row.try_get::<String>("", "text").unwrap();
            everything.push('\n');
        }
    }
    everything
}

#[tokio::test]
async fn what_cannot_be_audited_is_not_done() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let input = on("volumeId", volume.id);
        world
            .by_hand("ALTER TABLE audit_events RENAME TO away")
            .await;
        let (code, _) = world
            .refusal(&alice.requester, "createSnapshot", input.clone())
            .await;
        assert_eq!(code, "INTERNAL");
        let row = world.volume_row(volume.id).await;
        assert_eq!(row.active_operation_id, None, "nothing was accepted");
        world
            .by_hand("ALTER TABLE away RENAME TO audit_events")
            .await;
        world.run(&alice.requester, "createSnapshot", input).await;
        let events = world.audit().await;
        assert_eq!(events.len(), 1);
        assert_eq!(
            (&*events[0].mutation, &*events[0].outcome),
            ("createSnapshot", "OK")
        );
    })
    .await;
}

#[tokio::test]
async fn a_repeated_request_is_audited_though_it_changes_nothing() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let mut input = on("volumeId", volume.id);
        input["idempotencyKey"] = json!("once");
        for _ in 0..2 {
            world
                .run(&alice.requester, "createSnapshot", input.clone())
                .await;
        }
        let outcomes: Vec<_> = world
            .audit()
            .await
            .into_iter()
            .map(|event| event.outcome)
            .collect();
        assert_eq!(outcomes, ["OK", "OK"]);
    })
    .await;
}

#[tokio::test]
async fn a_sign_in_that_cannot_be_audited_makes_no_session() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let password = "correct horse battery";
        let email = world.set_password(&alice.user, password).await;
        world
            .by_hand("ALTER TABLE audit_events RENAME TO away")
            .await;
        let refused = sign_in(&world, &email, password).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "INTERNAL");
        assert_eq!(world.count("tokens").await, 0, "there is no session");
        world
            .by_hand("ALTER TABLE away RENAME TO audit_events")
            .await;
        let done = sign_in(&world, &email, password).await;
        assert_eq!(done["data"]["signIn"]["viewer"]["user"]["email"], email);
        let events = world.audit().await;
        assert_eq!(events.len(), 1, "one event, of who signed in");
        let event = &events[0];
        assert_eq!((&*event.mutation, &*event.outcome), ("signIn", "OK"));
        assert_eq!(event.actor, email);
        assert_eq!(event.account_id, Some(alice.account.id));
    })
    .await;
}
