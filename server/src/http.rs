//! The HTTP side: the API under `/api/v1`, the websocket's door at `/sync`, and what operations look at.

mod backup;
mod delegations;
mod documents;
mod events;
mod login;
mod openapi;
mod operations;
mod page;
mod problem;
mod request;
mod sync;
mod tickets;

use crate::access::Access;
use crate::registry::Registry;
use crate::storage::Reader;
use crate::storage::committer::{CommitterHandle, Health};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post};
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use tokio::sync::watch;

/// Largest body of a request, in bytes: a resolution's text is a small part of it.
const BODY_BYTES: usize = 4 << 20;

/// What every request may need.
#[derive(Clone, Debug)]
pub struct House {
    /// The documents.
    pub registry: Registry,
    /// Who may come in.
    pub access: Access,
    /// Where the store is looked at, for backups.
    pub committer: CommitterHandle,
    /// The store's reading side.
    pub reader: Arc<dyn Reader>,
    /// The store's health.
    pub health: watch::Receiver<Health>,
    /// The figures of this process.
    pub metrics: PrometheusHandle,
    /// Pages that may connect from elsewhere, such as `https://drafting.example.org`.
    pub origins: Arc<[String]>,
    /// Turns true when the server is to stop.
    pub stopping: watch::Receiver<bool>,
}

/// All routes.
pub fn router(house: House) -> Router {
    let api = Router::new()
        .route("/documents", get(documents::list).post(documents::create))
        .route("/documents/{id}", get(documents::one))
        .route("/documents/{id}/text", get(documents::text))
        .route("/documents/{id}/attribution", get(documents::attribution))
        .route("/documents/{id}/proposals", get(documents::proposals))
        .route("/documents/{id}/quarantine", get(documents::quarantine))
        .route("/documents/{id}/events", get(events::stream))
        .route("/delegations", get(delegations::list).post(delegations::add))
        .route("/invitations", post(delegations::invite))
        .route("/accounts/{id}", delete(delegations::revoke))
        .route("/tickets", post(tickets::create))
        .route("/tickets/{id}", delete(tickets::revoke))
        .route("/backup", get(backup::download))
        .route("/me", get(delegations::me))
        .route("/login", post(login::login))
        .route("/logout", post(login::logout))
        .route("/openapi.json", get(openapi::document));
    Router::new()
        .nest("/api/v1", api)
        .route("/sync", get(sync::upgrade))
        .route("/healthz", get(operations::healthz))
        .route("/readyz", get(operations::readyz))
        .route("/metrics", get(operations::metrics))
        .route("/", get(page::root))
        .route("/join", get(page::index))
        .route("/documents/{*view}", get(page::index))
        .route("/secretariat", get(page::index))
        .route("/page/{*path}", get(page::file))
        .route("/service-worker.js", get(page::service_worker))
        .fallback(problem::no_such_page)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(house)
}
