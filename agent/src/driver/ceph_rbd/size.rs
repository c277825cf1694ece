//! The size of a volume's image: the volume's own, and smaller only for as long as it is rolled back.

use super::{CephRbd, command::Info, defect};
use crate::{
    driver::{Code, Failure, Result},
    report::Level,
};

impl CephRbd {
    pub(super) async fn ensure_right_size(&self) -> Result<()> {
        let info = self.command.info(self.image()).await??;
        self.check_size(&info)
    }

    pub(super) fn check_size(&self, info: &Info) -> Result<()> {
        if info.size == self.size_bytes {
            return Ok(());
        }
        Err(defect::size(info.size, self.size_bytes))
    }

    pub(super) fn check_not_larger(&self, info: &Info) -> Result<()> {
        if info.size <= self.size_bytes {
            return Ok(());
        }
        Err(defect::larger(info.size, self.size_bytes))
    }

    /// Gives back the size to an image that a roll-back has made smaller.
    pub(super) async fn ensure_grown(&self) -> Result<()> {
        let found = self.command.info(self.image()).await??;
        self.check_not_larger(&found)?;
        if found.size == self.size_bytes {
            return Ok(());
        }
        let message = format!(
            "Growing the image from {} to {} bytes",
            found.size, self.size_bytes
        );
        self.journal.private(Level::Info, message);
        self.command.grow(self.image(), self.size_bytes).await??;
        self.ensure_right_size().await
    }

    pub(super) fn check_fits(&self, snapshot_bytes: u64) -> Result<()> {
        if snapshot_bytes <= self.size_bytes {
            return Ok(());
        }
        let message = format!(
            "The snapshot holds {snapshot_bytes} bytes, the volume has {}.",
            self.size_bytes
        );
        Err(Failure::new(Code::TargetTooSmall, message))
    }
}
