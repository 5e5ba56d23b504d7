//! A document's events as they happen, as a server-sent event stream.

use super::House;
use super::problem::Problem;
use super::request::Of;
use crate::address::Source;
use axum::Extension;
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use codraft_protocol::api::DocumentEvent;
use futures_util::{Stream, stream};
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;

/// What happens on a document from now on. The SSE event name is the `event` tag of the data.
#[utoipa::path(get, path = "/api/v1/documents/{id}/events", tag = "documents",
    params(("id" = String, Path, description = "The document's id"),
        ("ticket" = Option<String>, Query, description = "For pages, which cannot send a header")),
    responses((status = 200, body = DocumentEvent, content_type = "text/event-stream"),
        (status = "4XX", body = codraft_protocol::api::Problem)))]
pub(super) async fn stream(
    State(house): State<House>,
    Extension(from): Extension<Source>,
    of: Of,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let seat = house.door.stay(from, &of.caller)?;
    let events = house.registry.subscribe(of.document).await?;
    let ended = Box::pin(async move {
        let mut stopping = house.stopping.clone();
        tokio::select! {
            // The sender lives as long as the server.
            _ = stopping.wait_for(|stopping| *stopping) => {}
            _ = house.access.unwelcome(&of.caller) => {}
        }
    });
    let stream = stream::unfold((events, ended, seat), |(mut events, mut ended, seat)| async move {
        let event = tokio::select! {
            event = events.recv() => event,
            () = &mut ended => return None,
        };
        let event = match event {
            Ok(event) => event,
            Err(RecvError::Lagged(count)) => DocumentEvent::Missed { count },
            Err(RecvError::Closed) => return None,
        };
        let named = Event::default().event(name(&event));
        let data = named.json_data(&event).unwrap_or_default();
        Some((Ok(data), (events, ended, seat)))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

fn name(event: &DocumentEvent) -> &'static str {
    match event {
        DocumentEvent::Changes { .. } => "changes",
        DocumentEvent::Refused { .. } => "refused",
        DocumentEvent::Presence { .. } => "presence",
        DocumentEvent::Round { .. } => "round",
        DocumentEvent::Proposals { .. } => "proposals",
        DocumentEvent::Comments { .. } => "comments",
        DocumentEvent::Missed { .. } => "missed",
    }
}
