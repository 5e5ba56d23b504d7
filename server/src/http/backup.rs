//! A backup of the running server, as a download.

use super::House;
use super::problem::Problem;
use super::request::Known;
use crate::directory::permission::Action;
use crate::document::now;
use crate::registry::RegistryError;
use crate::storage::backup;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use std::io;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Everything that is stored, as of now, in one file that `codraft-server restore` and `verify` take. The
/// server goes on meanwhile. For the secretariat. The file holds every draft: keep it as they are kept.
#[utoipa::path(get, path = "/api/v1/backup", tag = "operations",
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = "4XX", body = codraft_protocol::api::Problem)))]
pub(super) async fn download(State(house): State<House>, known: Known) -> Result<impl IntoResponse, Problem> {
    let caller = known.allowed(Action::Backup)?;
    let frozen = house.committer.look(backup::freeze).await.map_err(|_| RegistryError::Closing)?;
    let frozen = frozen.map_err(|error| RegistryError::Storage(Arc::new(error)))?;
    let (chunks, body) = mpsc::channel(16);
    let reader = house.reader;
    tokio::task::spawn_blocking(move || {
        let written = backup::write(frozen, &*reader, now(), Chunks(chunks.clone()));
        match written {
            Ok(end) => tracing::info!(commit = end.sequence, by = caller.account, "a backup was downloaded"),
            Err(error) => {
                tracing::error!(%error, "a backup broke off");
                // The download breaks off too, and the file lacks its end: nobody takes it for whole.
                let _ = chunks.blocking_send(Err(io::Error::other(error.to_string())));
            }
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"codraft.backup\""),
    ];
    Ok((headers, Body::from_stream(ReceiverStream::new(body))))
}

/// A writer that hands its bytes to a stream.
struct Chunks(mpsc::Sender<io::Result<Bytes>>);

impl io::Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the client has gone"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
