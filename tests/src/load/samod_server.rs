//! samod as a websocket server, with files for a store.

use crate::samod_transport::transport;
use samod::storage::TokioFilesystemStorage;
use samod::{PeerId, Repo, ShareConfig};
use std::path::Path;
use tokio::net::TcpListener;

/// Serves until the process ends.
///
/// # Errors
/// Where it cannot listen.
pub async fn serve(port: u16, data: &Path) -> std::io::Result<()> {
    let repo = Repo::build_tokio()
        .with_peer_id(PeerId::from("samod-load"))
        .with_storage(TokioFilesystemStorage::new(data))
        // A server waits to be asked for a document.
        .with_share_policy(ShareConfig::read_write().with_announce(false))
        .load()
        .await;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let url = format!("ws://{}/", listener.local_addr()?);
    let acceptor = repo.make_acceptor(url.parse().expect("an address")).expect("it runs");
    println!("listening on {url}");
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let Ok(socket) = tokio_tungstenite::accept_async(stream).await else { return };
            let _ = acceptor.accept(transport(socket));
        });
    }
}
