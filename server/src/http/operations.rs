//! What operations look at: alive, ready, figures; and a word for whoever opens the address in a browser.

use super::House;
use super::problem::Problem;
use crate::storage::committer::Health;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

/// Whether the process answers.
#[utoipa::path(get, path = "/healthz", tag = "operations", responses((status = 200, body = String)))]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether it takes changes.
#[utoipa::path(get, path = "/readyz", tag = "operations",
    responses((status = 200, body = String), (status = 503, body = codraft_protocol::api::Problem)))]
pub(super) async fn readyz(State(house): State<House>) -> Result<&'static str, Problem> {
    let Some(detail) = hindrance(&house) else { return Ok("ready\n") };
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", "The server takes no changes now", detail))
}

/// Why it takes no changes now; `None` where it does.
fn hindrance(house: &House) -> Option<String> {
    match &*house.health.borrow() {
        _ if *house.stopping.borrow() => Some("the server is shutting down".to_owned()),
        Health::Ok => None,
        Health::DiskFull(reason) | Health::Failed(reason) => Some(reason.clone()),
    }
}

/// Figures for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operations", responses((status = 200, body = String)))]
pub(super) async fn metrics(State(house): State<House>) -> impl IntoResponse {
    metrics::gauge!("codraft_ready").set(if hindrance(&house).is_none() { 1.0 } else { 0.0 });
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], house.metrics.render())
}

/// Where to go from here.
pub(super) fn welcome() -> &'static str {
    "This is a codraft server: delegations draft a resolution together here.\n\
     \n\
     In a browser:     this address, or the invitation's link\n\
     At a terminal:    codraft --server THIS-ADDRESS --token TOKEN clone DOCUMENT\n\
     Other clients:    automerge-repo's websocket protocol at /sync?ticket=TICKET\n\
     Programs:         /api/v1/openapi.json\n\
     Operations:       /healthz /readyz /metrics\n"
}
