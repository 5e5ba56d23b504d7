//! The access log, to be read.

use super::House;
use super::problem::Problem;
use super::request::{Known, query};
use crate::directory::permission::Action;
use crate::registry::RegistryError;
use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use codraft_protocol::api;
use std::sync::Arc;

/// Most entries of one answer.
const MOST: u64 = 10_000;

/// Who came in, who was refused, what was taken out: the newest entries, oldest first. For the secretariat.
#[utoipa::path(get, path = "/api/v1/access-log", tag = "operations",
    params(("limit" = Option<u64>, Query, description = "How many, at most 10000 (default 100)"),
        ("before" = Option<u64>, Query, description = "Only entries before this number")),
    responses((status = 200, body = api::AccessEntries), (status = "4XX", body = api::Problem)))]
pub(super) async fn read(
    State(house): State<House>,
    known: Known,
    uri: Uri,
) -> Result<Json<api::AccessEntries>, Problem> {
    known.allowed(Action::ReadAccessLog)?;
    let mut asked = query(&uri);
    let mut number = |name: &'static str, default: u64| match asked.remove(name) {
        None => Ok(default),
        Some(written) => written.parse().map_err(|_| {
            let detail = format!("{name} is a number");
            Problem::bad_request("bad-number", "This is no number", detail)
        }),
    };
    let (before, limit) = (number("before", u64::MAX)?, number("limit", 100)?.min(MOST));
    let log = house.door.log().clone();
    // What was noted before this question is in the answer.
    house.committer.look(|_, _| ()).await.map_err(|_| RegistryError::Closing)?;
    let reading = tokio::task::spawn_blocking(move || log.read(before, limit)).await;
    let entries = reading.map_err(|_| RegistryError::Closing)?;
    let entries = entries.map_err(|error| RegistryError::Storage(Arc::new(error)))?;
    Ok(Json(api::AccessEntries { entries }))
}
