//! What requests carry: who is asking, which document is meant, a JSON body.

use super::House;
use super::login;
use super::problem::Problem;
use super::routes::Visit;
use crate::address::Source;
use crate::directory::Caller;
use crate::directory::permission::{self, Action};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri, header};
use codraft_protocol::id::DocumentId;
use http_body_util::BodyExt as _;
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

/// What a request shows of who it is.
pub(super) fn shown(
    method: &Method,
    headers: &axum::http::HeaderMap,
    uri: &Uri,
) -> Result<Option<String>, Problem> {
    match credentials(headers, uri) {
        Some(shown) => Ok(Some(shown)),
        None => login::from_cookie(method, headers),
    }
}

/// The query's parameters, decoded; of one that is given twice, the last.
pub(super) fn query(uri: &Uri) -> HashMap<String, String> {
    let parsed = axum::extract::Query::<HashMap<String, String>>::try_from_uri(uri);
    parsed.map(|axum::extract::Query(query)| query).unwrap_or_default()
}

impl FromRequestParts<House> for Known {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, house: &House) -> Result<Self, Problem> {
        // The watch over the routes has asked already.
        if let Some(Visit(caller)) = parts.extensions.get::<Visit>() {
            return Ok(Self(caller.clone()));
        }
        let credentials = shown(&parts.method, &parts.headers, &parts.uri)?;
        let from = parts.extensions.get::<Source>().copied().unwrap_or_else(Source::here);
        let caller = house.door.come_in(from, credentials.as_deref())?;
        house.door.may_ask(&caller)?;
        Ok(Self(caller))
    }
}

/// The document that a path names, and the caller, who may read it.
pub(super) struct Of {
    pub(super) document: DocumentId,
    /// As the path has it.
    pub(super) written: String,
    /// What else the path names.
    part: Option<String>,
    pub(super) caller: Caller,
}

impl FromRequestParts<House> for Of {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, house: &House) -> Result<Self, Problem> {
        let caller = Known::from_request_parts(parts, house).await?.allowed(Action::Read)?;
        let path = Path::<HashMap<String, String>>::from_request_parts(parts, house).await;
        let Path(mut path) = path.map_err(|error| {
            Problem::bad_request("bad-path", "This address cannot be read", error.to_string())
        })?;
        let written = path.remove("id").unwrap_or_default();
        let document = written.parse::<DocumentId>();
        // A document that the ticket is not for, or another delegation's draft, does not exist for its holder.
        let visible = document.ok().filter(|id| house.registry.is_visible(&caller, *id));
        let document = visible.ok_or_else(|| {
            let detail =
                format!("there is no document {written} here; GET /api/v1/documents lists those there are");
            Problem::new(StatusCode::NOT_FOUND, "unknown-document", "There is no such document", detail)
        })?;
        let (part, written) = (path.remove("number"), written);
        Ok(Self { document, written, part, caller })
    }
}

impl Of {
    /// The caller, if it may do this.
    pub(super) fn may(&self, action: Action) -> Result<(), Problem> {
        if permission::allows(&self.caller, action) {
            return Ok(());
        }
        Err(Problem::forbidden(self.caller.role, self.caller.ticket.is_some(), action))
    }

    /// Whether the caller learns which accounts did what. Whoever knows an account can guess at its token until
    /// nothing that comes from the same address is looked at for it.
    pub(super) fn sees_accounts(&self) -> bool {
        permission::allows(&self.caller, Action::ReadAudit)
    }

    /// In whose name something is entered in the ledger.
    pub(super) fn by(&self) -> codraft_protocol::api::By {
        codraft_protocol::api::By {
            account: self.caller.account.clone(),
            role: Some(self.caller.role),
            delegation: self.caller.delegation.clone(),
        }
    }

    /// The number of a proposal or revision that the path names beside the document.
    pub(super) fn part(&self) -> String {
        self.part.clone().unwrap_or_default()
    }
}

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<House> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, house: &House) -> Result<Self, Problem> {
        let arriving = tokio::time::timeout(house.body.patience, arrive(request, house.body.bytes)).await;
        let bytes = match arriving {
            Ok(Ok(Some(bytes))) => bytes,
            Ok(Ok(None)) => {
                let detail = format!("a request carries at most {}", words(house.body.bytes));
                let status = StatusCode::PAYLOAD_TOO_LARGE;
                return Err(Problem::new(status, "too-large", "This is too large", detail));
            }
            Ok(Err(error)) => {
                return Err(Problem::bad_request("bad-body", "The body broke off", error.to_string()));
            }
            Err(_) => {
                let detail = format!("it must arrive within {} s", house.body.patience.as_secs());
                return Err(Problem::new(
                    StatusCode::REQUEST_TIMEOUT,
                    "slow-body",
                    "The body came too slowly",
                    detail,
                ));
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

/// How many times the limit is still read, and thrown away, before the answer: a client that is cut off in the
/// middle of its body would never read why.
const PATIENT_WITH: usize = 16;

/// The whole body; `None` where it is larger than the limit.
async fn arrive(request: Request, limit: usize) -> Result<Option<Vec<u8>>, axum::Error> {
    let (mut body, mut bytes, mut read) = (request.into_body(), Vec::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        read = read.saturating_add(data.len());
        if read <= limit {
            bytes.extend_from_slice(&data);
        } else if read > limit.saturating_mul(PATIENT_WITH) {
            break;
        }
    }
    Ok((read <= limit).then_some(bytes))
}

fn words(bytes: usize) -> String {
    if bytes >= 1 << 20 { format!("{} MB", bytes >> 20) } else { format!("{bytes} bytes") }
}
