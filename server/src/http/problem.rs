//! Errors as `application/problem+json` (RFC 9457): what happened, and what to do.

use crate::access::AccessError;
use crate::directory::permission::Action;
use crate::directory::{DirectoryError, Stranger};
use crate::door::{Turned, seconds};
use crate::drafts::DraftError;
use crate::registry::RegistryError;
use crate::storage::StorageError;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use codraft_protocol::api;
use codraft_protocol::id::Role;
use std::time::Duration;

/// A problem on its way out.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    /// The end of its `urn:codraft:…`.
    kind: &'static str,
    title: &'static str,
    detail: String,
    /// When to try again.
    wait: Option<Duration>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: String) -> Self {
        Self { status, kind, title, detail, wait: None }
    }

    pub(super) fn bad_request(kind: &'static str, title: &'static str, detail: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, kind, title, detail)
    }

    pub(super) fn forbidden(role: Role, ticket: bool, action: Action) -> Self {
        let article = if role == Role::Observer { "an" } else { "a" };
        let who = format!("{article} {role}{}", if ticket { "'s ticket" } else { "" });
        let detail = format!("{who} may not {}; ask the secretariat", action.words());
        Self::new(StatusCode::FORBIDDEN, "forbidden", "This role may not do this", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            tracing::error!(kind = self.kind, detail = self.detail, "a request failed");
        }
        let problem = api::Problem {
            kind: format!("urn:codraft:{}", self.kind),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response =
            (self.status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let bearer = header::HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
        }
        if matches!(self.status, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT) {
            // Nobody reads the rest of the body: the client must not send its next request behind it.
            response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
        }
        if let Some(wait) = self.wait {
            let after = header::HeaderValue::from(seconds(&wait));
            response.headers_mut().insert(header::RETRY_AFTER, after);
        }
        response
    }
}

impl From<Turned> for Problem {
    fn from(turned: Turned) -> Self {
        let detail = turned.to_string();
        let (kind, title, wait) = match turned {
            Turned::Stranger(stranger) => return stranger.into(),
            Turned::Guessing(wait) => ("too-many-failures", "Too many wrong tokens", wait),
            Turned::Asking(wait) => ("too-many-requests", "Too many requests", wait),
            Turned::Full(_) => ("too-many-connections", "Too many connections", Duration::from_secs(10)),
        };
        Self { wait: Some(wait), ..Self::new(StatusCode::TOO_MANY_REQUESTS, kind, title, detail) }
    }
}

impl From<Stranger> for Problem {
    fn from(stranger: Stranger) -> Self {
        let (kind, title) = match stranger {
            Stranger::Missing => ("no-token", "No token was sent"),
            Stranger::Unknown => ("unknown-token", "This token is not known"),
            Stranger::Revoked => ("revoked-token", "This token was revoked"),
            Stranger::TicketRevoked => ("revoked-ticket", "This ticket was revoked"),
            Stranger::TokenExpired(_) => ("expired-token", "This token has expired"),
            Stranger::Expired(_) => ("expired-ticket", "This ticket has expired"),
        };
        Self::new(StatusCode::UNAUTHORIZED, kind, title, stranger.to_string())
    }
}

fn storage(error: &StorageError) -> Problem {
    match error {
        StorageError::DiskFull { .. } => Problem::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "disk-full",
            "The server's disk is nearly full",
            format!("{error}. Nothing was changed; reading goes on."),
        ),
        _ => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "store-failed",
            "The server's store does not answer",
            format!("{error}. Nothing was changed."),
        ),
    }
}

fn closing(detail: String) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "closing", "The server is shutting down", detail)
}

impl From<RegistryError> for Problem {
    fn from(error: RegistryError) -> Self {
        let detail = error.to_string();
        match error {
            RegistryError::UnknownDocument(_) => {
                Self::new(StatusCode::NOT_FOUND, "unknown-document", "There is no such document", detail)
            }
            RegistryError::Text(_)
            | RegistryError::Edit(_)
            | RegistryError::Draft(DraftError::Text(_) | DraftError::Edit(_)) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "bad-text",
                "This text cannot be imported",
                detail,
            ),
            RegistryError::Storage(error) => storage(&error),
            RegistryError::Damaged { .. } => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "damaged-document",
                "This document is damaged",
                detail,
            ),
            RegistryError::Closing => closing(detail),
            RegistryError::Randomness(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "no-randomness", "No secret can be made", detail)
            }
            RegistryError::Encoding(_) => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "encoding",
                "This cannot be written as JSON",
                detail,
            ),
            RegistryError::Refused(refusal) => {
                let status = match () {
                    () if refusal.is_unknown() => StatusCode::NOT_FOUND,
                    () if refusal.is_malformed() => StatusCode::UNPROCESSABLE_ENTITY,
                    () => StatusCode::CONFLICT,
                };
                Self::new(status, refusal.code(), "This cannot be decided so", detail)
            }
            RegistryError::Audit(_) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "bad-moment",
                "This moment cannot be shown",
                detail,
            ),
            RegistryError::NoSuchRevision(_) => {
                Self::new(StatusCode::NOT_FOUND, "unknown-revision", "There is no such revision", detail)
            }
            RegistryError::Draft(_) => {
                Self::new(StatusCode::CONFLICT, "draft", "This cannot be done with this draft", detail)
            }
        }
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        let detail = error.to_string();
        match error {
            AccessError::Directory(error) => {
                let (status, kind, title) = match error {
                    DirectoryError::DelegationExists(_) => {
                        (StatusCode::CONFLICT, "delegation-exists", "This delegation is there already")
                    }
                    DirectoryError::LastSecretariat => {
                        (StatusCode::CONFLICT, "last-secretariat", "Nobody would hold the pen")
                    }
                    DirectoryError::TooManyTickets => {
                        (StatusCode::TOO_MANY_REQUESTS, "too-many-tickets", "Too many tickets")
                    }
                    DirectoryError::UnknownAccount(_) => {
                        (StatusCode::NOT_FOUND, "unknown-account", "There is no such account")
                    }
                    DirectoryError::UnknownTicket(_) => {
                        (StatusCode::NOT_FOUND, "unknown-ticket", "There is no such ticket")
                    }
                    DirectoryError::IdTaken => (StatusCode::CONFLICT, "id-taken", "Try again"),
                    DirectoryError::Reserved(_)
                    | DirectoryError::BadName
                    | DirectoryError::UnknownDelegation(_)
                    | DirectoryError::DelegateWithoutDelegation
                    | DirectoryError::DelegationNotWanted(_)
                    | DirectoryError::BadTtl
                    | DirectoryError::BadExpiry => {
                        (StatusCode::UNPROCESSABLE_ENTITY, "bad-value", "This cannot be done as asked")
                    }
                };
                Self::new(status, kind, title, detail)
            }
            AccessError::Storage(error) => storage(&error),
            AccessError::Closing => closing(detail),
            AccessError::Randomness(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "no-randomness", "No secret can be made", detail)
            }
        }
    }
}

pub(super) async fn no_such_page(uri: Uri) -> Problem {
    let detail = format!("there is nothing at {}; GET /api/v1/openapi.json lists what there is", uri.path());
    Problem::new(StatusCode::NOT_FOUND, "no-such-page", "There is nothing here", detail)
}

pub(super) async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let detail =
        format!("{} does not take {method}; GET /api/v1/openapi.json says what it takes", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", "This cannot be done here", detail)
}
