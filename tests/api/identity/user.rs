//! What administrators do with users that are there.

use serde_json::{Value, json};
use tidemark::domain::{
    Requester,
    token::{authenticate, reauthenticate},
};

use crate::harness::{Tenant, World, on, on_each_database};

const PASSWORD: &str = "correct horse battery";
const ACTIVITY: &str = "subscription($id: ID!) { volumeActivity(volumeId: $id) { volume { id } } }";
const USERS: &str = "{ accounts { nodes { users { id email role disabledAt } } } }";

async fn sign_in(world: &World, email: &str, password: &str) -> Value {
    let document = "mutation($input: SignInInput!) { signIn(input: $input) { token } }";
    let input = json!({ "input": { "email": email, "password": password } });
    world.answer(&Requester::Anonymous, document, input).await
}

async fn lives(world: &World, requester: &Requester) -> bool {
    reauthenticate(&world.app, requester).await.is_ok()
}

/// The user as administrators see it, if it is there.
async fn seen(world: &World, admin: &Requester, tenant: &Tenant) -> Option<Value> {
    let data = world.data(admin, USERS).await;
    let accounts = data["accounts"]["nodes"].as_array().unwrap();
    let users = accounts
        .iter()
        .flat_map(|account| account["users"].as_array().unwrap());
    let id = tenant.user.id.to_string();
    users.into_iter().find(|user| user["id"] == id).cloned()
}

#[tokio::test]
async fn a_disabled_user_is_out_at_once_and_an_enabled_one_in_again() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let alice = world.tenant("alice").await;
        let email = world.set_password(&alice.user, PASSWORD).await;
        let volume = world.volume(&alice, |_| {}).await;
        let session = world.signed_in(&alice.requester).await;
        let token = "mutation { createApiToken(input: { name: \"t\" }) { secret } }";
        let token = world.data(&session, token).await;
        let secret = token["createApiToken"]["secret"].as_str().unwrap();
        let api = authenticate(&world.app, secret).await.unwrap();
        let mut streams = Vec::new();
        for by in [&session, &api] {
            let mut stream = world.watch(by, ACTIVITY, on("id", volume.id));
            stream.next().await;
            streams.push(stream);
        }
        let wrong = sign_in(&world, &email, "wrong").await;

        let input = on("userId", alice.user.id);
        world.run(&admin, "disableUser", input.clone()).await;
        for stream in streams {
            assert_eq!(stream.refusal().await, "UNAUTHENTICATED");
        }
        assert!(!lives(&world, &session).await);
        assert!(authenticate(&world.app, secret).await.is_err());
        // As if the password were wrong.
        assert_eq!(sign_in(&world, &email, PASSWORD).await, wrong);
        let since = tidemark::graphql::error::instant(world.now());
        world.wait_seconds(60);
        world.run(&admin, "disableUser", input.clone()).await;
        let user = seen(&world, &admin, &alice).await.unwrap();
        assert_eq!(user["disabledAt"], since);

        world.run(&admin, "enableUser", input).await;
        let user = seen(&world, &admin, &alice).await.unwrap();
        assert_eq!(user["disabledAt"], Value::Null);
        assert!(!lives(&world, &session).await, "it has to sign in anew");
        assert!(authenticate(&world.app, secret).await.is_ok());
        let answer = sign_in(&world, &email, PASSWORD).await;
        assert!(answer["data"]["signIn"]["token"].is_string(), "{answer:#}");
    })
    .await;
}

#[tokio::test]
async fn a_user_who_is_disabled_while_its_password_is_checked_does_not_get_in() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let alice = world.tenant("alice").await;
        let email = world.set_password(&alice.user, PASSWORD).await;
        let input = on("userId", alice.user.id);
        for _ in 0..5 {
            let (answer, _) = tokio::join!(
                sign_in(&world, &email, PASSWORD),
                world.run(&admin, "disableUser", input.clone())
            );
            if let Some(secret) = answer["data"]["signIn"]["token"].as_str() {
                assert!(authenticate(&world.app, secret).await.is_err());
            }
            world.run(&admin, "enableUser", input.clone()).await;
            if let Some(secret) = answer["data"]["signIn"]["token"].as_str() {
                assert!(authenticate(&world.app, secret).await.is_err());
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_password_that_is_set_ends_the_users_sessions() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let alice = world.tenant("alice").await;
        let email = world.set_password(&alice.user, PASSWORD).await;
        let session = world.signed_in(&alice.requester).await;
        let with = |password: &str| json!({ "userId": alice.user.id.to_string(), "newPassword": password });
        let (code, message) = world.refusal(&admin, "setPassword", with("short")).await;
        assert_eq!(code, "INVALID_INPUT");
        assert_eq!(message, "A password has at least 12 characters.");
        assert!(lives(&world, &session).await);
        world.run(&admin, "setPassword", with("another long password")).await;
        assert!(!lives(&world, &session).await);
        let old = sign_in(&world, &email, PASSWORD).await;
        assert_eq!(old["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        let new = sign_in(&world, &email, "another long password").await;
        assert!(new["data"]["signIn"]["token"].is_string(), "{new:#}");
    })
    .await;
}

#[tokio::test]
async fn a_users_sessions_are_ended_and_counted() {
    on_each_database(async |world| {
        let admin = world.signed_in(&world.admin().await).await;
        let (alice, bob) = (world.tenant("alice").await, world.tenant("bob").await);
        let sessions = [
            world.signed_in(&alice.requester).await,
            world.signed_in(&alice.requester).await,
        ];
        let other = world.signed_in(&bob.requester).await;
        let document = "mutation($input: EndSessionsInput!) {
            endSessions(input: $input) { endedSessions user { email } } }";
        let input = json!({ "input": on("userId", alice.user.id) });
        for expected in [2, 0] {
            let ended = world.data_with(&admin, document, input.clone()).await;
            let payload =
                json!({ "endedSessions": expected, "user": { "email": alice.user.email } });
            assert_eq!(ended["endSessions"], payload);
        }
        for session in &sessions {
            assert!(!lives(&world, session).await);
        }
        assert!(lives(&world, &other).await);
        assert!(lives(&world, &admin).await);
    })
    .await;
}

#[tokio::test]
async fn a_user_gets_another_email_and_another_role() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let (alice, bob) = (world.tenant("alice").await, world.tenant("bob").await);
        let session = world.signed_in(&alice.requester).await;
        let with = |input: Value| {
            let mut input = input;
            input["userId"] = json!(alice.user.id.to_string());
            input
        };
        world.run(&admin, "updateUser", with(json!({}))).await;
        let email = with(json!({ "email": " Alicia@Example.TEST " }));
        world.run(&admin, "updateUser", email).await;
        let user = seen(&world, &admin, &alice).await.unwrap();
        assert_eq!(user["email"], "alicia@example.test");
        assert_eq!(user["role"], "USER");
        for (email, message) in [
            (
                bob.user.email.as_str(),
                "There is a user with this email already.",
            ),
            ("alicia", "This is no email address: write NAME@DOMAIN."),
        ] {
            let input = with(json!({ "email": email }));
            let told = world.refusal(&admin, "updateUser", input).await;
            assert_eq!(told, ("INVALID_INPUT".to_owned(), message.to_owned()));
        }
        // A new role holds for the sessions that are there, and for their streams.
        world
            .run(&admin, "updateUser", with(json!({ "role": "ADMIN" })))
            .await;
        let promoted = reauthenticate(&world.app, &session).await.unwrap();
        assert!(promoted.is_admin());
        let document = "subscription { hypervisorEvents { id } }";
        let mut stream = world.watch(&promoted, document, json!({}));
        stream.next().await;
        world
            .run(&admin, "updateUser", with(json!({ "role": "USER" })))
            .await;
        assert_eq!(stream.refusal().await, "FORBIDDEN");
    })
    .await;
}

#[tokio::test]
async fn nobody_disables_demotes_or_deletes_themselves() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let own = admin.user().unwrap().clone();
        let id = own.id.to_string();
        for (mutation, input, message) in [
            (
                "disableUser",
                json!({ "userId": id }),
                "Nobody disables themselves. Ask another administrator.",
            ),
            (
                "updateUser",
                json!({ "userId": id, "role": "USER" }),
                "Nobody takes the administrator's role from themselves. Ask another administrator.",
            ),
            (
                "deleteUser",
                json!({ "userId": id, "confirmName": own.email }),
                "Nobody deletes themselves. Ask another administrator.",
            ),
        ] {
            let told = world.refusal(&admin, mutation, input).await;
            assert_eq!(told, ("INVALID_INPUT".to_owned(), message.to_owned()));
        }
        let input = json!({ "userId": id, "role": "ADMIN", "email": "root@example.test" });
        world.run(&admin, "updateUser", input).await;
    })
    .await;
}

#[tokio::test]
async fn of_two_administrators_who_put_each_other_out_one_stays() {
    on_each_database(async |world| {
        let first = world.admin().await;
        let second = world.tenant("second").await;
        let ids = [first.user().unwrap().id, second.user.id];
        let promote = format!("UPDATE users SET role = 'admin' WHERE id = '{}'", ids[1]);
        world.by_hand(&promote).await;
        let session = world.signed_in(&second.requester).await;
        let second = reauthenticate(&world.app, &session).await.unwrap();
        for mutation in ["disableUser", "updateUser"] {
            for _ in 0..5 {
                let input = |id: entity::UserId| match mutation {
                    "updateUser" => json!({ "userId": id.to_string(), "role": "USER" }),
                    _ => on("userId", id),
                };
                let (one, other) = tokio::join!(
                    world.attempt(&first, mutation, input(ids[1])),
                    world.attempt(&second, mutation, input(ids[0]))
                );
                let outcomes = [&one, &other];
                assert_eq!(
                    outcomes.iter().filter(|outcome| outcome.is_ok()).count(),
                    1,
                    "{outcomes:?}"
                );
                let refused = outcomes.iter().find_map(|outcome| outcome.as_ref().err());
                assert_eq!(refused.unwrap()["extensions"]["code"], "FORBIDDEN");
                world
                    .by_hand("UPDATE users SET disabled_at = NULL, role = 'admin'")
                    .await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_deleted_user_leaves_its_accounts_things_and_no_tokens() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let alice = world.tenant("alice").await;
        let session = world.signed_in(&alice.requester).await;
        let token = "mutation { createApiToken(input: { name: \"t\" }) { secret } }";
        let token = world.data(&session, token).await;
        let volume = world.volume(&alice, |_| {}).await;
        let payload = world
            .run(&session, "createSnapshot", on("volumeId", volume.id))
            .await;
        let mut stream = world.watch(&session, ACTIVITY, on("id", volume.id));
        stream.next().await;
        let with = |name: &str| json!({ "userId": alice.user.id.to_string(), "confirmName": name });
        let (code, _) = world.refusal(&admin, "deleteUser", with("alice")).await;
        assert_eq!(code, "CONFIRMATION_MISMATCH");
        assert!(lives(&world, &session).await);

        let document = "mutation($input: DeleteUserInput!) {
            deleteUser(input: $input) { deletedUserId } }";
        let input = json!({ "input": with(&alice.user.email) });
        let deleted = world.data_with(&admin, document, input).await;
        let id = alice.user.id.to_string();
        assert_eq!(deleted["deleteUser"]["deletedUserId"], id);
        assert_eq!(stream.refusal().await, "UNAUTHENTICATED");
        assert_eq!(seen(&world, &admin, &alice).await, None);
        let secret = token["createApiToken"]["secret"].as_str().unwrap();
        assert!(authenticate(&world.app, secret).await.is_err());
        let operation = "query($id: ID!) { operation(id: $id) {
            status requestedBy { email } account { name } events { nodes { actor } } } }";
        let seen = json!({ "id": payload["operation"]["id"] });
        let seen = world.data_with(&admin, operation, seen).await;
        let expected = json!({
            "status": "PENDING", "requestedBy": null, "account": { "name": "alice" },
            "events": { "nodes": [{ "actor": "alice@example.test" }] },
        });
        assert_eq!(seen["operation"], expected);
        let (code, _) = world
            .refusal(&admin, "deleteUser", with(&alice.user.email))
            .await;
        assert_eq!(code, "NOT_FOUND");
        // The email is free again.
        let again = json!({
            "accountId": alice.account.id.to_string(), "email": alice.user.email,
            "password": "another long password",
        });
        world.run(&admin, "createUser", again).await;
    })
    .await;
}

#[tokio::test]
async fn a_request_of_a_user_who_is_deleted_meanwhile_is_accepted_or_nobodys() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        for number in 0..10 {
            let tenant = world.tenant(&format!("tenant-{number}")).await;
            let volume = world.volume(&tenant, |_| {}).await;
            let delete = json!({
                "userId": tenant.user.id.to_string(), "confirmName": tenant.user.email,
            });
            let (deleted, taken) = tokio::join!(
                world.attempt(&admin, "deleteUser", delete),
                world.attempt(
                    &tenant.requester,
                    "createSnapshot",
                    on("volumeId", volume.id)
                )
            );
            deleted.unwrap();
            if let Err(error) = taken {
                assert_eq!(error["extensions"]["code"], "UNAUTHENTICATED", "{error}");
            }
            let late = on("volumeId", volume.id);
            let (code, _) = world
                .refusal(&tenant.requester, "createSnapshot", late)
                .await;
            assert_eq!(code, "UNAUTHENTICATED");
        }
    })
    .await;
}

#[tokio::test]
async fn customers_do_not_see_whether_a_user_is_disabled() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let code = world
            .code(&alice.requester, "{ viewer { user { disabledAt } } }")
            .await;
        assert_eq!(code, "FORBIDDEN");
    })
    .await;
}
