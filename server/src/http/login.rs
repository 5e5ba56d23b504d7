//! Coming in with a browser: an invitation's token is exchanged for a cookie that scripts cannot read, that
//! other sites' pages cannot send, and that counts only for pages of this server's own origin.

use super::House;
use super::problem::Problem;
use super::request::{Body, cookie};
use crate::address::Source;
use crate::directory::Stranger;
use axum::Extension;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::IntoResponse;
use codraft_protocol::api;

/// The cookie's name.
pub(super) const COOKIE: &str = "codraft";
/// How long a browser keeps it, in seconds: a long meeting. Revoking the token ends it at once.
const LASTS: u32 = 30 * 24 * 3600;

/// Exchanges a token for a cookie.
#[utoipa::path(post, path = "/api/v1/login", tag = "page", request_body = api::Login,
    responses((status = 200, body = api::Me), (status = "4XX", body = api::Problem)), security(()))]
pub(super) async fn login(
    State(house): State<House>,
    Extension(from): Extension<Source>,
    headers: HeaderMap,
    Body(login): Body<api::Login>,
) -> Result<impl IntoResponse, Problem> {
    own_origin(&headers)?;
    let caller = house.door.come_in(from, Some(&login.token))?;
    // A ticket stands in URLs; what is good enough for those is not good enough for a login.
    if caller.ticket.is_some() {
        return Err(Stranger::Unknown.into());
    }
    let me = house.access.read(|directory| directory.me(&caller)).ok_or(Stranger::Unknown)?;
    let secure = headers.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https:"));
    Ok(([(header::SET_COOKIE, set_cookie(login.token.trim(), LASTS, secure)?)], Json(me)))
}

/// Forgets the cookie.
#[utoipa::path(post, path = "/api/v1/logout", tag = "page",
    responses((status = 204), (status = "4XX", body = api::Problem)), security(()))]
pub(super) async fn logout(headers: HeaderMap) -> Result<impl IntoResponse, Problem> {
    own_origin(&headers)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, set_cookie("", 0, false)?)]))
}

fn set_cookie(value: &str, lasts: u32, secure: bool) -> Result<HeaderValue, Problem> {
    let secure = if secure { "; Secure" } else { "" };
    let written = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={lasts}{secure}");
    // A known token has none of the characters that end a cookie.
    HeaderValue::from_str(&written).map_err(|_| Stranger::Unknown.into())
}

/// The cookie's token, where this request may use it: asked from a page of this server's own origin.
pub(super) fn from_cookie(method: &Method, headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(token) = cookie(headers, COOKIE) else { return Ok(None) };
    let reads = matches!(*method, Method::GET | Method::HEAD);
    if headers.contains_key(header::ORIGIN) || !reads {
        own_origin(headers)?;
    }
    // Same-origin reads carry no Origin, but browsers say this.
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if site.is_some_and(|site| site != b"same-origin" && site != b"none") {
        return Err(foreign("another site"));
    }
    Ok(Some(token))
}

/// Whether the request says that it comes from a page of this very server.
pub(super) fn own_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let own = origin.and_then(|origin| {
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"))?;
        Some(authority.as_bytes() == headers.get(header::HOST)?.as_bytes())
    });
    if own == Some(true) { Ok(()) } else { Err(foreign(origin.unwrap_or("no origin"))) }
}

fn foreign(origin: &str) -> Problem {
    let detail = format!(
        "a page of {origin} may not use this server's login; programs send 'Authorization: Bearer TOKEN'"
    );
    Problem::new(StatusCode::FORBIDDEN, "foreign-origin", "This page may not do this", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (header::HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn the_cookie_counts_only_for_pages_of_this_server() {
        const KNOWN: (&str, &str) = ("cookie", "a=b; codraft=cdt_x; c=d");
        const HOST: (&str, &str) = ("host", "draft.example.org");
        let takes = |method: &Method, more: &[(&'static str, &'static str)]| {
            let all: Vec<_> = [KNOWN, HOST].into_iter().chain(more.iter().copied()).collect();
            matches!(from_cookie(method, &headers(&all)), Ok(Some(token)) if token == "cdt_x")
        };
        let own = ("origin", "https://draft.example.org");
        assert!(takes(&Method::GET, &[]) && takes(&Method::GET, &[own]) && takes(&Method::POST, &[own]));
        assert!(takes(&Method::GET, &[("sec-fetch-site", "same-origin")]));
        assert!(!takes(&Method::POST, &[]), "a write must say where it comes from");
        for origin in [
            "null",
            "https://draft.example.org.evil.example",
            "https://evil.example",
            "https://draft.example.org:8443",
            "ftp://draft.example.org",
            "draft.example.org",
        ] {
            assert!(!takes(&Method::GET, &[("origin", origin)]), "{origin}");
            assert!(!takes(&Method::POST, &[("origin", origin)]), "{origin}");
        }
        assert!(!takes(&Method::GET, &[("sec-fetch-site", "same-site")]));
        assert!(!takes(&Method::GET, &[("sec-fetch-site", "cross-site")]));
    }
}
