//! The objects behind images, by `rados`: names that `rbd` left over, and a pool's marker.

use super::{Attempt, Command, ImageName, METADATA_LIMIT};
use crate::driver::{
    Failure, blocking,
    ceph_rbd::{
        access::Patience,
        defect::{Defect, Kind},
    },
};

/// The object that has the names of a pool's images.
const DIRECTORY: &str = "rbd_directory";
/// The object that has the names of images that are to be removed.
const TRASH: &str = "rbd_trash";

impl Command {
    /// Removes a name by which an image can be opened, and nothing else.
    pub(in super::super) async fn remove_name(&self, image: ImageName<'_>) -> Attempt<()> {
        let object = format!("rbd_id.{}", image.image);
        let tool = &self.surroundings.tools.rados;
        let change = self.as_user(tool, Patience::Short).await?;
        // Nor does it need space.
        let change = change.args(["--pool", image.pool, "rm", &object, "--force-full"]);
        self.run(change.time_limit(METADATA_LIMIT).uninterrupted())
            .await
    }

    /// What an object of the pool holds. That there is none is said as of an image.
    pub(in super::super) async fn read_object(&self, object: &str) -> Attempt<Vec<u8>> {
        let tool = &self.surroundings.tools.rados;
        let question = self.as_user(tool, Patience::Short).await?;
        let question = question.args(["--pool", self.pool(), "get", object, "-"]);
        let answer = question.time_limit(METADATA_LIMIT);
        let answer = self.surroundings.processes.run(answer).await;
        Ok(answer.map(|output| output.stdout).map_err(Defect::from))
    }

    /// Writes an object of the pool, whole.
    pub(in super::super) async fn write_object(
        &self,
        object: &str,
        content: Vec<u8>,
    ) -> Attempt<()> {
        // Beside the configuration, where only we can read, and with which it goes.
        let configuration = self.access.configuration(Patience::Short).await?;
        let file = configuration.with_file_name("object");
        let from = file.clone();
        let written = blocking(move || std::fs::write(&file, content)).await?;
        written.map_err(|error| Failure::storage("The agent failed.").because(error))?;
        let tool = &self.surroundings.tools.rados;
        let change = self.as_user(tool, Patience::Short).await?;
        let change = change
            .args(["--pool", self.pool(), "put", object])
            .arg(from);
        self.run(change.time_limit(METADATA_LIMIT).uninterrupted())
            .await
    }

    /// What the pool's directory has an image's name stand for: what the image is called inside the cluster.
    pub(in super::super) async fn entry(&self, image: ImageName<'_>) -> Attempt<String> {
        let configuration = self.access.configuration(Patience::Short).await?;
        let file = configuration.with_file_name("entry");
        let key = format!("name_{}", image.image);
        let tool = &self.surroundings.tools.rados;
        let question = self.as_user(tool, Patience::Short).await?;
        let question = question.args(["--pool", image.pool, "getomapval", DIRECTORY, &key]);
        let question = question.arg(&file).time_limit(METADATA_LIMIT);
        if let Err(defect) = self.run(question).await? {
            return Ok(Err(defect));
        }
        let content = blocking(move || std::fs::read(&file)).await?;
        let content = content.map_err(|error| Failure::storage("The agent failed.").because(error));
        // Its length comes first.
        let content = content?;
        let id = content.get(4..).unwrap_or_default();
        Ok(Ok(String::from_utf8_lossy(id).into_owned()))
    }

    /// Takes an image's name, and what it stands for, out of the pool's directory.
    pub(in super::super) async fn remove_entry(
        &self,
        image: ImageName<'_>,
        id: &str,
    ) -> Attempt<()> {
        for key in [format!("name_{}", image.image), format!("id_{id}")] {
            let tool = &self.surroundings.tools.rados;
            let change = self.as_user(tool, Patience::Short).await?;
            let change = change.args(["--pool", image.pool, "rmomapkey", DIRECTORY, &key]);
            let change = change.time_limit(METADATA_LIMIT).uninterrupted();
            if let Err(defect) = self.run(change).await? {
                return Ok(Err(defect));
            }
        }
        Ok(Ok(()))
    }

    /// Makes what `rbd rm` moves images to before it removes them, and cannot make once the pool is full.
    pub(in super::super) async fn make_trash(&self) -> Attempt<()> {
        let tool = &self.surroundings.tools.rados;
        let change = self.as_user(tool, Patience::Short).await?;
        let change = change.args(["--pool", self.pool(), "create", TRASH]);
        let change = change.time_limit(METADATA_LIMIT).uninterrupted();
        let made = self.run(change).await?;
        Ok(match made {
            // It is there already.
            Err(defect) if defect.kind == Kind::Exists => Ok(()),
            made => made,
        })
    }
}
