//! Answers of the API, compressed for who takes them so: a large document's are mostly the same words again.

use axum::extract::Request;
use axum::http::{Extensions, HeaderMap, Method, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::Response;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{And, Predicate as _, SizeAbove};

/// Whether an answer with these headers is compressed.
type OfText = fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool;

/// Bytes below which an answer fits into one packet with its headers, however it is sent.
const WORTHWHILE: u64 = 1024;

/// Compresses JSON and text, at the quickest level: an answer is made for one reader, and used once.
pub(super) fn layer() -> CompressionLayer<And<SizeAbove, OfText>> {
    let of_text: OfText = |_, _, headers, _| is_text(headers);
    CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(WORTHWHILE).and(of_text))
}

/// Text whose end is known. Of an event stream every event has to arrive by itself.
fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind != "text/event-stream"
        && (kind.starts_with("text/") || kind == "application/json" || kind.ends_with("+json"))
}

/// Whether who asks takes what is encoded so.
pub(super) fn accepts(asked: &HeaderMap, encoding: &str) -> bool {
    let accepted = asked.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|list| {
        list.split(',').any(|one| {
            let mut parts = one.split(';').map(str::trim);
            parts.next() == Some(encoding) && !parts.any(|weight| weight == "q=0")
        })
    })
}

/// Leaves everything but reading as it is. Tokens and tickets are only ever in answers to what was sent: uncompressed,
/// their size tells nothing of them to somebody who can have words of his own put beside them (the attack BREACH).
pub(super) async fn reading_only(mut request: Request, next: Next) -> Response {
    if request.method() != Method::GET {
        request.headers_mut().remove(header::ACCEPT_ENCODING);
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::middleware::from_fn;
    use axum::routing::get;
    use flate2::read::GzDecoder;
    use hyper::service::Service as _;
    use hyper_util::service::TowerToHyperService;
    use std::io::Read as _;

    async fn ask(method: &str, path: &str, accepted: Option<&str>) -> (HeaderMap, Vec<u8>) {
        let text = |kind: &'static str, bytes: usize| ([(header::CONTENT_TYPE, kind)], "e".repeat(bytes));
        let router = Router::new()
            .route("/large", get(move || async move { text("application/json", 9000) }))
            .route("/large", axum::routing::post(move || async move { text("application/json", 9000) }))
            .route("/small", get(move || async move { text("application/json", 100) }))
            .route("/problem", get(move || async move { text("application/problem+json", 9000) }))
            .route("/words", get(move || async move { text("text/plain; charset=utf-8", 9000) }))
            .route("/events", get(move || async move { text("text/event-stream", 9000) }))
            .route("/bytes", get(move || async move { text("application/octet-stream", 9000) }))
            .layer(layer())
            .layer(from_fn(reading_only));
        let mut request = Request::builder().method(method).uri(path);
        if let Some(accepted) = accepted {
            request = request.header(header::ACCEPT_ENCODING, accepted);
        }
        let response =
            TowerToHyperService::new(router).call(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let (parts, body) = response.into_parts();
        (parts.headers, to_bytes(body, 1 << 20).await.unwrap().to_vec())
    }

    #[tokio::test]
    async fn text_goes_compressed_to_who_takes_it() {
        for path in ["/large", "/problem", "/words"] {
            let (headers, body) = ask("GET", path, Some("gzip, br")).await;
            assert_eq!(headers[header::CONTENT_ENCODING], "gzip", "{path}");
            assert_eq!(headers[header::VARY], "accept-encoding");
            assert!(body.len() < 200, "{}", body.len());
            let mut plain = String::new();
            GzDecoder::new(&*body).read_to_string(&mut plain).unwrap();
            assert_eq!(plain, "e".repeat(9000));
            for accepted in [None, Some("br"), Some("gzip;q=0")] {
                let (headers, body) = ask("GET", path, accepted).await;
                assert!(!headers.contains_key(header::CONTENT_ENCODING), "{path} {accepted:?}");
                assert_eq!(headers[header::VARY], "accept-encoding");
                assert_eq!(body.len(), 9000);
            }
        }
    }

    #[tokio::test]
    async fn what_is_small_or_streams_or_is_not_read_goes_as_it_is() {
        for (method, path, bytes) in [
            ("GET", "/small", 100),
            ("GET", "/events", 9000),
            ("GET", "/bytes", 9000),
            ("POST", "/large", 9000),
        ] {
            let (headers, body) = ask(method, path, Some("gzip")).await;
            assert!(!headers.contains_key(header::CONTENT_ENCODING), "{method} {path}");
            assert_eq!(body.len(), bytes, "{method} {path}");
        }
    }
}
