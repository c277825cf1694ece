//! A proxy that stops passing bytes on without closing anything, as a network does that is gone.

use std::net::SocketAddr;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// A proxy before a server, for as long as it is kept.
pub struct Proxy {
    address: SocketAddr,
    frozen: watch::Sender<()>,
}

impl Proxy {
    /// One before the server at `host` and `port`.
    pub async fn before(host: &str, port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (frozen, freezes) = watch::channel(());
        let server = format!("{host}:{port}");
        tokio::spawn(async move {
            while freezes.has_changed().is_ok() {
                let (mut client, _) = listener.accept().await.unwrap();
                let mut server = TcpStream::connect(&server).await.unwrap();
                let mut freezes = freezes.clone();
                freezes.mark_unchanged();
                tokio::spawn(async move {
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        frozen = freezes.changed() => {
                            if frozen.is_ok() {
                                // Held open, and silent, until the proxy is gone.
                                while freezes.changed().await.is_ok() {}
                            }
                        }
                    }
                });
            }
        });
        Self { address, frozen }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Passes nothing on any more for those who are connected now.
    pub fn freeze(&self) {
        self.frozen.send_replace(());
    }
}
