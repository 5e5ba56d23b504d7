//! Tickets, for clients that can only be given a URL.

use super::House;
use super::problem::Problem;
use super::request::{Body, Known};
use crate::access_log::{Kind, Note};
use crate::address::Source;
use crate::directory::permission::Action;
use axum::Extension;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use codraft_protocol::api;
use codraft_protocol::id::DocumentId;

/// A ticket in the caller's name: `/sync?ticket=…`. It can be used again until it expires or is revoked.
#[utoipa::path(post, path = "/api/v1/tickets", tag = "tickets", request_body = api::NewTicket,
    responses((status = 201, body = api::Ticket), (status = "4XX", body = api::Problem)))]
pub(super) async fn create(
    State(house): State<House>,
    Extension(from): Extension<Source>,
    known: Known,
    Body(new): Body<api::NewTicket>,
) -> Result<impl IntoResponse, Problem> {
    let caller = known.allowed(Action::CreateTicket)?;
    let document = match &new.document {
        None => None,
        Some(written) => {
            let id: DocumentId = written.parse().map_err(|error| {
                Problem::bad_request("bad-document", "This is no document id", format!("{error}"))
            })?;
            // A ticket for a document that is not there would fail later, in words about something else.
            house.registry.known(id)?;
            Some(id)
        }
    };
    let decided = house
        .access
        .decide(|directory, now, seed| directory.create_ticket(&caller, document, &new, now, seed))
        .await;
    let ticket = decided?;
    let note = Note::new(Kind::Ticket, from, format!("made {}, until {}", ticket.id, ticket.expires));
    house.door.log().write(note.by(&caller));
    Ok((StatusCode::CREATED, Json(ticket)))
}

/// Takes a ticket back and closes its connections: one's own, or, for the secretariat, anybody's.
#[utoipa::path(delete, path = "/api/v1/tickets/{id}", tag = "tickets",
    params(("id" = String, Path, description = "The ticket's id")),
    responses((status = 204), (status = "4XX", body = api::Problem)))]
pub(super) async fn revoke(
    State(house): State<House>,
    Extension(from): Extension<Source>,
    known: Known,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let caller = known.allowed(Action::CreateTicket)?;
    house.access.decide(|directory, now, _| directory.revoke_ticket(&caller, &id, now)).await?;
    house.door.log().write(Note::new(Kind::Revoked, from, format!("revoked {id}")).by(&caller));
    Ok(StatusCode::NO_CONTENT)
}
