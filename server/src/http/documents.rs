//! Documents: their listing, text, attribution, proposals and quarantine.

use super::House;
use super::compression;
use super::problem::Problem;
use super::request::{Body, Known, Of, query};
use crate::directory::permission::{self, Action};
use crate::overview::Form;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use codraft_protocol::amendment::View;
use codraft_protocol::api;

/// Every document the caller may open, in order of creation.
#[utoipa::path(get, path = "/api/v1/documents", tag = "documents",
    responses((status = 200, body = api::Documents), (status = "4XX", body = api::Problem)))]
pub(super) async fn list(State(house): State<House>, known: Known) -> Result<Json<api::Documents>, Problem> {
    let caller = known.allowed(Action::Read)?;
    Ok(Json(api::Documents { documents: house.registry.documents(&caller).await? }))
}

/// Makes a document of a resolution's text. For the secretariat.
#[utoipa::path(post, path = "/api/v1/documents", tag = "documents", request_body = api::NewDocument,
    responses((status = 201, body = api::Imported), (status = "4XX", body = api::Problem)))]
pub(super) async fn create(
    State(house): State<House>,
    known: Known,
    Body(new): Body<api::NewDocument>,
) -> Result<impl IntoResponse, Problem> {
    let caller = known.allowed(Action::Import)?;
    let imported = house.registry.create(&caller, new).await?;
    let location = format!("/api/v1/documents/{}", imported.document.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(imported)))
}

/// One document.
#[utoipa::path(get, path = "/api/v1/documents/{id}", tag = "documents",
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, body = api::Document), (status = "4XX", body = api::Problem)))]
pub(super) async fn one(State(house): State<House>, of: Of) -> Result<Json<api::Document>, Problem> {
    Ok(Json(house.registry.document(of.document).await?))
}

/// Everything that is shown of it at one moment; with `since`, what of that has changed.
#[utoipa::path(get, path = "/api/v1/documents/{id}/overview", tag = "documents",
    params(("id" = String, Path, description = "The document's id"),
        ("since" = Option<String>, Query, description = "The `edition` of an earlier answer")),
    responses((status = 200, body = api::Overview), (status = "4XX", body = api::Problem)))]
pub(super) async fn overview(
    State(house): State<House>,
    of: Of,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let since = query(&uri).remove("since");
    let form = if compression::accepts(&headers, "gzip") { Form::Gzip } else { Form::Plain };
    // Compressed here, once for all who ask for the same.
    let overview = house.registry.overview(of.document, since.as_deref(), form).await?;
    let kind = (header::CONTENT_TYPE, "application/json");
    Ok(match form {
        Form::Plain => ([kind], overview).into_response(),
        Form::Gzip => {
            let encoding = [(header::CONTENT_ENCODING, "gzip"), (header::VARY, "accept-encoding")];
            ([kind], encoding, overview).into_response()
        }
    })
}

/// Its text, in one view.
#[utoipa::path(get, path = "/api/v1/documents/{id}/text", tag = "documents",
    params(("id" = String, Path, description = "The document's id"),
        ("view" = Option<String>, Query,
            description = "`current` (default), `baseline`, `delegation:CAN`, `marked` or `marked:anonymous`")),
    responses((status = 200, body = String, content_type = "text/plain; charset=utf-8"),
        (status = "4XX", body = api::Problem)))]
pub(super) async fn text(State(house): State<House>, of: Of, uri: Uri) -> Result<impl IntoResponse, Problem> {
    let view = match query(&uri).remove("view") {
        None => View::Current,
        Some(written) => written
            .parse()
            .map_err(|error| Problem::bad_request("bad-view", "There is no such view", format!("{error}")))?,
    };
    let text = house.registry.text(of.document, view).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text))
}

/// Who wrote, and who struck, every word.
#[utoipa::path(get, path = "/api/v1/documents/{id}/attribution", tag = "documents",
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, body = api::Attribution), (status = "4XX", body = api::Problem)))]
pub(super) async fn attribution(
    State(house): State<House>,
    of: Of,
) -> Result<Json<api::Attribution>, Problem> {
    Ok(Json(house.registry.attribution(of.document).await?))
}

/// What was refused. For the secretariat and the chair.
#[utoipa::path(get, path = "/api/v1/documents/{id}/quarantine", tag = "documents",
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, body = api::Quarantine), (status = "4XX", body = api::Problem)))]
pub(super) async fn quarantine(State(house): State<House>, of: Of) -> Result<Json<api::Quarantine>, Problem> {
    if !permission::allows(&of.caller, Action::ReadQuarantine) {
        let ticket = of.caller.ticket.is_some();
        return Err(Problem::forbidden(of.caller.role, ticket, Action::ReadQuarantine));
    }
    Ok(Json(house.registry.quarantine(of.document).await?))
}
