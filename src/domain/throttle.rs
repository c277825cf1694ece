//! Keeps passwords from being guessed: who keeps failing has to wait. It only slows, and locks nobody out.
//!
//! Failures are counted for who is tried from which address, for each address over all whom it tries (one password
//! tried on many users), and for each user over all addresses (many addresses on one user). A few are free; then one
//! is let through every some seconds. An address that has not failed for a user lately may try once, whatever
//! others did to that user. A browser in which the user signed in before has a counter of its own, and none of the
//! others holds it up.
//!
//! The counters lie in the database, where all gateways see them: a fixed number of rows, each for all
//! that is hashed to it. A row has only the instant at which it will have forgotten everything.

use std::net::{IpAddr, Ipv6Addr};

use chrono::{DateTime, TimeDelta, Utc};
use entity::sign_in_counter::{ActiveModel, Column, Entity};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, OnConflict},
};

use super::{Error, Result, audit, transaction::Transaction};
use crate::app::App;

/// How many rows there are for each kind of counter.
const ROWS: i32 = 16_384;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Who is tried, from one address.
    Pair,
    /// An address, whoever is tried from it.
    Address,
    /// Who is tried, from wherever.
    User,
    /// A browser in which the user signed in before.
    Device,
}

impl Kind {
    /// How many failures are free.
    fn free(self) -> i64 {
        match self {
            Self::Pair => 10,
            Self::Address => 50,
            Self::User | Self::Device => 100,
        }
    }

    /// After how many milliseconds one is forgotten.
    fn forgets_after(self) -> i64 {
        match self {
            Self::Pair => 30_000,
            Self::Address | Self::User | Self::Device => 10_000,
        }
    }

    /// How many milliseconds ahead all is forgotten at the latest, however many there were.
    fn remembers_at_most(self) -> i64 {
        2 * self.free() * self.forgets_after()
    }
}

/// The row of a counter, and when it will have forgotten all that it counted.
#[derive(Clone, Copy, Debug)]
struct Counter {
    kind: Kind,
    row: i32,
    until_ms: i64,
}

/// Somebody who tries to sign in.
#[derive(Clone, Debug)]
pub struct Attempt(Vec<Counter>);

impl Attempt {
    /// Of a stranger at `address`, as the user of `email`, in lower case.
    pub fn of_stranger(address: &str, email: &str) -> Self {
        let network = network_of(address);
        Self(vec![
            Counter::of(Kind::Pair, &[&network, email]),
            Counter::of(Kind::Address, &[&network]),
            Counter::of(Kind::User, &[email]),
        ])
    }

    /// Of a browser in which the user signed in before.
    pub fn of_device(device: &str) -> Self {
        Self(vec![Counter::of(Kind::Device, &[device])])
    }

    /// Of who is signed in with this token, and gives the password once more.
    pub fn of_session(token: &str) -> Self {
        Self(vec![Counter::of(Kind::Pair, &["session", token])])
    }

    /// Refuses it if it has to wait. It changes nothing.
    pub async fn check(&self, app: &App, now: DateTime<Utc>) -> Result<()> {
        let rows = self.0.iter().map(|counter| counter.row);
        let known = Entity::find()
            .filter(Column::Id.is_in(rows))
            .all(app.database.reads())
            .await?;
        let counters = self.0.iter().map(|counter| Counter {
            until_ms: known
                .iter()
                .find(|row| row.id == counter.row)
                .map_or(0, |row| row.until_ms),
            ..*counter
        });
        refuse(&counters.collect::<Vec<_>>(), now)
    }

    /// Counts it as a failure, before it is known to be one, so that of many at once none slips through;
    /// refuses it if it has to wait.
    pub async fn count(&self, app: &App) -> Result<()> {
        use sea_orm::ExprTrait;

        let tx = Transaction::begin(app).await?;
        let now = tx.now().timestamp_millis();
        let mut counters = Vec::with_capacity(self.0.len());
        // In the order of the rows: attempts that share some of them wait for each other, not in a circle.
        for counter in &self.0 {
            let after = counter.kind.forgets_after();
            let kept = Expr::col((Entity, Column::UntilMs));
            let last = now + counter.kind.remembers_at_most();
            let later: Expr = Expr::case(kept.clone().gt(now), kept).finally(now).into();
            let later = later.add(after);
            let later: Expr = Expr::case(later.clone().gt(last), last)
                .finally(later)
                .into();
            let put_off = OnConflict::column(Column::Id)
                .value(Column::UntilMs, later)
                .to_owned();
            let row = ActiveModel {
                id: Set(counter.row),
                until_ms: Set(now + after),
            };
            let row = Entity::insert(row)
                .on_conflict(put_off)
                .exec_with_returning(tx.db())
                .await?;
            counters.push(Counter {
                until_ms: row.until_ms - after,
                ..*counter
            });
        }
        refuse(&counters, tx.now())?;
        // It stays counted though what was asked for is refused.
        audit::aside(tx.commit()).await
    }

    /// Takes back that it was counted: the password was right.
    pub async fn forgive(&self, app: &App) -> Result<()> {
        use sea_orm::ExprTrait;

        let tx = Transaction::begin(app).await?;
        for counter in &self.0 {
            let until = Expr::col(Column::UntilMs).sub(counter.kind.forgets_after());
            Entity::update_many()
                .col_expr(Column::UntilMs, until)
                .filter(Column::Id.eq(counter.row))
                .exec(tx.db())
                .await?;
        }
        audit::aside(tx.commit()).await
    }
}

impl Counter {
    fn of(kind: Kind, words: &[&str]) -> Self {
        let hash = blake3::hash(words.join("\0").as_bytes());
        let [a, b, ..] = *hash.as_bytes();
        let row = i32::from(u16::from_be_bytes([a, b])) % ROWS;
        let first = match kind {
            Kind::Pair => 0,
            Kind::Address => ROWS,
            Kind::User => 2 * ROWS,
            Kind::Device => 3 * ROWS,
        };
        Self {
            kind,
            row: first + row,
            until_ms: 0,
        }
    }

    /// For how many milliseconds it holds an attempt up.
    fn wait_ms(self, now_ms: i64) -> i64 {
        let room = (self.kind.free() - 1) * self.kind.forgets_after();
        (self.until_ms - now_ms - room).max(0)
    }
}

/// Refuses an attempt that one of its `counters` holds up.
fn refuse(counters: &[Counter], now: DateTime<Utc>) -> Result<()> {
    let now_ms = now.timestamp_millis();
    let pair = counters.iter().find(|counter| counter.kind == Kind::Pair);
    // Once its own failures are forgotten, an address is held up by no others of the user.
    let until_new = pair.map_or(i64::MAX, |pair| (pair.until_ms - now_ms).max(0));
    let waits = counters.iter().map(|counter| match counter.kind {
        Kind::User => counter.wait_ms(now_ms).min(until_new),
        Kind::Pair | Kind::Address | Kind::Device => counter.wait_ms(now_ms),
    });
    match waits.max() {
        None | Some(0) => Ok(()),
        Some(wait) => Err(Error::RateLimited {
            available_at: now + TimeDelta::milliseconds(wait),
            now,
        }),
    }
}

/// An address as limits count it, where it is one.
pub(super) fn network_of(address: &str) -> String {
    let network = address.parse().map(network);
    network.map_or_else(|_| address.to_owned(), |network| network.to_string())
}

/// An address as limits count it. Of IPv6 everybody has at least a network of 2^64 addresses, and may come from
/// a new one each time.
pub fn network(address: IpAddr) -> IpAddr {
    const REST: u128 = (1 << 64) - 1;
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !REST).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap()
    }

    /// A counter with so many failures that are not forgotten.
    fn counter(kind: Kind, failures: i64) -> Counter {
        Counter {
            until_ms: now().timestamp_millis() + failures * kind.forgets_after(),
            ..Counter::of(kind, &["a"])
        }
    }

    fn wait(counters: &[Counter]) -> Option<i64> {
        refuse(counters, now()).err()?.retry_after_seconds()
    }

    #[test]
    fn so_many_failures_are_free_and_then_one_has_to_wait() {
        for kind in [Kind::Pair, Kind::Address, Kind::User, Kind::Device] {
            let free = kind.free();
            assert_eq!(wait(&[counter(kind, free - 1)]), None, "{kind:?}");
            let seconds = kind.forgets_after() / 1000;
            assert_eq!(wait(&[counter(kind, free)]), Some(seconds), "{kind:?}");
        }
    }

    #[test]
    fn an_address_that_has_not_failed_for_a_user_may_try_whatever_others_did() {
        let attacked = counter(Kind::User, Kind::User.free());
        let new = [counter(Kind::Pair, 0), counter(Kind::Address, 0), attacked];
        assert_eq!(wait(&new), None);
        let failed = [counter(Kind::Pair, 1), counter(Kind::Address, 1), attacked];
        assert_eq!(wait(&failed), Some(10));
    }

    #[test]
    fn an_address_of_ipv6_is_its_network() {
        let rows = |address: &str| {
            let Attempt(counters) = Attempt::of_stranger(address, "ann@example.com");
            counters
                .iter()
                .map(|counter| counter.row)
                .collect::<Vec<_>>()
        };
        assert_eq!(rows("2001:db8:1:2::3"), rows("2001:db8:1:2:ffff::4"));
        assert_ne!(rows("2001:db8:1:2::3"), rows("2001:db8:1:3::3"));
        assert_eq!(rows("::ffff:192.0.2.1"), rows("192.0.2.1"));
    }

    #[test]
    fn rows_are_a_fixed_number() {
        for at in 0..1000 {
            let Attempt(counters) = Attempt::of_stranger("192.0.2.1", &at.to_string());
            let rows: Vec<_> = counters.iter().map(|counter| counter.row / ROWS).collect();
            assert_eq!(rows, [0, 1, 2]);
        }
        let Attempt(device) = Attempt::of_device("a");
        assert_eq!(device[0].row / ROWS, 3);
    }
}
