//! The ledger, the audit trail, and the document as it was at any moment.

use super::House;
use super::problem::Problem;
use super::request::{Of, query};
use crate::directory::permission::Action;
use crate::registry::LedgerListing;
use automerge::ChangeHash;
use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use codraft_protocol::api;
use codraft_protocol::round::audit::{Audit, Moment};
use codraft_protocol::time::Timestamp;

/// Every entry of the ledger, in order: with it a replica derives what the server derives.
#[utoipa::path(get, path = "/api/v1/documents/{id}/ledger", tag = "ledger",
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, description = "`{\"entries\": […], \"late\": […]}`: see docs/rounds.md",
        content_type = "application/json"), (status = "4XX", body = api::Problem)))]
pub(super) async fn entries(State(house): State<House>, of: Of) -> Result<Json<LedgerListing>, Problem> {
    let mut listing = house.registry.ledger(of.document).await?;
    if !of.sees_accounts() {
        listing.entries.iter_mut().for_each(|entry| entry.by.account.clear());
    }
    Ok(Json(listing))
}

/// The whole trail: every change and every entry, chained by hashes. For the secretariat and the chair.
#[utoipa::path(get, path = "/api/v1/documents/{id}/audit", tag = "ledger",
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, description = "The trail: see docs/rounds.md", content_type = "application/json"),
        (status = "4XX", body = api::Problem)))]
pub(super) async fn audit(State(house): State<House>, of: Of) -> Result<Json<Audit>, Problem> {
    of.may(Action::ReadAudit)?;
    let trail = house.registry.audit(of.document).await?;
    tracing::info!(document = of.written, account = of.caller.account, "exported an audit trail");
    Ok(Json(trail))
}

/// The text and the proposals as they stood at a moment, or at heads.
#[utoipa::path(get, path = "/api/v1/documents/{id}/replay", tag = "ledger",
    params(("id" = String, Path, description = "The document's id"),
        ("at" = Option<String>, Query, description = "A moment, such as `2026-11-25T15:00:00Z`"),
        ("heads" = Option<String>, Query, description = "Change hashes, separated by commas")),
    responses((status = 200, body = api::Replay), (status = "4XX", body = api::Problem)))]
pub(super) async fn replay(
    State(house): State<House>,
    of: Of,
    uri: Uri,
) -> Result<Json<api::Replay>, Problem> {
    let mut query = query(&uri);
    let bad = |detail: &str| Problem::bad_request("bad-moment", "This is no moment", detail.to_owned());
    let moment = match (query.remove("at"), query.remove("heads")) {
        (None, None) => Moment::Now,
        (Some(at), None) => {
            let at = serde_json::from_value::<Timestamp>(serde_json::Value::String(at));
            Moment::At(at.map_err(|_| bad("write a moment as 2026-11-25T15:00:00Z"))?)
        }
        (None, Some(heads)) => {
            let heads: Result<Vec<ChangeHash>, _> =
                heads.split(',').map(|head| head.trim().parse()).collect();
            Moment::Heads(heads.map_err(|_| bad("heads are change hashes in hex, separated by commas"))?)
        }
        (Some(_), Some(_)) => return Err(bad("give a moment or heads, not both")),
    };
    Ok(Json(house.registry.replay(of.document, moment).await?))
}
