//! Errands: what an agent does beside operations, under no lease. What a shutdown ends, or what cannot
//! be reported, is asked for again by whoever still wants to know.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use storage::probe_within;
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use uuid::Uuid;

use super::lock;
use crate::{
    driver::{Failure, Result},
    link::{Link, StorageTest},
    operation::{Host, Volume},
    report::Places,
};

/// What is left of a wait for an answer once it is known, so that it arrives in time.
const ANSWER: Duration = Duration::from_secs(3);
/// No test is given less.
const LEAST: Duration = Duration::from_secs(1);
const MEASURE_LIMIT: Duration = Duration::from_mins(5);

/// Runs errands.
#[derive(Clone)]
pub(super) struct Errands {
    link: Arc<dyn Link>,
    host: Host,
    shutdown: CancellationToken,
    /// Tests that run: the gateway offers each until it is answered.
    testing: Arc<Mutex<HashSet<Uuid>>>,
    /// Volumes that wait to be measured. One that is being measured may wait for the next time.
    waiting: Arc<Mutex<HashSet<Uuid>>>,
    /// Measuring is never urgent: one volume at a time.
    measuring: Arc<tokio::sync::Mutex<()>>,
}

impl Errands {
    pub(super) fn new(link: Arc<dyn Link>, host: Host, shutdown: CancellationToken) -> Self {
        Self {
            link,
            host,
            shutdown,
            testing: Arc::default(),
            waiting: Arc::default(),
            measuring: Arc::default(),
        }
    }

    /// Tries a backup storage out.
    pub(super) fn test(&self, test: StorageTest, tasks: &mut JoinSet<()>) {
        if !lock(&self.testing).insert(test.id) {
            return;
        }
        let errands = self.clone();
        tasks.spawn(async move {
            let answered = async {
                let outcome = errands.probe(&test).await;
                errands.link.finish_storage_test(test.id, outcome).await
            };
            if let Some(Err(error)) = errands.shutdown.run_until_cancelled(answered).await {
                warn!(%error, test = %test.id, "the outcome of a storage test cannot be reported");
            }
            lock(&errands.testing).remove(&test.id);
        });
    }

    async fn probe(&self, test: &StorageTest) -> std::result::Result<(), String> {
        let storage = test.storage.as_ref().map_err(Failure::to_string)?;
        let store = self.host.stores.open_unlimited(storage);
        let store = store.map_err(|error| error.to_string())?;
        let places = Places::default();
        let limit = test.wait.saturating_sub(ANSWER).max(LEAST);
        let begun = Instant::now();
        let tried = async {
            if let Some(mark) = &storage.mark {
                let proof = storage::prove(&*store, &mark.expected).await;
                places.note(mark, &proof);
                proof?;
            }
            let left = limit.saturating_sub(begun.elapsed());
            probe_within(Arc::clone(&store), left).await
        };
        let tried = timeout(limit, tried).await;
        for sighting in places.take() {
            if let Err(error) = self.link.report_place(&sighting).await {
                warn!(place = %sighting.place_id, %error, "what was found in a place cannot be reported");
            }
        }
        match tried {
            Ok(outcome) => outcome.map_err(|error| error.to_string()),
            Err(_) => Err(format!(
                "backup storage cannot be reached: no answer within {} s while its mark was read",
                limit.as_secs()
            )),
        }
    }

    /// Measures what a volume's snapshots keep.
    pub(super) fn measure(&self, volume: Result<Volume>, tasks: &mut JoinSet<()>) {
        let volume = match volume {
            Ok(volume) => volume,
            Err(failure) => return warn!(%failure, "a volume cannot be measured"),
        };
        if !lock(&self.waiting).insert(volume.id) {
            return;
        }
        let errands = self.clone();
        tasks.spawn(async move {
            let measured = errands.measure_in_turn(&volume);
            errands.shutdown.run_until_cancelled(measured).await;
        });
    }

    async fn measure_in_turn(&self, volume: &Volume) {
        let _turn = self.measuring.lock().await;
        lock(&self.waiting).remove(&volume.id);
        let reported = match timeout(MEASURE_LIMIT, self.host.measure(volume)).await {
            Ok(Ok(retained)) => self.link.report_retained(volume.id, &retained).await,
            Ok(Err(failure)) => {
                return warn!(volume = %volume.id, %failure, "what snapshots keep is not known");
            }
            Err(_) => {
                return warn!(volume = %volume.id, "measuring what snapshots keep takes too long");
            }
        };
        if let Err(error) = reported {
            warn!(volume = %volume.id, %error, "what snapshots keep cannot be reported");
        }
    }
}
