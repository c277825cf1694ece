//! From one disk to another on the same host, without a backup between them.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{
    Error, LANES, Source, Target,
    plan::{Plan, Unit},
};
use crate::{qcow2::buffer, report::Progress};

/// Copies `source` to `target`, whose rest becomes zero.
pub async fn copy(source: &Source, target: &Target, progress: &Progress) -> Result<(), Error> {
    target.ensure_holds(source.size_bytes())?;
    let plan = Plan::of(source).await?;
    progress.expect(plan.data_bytes());
    progress.enter("Copying");
    stream::iter(plan.units())
        .map(|unit| copy_unit(source, target, unit))
        .buffer_unordered(LANES)
        .try_for_each(|moved| {
            progress.advance(moved);
            std::future::ready(Ok(()))
        })
        .await?;
    progress.enter("Flushing");
    target.finish(source.size_bytes()).await
}

async fn copy_unit(source: &Source, target: &Target, unit: Unit) -> Result<u64, Error> {
    match unit {
        Unit::Zeros { offset, length } => {
            target.put_zeros(offset, u64::from(length)).await?;
            Ok(0)
        }
        Unit::Data { offset, length } => {
            let block = source.read(offset, buffer(length as usize)).await?;
            target.put(offset, block.freeze()).await?;
            Ok(u64::from(length))
        }
    }
}
