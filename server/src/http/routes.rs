//! Every route and every message of the wire, with what it needs: the table that docs/roles.md is made of and
//! that tests hold the server to; and the watch that notes refusals and exports in the access log.

use super::House;
use super::problem::Problem;
use super::request::shown;
use crate::access_log::{Kind, Note};
use crate::address::Source;
use crate::directory::Caller;
use crate::directory::permission::{Action, allows, role_allows};
use crate::door::Turned;
use axum::body::HttpBody as _;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use codraft_protocol::id::Role;
use std::fmt::Write as _;

/// What whoever asks must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Anybody at all.
    Nothing,
    /// Anybody with a token or ticket.
    Known,
    /// Who may do this.
    To(Action),
}

/// A route of the server.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path, as in `/api/v1/documents/{id}`.
    pub path: &'static str,
    /// What it needs.
    pub need: Need,
    /// Whether it takes data out of the server, and is on record before its first byte leaves.
    pub export: bool,
}

const fn route(method: &'static str, path: &'static str, need: Need) -> Route {
    Route { method, path, need, export: false }
}

/// Every route. A route that is not here fails the tests.
pub const ROUTES: &[Route] = &[
    route("GET", "/", Need::Nothing),
    route("GET", "/join", Need::Nothing),
    route("GET", "/documents/{*view}", Need::Nothing),
    route("GET", "/secretariat", Need::Nothing),
    route("GET", "/page/{*path}", Need::Nothing),
    route("GET", "/service-worker.js", Need::Nothing),
    route("GET", "/licences", Need::Nothing),
    route("GET", "/healthz", Need::Nothing),
    route("GET", "/readyz", Need::Nothing),
    route("GET", "/metrics", Need::Nothing),
    // Who may not come in is told on the open websocket.
    route("GET", "/sync", Need::Nothing),
    route("GET", "/api/v1/openapi.json", Need::Nothing),
    // The token is in the body; the cookie is only ever taken back.
    route("POST", "/api/v1/login", Need::Nothing),
    route("POST", "/api/v1/logout", Need::Nothing),
    route("GET", "/api/v1/me", Need::Known),
    route("GET", "/api/v1/documents", Need::To(Action::Read)),
    route("POST", "/api/v1/documents", Need::To(Action::Import)),
    route("GET", "/api/v1/documents/{id}", Need::To(Action::Read)),
    route("GET", "/api/v1/documents/{id}/overview", Need::To(Action::Read)),
    route("GET", "/api/v1/documents/{id}/text", Need::To(Action::Read)),
    route("GET", "/api/v1/documents/{id}/attribution", Need::To(Action::Read)),
    route("GET", "/api/v1/documents/{id}/proposals", Need::To(Action::Read)),
    route("GET", "/api/v1/documents/{id}/proposals/{number}", Need::To(Action::Read)),
    route("POST", "/api/v1/documents/{id}/proposals/{number}/sponsors", Need::To(Action::Sponsor)),
    route("DELETE", "/api/v1/documents/{id}/proposals/{number}/sponsors", Need::To(Action::Sponsor)),
    route("POST", "/api/v1/documents/{id}/proposals/{number}/reasons", Need::To(Action::Sponsor)),
    route("GET", "/api/v1/documents/{id}/comments", Need::To(Action::Read)),
    route("POST", "/api/v1/documents/{id}/comments", Need::To(Action::Comment)),
    route("POST", "/api/v1/documents/{id}/comments/{number}/replies", Need::To(Action::Comment)),
    route("PUT", "/api/v1/documents/{id}/comments/{number}/resolved", Need::To(Action::Comment)),
    route("GET", "/api/v1/documents/{id}/collisions", Need::To(Action::Read)),
    route("GET", "/api/v1/documents/{id}/table", Need::To(Action::Read)),
    route("GET", "/api/v1/documents/{id}/rounds", Need::To(Action::Read)),
    route("POST", "/api/v1/documents/{id}/rounds", Need::To(Action::Round)),
    route("PUT", "/api/v1/documents/{id}/rounds/deadline", Need::To(Action::CloseRound)),
    route("POST", "/api/v1/documents/{id}/rounds/close", Need::To(Action::CloseRound)),
    route("POST", "/api/v1/documents/{id}/rounds/conclude", Need::To(Action::Round)),
    route("GET", "/api/v1/documents/{id}/revisions", Need::To(Action::Read)),
    route("GET", "/api/v1/documents/{id}/revisions/{number}/text", Need::To(Action::Read)),
    route("GET", "/api/v1/documents/{id}/rulings", Need::To(Action::Read)),
    route("POST", "/api/v1/documents/{id}/rulings", Need::To(Action::Rule)),
    route("POST", "/api/v1/documents/{id}/preview", Need::To(Action::Read)),
    route("POST", "/api/v1/documents/{id}/renumber", Need::To(Action::Correct)),
    route("POST", "/api/v1/documents/{id}/move", Need::To(Action::Correct)),
    route("GET", "/api/v1/documents/{id}/ledger", Need::To(Action::Read)),
    Route {
        method: "GET",
        path: "/api/v1/documents/{id}/audit",
        need: Need::To(Action::ReadAudit),
        export: true,
    },
    route("GET", "/api/v1/documents/{id}/replay", Need::To(Action::Read)),
    route("GET", "/api/v1/documents/{id}/drafts", Need::To(Action::Draft)),
    route("POST", "/api/v1/documents/{id}/drafts", Need::To(Action::Draft)),
    route("POST", "/api/v1/documents/{id}/table-draft", Need::To(Action::Draft)),
    route("GET", "/api/v1/documents/{id}/events", Need::To(Action::Read)),
    route("GET", "/api/v1/documents/{id}/quarantine", Need::To(Action::ReadQuarantine)),
    route("GET", "/api/v1/documents/{id}/screen", Need::To(Action::Read)),
    route("PUT", "/api/v1/documents/{id}/screen", Need::To(Action::Project)),
    route("GET", "/api/v1/documents/{id}/screen/events", Need::To(Action::Read)),
    route("GET", "/api/v1/delegations", Need::To(Action::Read)),
    route("POST", "/api/v1/delegations", Need::To(Action::Invite)),
    route("POST", "/api/v1/invitations", Need::To(Action::Invite)),
    route("DELETE", "/api/v1/accounts/{id}", Need::To(Action::Revoke)),
    route("PUT", "/api/v1/accounts/{id}/expiry", Need::To(Action::Revoke)),
    route("POST", "/api/v1/tickets", Need::To(Action::CreateTicket)),
    route("DELETE", "/api/v1/tickets/{id}", Need::To(Action::CreateTicket)),
    Route { method: "GET", path: "/api/v1/backup", need: Need::To(Action::Backup), export: true },
    route("GET", "/api/v1/access-log", Need::To(Action::ReadAccessLog)),
];

/// Messages of the wire that a client sends, with what they need.
pub const MESSAGES: &[(&str, Need)] = &[
    ("join", Need::Known),
    ("request", Need::To(Action::Read)),
    ("sync without changes", Need::To(Action::Read)),
    ("sync with changes", Need::To(Action::Edit)),
    ("ephemeral", Need::To(Action::Read)),
    ("leave", Need::Known),
];

const ROLES: [Role; 4] = [Role::Secretariat, Role::Chair, Role::Delegate, Role::Observer];

/// Whether a role, with its own token or with a ticket, meets a need.
pub fn meets(role: Role, ticket: bool, need: Need) -> bool {
    match need {
        Need::Nothing | Need::Known => true,
        Need::To(action) => {
            role_allows(role, action) && (!ticket || matches!(action, Action::Read | Action::Edit))
        }
    }
}

/// docs/roles.md.
pub fn document() -> String {
    let mut out = "# Who may do what\n\n\
        Made from the server's own table by `CODRAFT_WRITE_DOCS=1 cargo test -p codraft-server roles`; a test \
        compares the two, and another asks every route as every role. A ticket only ever reads and writes \
        documents, whoever made it: it stands in URLs, and URLs leak. A read-only ticket makes anybody an \
        observer.\n\n## Actions\n\n| | "
        .to_owned();
    let header = |out: &mut String| {
        let roles: Vec<_> = ROLES.iter().map(ToString::to_string).collect();
        let _ = writeln!(out, "{} | with a ticket |\n| --- {}| --- |", roles.join(" | "), "| --- ".repeat(4));
    };
    let row = |out: &mut String, need: Need| {
        for role in ROLES {
            out.push_str(if meets(role, false, need) { " yes |" } else { " – |" });
        }
        let with = match need {
            Need::Nothing | Need::Known => "yes",
            Need::To(Action::Read | Action::Edit) => "as its account",
            Need::To(_) => "–",
        };
        let _ = writeln!(out, " {with} |");
    };
    header(&mut out);
    for action in Action::ALL {
        let _ = write!(out, "| {} |", action.words());
        row(&mut out, Need::To(action));
    }
    out.push_str("\n## Routes\n\n| | ");
    header(&mut out);
    for route in ROUTES {
        let open = if route.need == Need::Nothing { " (anybody)" } else { "" };
        let _ = write!(out, "| `{} {}`{open} |", route.method, route.path);
        row(&mut out, route.need);
    }
    out.push_str("\n## Messages on the websocket\n\n| | ");
    header(&mut out);
    for (message, need) in MESSAGES {
        let _ = write!(out, "| {message} |");
        row(&mut out, *need);
    }
    out
}

/// Whose request it is, once that was found out: handlers need not ask again.
#[derive(Clone, Debug)]
pub(super) struct Visit(pub(super) Caller);

/// Holds every request to the table before anything of its body is read, and notes in the access log what was
/// refused, and what was taken out before its first byte leaves.
pub(super) async fn watch(State(house): State<House>, mut request: Request, next: Next) -> Response {
    let from = request.extensions().get::<Source>().copied().unwrap_or_else(Source::here);
    let what = format!("{} {}", request.method(), request.uri().path());
    let Some(route) = asked(&request) else { return next.run(request).await };
    if route.need == Need::Nothing {
        return next.run(request).await;
    }
    let credentials = match shown(request.method(), request.headers(), request.uri()) {
        Ok(credentials) => credentials,
        Err(problem) => return problem.into_response(),
    };
    let come_in = || {
        let caller = house.door.come_in(from, credentials.as_deref())?;
        house.door.may_ask(&caller)?;
        Ok::<_, Turned>(caller)
    };
    let caller = match come_in() {
        Ok(caller) => caller,
        Err(turned) => return unread(&request, Problem::from(turned)),
    };
    request.extensions_mut().insert(Visit(caller.clone()));
    let response = match route.need {
        Need::To(action) if !allows(&caller, action) => {
            unread(&request, Problem::forbidden(caller.role, caller.ticket.is_some(), action))
        }
        _ => next.run(request).await,
    };
    if response.status() == StatusCode::FORBIDDEN {
        house.door.log().write(Note::new(Kind::Refused, from, what).by(&caller));
    } else if route.export && response.status().is_success() {
        // Where it cannot be kept (the disk is full), a backup is needed all the more.
        house.door.log().written(Note::new(Kind::Export, from, what).by(&caller)).await;
    }
    response
}

/// A refusal of a request whose body, if it has one, nobody reads: the client must not send its next request
/// behind it.
fn unread(request: &Request, problem: Problem) -> Response {
    let mut response = problem.into_response();
    if !request.body().is_end_stream() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The route that a request asks for; `None` where there is none, which is told elsewhere.
fn asked(request: &Request) -> Option<&'static Route> {
    let path = request.extensions().get::<MatchedPath>()?.as_str();
    // Whoever may GET may ask for the HEAD of it.
    let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
    ROUTES.iter().find(|route| route.method == method.as_str() && route.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the router is told, read from its own source: axum lists no routes.
    fn routed() -> Vec<String> {
        // However it is laid out.
        let source: String = include_str!("../http.rs").split_whitespace().collect();
        let mut found = Vec::new();
        for part in source.split(".route(\"").skip(1) {
            let (path, rest) = part.split_once('"').unwrap();
            let handlers = rest.split(".route(").next().unwrap().split(".fallback(").next().unwrap();
            // What comes after the nested API stands beside it.
            let after = source.split(".nest(").nth(1).unwrap();
            let outside = after.contains(&format!(".route(\"{path}\""));
            let whole = if outside { path.to_owned() } else { format!("/api/v1{path}") };
            for method in ["get", "post", "put", "delete", "patch"] {
                if handlers.contains(&format!("{method}(")) {
                    found.push(format!("{} {whole}", method.to_uppercase()));
                }
            }
        }
        found
    }

    #[test]
    fn roles_every_route_is_in_the_table_and_nothing_else() {
        let mut routed = routed();
        let mut table: Vec<_> =
            ROUTES.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
        routed.sort();
        table.sort();
        assert!(routed.len() > 20, "{routed:?}");
        assert_eq!(
            routed, table,
            "a route belongs into ROUTES, with what it needs, and so into docs/roles.md"
        );
    }

    #[test]
    fn roles_every_action_is_needed_somewhere() {
        for action in Action::ALL {
            let needs =
                || ROUTES.iter().map(|route| route.need).chain(MESSAGES.iter().map(|(_, need)| *need));
            assert!(needs().any(|need| need == Need::To(action)), "{action:?}");
        }
    }

    #[test]
    fn roles_the_document_is_what_the_table_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/roles.md");
        if std::env::var_os("CODRAFT_WRITE_DOCS").is_some() {
            std::fs::write(path, document()).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == document(),
            "write it anew: CODRAFT_WRITE_DOCS=1 cargo test -p codraft-server roles"
        );
    }
}
