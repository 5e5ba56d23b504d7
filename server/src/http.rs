//! The HTTP side: the API under `/api/v1`, the websocket's door at `/sync`, and what operations look at.

mod access_log;
mod backup;
mod comments;
mod compression;
mod delegations;
mod documents;
mod drafts;
mod events;
mod ledger;
mod login;
mod openapi;
mod operations;
mod page;
mod problem;
mod proposals;
mod request;
mod rounds;
pub mod routes;
pub(crate) mod screen;
mod sync;
mod tickets;

use crate::access::Access;
use crate::door::Door;
use crate::registry::Registry;
use crate::storage::Reader;
use crate::storage::committer::{CommitterHandle, Health};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{delete, get, post, put};
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Bounds of a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyBounds {
    /// Bytes: a resolution's text is a small part of it.
    pub bytes: usize,
    /// How long it may take to arrive.
    pub patience: Duration,
}

impl Default for BodyBounds {
    fn default() -> Self {
        Self { bytes: 4 << 20, patience: Duration::from_secs(30) }
    }
}

/// What every request may need.
#[derive(Clone, Debug)]
pub struct House {
    /// The documents.
    pub registry: Registry,
    /// Who may come in.
    pub access: Access,
    /// Where everybody comes in.
    pub door: Door,
    /// What a request's body may be.
    pub body: BodyBounds,
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
    /// What the projectors show.
    pub(crate) screens: screen::Screens,
    /// Turns true when the server is to stop.
    pub stopping: watch::Receiver<bool>,
}

/// All routes.
pub fn router(house: House) -> Router {
    let api = Router::new()
        .route("/documents", get(documents::list).post(documents::create))
        .route("/documents/{id}", get(documents::one))
        .route("/documents/{id}/overview", get(documents::overview))
        .route("/documents/{id}/text", get(documents::text))
        .route("/documents/{id}/attribution", get(documents::attribution))
        .route("/documents/{id}/proposals", get(proposals::list))
        .route("/documents/{id}/proposals/{number}", get(proposals::one))
        .route(
            "/documents/{id}/proposals/{number}/sponsors",
            post(proposals::join).delete(proposals::withdraw),
        )
        .route("/documents/{id}/proposals/{number}/reasons", post(proposals::reason))
        .route("/documents/{id}/comments", get(comments::list).post(comments::comment))
        .route("/documents/{id}/comments/{number}/replies", post(comments::reply))
        .route("/documents/{id}/comments/{number}/resolved", put(comments::resolve))
        .route("/documents/{id}/collisions", get(proposals::collisions))
        .route("/documents/{id}/table", get(proposals::table))
        .route("/documents/{id}/rounds", get(rounds::list).post(rounds::open))
        .route("/documents/{id}/rounds/deadline", put(rounds::deadline))
        .route("/documents/{id}/rounds/close", post(rounds::close))
        .route("/documents/{id}/rounds/conclude", post(rounds::conclude))
        .route("/documents/{id}/revisions", get(rounds::revisions))
        .route("/documents/{id}/revisions/{number}/text", get(rounds::revision))
        .route("/documents/{id}/rulings", get(rounds::rulings).post(rounds::rule))
        .route("/documents/{id}/preview", post(rounds::preview))
        .route("/documents/{id}/renumber", post(rounds::renumber))
        .route("/documents/{id}/move", post(rounds::move_provision))
        .route("/documents/{id}/ledger", get(ledger::entries))
        .route("/documents/{id}/audit", get(ledger::audit))
        .route("/documents/{id}/replay", get(ledger::replay))
        .route("/documents/{id}/drafts", get(drafts::list).post(drafts::begin))
        .route("/documents/{id}/table-draft", post(drafts::table))
        .route("/documents/{id}/quarantine", get(documents::quarantine))
        .route("/documents/{id}/events", get(events::stream))
        .route("/documents/{id}/screen", get(screen::shown).put(screen::show))
        .route("/documents/{id}/screen/events", get(screen::events))
        .route("/delegations", get(delegations::list).post(delegations::add))
        .route("/invitations", post(delegations::invite))
        .route("/accounts/{id}", delete(delegations::revoke))
        .route("/accounts/{id}/expiry", put(delegations::expire))
        .route("/tickets", post(tickets::create))
        .route("/tickets/{id}", delete(tickets::revoke))
        .route("/access-log", get(access_log::read))
        .route("/backup", get(backup::download))
        .route("/me", get(delegations::me))
        .route("/login", post(login::login))
        .route("/logout", post(login::logout))
        .route("/openapi.json", get(openapi::document))
        .layer(compression::layer())
        .layer(from_fn(compression::reading_only));
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
        .route("/licences", get(page::licences))
        .fallback(problem::no_such_page)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(DefaultBodyLimit::max(house.body.bytes))
        .layer(from_fn_with_state(house.clone(), routes::watch))
        .with_state(house)
}
