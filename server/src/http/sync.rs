//! The websocket's door: checks who comes, and hands the stream to a connection.

use super::House;
use super::login;
use super::problem::Problem;
use super::request::{cookie, credentials, query};
use crate::access_log::{Kind, Note};
use crate::address::Source;
use crate::connection;
use crate::door::Turned;
use crate::hub::Closing;
use crate::server::Place;
use crate::stream::Stream;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use codraft_protocol::id::DocumentId;
use hyper::upgrade::Parts;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// Turns the request into a websocket that speaks automerge-repo's protocol.
pub(super) async fn upgrade(
    State(house): State<House>,
    Extension(place): Extension<Place>,
    Extension(from): Extension<Source>,
    mut request: Request,
) -> Result<Response<Body>, Problem> {
    let key = websocket_key(request.headers())?;
    let headers = request.headers();
    if let Some(origin) = headers.get(header::ORIGIN)
        && let Err(foreign) = check_origin(&house, origin, headers.get(header::HOST))
    {
        let detail = format!("a page of {} tried to connect", origin.to_str().unwrap_or("?"));
        house.door.log().write(Note::new(Kind::Refused, from, detail));
        return Err(foreign);
    }
    // A page shows no token: its cookie counts, if it says that it is this server's own.
    let shown = credentials(headers, request.uri())
        .or_else(|| cookie(headers, login::COOKIE).filter(|_| login::own_origin(headers).is_ok()));
    let caller = house.door.come_in(from, shown.as_deref());
    let seated = caller.and_then(|caller| Ok((house.door.stay(from, &caller)?, caller)));
    // `?document=…` narrows a connection, like a ticket's own document does.
    let only = query(request.uri()).remove("document").and_then(|id| id.parse::<DocumentId>().ok());
    let upgrading = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let House { registry, access, mut stopping, .. } = house;
        let parts = match upgrading.await.map(|upgraded| upgraded.downcast::<TokioIo<Stream>>()) {
            Ok(Ok(parts)) => parts,
            // The client was gone before the upgrade.
            Ok(Err(_)) | Err(_) => return,
        };
        let config = Some(registry.settings().connection.websocket());
        // Taken apart: the HTTP connection's buffer of 8 KB would otherwise live as long as the websocket.
        let Parts { io, read_buf, .. } = parts;
        let (io, read) = (io.into_inner(), read_buf.to_vec());
        drop(read_buf);
        let direct = io.direct();
        let ws = WebSocketStream::from_partially_read(io, read, Role::Server, config).await;
        match seated {
            Err(turned) => {
                metrics::counter!("codraft_refused_connections_total").increment(1);
                let code = if matches!(turned, Turned::Stranger(_)) { 4401 } else { 4429 };
                let closing = Closing { code, reason: turned.to_string() };
                connection::refuse(ws, registry.peer_id(), &closing).await;
            }
            Ok((seat, mut caller)) => {
                caller.document = caller.document.or(only);
                let leaving = caller.clone();
                let ended = async move {
                    tokio::select! {
                        _ = stopping.wait_for(|stopping| *stopping) => {
                            let reason = "the server is shutting down; your copy reconnects by itself";
                            Closing { code: 1001, reason: reason.to_owned() }
                        }
                        closing = access.unwelcome(&leaving) => closing,
                    }
                };
                connection::serve(ws, direct, caller, registry, ended).await;
                drop(seat);
            }
        }
        drop(place);
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, key);
    Ok(response)
}

/// The answer to the client's key.
fn websocket_key(headers: &HeaderMap) -> Result<HeaderValue, Problem> {
    let has = |name, word: &str| {
        let value = headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        value.is_some_and(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word)))
    };
    let key = headers.get(header::SEC_WEBSOCKET_KEY);
    match key {
        Some(key)
            if has(header::UPGRADE, "websocket")
                && has(header::CONNECTION, "upgrade")
                && has(header::SEC_WEBSOCKET_VERSION, "13") =>
        {
            let accept = derive_accept_key(key.as_bytes());
            HeaderValue::from_str(&accept).map_err(|error| {
                Problem::bad_request("bad-upgrade", "This is no websocket", error.to_string())
            })
        }
        _ => {
            let detail =
                "this address speaks websocket (RFC 6455, version 13); connect with ws://…/sync".to_owned();
            Err(Problem::new(StatusCode::UPGRADE_REQUIRED, "websocket-only", "This is a websocket", detail))
        }
    }
}

/// A page of another site must not connect in its visitor's name.
fn check_origin(house: &House, origin: &HeaderValue, host: Option<&HeaderValue>) -> Result<(), Problem> {
    let origin = origin.to_str().unwrap_or("?");
    let authority = origin.split_once("://").map(|(_, authority)| authority.as_bytes());
    // `null` has no authority, and a request may lack its Host: that is not the same.
    let same = authority.is_some() && authority == host.map(HeaderValue::as_bytes);
    if same || house.origins.iter().any(|allowed| allowed == origin) {
        return Ok(());
    }
    let detail =
        format!("pages of {origin} may not connect here; the operator can allow them with --origin {origin}");
    Err(Problem::new(StatusCode::FORBIDDEN, "foreign-origin", "This page may not connect", detail))
}
