//! Restores of which nobody can tell whether a new image has taken the place of the volume's.

use std::fs;

use tidemark_agent::operation::{Image, Operation, Outcome, Report};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::replacing;
use crate::site::{MIB, Site, within};

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_of_the_storage_is_said_to_be_unknown_unless_nothing_was_replaced_yet()
{
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let backup = site.take_backup(&volume).await;
    let (pool, away) = (site.path("pool"), site.path("away"));
    fs::rename(&pool, &away).unwrap();
    // Another attempt may have replaced it before the second.
    for (epoch, expected) in [(1, Image::Kept), (2, Image::Unknown)] {
        let work = replacing(&volume, &backup);
        let host = site.host.clone();
        let operation = Operation::new(Uuid::now_v7(), work, host, Report::default());
        let operation = operation.claimed_as(epoch);
        let outcome = within(operation.perform(&CancellationToken::new())).await;
        let Outcome::Failed {
            volume_touched,
            image,
            ..
        } = outcome
        else {
            panic!("{outcome:?}")
        };
        assert_eq!(image, expected);
        assert_eq!(volume_touched, expected == Image::Unknown);
    }
    fs::rename(&away, &pool).unwrap();
    site.complete(replacing(&volume, &backup)).await;
    site.assert_clean();
}
