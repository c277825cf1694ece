//! Errands: what an agent does beside operations, under no lease. What a shutdown ends, or what cannot
//! be reported, is asked for again by whoever still wants to know.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use storage::probe;
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use uuid::Uuid;

use super::lock;
use crate::{
    driver::{Failure, Result},
    link::{Link, StorageTest},
    operation::{Host, Volume},
};

const PROBE_LIMIT: Duration = Duration::from_mins(1);
const MEASURE_LIMIT: Duration = Duration::from_mins(5);

/// Runs errands.
#[derive(Clone)]
pub(super) struct Errands {
    link: Arc<dyn Link>,
    host: Host,
    shutdown: CancellationToken,
    /// Those that run, by what they are about: the gateway may ask again before it has the answer.
    running: Arc<Mutex<HashSet<Uuid>>>,
    /// Measuring is never urgent: one volume at a time.
    measuring: Arc<tokio::sync::Mutex<()>>,
}

impl Errands {
    pub(super) fn new(link: Arc<dyn Link>, host: Host, shutdown: CancellationToken) -> Self {
        Self {
            link,
            host,
            shutdown,
            running: Arc::default(),
            measuring: Arc::default(),
        }
    }

    /// Tries a backup storage out.
    pub(super) fn test(&self, test: StorageTest, tasks: &mut JoinSet<()>) {
        let errands = self.clone();
        self.run(test.id, tasks, async move {
            let outcome = errands.probe(&test).await;
            let reported = errands.link.finish_storage_test(test.id, outcome);
            if let Err(error) = reported.await {
                warn!(%error, test = %test.id, "the outcome of a storage test cannot be reported");
            }
        });
    }

    async fn probe(&self, test: &StorageTest) -> std::result::Result<(), String> {
        let storage = test.storage.as_ref().map_err(Failure::to_string)?;
        let store = self.host.stores.open_unlimited(storage);
        let store = store.map_err(|error| error.to_string())?;
        match timeout(PROBE_LIMIT, probe(store)).await {
            Ok(outcome) => outcome.map_err(|error| error.to_string()),
            Err(_) => Err("backup storage did not answer in time".into()),
        }
    }

    /// Measures what a volume's snapshots keep.
    pub(super) fn measure(&self, volume: Result<Volume>, tasks: &mut JoinSet<()>) {
        let volume = match volume {
            Ok(volume) => volume,
            Err(failure) => return warn!(%failure, "a volume cannot be measured"),
        };
        let errands = self.clone();
        self.run(volume.id, tasks, async move {
            let _turn = errands.measuring.lock().await;
            let reported = match timeout(MEASURE_LIMIT, errands.host.measure(&volume)).await {
                Ok(Ok(retained)) => errands.link.report_retained(volume.id, &retained).await,
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
        });
    }

    fn run(
        &self,
        about: Uuid,
        tasks: &mut JoinSet<()>,
        errand: impl Future<Output = ()> + Send + 'static,
    ) {
        if !lock(&self.running).insert(about) {
            return;
        }
        let (running, shutdown) = (Arc::clone(&self.running), self.shutdown.clone());
        tasks.spawn(async move {
            shutdown.run_until_cancelled(errand).await;
            lock(&running).remove(&about);
        });
    }
}
