//! What requests carry: who is asking, which document is meant, a JSON body.

use super::House;
use super::login;
use super::problem::Problem;
use crate::directory::Caller;
use crate::directory::permission::{self, Action};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri, header};
use codraft_protocol::id::DocumentId;
use serde::de::DeserializeOwned;
use std::collections::HashMap;

/// Somebody who may come in.
pub(super) struct Known(pub(super) Caller);

impl Known {
    /// The caller, if it may do this.
    pub(super) fn allowed(self, action: Action) -> Result<Caller, Problem> {
        if permission::allows(&self.0, action) {
            return Ok(self.0);
        }
        Err(Problem::forbidden(self.0.role, self.0.ticket.is_some(), action))
    }
}

/// The token or ticket of a request: `Authorization: Bearer …`, or `?ticket=…`.
pub(super) fn credentials(headers: &axum::http::HeaderMap, uri: &Uri) -> Option<String> {
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = header.and_then(|value| {
        let (scheme, token) = value.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    });
    // A header that is there counts, even where it is nonsense: it is then refused as unknown.
    bearer.or_else(|| header.map(str::to_owned)).or_else(|| query(uri).remove("ticket"))
}

/// A cookie of a request.
pub(super) fn cookie(headers: &axum::http::HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

/// The query's parameters, decoded; of one that is given twice, the last.
pub(super) fn query(uri: &Uri) -> HashMap<String, String> {
    let parsed = axum::extract::Query::<HashMap<String, String>>::try_from_uri(uri);
    parsed.map(|axum::extract::Query(query)| query).unwrap_or_default()
}

impl FromRequestParts<House> for Known {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, house: &House) -> Result<Self, Problem> {
        let credentials = match credentials(&parts.headers, &parts.uri) {
            Some(shown) => Some(shown),
            None => login::from_cookie(&parts.method, &parts.headers)?,
        };
        Ok(Self(house.access.authenticate(credentials.as_deref())?))
    }
}

/// The document that a path names, and the caller, who may read it.
pub(super) struct Of {
    pub(super) document: DocumentId,
    pub(super) caller: Caller,
}

impl FromRequestParts<House> for Of {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, house: &House) -> Result<Self, Problem> {
        let caller = Known::from_request_parts(parts, house).await?.allowed(Action::Read)?;
        let path = Path::<String>::from_request_parts(parts, house).await;
        let Path(written) = path.map_err(|error| {
            Problem::bad_request("bad-path", "This address cannot be read", error.to_string())
        })?;
        let document = written.parse::<DocumentId>();
        // A document that the ticket is not for does not exist for its holder.
        let visible = document.ok().filter(|id| caller.document.is_none_or(|only| only == *id));
        let document = visible.ok_or_else(|| {
            let detail =
                format!("there is no document {written} here; GET /api/v1/documents lists those there are");
            Problem::new(StatusCode::NOT_FOUND, "unknown-document", "There is no such document", detail)
        })?;
        Ok(Self { document, caller })
    }
}

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<House> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, house: &House) -> Result<Self, Problem> {
        let bytes = match Bytes::from_request(request, house).await {
            Ok(bytes) => bytes,
            Err(error @ BytesRejection::FailedToBufferBody(_))
                if error.status() == StatusCode::PAYLOAD_TOO_LARGE =>
            {
                let detail = format!("a request carries at most {} MB", super::BODY_BYTES >> 20);
                return Err(Problem::new(error.status(), "too-large", "This is too large", detail));
            }
            Err(error) => {
                return Err(Problem::bad_request("bad-body", "The body broke off", error.to_string()));
            }
        };
        let parsed = serde_json::from_slice(&bytes).map(Self);
        parsed.map_err(|error| {
            let detail =
                format!("the body is not the JSON that belongs here: {error}; see /api/v1/openapi.json");
            Problem::bad_request("bad-json", "The body cannot be read", detail)
        })
    }
}
