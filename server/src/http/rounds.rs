//! Rounds, their agreed texts, and the chair's rulings.

use super::House;
use super::problem::Problem;
use super::request::{Body, Of};
use crate::directory::permission::Action;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use codraft_protocol::api;
use codraft_protocol::id::ProvisionId;
use codraft_protocol::round::Command;

/// The rounds so far; the last one is the current one.
#[utoipa::path(get, path = "/api/v1/documents/{id}/rounds", tag = "rounds",
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, body = api::Rounds), (status = "4XX", body = api::Problem)))]
pub(super) async fn list(State(house): State<House>, of: Of) -> Result<Json<api::Rounds>, Problem> {
    Ok(Json(house.registry.rounds(of.document).await?))
}

async fn act(house: &House, of: &Of, command: Command) -> Result<Json<api::Rounds>, Problem> {
    house.registry.act(of.document, command, of.by()).await?;
    Ok(Json(house.registry.rounds(of.document).await?))
}

/// Opens the next round; of an open one, sets its deadline. For the secretariat.
#[utoipa::path(post, path = "/api/v1/documents/{id}/rounds", tag = "rounds", request_body = api::NewRound,
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, body = api::Rounds), (status = "4XX", body = api::Problem)))]
pub(super) async fn open(
    State(house): State<House>,
    of: Of,
    Body(new): Body<api::NewRound>,
) -> Result<Json<api::Rounds>, Problem> {
    of.may(Action::Round)?;
    act(&house, &of, Command::Open { deadline: new.deadline }).await
}

/// Sets or lifts the open round's deadline. For the chair and the secretariat.
#[utoipa::path(put, path = "/api/v1/documents/{id}/rounds/deadline", tag = "rounds",
    request_body = api::NewRound,
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, body = api::Rounds), (status = "4XX", body = api::Problem)))]
pub(super) async fn deadline(
    State(house): State<House>,
    of: Of,
    Body(new): Body<api::NewRound>,
) -> Result<Json<api::Rounds>, Problem> {
    of.may(Action::CloseRound)?;
    act(&house, &of, Command::Deadline { deadline: new.deadline }).await
}

/// Closes the round for edits: what comes now is late. For the secretariat and the chair.
#[utoipa::path(post, path = "/api/v1/documents/{id}/rounds/close", tag = "rounds",
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, body = api::Rounds), (status = "4XX", body = api::Problem)))]
pub(super) async fn close(State(house): State<House>, of: Of) -> Result<Json<api::Rounds>, Problem> {
    of.may(Action::CloseRound)?;
    house.registry.act(of.document, Command::Collapse, of.by()).await?;
    act(&house, &of, Command::Close).await
}

/// Concludes the round: what was adopted is the next baseline. For the secretariat.
#[utoipa::path(post, path = "/api/v1/documents/{id}/rounds/conclude", tag = "rounds",
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, body = api::Rounds), (status = "4XX", body = api::Problem)))]
pub(super) async fn conclude(State(house): State<House>, of: Of) -> Result<Json<api::Rounds>, Problem> {
    of.may(Action::Round)?;
    act(&house, &of, Command::Conclude).await
}

/// The agreed texts: Rev.0 is the import.
#[utoipa::path(get, path = "/api/v1/documents/{id}/revisions", tag = "rounds",
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, body = api::Revisions), (status = "4XX", body = api::Problem)))]
pub(super) async fn revisions(State(house): State<House>, of: Of) -> Result<Json<api::Revisions>, Problem> {
    Ok(Json(house.registry.revisions(of.document).await?))
}

/// One of them, byte for byte.
#[utoipa::path(get, path = "/api/v1/documents/{id}/revisions/{number}/text", tag = "rounds",
    params(("id" = String, Path, description = "The document's id"),
        ("number" = u32, Path, description = "0 for the import")),
    responses((status = 200, body = String, content_type = "text/plain; charset=utf-8"),
        (status = "4XX", body = api::Problem)))]
pub(super) async fn revision(State(house): State<House>, of: Of) -> Result<impl IntoResponse, Problem> {
    let number = of.part().parse().map_err(|_| {
        let detail = "a revision is a number: 0 for the import".to_owned();
        Problem::bad_request("bad-revision", "This is no revision", detail)
    })?;
    let text = house.registry.revision(of.document, number).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text))
}

/// Every ruling, in order.
#[utoipa::path(get, path = "/api/v1/documents/{id}/rulings", tag = "rounds",
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, body = api::Rulings), (status = "4XX", body = api::Problem)))]
pub(super) async fn rulings(State(house): State<House>, of: Of) -> Result<Json<api::Rulings>, Problem> {
    let mut all = house.registry.rulings(of.document).await?;
    if !of.sees_accounts() {
        all.rulings.iter_mut().for_each(|ruling| ruling.by.clear());
    }
    Ok(Json(all))
}

/// Rules on proposals, all of them or none. For the chair.
#[utoipa::path(post, path = "/api/v1/documents/{id}/rulings", tag = "rounds", request_body = api::NewRulings,
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 201, body = api::Rulings), (status = "4XX", body = api::Problem)))]
pub(super) async fn rule(
    State(house): State<House>,
    of: Of,
    Body(new): Body<api::NewRulings>,
) -> Result<impl IntoResponse, Problem> {
    of.may(Action::Rule)?;
    let entry = house.registry.act(of.document, Command::Rule(new), of.by()).await?;
    let mut made = house.registry.rulings(of.document).await?;
    made.rulings.retain(|ruling| Some(ruling.entry) == entry);
    Ok((StatusCode::CREATED, Json(made)))
}

/// The text with some more proposals adopted, and what would still collide.
#[utoipa::path(post, path = "/api/v1/documents/{id}/preview", tag = "rounds", request_body = api::NewPreview,
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, body = api::Preview), (status = "4XX", body = api::Problem)))]
pub(super) async fn preview(
    State(house): State<House>,
    of: Of,
    Body(new): Body<api::NewPreview>,
) -> Result<Json<api::Preview>, Problem> {
    Ok(Json(house.registry.preview(of.document, new).await?))
}

async fn correct(house: &House, of: &Of, command: Command) -> Result<Json<api::Editorial>, Problem> {
    of.may(Action::Correct)?;
    let entry = house.registry.act(of.document, command, of.by()).await?;
    Ok(Json(api::Editorial { entry }))
}

/// Numbers all provisions that stand in their order. For the secretariat.
#[utoipa::path(post, path = "/api/v1/documents/{id}/renumber", tag = "rounds",
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, body = api::Editorial), (status = "4XX", body = api::Problem)))]
pub(super) async fn renumber(State(house): State<House>, of: Of) -> Result<Json<api::Editorial>, Problem> {
    correct(&house, &of, Command::Renumber).await
}

/// Moves a provision behind another one; what was proposed about it goes with it. For the secretariat.
#[utoipa::path(post, path = "/api/v1/documents/{id}/move", tag = "rounds", request_body = api::NewMove,
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, body = api::Editorial), (status = "4XX", body = api::Problem)))]
pub(super) async fn move_provision(
    State(house): State<House>,
    of: Of,
    Body(new): Body<api::NewMove>,
) -> Result<Json<api::Editorial>, Problem> {
    let behind = new.behind.map(ProvisionId);
    correct(&house, &of, Command::Move { provision: ProvisionId(new.provision), behind }).await
}
