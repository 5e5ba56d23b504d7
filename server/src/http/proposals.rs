//! Proposals on record: their listing, sponsors and reasons, their collisions, their table.

use super::House;
use super::problem::Problem;
use super::request::{Body, Of, query};
use crate::directory::permission::Action;
use axum::Json;
use axum::extract::State;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use codraft_protocol::api;
use codraft_protocol::round::{self, Command, Names};

/// Who proposes what, open and settled, in document order.
#[utoipa::path(get, path = "/api/v1/documents/{id}/proposals", tag = "proposals",
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, body = api::Proposals), (status = "4XX", body = api::Problem)))]
pub(super) async fn list(State(house): State<House>, of: Of) -> Result<Json<api::Proposals>, Problem> {
    Ok(Json(house.registry.proposals(of.document).await?))
}

/// One of them.
#[utoipa::path(get, path = "/api/v1/documents/{id}/proposals/{number}", tag = "proposals",
    params(("id" = String, Path, description = "The document's id"),
        ("number" = String, Path, description = "Its number, written `CAN-3`, or its id")),
    responses((status = 200, body = api::Proposal), (status = "4XX", body = api::Problem)))]
pub(super) async fn one(State(house): State<House>, of: Of) -> Result<Json<api::Proposal>, Problem> {
    Ok(Json(house.registry.proposal(of.document, &of.part()).await?))
}

async fn act(house: &House, of: &Of, command: Command) -> Result<Json<api::Proposal>, Problem> {
    of.may(Action::Sponsor)?;
    // The number survives what is done, where the id may not.
    let before = house.registry.proposal(of.document, &of.part()).await?;
    house.registry.act(of.document, command, of.by()).await?;
    let name = before.number.unwrap_or_else(|| before.id.to_string());
    Ok(Json(house.registry.proposal(of.document, &name).await?))
}

/// Joins the sponsors of a proposal. For delegates.
#[utoipa::path(post, path = "/api/v1/documents/{id}/proposals/{number}/sponsors", tag = "proposals",
    params(("id" = String, Path, description = "The document's id"),
        ("number" = String, Path, description = "Its number, written `CAN-3`, or its id")),
    responses((status = 200, body = api::Proposal), (status = "4XX", body = api::Problem)))]
pub(super) async fn join(State(house): State<House>, of: Of) -> Result<Json<api::Proposal>, Problem> {
    act(&house, &of, Command::Join { proposal: of.part() }).await
}

/// Withdraws from a proposal; when the last sponsor does, it falls. For delegates.
#[utoipa::path(delete, path = "/api/v1/documents/{id}/proposals/{number}/sponsors", tag = "proposals",
    params(("id" = String, Path, description = "The document's id"),
        ("number" = String, Path, description = "Its number, written `CAN-3`, or its id")),
    responses((status = 200, body = api::Proposal), (status = "4XX", body = api::Problem)))]
pub(super) async fn withdraw(State(house): State<House>, of: Of) -> Result<Json<api::Proposal>, Problem> {
    act(&house, &of, Command::Withdraw { proposal: of.part() }).await
}

/// Says why a delegation proposes this. For its sponsors.
#[utoipa::path(post, path = "/api/v1/documents/{id}/proposals/{number}/reasons", tag = "proposals",
    request_body = api::NewReason,
    params(("id" = String, Path, description = "The document's id"),
        ("number" = String, Path, description = "Its number, written `CAN-3`, or its id")),
    responses((status = 200, body = api::Proposal), (status = "4XX", body = api::Problem)))]
pub(super) async fn reason(
    State(house): State<House>,
    of: Of,
    Body(new): Body<api::NewReason>,
) -> Result<Json<api::Proposal>, Problem> {
    act(&house, &of, Command::Reason { proposal: of.part(), text: new.text }).await
}

/// What collides, as bracketed alternatives; and sentences that nobody wrote.
#[utoipa::path(get, path = "/api/v1/documents/{id}/collisions", tag = "proposals",
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, body = api::Collisions), (status = "4XX", body = api::Problem)))]
pub(super) async fn collisions(State(house): State<House>, of: Of) -> Result<Json<api::Collisions>, Problem> {
    Ok(Json(house.registry.collisions(of.document).await?))
}

/// The table of proposals.
#[utoipa::path(get, path = "/api/v1/documents/{id}/table", tag = "proposals",
    params(("id" = String, Path, description = "The document's id"),
        ("format" = Option<String>, Query, description = "`json` (default), `text`, `html` or `csv`"),
        ("names" = Option<String>, Query, description = "`shown` (default) or `hidden`")),
    responses((status = 200, body = api::Table), (status = "4XX", body = api::Problem)))]
pub(super) async fn table(State(house): State<House>, of: Of, uri: Uri) -> Result<Response, Problem> {
    let mut query = query(&uri);
    let names = match query.remove("names").as_deref() {
        None | Some("shown") => Names::Shown,
        Some("hidden") => Names::Hidden,
        Some(_) => {
            let detail = "names are `shown` or `hidden`".to_owned();
            return Err(Problem::bad_request("bad-names", "This cannot be shown so", detail));
        }
    };
    let (table, title) = house.registry.table(of.document, names).await?;
    let typed = |kind: &'static str, text: String| ([(header::CONTENT_TYPE, kind)], text).into_response();
    Ok(match query.remove("format").as_deref() {
        None | Some("json") => Json(table).into_response(),
        Some("text") => typed("text/plain; charset=utf-8", round::text(&table)),
        Some("html") => typed("text/html; charset=utf-8", round::html(&table, &title)),
        Some("csv") => typed("text/csv; charset=utf-8", round::csv(&table)),
        Some(_) => {
            let detail = "a table is `json`, `text`, `html` or `csv`".to_owned();
            return Err(Problem::bad_request("bad-format", "There is no such format", detail));
        }
    })
}
