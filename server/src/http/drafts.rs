//! Private drafts of a delegation.

use super::House;
use super::problem::Problem;
use super::request::Of;
use crate::directory::permission::Action;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use codraft_protocol::api;

/// One's own delegation's drafts of a document. For delegates.
#[utoipa::path(get, path = "/api/v1/documents/{id}/drafts", tag = "drafts",
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, body = api::Drafts), (status = "4XX", body = api::Problem)))]
pub(super) async fn list(State(house): State<House>, of: Of) -> Result<Json<api::Drafts>, Problem> {
    of.may(Action::Draft)?;
    Ok(Json(house.registry.drafts(of.document, &of.caller)))
}

/// Begins a private draft of a document: a document of its own that only this delegation sees. For delegates.
#[utoipa::path(post, path = "/api/v1/documents/{id}/drafts", tag = "drafts",
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 201, body = api::Draft), (status = "4XX", body = api::Problem)))]
pub(super) async fn begin(State(house): State<House>, of: Of) -> Result<impl IntoResponse, Problem> {
    of.may(Action::Draft)?;
    Ok((StatusCode::CREATED, Json(house.registry.begin_draft(of.document, &of.caller).await?)))
}

/// Tables a draft: publishes its net change in the common document, and closes it. For its delegation.
#[utoipa::path(post, path = "/api/v1/documents/{id}/table-draft", tag = "drafts",
    params(("id" = String, Path, description = "The draft's own document id")),
    responses((status = 200, body = api::Tabled), (status = "4XX", body = api::Problem)))]
pub(super) async fn table(State(house): State<House>, of: Of) -> Result<Json<api::Tabled>, Problem> {
    of.may(Action::Draft)?;
    Ok(Json(house.registry.table_draft(of.document, &of.caller).await?))
}
