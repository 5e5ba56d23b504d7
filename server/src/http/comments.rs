//! Comments on provisions and on words of them.

use super::House;
use super::problem::Problem;
use super::request::{Body, Of};
use crate::directory::permission::Action;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use codraft_protocol::api;
use codraft_protocol::round::Command;

/// Who said what about which words.
#[utoipa::path(get, path = "/api/v1/documents/{id}/comments", tag = "comments",
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, body = api::Comments), (status = "4XX", body = api::Problem)))]
pub(super) async fn list(State(house): State<House>, of: Of) -> Result<Json<api::Comments>, Problem> {
    Ok(Json(house.registry.comments(of.document).await?))
}

/// Comments on a provision, or on words of it. Not for observers. What was said with this key already is not said
/// again: it is the answer, with 200.
#[utoipa::path(post, path = "/api/v1/documents/{id}/comments", tag = "comments", request_body = api::NewComment,
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 201, body = api::Comment), (status = 200, body = api::Comment),
        (status = "4XX", body = api::Problem)))]
pub(super) async fn comment(
    State(house): State<House>,
    of: Of,
    Body(new): Body<api::NewComment>,
) -> Result<impl IntoResponse, Problem> {
    of.may(Action::Comment)?;
    let (key, by) = (new.key.clone(), of.by());
    let who = by.name();
    match house.registry.act(of.document, Command::Comment(new), by).await? {
        Some(entry) => {
            let made = house.registry.comment(of.document, |one| one.entry == entry).await?;
            Ok((StatusCode::CREATED, Json(made)))
        }
        None => {
            let said = house.registry.comment(of.document, |one| one.key == key && one.by == who).await?;
            Ok((StatusCode::OK, Json(said)))
        }
    }
}

/// The number of the comment that the path names.
fn number(of: &Of) -> Result<u32, Problem> {
    of.part().parse().map_err(|_| {
        let detail = "a comment is a number: GET …/comments lists them".to_owned();
        Problem::bad_request("bad-comment-number", "This is no comment", detail)
    })
}

async fn act(house: &House, of: &Of, comment: u32, command: Command) -> Result<Json<api::Comment>, Problem> {
    house.registry.act(of.document, command, of.by()).await?;
    Ok(Json(house.registry.comment(of.document, |one| one.number == comment).await?))
}

/// Replies to a comment. Not for observers.
#[utoipa::path(post, path = "/api/v1/documents/{id}/comments/{number}/replies", tag = "comments",
    request_body = api::NewReply,
    params(("id" = String, Path, description = "The document's id"),
        ("number" = u32, Path, description = "The comment's number")),
    responses((status = 200, body = api::Comment), (status = "4XX", body = api::Problem)))]
pub(super) async fn reply(
    State(house): State<House>,
    of: Of,
    Body(reply): Body<api::NewReply>,
) -> Result<Json<api::Comment>, Problem> {
    of.may(Action::Comment)?;
    let comment = number(&of)?;
    act(&house, &of, comment, Command::Reply { comment, reply }).await
}

/// Resolves a comment, or opens it again. For whoever made it, the chair and the secretariat.
#[utoipa::path(put, path = "/api/v1/documents/{id}/comments/{number}/resolved", tag = "comments",
    request_body = api::NewResolved,
    params(("id" = String, Path, description = "The document's id"),
        ("number" = u32, Path, description = "The comment's number")),
    responses((status = 200, body = api::Comment), (status = "4XX", body = api::Problem)))]
pub(super) async fn resolve(
    State(house): State<House>,
    of: Of,
    Body(new): Body<api::NewResolved>,
) -> Result<Json<api::Comment>, Problem> {
    of.may(Action::Comment)?;
    let comment = number(&of)?;
    act(&house, &of, comment, Command::Resolve { comment, resolved: new.resolved }).await
}
