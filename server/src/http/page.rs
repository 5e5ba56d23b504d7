//! The page: the web application, built from `server/web` and carried by the program in compressed form.

use super::compression::accepts;
use super::operations;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use flate2::read::GzDecoder;
use std::io::Read;

/// One file of the built page.
struct File {
    /// Its path below the page's root.
    path: &'static str,
    brotli: &'static [u8],
    gzip: &'static [u8],
}

static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// What the page may load and do. No inline script, no foreign address; WebAssembly for the replica.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What a browser sees where the page was not built.
const UNBUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>codraft</title>\
    <h1>codraft</h1><p>This server runs, but its page was not built. With Node 20 or newer, in the \
    project's folder: <p><code>sh server/web/build.sh</code><p>then build and start the server again. \
    The terminal's <code>codraft</code>, other clients and the API work without the page.</html>";

/// `/`, for browsers the page, for others a word on where to go.
pub(super) async fn root(headers: HeaderMap) -> Response<Body> {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.contains("text/html") { index(headers).await } else { operations::welcome().into_response() }
}

/// The page itself, at each of its addresses: what is shown there is decided in the browser.
pub(super) async fn index(headers: HeaderMap) -> Response<Body> {
    serve("index.html", &headers).unwrap_or_else(|| {
        let mut response = Response::new(Body::from(UNBUILT));
        set(&mut response, header::CONTENT_TYPE, "text/html; charset=utf-8");
        guard(&mut response);
        response
    })
}

/// A file beside the page, such as `/page/main-1a2b3c.js`.
pub(super) async fn file(headers: HeaderMap, Path(path): Path<String>) -> Response<Body> {
    found(&format!("page/{path}"), &headers)
}

/// The service worker, whose place decides what it serves.
pub(super) async fn service_worker(headers: HeaderMap) -> Response<Body> {
    found("service-worker.js", &headers)
}

/// The licences of what others wrote and the page carries along.
pub(super) async fn licences(headers: HeaderMap) -> Response<Body> {
    found("licences.txt", &headers)
}

fn found(path: &str, headers: &HeaderMap) -> Response<Body> {
    serve(path, headers)
        .unwrap_or_else(|| (StatusCode::NOT_FOUND, "the page has no such file; reload it\n").into_response())
}

fn serve(path: &str, asked: &HeaderMap) -> Option<Response<Body>> {
    let file = FILES.iter().find(|file| file.path == path)?;
    let (body, encoding) = encoded(file, asked);
    let mut response = Response::new(body);
    set(&mut response, header::CONTENT_TYPE, kind(path));
    set(&mut response, header::VARY, "accept-encoding");
    // The names of these files change with their content.
    let cache = if path.starts_with("page/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    set(&mut response, header::CACHE_CONTROL, cache);
    if let Some(encoding) = encoding {
        set(&mut response, header::CONTENT_ENCODING, encoding);
    }
    guard(&mut response);
    Some(response)
}

fn encoded(file: &File, asked: &HeaderMap) -> (Body, Option<&'static str>) {
    if accepts(asked, "br") {
        return (Body::from(file.brotli), Some("br"));
    }
    if accepts(asked, "gzip") {
        return (Body::from(file.gzip), Some("gzip"));
    }
    let mut plain = Vec::new();
    match GzDecoder::new(file.gzip).read_to_end(&mut plain) {
        Ok(_) => (Body::from(plain), None),
        // It was compressed by this project's own build; whoever cannot read it gets it as it is.
        Err(_) => (Body::from(file.gzip), Some("gzip")),
    }
}

fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

fn guard(response: &mut Response<Body>) {
    set(response, header::CONTENT_SECURITY_POLICY, POLICY);
    set(response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(response, header::REFERRER_POLICY, "no-referrer");
    let isolated = header::HeaderName::from_static("cross-origin-opener-policy");
    set(response, isolated, "same-origin");
}

fn set(response: &mut Response<Body>, name: header::HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_browser_gets_a_page_under_the_policy_and_others_a_word() {
        let mut headers = HeaderMap::new();
        let curl = root(headers.clone()).await;
        assert!(curl.headers().get(header::CONTENT_SECURITY_POLICY).is_none());
        headers.insert(header::ACCEPT, HeaderValue::from_static("text/html,*/*"));
        let page = root(headers).await;
        assert_eq!(page.headers().get(header::CONTENT_TYPE).unwrap(), "text/html; charset=utf-8");
        let policy = page.headers().get(header::CONTENT_SECURITY_POLICY).unwrap().to_str().unwrap();
        assert!(policy.contains("'wasm-unsafe-eval'") && !policy.contains("unsafe-inline"), "{policy}");
    }

    #[test]
    fn a_file_is_sent_as_the_browser_takes_it() {
        let file = File { path: "x", brotli: b"br", gzip: b"gz" };
        let with = |accepted: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted));
            encoded(&file, &headers).1
        };
        assert_eq!(with("gzip, deflate, br"), Some("br"));
        assert_eq!(with("gzip;q=0.5"), Some("gzip"));
        assert_eq!(with("br;q=0, gzip"), Some("gzip"));
    }
}
