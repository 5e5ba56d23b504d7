//! The API's own description, made from the handlers and the types.

use axum::Json;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(title = "codraft", description = "Delegations draft a resolution together: documents, attributed \
        proposals, accounts. Errors are `application/problem+json`."),
    paths(
        super::documents::list, super::documents::create, super::documents::one, super::documents::overview, super::documents::text,
        super::documents::attribution, super::documents::quarantine,
        super::proposals::list, super::proposals::one, super::proposals::join, super::proposals::withdraw,
        super::proposals::reason, super::proposals::collisions, super::proposals::table,
        super::comments::list, super::comments::comment, super::comments::reply, super::comments::resolve,
        super::rounds::list, super::rounds::open, super::rounds::deadline, super::rounds::close,
        super::rounds::conclude, super::rounds::revisions, super::rounds::revision, super::rounds::rulings,
        super::rounds::rule, super::rounds::preview, super::rounds::renumber, super::rounds::move_provision,
        super::ledger::entries, super::ledger::audit, super::ledger::replay,
        super::drafts::list, super::drafts::begin, super::drafts::table,
        super::events::stream,
        super::delegations::list, super::delegations::add, super::delegations::invite,
        super::delegations::revoke, super::delegations::expire, super::delegations::me,
        super::screen::shown, super::screen::show, super::screen::events,
        super::login::login, super::login::logout,
        super::tickets::create, super::tickets::revoke,
        super::backup::download, super::access_log::read,
        super::operations::healthz, super::operations::readyz, super::operations::metrics,
    ),
    security(("token" = [])),
    modifiers(&Token),
)]
struct Description;

struct Token;

impl Modify for Token {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("token", scheme);
    }
}

/// This description.
pub(super) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Description::openapi())
}
