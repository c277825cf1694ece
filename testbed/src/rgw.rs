//! Ceph's S3 gateway, with a user and a bucket of his.

use std::net::Ipv4Addr;

use tokio::net::TcpStream;

use crate::{Ceph, daemon::Daemon, port, tool};

/// A store that takes path-style requests of any region.
#[derive(Debug)]
pub struct Rgw {
    /// Its URL.
    pub endpoint: String,
    /// The user's key's id.
    pub access_key_id: String,
    /// The user's key's secret.
    pub secret_access_key: String,
    /// A bucket of the user's, empty.
    pub bucket: String,
    port: u16,
    daemon: Daemon,
}

impl Rgw {
    /// Starts a gateway of a cluster, which has to outlive it. One cluster can have several, which
    /// share users and buckets.
    pub async fn start(ceph: &Ceph) -> Self {
        let [access_key_id, secret_access_key] =
            ["tidemarktests", "of-a-store-that-lives-for-one-test"];
        let keys = [
            format!("--access-key={access_key_id}"),
            format!("--secret-key={secret_access_key}"),
        ];
        // It makes the zone's pools too, and must not do so beside the gateway.
        let user = ["--uid=tidemark"];
        administer(ceph, &[&user[..], &create_user(&keys)].concat());

        let port = port::free();
        let conf = ceph.conf().to_str().unwrap();
        let frontend = format!("--rgw-frontends=beast endpoint=127.0.0.1:{port}");
        let arguments = ["-f", "-c", conf, "-n", "client.rgw", &frontend];
        let mut rgw = Self {
            endpoint: format!("http://127.0.0.1:{port}"),
            access_key_id: access_key_id.to_owned(),
            secret_access_key: secret_access_key.to_owned(),
            bucket: "backups".to_owned(),
            port,
            daemon: Daemon::start("radosgw", arguments, ceph.directory()),
        };
        rgw.serves().await;
        let bucket = format!(":s3:{}", rgw.bucket);
        rgw.rclone(&["mkdir", &bucket]);
        rgw
    }

    async fn serves(&mut self) {
        let address = (Ipv4Addr::LOCALHOST, self.port);
        let connects = async |_: &Daemon| TcpStream::connect(address).await.ok();
        self.daemon.until("it serves", connects).await;
    }

    /// Runs `rclone`, in which `:s3:` is this store, and gives what it prints.
    pub fn rclone(&self, arguments: &[&str]) -> String {
        let variables = [
            ("RCLONE_S3_PROVIDER", "Ceph"),
            ("RCLONE_S3_ENDPOINT", &self.endpoint),
            ("RCLONE_S3_ACCESS_KEY_ID", &self.access_key_id),
            ("RCLONE_S3_SECRET_ACCESS_KEY", &self.secret_access_key),
            ("RCLONE_CONFIG", ""),
        ];
        tool::run("rclone", arguments, &variables)
    }

    /// Forbids everybody these actions on the bucket, such as `s3:DeleteObject`, and allows all others again.
    pub fn forbid(&self, actions: &[&str]) {
        // The empty value is what is signed.
        let url = format!("{}/{}?policy=", self.endpoint, self.bucket);
        let user = format!("{}:{}", self.access_key_id, self.secret_access_key);
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":{actions:?},"Resource":["arn:aws:s3:::{bucket}/*"]}}]}}"#,
            bucket = self.bucket
        );
        let signed = [
            "--fail-with-body",
            "--silent",
            "--show-error",
            "--aws-sigv4",
        ];
        let unsigned = "x-amz-content-sha256: UNSIGNED-PAYLOAD";
        let way = [
            "aws:amz:us-east-1:s3",
            "--user",
            &user,
            "--header",
            unsigned,
        ];
        let signed = [&signed[..], &way].concat();
        let change = if actions.is_empty() {
            vec!["--request", "DELETE", &url]
        } else {
            vec!["--request", "PUT", "--data-binary", &policy, &url]
        };
        tool::run("curl", &[signed, change].concat(), &[]);
    }

    /// Makes a user who belongs to a tenant, and so have his buckets; gives the id and the secret of his key.
    pub fn add_tenant(&self, ceph: &Ceph, tenant: &str) -> (String, String) {
        let (id, secret) = (format!("{tenant}tests"), self.secret_access_key.clone());
        let keys = [
            format!("--access-key={id}"),
            format!("--secret-key={secret}"),
        ];
        let tenant = format!("--tenant={tenant}");
        let user = [tenant.as_str(), "--uid=tidemark"];
        administer(ceph, &[&user[..], &create_user(&keys)].concat());
        (id, secret)
    }

    /// Frees the memory of deleted objects at once. By itself it waits for two hours.
    pub fn forget_deleted(&self, ceph: &Ceph) {
        administer(ceph, &["gc", "process", "--include-all"]);
    }

    /// Makes it stand still: connections are made, and nothing is answered.
    pub fn pause(&self) {
        self.daemon.pause();
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.daemon.resume();
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.daemon.kill();
    }

    /// Starts it again, on the same port; what it stored is still there.
    pub async fn restart(&mut self) {
        self.daemon.restart();
        self.serves().await;
    }
}

fn create_user(keys: &[String; 2]) -> [&str; 5] {
    let [id, secret] = keys;
    ["--display-name=Tidemark", id, secret, "user", "create"]
}

fn administer(ceph: &Ceph, arguments: &[&str]) {
    let name = ["-n", "client.rgw", "--log-to-stderr=false"];
    ceph.run("radosgw-admin", &[&name[..], arguments].concat());
}
