//! An S3 store in the test's own process, for machines without any other.

use std::{fs, path::Path};

use ::s3s_fs::FileSystem;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};

/// A store that takes path-style requests of any region. It knows neither `ListMultipartUploads`
/// nor conditional writes.
#[derive(Debug)]
pub struct S3sFs {
    /// Its URL.
    pub endpoint: String,
    /// The key's id.
    pub access_key_id: String,
    /// The key's secret.
    pub secret_access_key: String,
    /// A bucket, empty.
    pub bucket: String,
    server: JoinHandle<()>,
    directory: TempDir,
}

impl S3sFs {
    /// Starts a store on this runtime.
    pub async fn start() -> Self {
        let [access_key_id, secret_access_key] =
            ["tidemarktests", "of-a-store-that-lives-for-one-test"];
        let directory = crate::directory("s3");
        let bucket = "backups";
        fs::create_dir(directory.path().join(bucket)).unwrap();
        let mut service = S3ServiceBuilder::new(FileSystem::new(directory.path()).unwrap());
        service.set_auth(SimpleAuth::from_single(access_key_id, secret_access_key));
        let service = service.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let answers = http1::Builder::new()
                    .serve_connection(TokioIo::new(connection), service.clone());
                tokio::spawn(answers);
            }
        });
        Self {
            endpoint,
            access_key_id: access_key_id.to_owned(),
            secret_access_key: secret_access_key.to_owned(),
            bucket: bucket.to_owned(),
            server,
            directory,
        }
    }

    /// Where the objects lie, each a file: `{bucket}/{key}`.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for S3sFs {
    fn drop(&mut self) {
        self.server.abort();
    }
}
