//! Sessions and the password that opens them: users see their own, end them, and change what they sign in
//! with.

use serde_json::{Value, json};
use tidemark::domain::{
    Requester, session,
    token::{authenticate, reauthenticate},
};

use crate::harness::{Tenant, World, on, on_each_database};

const PASSWORD: &str = "correct horse battery";
const SESSIONS: &str = "{ viewer { sessions { id createdAt lastUsedAt expiresAt current } } }";

/// The answer to a sign-in.
async fn sign_in(world: &World, email: &str, password: &str) -> Value {
    let document = "mutation($input: SignInInput!) { signIn(input: $input) {
        token viewer { sessions { current } } } }";
    let input = json!({ "input": { "email": email, "password": password } });
    world.answer(&Requester::Anonymous, document, input).await
}

/// A new session of a user whose password this is.
async fn session(world: &World, tenant: &Tenant) -> Requester {
    let answer = sign_in(world, &tenant.user.email, PASSWORD).await;
    let secret = answer["data"]["signIn"]["token"].as_str().unwrap();
    authenticate(&world.app, secret).await.unwrap()
}

async fn lives(world: &World, requester: &Requester) -> bool {
    reauthenticate(&world.app, requester).await.is_ok()
}

fn id(requester: &Requester) -> String {
    requester.token().unwrap().to_string()
}

#[tokio::test]
async fn users_see_their_own_sessions_that_have_not_ended() {
    on_each_database(async |world| {
        let (alice, bob) = (world.tenant("alice").await, world.tenant("bob").await);
        world.set_password(&alice.user, PASSWORD).await;
        let first = session(&world, &alice).await;
        world.wait_seconds(60);
        let second = session(&world, &alice).await;
        world.signed_in(&bob.requester).await;
        let gone = session(&world, &alice).await;
        world.data(&gone, "mutation { signOut }").await;

        let seen = world.data(&second, SESSIONS).await;
        let seen = seen["viewer"]["sessions"].as_array().unwrap().clone();
        let told: Vec<_> = seen
            .iter()
            .map(|session| (session["id"].clone(), session["current"].clone()))
            .collect();
        let expected = [
            (json!(id(&second)), json!(true)),
            (json!(id(&first)), json!(false)),
        ];
        assert_eq!(told, expected);
        let instant = |seconds| {
            let at = world.now() + chrono::TimeDelta::seconds(seconds);
            json!(tidemark::graphql::error::instant(at))
        };
        assert_eq!(seen[1]["createdAt"], instant(-60));
        assert_eq!(seen[1]["lastUsedAt"], instant(-60));
        assert_eq!(seen[1]["expiresAt"], instant(12 * 3600 - 60));
        world.wait_seconds(12 * 3600 - 60);
        let seen = world.data(&second, SESSIONS).await;
        assert_eq!(seen["viewer"]["sessions"].as_array().unwrap().len(), 1);
        // The one that has just begun is the current one of who signed in.
        let answer = sign_in(&world, &alice.user.email, PASSWORD).await;
        let own = &answer["data"]["signIn"]["viewer"]["sessions"];
        assert_eq!(*own, json!([{ "current": true }, { "current": false }]));
    })
    .await;
}

#[tokio::test]
async fn a_session_that_its_user_ends_ends_at_once_with_its_streams() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let (one, other) = (
            world.signed_in(&alice.requester).await,
            world.signed_in(&alice.requester).await,
        );
        let document = "subscription($id: ID!) { volumeActivity(volumeId: $id) { volume { id } } }";
        let mut stream = world.watch(&other, document, on("id", volume.id));
        stream.next().await;
        let input = json!({ "sessionId": id(&other) });
        for _ in 0..2 {
            world.run(&one, "endSession", input.clone()).await;
        }
        assert_eq!(stream.refusal().await, "UNAUTHENTICATED");
        assert!(!lives(&world, &other).await);
        assert!(lives(&world, &one).await);
    })
    .await;
}

#[tokio::test]
async fn a_token_that_ends_costs_the_streams_of_others_nothing() {
    on_each_database(async |world| {
        let (alice, bob) = (world.tenant("alice").await, world.tenant("bob").await);
        let (ending, own) = (
            world.signed_in(&alice.requester).await,
            world.signed_in(&alice.requester).await,
        );
        let other = world.signed_in(&bob.requester).await;
        let mut streams = Vec::new();
        for (by, tenant) in [(&own, &alice), (&other, &bob)] {
            let volume = world.volume(tenant, |_| {}).await;
            let document =
                "subscription($id: ID!) { volumeActivity(volumeId: $id) { volume { id } } }";
            let mut stream = world.watch(by, document, on("id", volume.id));
            stream.next().await;
            assert!(stream.is_silent().await);
            streams.push(stream);
        }
        world.data(&ending, "mutation { signOut }").await;
        world.statements();
        assert!(streams[1].is_silent().await);
        assert_eq!(world.statements(), 0, "another's stream reads nothing");
        assert!(streams[0].is_silent().await);
        assert!(world.statements() > 0, "the user's own looks again");
    })
    .await;
}

#[tokio::test]
async fn nobody_ends_what_is_no_session_of_their_own() {
    on_each_database(async |world| {
        let (alice, bob) = (world.tenant("alice").await, world.tenant("bob").await);
        let own = world.signed_in(&alice.requester).await;
        let others = world.signed_in(&bob.requester).await;
        let admin = world.admin().await;
        let token = "mutation { createApiToken(input: { name: \"t\" }) { apiToken { id } } }";
        let token = world.data(&own, token).await;
        let agent = world.enrolled().await;
        let mut told = Vec::new();
        for (requester, id) in [
            (&own, json!(id(&others))),
            (&admin, json!(id(&others))),
            (&own, token["createApiToken"]["apiToken"]["id"].clone()),
            (&own, json!(id(&agent))),
            (&own, json!("no id")),
        ] {
            let input = json!({ "sessionId": id });
            told.push(world.refusal(requester, "endSession", input).await);
        }
        let absent = (
            "NOT_FOUND".to_owned(),
            "There is no session with this id.".to_owned(),
        );
        assert!(told.iter().all(|told| *told == absent), "{told:?}");
        assert!(lives(&world, &others).await);
    })
    .await;
}

#[tokio::test]
async fn a_new_password_ends_all_other_sessions_and_no_api_token() {
    on_each_database(async |world| {
        let (alice, bob) = (world.tenant("alice").await, world.tenant("bob").await);
        world.set_password(&alice.user, PASSWORD).await;
        let (own, other) = (session(&world, &alice).await, session(&world, &alice).await);
        let foreign = world.signed_in(&bob.requester).await;
        let token = "mutation { createApiToken(input: { name: \"t\" }) { secret } }";
        let token = world.data(&other, token).await;
        let input = json!({ "currentPassword": PASSWORD, "newPassword": "another long password" });
        let payload = "mutation($input: ChangePasswordInput!) {
            changePassword(input: $input) { user { email } } }";
        let payload = world
            .data_with(&own, payload, json!({ "input": input }))
            .await;
        assert_eq!(payload["changePassword"]["user"]["email"], alice.user.email);

        assert!(lives(&world, &own).await);
        assert!(!lives(&world, &other).await);
        assert!(lives(&world, &foreign).await);
        let secret = token["createApiToken"]["secret"].as_str().unwrap();
        assert!(authenticate(&world.app, secret).await.is_ok());
        let old = sign_in(&world, &alice.user.email, PASSWORD).await;
        assert_eq!(old["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        let new = sign_in(&world, &alice.user.email, "another long password").await;
        assert!(new["data"]["signIn"]["token"].is_string(), "{new:#}");
        let told = format!("{:?}", world.audit().await);
        assert!(told.contains("changePassword"));
        assert!(!told.contains("password\""), "no password is told: {told}");
    })
    .await;
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it_to_one_that_is_long_enough() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        world.set_password(&alice.user, PASSWORD).await;
        let (own, other) = (session(&world, &alice).await, session(&world, &alice).await);
        let change = async |current: &str, new: &str| {
            let input = json!({ "currentPassword": current, "newPassword": new });
            world.refusal(&own, "changePassword", input).await
        };
        let long = "x".repeat(2000);
        for (current, new, message) in [
            (
                "wrong",
                "another long password",
                "The current password is wrong.",
            ),
            (PASSWORD, "short", "A password has at least 12 characters."),
            (PASSWORD, &long, "A password has at most 1024 bytes."),
        ] {
            let told = change(current, new).await;
            assert_eq!(told, ("INVALID_INPUT".to_owned(), message.to_owned()));
        }
        assert!(lives(&world, &other).await);
        session(&world, &alice).await;
    })
    .await;
}

#[tokio::test]
async fn who_guesses_the_current_password_has_to_wait_as_at_a_sign_in() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        world.set_password(&alice.user, PASSWORD).await;
        let own = session(&world, &alice).await;
        let guess = json!({ "currentPassword": "wrong", "newPassword": "another long password" });
        let mut codes = Vec::new();
        for _ in 0..25 {
            let (code, _) = world.refusal(&own, "changePassword", guess.clone()).await;
            codes.push(code);
        }
        assert_eq!(codes[0], "INVALID_INPUT");
        assert_eq!(codes.last().unwrap(), "RATE_LIMITED");
        let right = json!({ "currentPassword": PASSWORD, "newPassword": "another long password" });
        let (code, _) = world.refusal(&own, "changePassword", right.clone()).await;
        assert_eq!(code, "RATE_LIMITED");
        world.wait_seconds(300);
        world.run(&own, "changePassword", right).await;
    })
    .await;
}

#[tokio::test]
async fn the_sign_in_after_the_hundredth_ends_the_oldest_session() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        world.set_password(&alice.user, PASSWORD).await;
        let (oldest, next) = (
            world.signed_in(&alice.requester).await,
            world.signed_in(&alice.requester).await,
        );
        for _ in 2..session::MAX_SESSIONS {
            world.signed_in(&alice.requester).await;
        }
        assert!(lives(&world, &oldest).await);
        let newest = session(&world, &alice).await;
        assert!(!lives(&world, &oldest).await);
        assert!(lives(&world, &next).await);
        let seen = world.data(&newest, SESSIONS).await;
        assert_eq!(seen["viewer"]["sessions"].as_array().unwrap().len(), 100);
    })
    .await;
}
