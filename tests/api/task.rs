//! Tasks: which gateway does them, how often, and what becomes of runs that fail.

use std::{
    convert::Infallible,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use sea_orm::DbBackend;
use tidemark::{
    app::App,
    database::Share,
    domain::Error,
    task::{
        Gateways, Ran, Task,
        leader::{Lead, Leader},
    },
};
use tokio::{sync::Notify, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::harness::on_each_database;

const TERM: Duration = Duration::from_secs(10);
const OFTEN: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_hours(1);

/// The number of the term that `leader` has; none where another leads.
async fn term(leader: &Leader) -> Option<i64> {
    match leader.lead().await.unwrap() {
        Lead::Own(term) => {
            assert!(!term.is_over());
            Some(term.number())
        }
        Lead::Others(rest) => {
            assert!(rest <= TERM);
            None
        }
    }
}

/// How often a task has begun. Clones share it.
#[derive(Clone, Default)]
struct Runs {
    count: Arc<AtomicU32>,
    begun: Arc<Notify>,
}

impl Runs {
    fn begin(&self) -> u32 {
        let run = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        self.begun.notify_one();
        run
    }

    fn so_far(&self) -> u32 {
        self.count.load(Ordering::SeqCst)
    }

    async fn reach(&self, run: u32) {
        while self.so_far() < run {
            self.begun.notified().await;
        }
    }
}

/// A gateway that does one task.
struct Gateway {
    running: JoinHandle<Result<(), Infallible>>,
    stop: CancellationToken,
}

impl Gateway {
    fn doing(task: Task, app: &App) -> Self {
        let stop = CancellationToken::new();
        Self {
            running: tokio::spawn(task.run(app.clone(), stop.clone())),
            stop,
        }
    }

    async fn end(self) {
        self.stop.cancel();
        self.running.await.unwrap().unwrap();
    }

    async fn kill(self) {
        self.running.abort();
        assert!(self.running.await.unwrap_err().is_cancelled());
    }
}

#[tokio::test]
async fn of_two_gateways_one_leads_a_task_and_the_other_takes_over_after_the_term() {
    on_each_database(async |world| {
        let one = Leader::new(&world.app, "task", TERM);
        let other = Leader::new(&world.other_gateway().app, "task", TERM);
        assert_eq!(term(&one).await, Some(1));
        assert_eq!(term(&other).await, None);
        let of_its_own = Leader::new(&world.app, "another task", TERM);
        assert_eq!(term(&of_its_own).await, Some(1));
        world.wait_seconds(9);
        assert_eq!(term(&one).await, Some(1), "it goes on");
        world.wait_seconds(9);
        let Lead::Others(rest) = other.lead().await.unwrap() else {
            panic!("the term is not over");
        };
        assert_eq!(rest, Duration::from_secs(1));
        world.wait_seconds(1);
        assert_eq!(term(&other).await, Some(2));
        assert_eq!(term(&one).await, None);
    })
    .await;
}

#[tokio::test]
async fn the_database_says_when_a_term_is_over() {
    on_each_database(async |world| {
        let mut app = world.app.clone();
        app.clock = tidemark::domain::Clock::Database;
        let one = Leader::new(&app, "task", TERM);
        let other = Leader::new(&app, "task", TERM);
        assert_eq!(term(&one).await, Some(1));
        assert_eq!(term(&other).await, None);
        let past = Leader::new(&app, "past", Duration::ZERO);
        let follower = Leader::new(&app, "past", TERM);
        past.lead().await.unwrap();
        assert_eq!(term(&follower).await, Some(2));
    })
    .await;
}

#[tokio::test]
async fn a_gateway_that_ends_leaves_the_lead_to_the_next_at_once() {
    on_each_database(async |world| {
        let one = Leader::new(&world.app, "task", TERM);
        let other = Leader::new(&world.app, "task", TERM);
        assert_eq!(term(&one).await, Some(1));
        other.resign().await.unwrap();
        assert_eq!(term(&other).await, None, "it was not its own to give up");
        one.resign().await.unwrap();
        assert_eq!(term(&other).await, Some(2));
    })
    .await;
}

#[tokio::test]
async fn a_leader_leads_though_all_other_connections_are_taken() {
    on_each_database(async |world| {
        if world.app.database.backend() != DbBackend::Postgres {
            // There is one connection that writes.
            return;
        }
        let agents = world.app.database.share(Share::Agents);
        let mut taken = Vec::new();
        for _ in 0..4 {
            taken.push(agents.begin().await.unwrap());
        }
        let leader = Leader::new(&world.app, "task", TERM);
        let led = tokio::time::timeout(Duration::from_secs(10), term(&leader)).await;
        assert_eq!(led, Ok(Some(1)));
    })
    .await;
}

#[tokio::test]
async fn one_gateway_does_a_task_until_it_is_killed_and_then_the_other() {
    on_each_database(async |world| {
        let start = |app: &App, runs: &Runs| {
            let runs = runs.clone();
            let task = Task::new("test", Gateways::One, OFTEN, TERM, move |_| {
                runs.begin();
                async { Ok(Ran::Done) }
            });
            let term = task.term();
            (Gateway::doing(task, app), term)
        };
        let (runs, others) = (Runs::default(), Runs::default());
        let (one, term) = start(&world.app, &runs);
        runs.reach(1).await;
        let (other, _) = start(&world.other_gateway().app, &others);
        runs.reach(runs.so_far() + 20).await;
        one.kill().await;
        assert_eq!(others.so_far(), 0);
        world.wait_seconds(i64::try_from(term.as_secs()).unwrap() + 1);
        others.reach(1).await;
        other.end().await;
    })
    .await;
}

#[tokio::test]
async fn what_each_gateway_does_for_itself_is_done_by_each() {
    on_each_database(async |world| {
        let runs = Runs::default();
        let task = || {
            let runs = runs.clone();
            Task::new("test", Gateways::Each, LONG, TERM, move |_| {
                runs.begin();
                async { Ok(Ran::Done) }
            })
        };
        let one = Gateway::doing(task(), &world.app);
        let other = Gateway::doing(task(), &world.other_gateway().app);
        runs.reach(2).await;
        one.end().await;
        other.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_task_is_repeated_after_a_failure_a_panic_and_a_run_that_took_too_long() {
    on_each_database(async |world| {
        let runs = Runs::default();
        let counted = runs.clone();
        let task = Task::new("test", Gateways::One, OFTEN, 20 * OFTEN, move |_| {
            let run = counted.begin();
            async move {
                match run {
                    1 => Err(Error::Broken("it fails".to_owned())),
                    2 => panic!("it panics"),
                    3 => pending().await,
                    _ => Ok(Ran::Done),
                }
            }
        });
        let gateway = Gateway::doing(task, &world.app);
        runs.reach(4).await;
        gateway.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_task_runs_again_at_once_where_more_is_left_and_where_it_is_told_to() {
    on_each_database(async |world| {
        let (runs, signal) = (Runs::default(), Arc::new(Notify::new()));
        let counted = runs.clone();
        let task = Task::new("test", Gateways::One, LONG, TERM, move |_| {
            let run = counted.begin();
            async move { Ok(if run == 1 { Ran::More } else { Ran::Done }) }
        });
        let gateway = Gateway::doing(task.on(signal.clone()), &world.app);
        runs.reach(2).await;
        signal.notify_one();
        runs.reach(3).await;
        gateway.end().await;
        assert_eq!(runs.so_far(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_run_that_has_begun_is_ended_before_the_gateway_and_its_lead_is_given_up() {
    on_each_database(async |world| {
        let (runs, release) = (Runs::default(), Arc::new(Notify::new()));
        let (counted, released) = (runs.clone(), release.clone());
        let task = Task::new("test", Gateways::One, LONG, TERM, move |_| {
            counted.begin();
            let released = released.clone();
            async move {
                released.notified().await;
                Ok(Ran::More)
            }
        });
        let gateway = Gateway::doing(task, &world.app);
        runs.reach(1).await;
        gateway.stop.cancel();
        tokio::task::yield_now().await;
        assert!(!gateway.running.is_finished());
        release.notify_one();
        gateway.end().await;
        assert_eq!(runs.so_far(), 1);
        let next = Leader::new(&world.app, "test", TERM);
        assert_eq!(term(&next).await, Some(2));
    })
    .await;
}
