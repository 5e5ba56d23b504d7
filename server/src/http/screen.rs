//! What the projector shows: the chair says it, and every projector follows. Nothing of it is stored; after a
//! restart projectors show what they showed until the chair says something else.

use super::House;
use super::problem::Problem;
use super::request::{Body, Of};
use crate::address::Source;
use crate::directory::permission::{self, Action};
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use axum::{Extension, Json};
use codraft_protocol::api;
use codraft_protocol::id::DocumentId;
use futures_util::{Stream, stream};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// What each document's projectors show; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Screens {
    shown: Arc<Mutex<HashMap<DocumentId, watch::Sender<api::Screen>>>>,
}

impl Screens {
    /// What is shown of a document, now and from now on.
    fn watch(&self, document: DocumentId) -> watch::Receiver<api::Screen> {
        self.with(document, watch::Sender::subscribe)
    }

    fn show(&self, document: DocumentId, screen: api::Screen) {
        self.with(document, |sender| sender.send_replace(screen));
    }

    fn with<T>(&self, document: DocumentId, does: impl FnOnce(&watch::Sender<api::Screen>) -> T) -> T {
        // Sound after a panic elsewhere: each critical section is one insertion.
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let nothing = || watch::Sender::new(api::Screen { provision: None, names: true });
        does(shown.entry(document).or_insert_with(nothing))
    }
}

/// What the projector shows now.
#[utoipa::path(get, path = "/api/v1/documents/{id}/screen", tag = "page",
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, body = api::Screen), (status = "4XX", body = api::Problem)))]
pub(super) async fn shown(State(house): State<House>, of: Of) -> Result<Json<api::Screen>, Problem> {
    house.registry.known(of.document)?;
    Ok(Json(house.screens.watch(of.document).borrow().clone()))
}

/// Has the projector show something. For the chair and the secretariat.
#[utoipa::path(put, path = "/api/v1/documents/{id}/screen", tag = "page", request_body = api::Screen,
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, body = api::Screen), (status = "4XX", body = api::Problem)))]
pub(super) async fn show(
    State(house): State<House>,
    of: Of,
    Body(screen): Body<api::Screen>,
) -> Result<Json<api::Screen>, Problem> {
    if !permission::allows(&of.caller, Action::Project) {
        return Err(Problem::forbidden(of.caller.role, of.caller.ticket.is_some(), Action::Project));
    }
    house.registry.known(of.document)?;
    house.screens.show(of.document, screen.clone());
    Ok(Json(screen))
}

/// What the projector shows, now and from now on, as server-sent `screen` events.
#[utoipa::path(get, path = "/api/v1/documents/{id}/screen/events", tag = "page",
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, body = api::Screen, content_type = "text/event-stream"),
        (status = "4XX", body = api::Problem)))]
pub(super) async fn events(
    State(house): State<House>,
    Extension(from): Extension<Source>,
    of: Of,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    house.registry.known(of.document)?;
    let seat = house.door.stay(from, &of.caller)?;
    let mut watched = house.screens.watch(of.document);
    watched.mark_changed();
    let ended = Box::pin(async move {
        let mut stopping = house.stopping.clone();
        tokio::select! {
            // The sender lives as long as the server.
            _ = stopping.wait_for(|stopping| *stopping) => {}
            _ = house.access.unwelcome(&of.caller) => {}
        }
    });
    let stream = stream::unfold((watched, ended, seat), |(mut watched, mut ended, seat)| async move {
        tokio::select! {
            changed = watched.changed() => changed.ok()?,
            () = &mut ended => return None,
        }
        let event = Event::default().event("screen").json_data(&*watched.borrow_and_update());
        Some((Ok(event.unwrap_or_default()), (watched, ended, seat)))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}
