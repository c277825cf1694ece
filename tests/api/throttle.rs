//! Throttles of sign-in: whoever keeps failing waits, wherever they come from and whichever gateway they ask;
//! nobody is locked out.

use entity::sign_in_counter;
use sea_orm::{EntityTrait, PaginatorTrait};
use tidemark::{
    app::App,
    domain::{
        Error, HangUp, Result,
        session::{self, Caller, SignedIn},
        throttle::Attempt,
    },
};

use crate::harness::{World, on_each_database};

const PASSWORD: &str = "correct horse battery";
const HOME: &str = "192.0.2.1";

async fn sign_in(
    app: &App,
    email: &str,
    password: &str,
    address: &str,
    device: Option<&str>,
) -> Result<SignedIn> {
    let caller = Caller {
        address,
        device,
        hang_up: &HangUp::default(),
    };
    session::sign_in(app, email, password.to_owned(), caller, None).await
}

/// After how many seconds to come back, of who is refused for having failed too often.
async fn wait(app: &App, email: &str, address: &str) -> i64 {
    let refused = sign_in(app, email, PASSWORD, address, None).await;
    match refused {
        Err(error @ Error::RateLimited { .. }) => error.retry_after_seconds().unwrap(),
        other => panic!("not told to wait: {other:?}"),
    }
}

/// Counts attempts at `email` from `address` until they have to wait; how many there were.
async fn exhaust(app: &App, email: &str, address: &str) -> usize {
    let attempt = Attempt::of_stranger(address, email);
    let mut count = 0;
    while attempt.count(app).await.is_ok() {
        count += 1;
    }
    count
}

/// Alice and Bob, by their emails.
async fn people(world: &World) -> [String; 2] {
    let (alice, bob) = (world.tenant("alice").await, world.tenant("bob").await);
    [
        world.set_password(&alice.user, PASSWORD).await,
        world.set_password(&bob.user, PASSWORD).await,
    ]
}

#[tokio::test]
async fn who_keeps_guessing_a_password_has_to_wait_and_others_need_not() {
    on_each_database(async |world| {
        let [alice, bob] = people(&world).await;
        for _ in 0..10 {
            let wrong = sign_in(&world.app, &alice, "wrong", HOME, None).await;
            assert!(matches!(wrong, Err(Error::WrongCredentials)), "{wrong:?}");
        }
        // Another gateway on the same database knows it, too.
        let mut other = App::new(world.app.database.clone(), (*world.app.settings).clone());
        other.clock = world.app.clock.clone();
        for app in [&world.app, &other] {
            assert_eq!(wait(app, &alice, HOME).await, 30);
            assert_eq!(wait(app, &alice.to_uppercase(), HOME).await, 30);
        }
        for (email, address) in [(&bob, HOME), (&alice, "192.0.2.2")] {
            sign_in(&world.app, email, PASSWORD, address, None)
                .await
                .unwrap();
        }
        world.wait_seconds(30);
        sign_in(&world.app, &alice, PASSWORD, HOME, None)
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_right_password_is_not_counted() {
    on_each_database(async |world| {
        let [alice, _] = people(&world).await;
        for _ in 0..12 {
            sign_in(&world.app, &alice, PASSWORD, HOME, None)
                .await
                .unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn one_password_tried_on_many_users_counts_as_much_as_many_on_one() {
    on_each_database(async |world| {
        let [alice, _] = people(&world).await;
        for at in 0..50 {
            // Of IPv6 each attempt may come from another address of the network.
            let address = format!("2001:db8:1:2::{at:x}");
            let attempt = Attempt::of_stranger(&address, &format!("{at}@example.test"));
            attempt.count(&world.app).await.unwrap();
        }
        assert_eq!(wait(&world.app, &alice, "2001:db8:1:2:ffff::1").await, 10);
        sign_in(&world.app, &alice, PASSWORD, "2001:db8:1:3::1", None)
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_user_whom_many_addresses_attack_is_slowed_and_never_locked_out() {
    on_each_database(async |world| {
        let [alice, _] = people(&world).await;
        let first = sign_in(&world.app, &alice, PASSWORD, HOME, None).await;
        let device = first.unwrap().device;
        for at in 0..20 {
            exhaust(&world.app, &alice, &format!("198.51.100.{at}")).await;
        }
        // From there on an address has one attempt, and its next one has to wait.
        assert_eq!(exhaust(&world.app, &alice, "198.51.100.99").await, 1);
        // An address that did not fail for her, and the browser that she signed in with.
        sign_in(&world.app, &alice, PASSWORD, "203.0.113.7", None)
            .await
            .unwrap();
        exhaust(&world.app, &alice, HOME).await;
        sign_in(&world.app, &alice, PASSWORD, HOME, Some(device.expose()))
            .await
            .unwrap();
        // Whoever waits as long as told is let in, although the attack goes on.
        let told = wait(&world.app, &alice, HOME).await;
        world.wait_seconds(told);
        sign_in(&world.app, &alice, PASSWORD, HOME, None)
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn many_attempts_at_once_are_not_more_than_one_after_another() {
    on_each_database(async |world| {
        let attempt = Attempt::of_stranger(HOME, "ann@example.test");
        let attempts = (0..30).map(|_| attempt.count(&world.app));
        let counted = futures_util::future::join_all(attempts).await;
        assert_eq!(counted.iter().filter(|counted| counted.is_ok()).count(), 10);
        let rows = sign_in_counter::Entity::find();
        let rows = rows.count(world.app.database.reads()).await.unwrap();
        assert_eq!(rows, 3);
    })
    .await;
}
