//! The content of an image or a snapshot, by `qemu-nbd`.

use std::time::Duration;

use super::{Command, ImageName};
use crate::driver::{
    Failure, Result, Server, Surroundings,
    ceph_rbd::{access::Patience, defect::Defect},
    server::{Manner, StartError},
};

/// More connections are slower, and take a third more memory. A cluster remembers who has not let go of an
/// image.
const MANNER: Manner = Manner {
    connections: 1,
    farewell: Duration::from_secs(2),
};

impl Command {
    /// Serves an image to be written.
    pub(in super::super) async fn serve(&self, image: ImageName<'_>) -> Result<Server> {
        self.start(&[], image, "").await
    }

    /// Serves a snapshot to be read.
    pub(in super::super) async fn serve_snapshot(
        &self,
        image: ImageName<'_>,
        name: &str,
    ) -> Result<Server> {
        let snapshot = format!(",file.snapshot={}", escaped(name));
        self.start(&["--read-only"], image, &snapshot).await
    }

    async fn start(
        &self,
        arguments: &[&str],
        image: ImageName<'_>,
        snapshot: &str,
    ) -> Result<Server> {
        let configuration = self.access.configuration(Patience::Long).await?;
        let configuration = escaped(&configuration.display().to_string());
        let [pool, name, user] = [image.pool, image.image, self.access.user()].map(escaped);
        let options = format!(
            "driver=raw,file.driver=rbd,file.pool={pool},file.image={name}{snapshot},\
             file.conf={configuration},file.user={user}"
        );
        let arguments = arguments.iter().copied().map(str::to_owned);
        let arguments: Vec<_> = arguments.chain(["--image-opts".into(), options]).collect();
        let Surroundings {
            tools,
            processes,
            run_directory,
            ..
        } = &self.surroundings;
        let started = Server::start(
            processes,
            &tools.qemu_nbd,
            &arguments,
            run_directory,
            MANNER,
        );
        started.await.map_err(|error| match error {
            StartError::Process(error) => Defect::from(error).into(),
            StartError::Silent(_) => {
                Failure::storage("The volume cannot be opened.").because(error)
            }
        })
    }
}

/// A value among QEMU's options, where commas separate.
fn escaped(value: &str) -> String {
    value.replace(',', ",,")
}
