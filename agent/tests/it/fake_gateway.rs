//! A gateway that is a table in memory, for what the worker does with it.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures_util::stream::{BoxStream, StreamExt as _};
use tidemark_agent::{
    driver::Retained,
    link::{
        Assignment, Claim, Error, Heard, Lease, LeaseState, Link, Result, StorageTest, Welcome,
    },
    operation::{Outcome, Volume, Work},
    report::{Entry, Reading, Sighting},
};
use tokio::sync::watch;
use uuid::Uuid;

use crate::site::within;

pub const LEASE: Duration = Duration::from_secs(5);
pub const HEARTBEAT: Duration = Duration::from_millis(30);

/// What the gateway knows.
#[derive(Default)]
pub struct Table {
    pub pending: Vec<Assignment>,
    pub tests: Vec<StorageTest>,
    pub to_measure: Vec<Volume>,
    pub claimed: Vec<Lease>,
    pub holding: Vec<Lease>,
    pub states: HashMap<Lease, LeaseState>,
    pub unreachable: bool,
    pub nobody_watches: bool,
    pub finish_failures: u32,
    pub finished: Vec<(Lease, Outcome)>,
    pub tested: Vec<(Uuid, std::result::Result<(), String>)>,
    pub measured: Vec<(Uuid, Vec<Retained>)>,
    pub progress: Vec<(Instant, Reading)>,
    pub log: Vec<Entry>,
    pub places: Vec<Sighting>,
    /// What was told of places and ends, in the order in which it came.
    pub order: Vec<&'static str>,
}

pub struct FakeGateway(pub watch::Sender<Table>);

impl FakeGateway {
    pub fn change<T>(&self, change: impl FnOnce(&mut Table) -> T) -> T {
        let mut answer = None;
        self.0.send_modify(|table| answer = Some(change(table)));
        answer.unwrap()
    }

    pub fn ask<T>(&self, change: impl FnOnce(&mut Table) -> T) -> Result<T> {
        if self.0.borrow().unreachable {
            return Err(Error::Unreachable("the gateway is down".into()));
        }
        Ok(self.change(change))
    }

    pub async fn wait_for(&self, reached: impl FnMut(&Table) -> bool) {
        within(self.0.subscribe().wait_for(reached))
            .await
            .map(drop)
            .unwrap();
    }

    pub fn offer(&self, work: Work) -> Lease {
        self.offer_again(
            Lease {
                operation_id: Uuid::now_v7(),
                epoch: 1,
            },
            work,
        )
    }

    pub fn offer_again(&self, lease: Lease, work: Work) -> Lease {
        let assignment = Assignment {
            lease,
            lease_time: LEASE,
            work: Ok(work),
        };
        self.change(|table| table.pending.push(assignment));
        lease
    }

    pub fn outcome(&self, lease: Lease) -> Outcome {
        let table = self.0.borrow();
        let mut finished = table
            .finished
            .iter()
            .filter(|(finished, _)| *finished == lease);
        let (_, outcome) = finished.next().unwrap();
        assert!(finished.next().is_none(), "finished twice");
        outcome.clone()
    }

    pub async fn finished(&self, lease: Lease) -> Outcome {
        self.wait_for(|table| {
            table
                .finished
                .iter()
                .any(|(finished, _)| *finished == lease)
        })
        .await;
        self.outcome(lease)
    }

    pub async fn started(&self, lease: Lease) {
        self.wait_for(|table| table.claimed.contains(&lease)).await;
        self.wait_for(|table| table.progress.iter().any(|(_, r)| r.phase == "Exporting"))
            .await;
    }
}

#[async_trait]
impl Link for FakeGateway {
    async fn hello(&self) -> Result<Welcome> {
        self.ask(|_| Welcome {
            hypervisor_name: "one".into(),
            lease: LEASE,
            heartbeat: HEARTBEAT,
        })
    }

    async fn renew(&self, leases: &[Lease]) -> Result<Vec<(Lease, LeaseState)>> {
        let leases = leases.to_vec();
        self.ask(|table| {
            let state = |lease| table.states.get(lease).copied().unwrap_or(LeaseState::Held);
            leases.iter().map(|lease| (*lease, state(lease))).collect()
        })
    }

    async fn claim(&self, limit: usize, holding: &[Lease]) -> Result<Claim> {
        let holding = holding.to_vec();
        self.ask(|table| {
            table.holding = holding;
            let taken = limit.min(table.pending.len());
            let assignments: Vec<_> = table.pending.drain(..taken).collect();
            table
                .claimed
                .extend(assignments.iter().map(|assignment| assignment.lease));
            Claim {
                assignments,
                storage_tests: std::mem::take(&mut table.tests),
                measurements: table.to_measure.drain(..).map(Ok).collect(),
            }
        })
    }

    async fn report_progress(&self, lease: Lease, reading: &Reading) -> Result<Heard> {
        self.ask(|table| {
            table.progress.push((Instant::now(), reading.clone()));
            let state = table.states.get(&lease).copied();
            Heard {
                state: state.unwrap_or(LeaseState::Held),
                is_watched: !table.nobody_watches,
            }
        })
    }

    async fn log(&self, lease: Lease, entries: &[Entry]) -> Result<LeaseState> {
        self.ask(|table| {
            table.log.extend_from_slice(entries);
            table
                .states
                .get(&lease)
                .copied()
                .unwrap_or(LeaseState::Held)
        })
    }

    async fn report_retained(&self, volume_id: Uuid, retained: &[Retained]) -> Result<bool> {
        self.ask(|table| table.measured.push((volume_id, retained.to_vec())))
            .map(|()| true)
    }

    async fn report_place(&self, sighting: &Sighting) -> Result<bool> {
        let sighting = sighting.clone();
        self.ask(|table| {
            table.places.push(sighting);
            table.order.push("place");
            true
        })
    }

    async fn finish(&self, lease: Lease, outcome: &Outcome) -> Result<bool> {
        self.ask(|table| {
            if table.finish_failures > 0 {
                table.finish_failures -= 1;
                return Err(Error::Unreachable("no answer".into()));
            }
            table.finished.push((lease, outcome.clone()));
            table.order.push("finished");
            Ok(true)
        })?
    }

    async fn finish_storage_test(
        &self,
        id: Uuid,
        outcome: std::result::Result<(), String>,
    ) -> Result<bool> {
        self.ask(|table| table.tested.push((id, outcome)))
            .map(|()| true)
    }

    async fn listen(&self) -> Result<BoxStream<'static, Result<i32>>> {
        // Open and silent: the heartbeat has to do.
        Ok(futures_util::stream::pending().boxed())
    }
}
