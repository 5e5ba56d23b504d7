//! Delegations, their people, and who oneself is.

use super::House;
use super::problem::Problem;
use super::request::{Body, Known};
use crate::access_log::{Kind, Note};
use crate::address::Source;
use crate::directory::Caller;
use crate::directory::permission::Action;
use axum::Extension;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use codraft_protocol::api;

/// Notes in the access log what was done to an account.
fn note(house: &House, kind: Kind, from: Source, by: &Caller, detail: String) {
    house.door.log().write(Note::new(kind, from, detail).by(by));
}

/// The delegations, and the accounts that the caller may see.
#[utoipa::path(get, path = "/api/v1/delegations", tag = "delegations",
    responses((status = 200, body = api::Delegations), (status = "4XX", body = api::Problem)))]
pub(super) async fn list(
    State(house): State<House>,
    known: Known,
) -> Result<Json<api::Delegations>, Problem> {
    let caller = known.allowed(Action::Read)?;
    Ok(Json(house.access.read(|directory| directory.delegations(&caller))))
}

/// Adds a delegation and invites its first delegate. For the secretariat. The token is shown this once.
#[utoipa::path(post, path = "/api/v1/delegations", tag = "delegations", request_body = api::NewDelegation,
    responses((status = 201, body = api::Invitation), (status = "4XX", body = api::Problem)))]
pub(super) async fn add(
    State(house): State<House>,
    Extension(from): Extension<Source>,
    known: Known,
    Body(new): Body<api::NewDelegation>,
) -> Result<impl IntoResponse, Problem> {
    let caller = known.allowed(Action::Invite)?;
    let invitation =
        house.access.decide(|directory, now, seed| directory.add_delegation(&new, now, seed)).await?;
    tracing::info!(delegation = %new.code, by = caller.account, "added a delegation");
    let detail = format!("added {} with {}", new.code, invitation.account.id);
    note(&house, Kind::Invited, from, &caller, detail);
    Ok((StatusCode::CREATED, Json(invitation)))
}

/// Invites one more person. For the secretariat. The token is shown this once.
#[utoipa::path(post, path = "/api/v1/invitations", tag = "delegations", request_body = api::NewInvitation,
    responses((status = 201, body = api::Invitation), (status = "4XX", body = api::Problem)))]
pub(super) async fn invite(
    State(house): State<House>,
    Extension(from): Extension<Source>,
    known: Known,
    Body(new): Body<api::NewInvitation>,
) -> Result<impl IntoResponse, Problem> {
    let caller = known.allowed(Action::Invite)?;
    let invitation = house.access.decide(|directory, now, seed| directory.invite(&new, now, seed)).await?;
    tracing::info!(account = invitation.account.id, by = caller.account, "invited");
    note(&house, Kind::Invited, from, &caller, format!("invited {}", invitation.account.id));
    Ok((StatusCode::CREATED, Json(invitation)))
}

/// Takes an account's token and tickets away and closes its connections. For the secretariat.
#[utoipa::path(delete, path = "/api/v1/accounts/{id}", tag = "delegations",
    params(("id" = String, Path, description = "The account's id")),
    responses((status = 200, body = api::Account), (status = "4XX", body = api::Problem)))]
pub(super) async fn revoke(
    State(house): State<House>,
    Extension(from): Extension<Source>,
    known: Known,
    Path(id): Path<String>,
) -> Result<Json<api::Account>, Problem> {
    let caller = known.allowed(Action::Revoke)?;
    let account = house.access.decide(|directory, now, _| directory.revoke_account(&id, now)).await?;
    tracing::info!(account = account.id, by = caller.account, "revoked");
    note(&house, Kind::Revoked, from, &caller, format!("revoked {}", account.id));
    Ok(Json(account))
}

/// Sets when an account's token ends; those that it has let in then leave. For the secretariat.
#[utoipa::path(put, path = "/api/v1/accounts/{id}/expiry", tag = "delegations",
    request_body = api::NewExpiry,
    params(("id" = String, Path, description = "The account's id")),
    responses((status = 200, body = api::Account), (status = "4XX", body = api::Problem)))]
pub(super) async fn expire(
    State(house): State<House>,
    Extension(from): Extension<Source>,
    known: Known,
    Path(id): Path<String>,
    Body(new): Body<api::NewExpiry>,
) -> Result<Json<api::Account>, Problem> {
    let caller = known.allowed(Action::Revoke)?;
    let account = house.access.decide(|directory, now, _| directory.expire_account(&id, &new, now)).await?;
    let end = account.expires.map_or_else(|| "never".to_owned(), |at| at.to_string());
    tracing::info!(account = account.id, by = caller.account, end, "set the end of a token");
    note(&house, Kind::Revoked, from, &caller, format!("{} expires: {end}", account.id));
    Ok(Json(account))
}

/// Who the caller is.
#[utoipa::path(get, path = "/api/v1/me", tag = "delegations",
    responses((status = 200, body = api::Me), (status = "4XX", body = api::Problem)))]
pub(super) async fn me(State(house): State<House>, Known(caller): Known) -> Result<Json<api::Me>, Problem> {
    let me = house.access.read(|directory| directory.me(&caller));
    me.map(Json).ok_or_else(|| crate::directory::Stranger::Unknown.into())
}
