//! Pages of other sites must not connect in their visitors' names.

use crate::{Answer, UPGRADE, address, raw};
use codraft_tests::server::Server;

/// A handshake as a browser makes it; the connection stays open where it is let in, so only the head is read.
fn handshake(server: &Server, origin: Option<&str>, host: Option<&str>, token: &str) -> Answer {
    use std::io::{Read as _, Write as _};
    let mut request = "GET /sync HTTP/1.1\r\n".to_owned();
    let headers = UPGRADE.into_iter().map(|(name, value)| (name, value.to_owned()));
    let more = [("host", host), ("origin", origin)].into_iter();
    let more = more.filter_map(|(name, value)| value.map(|value| (name, value.to_owned())));
    let bearer = [("authorization", format!("Bearer {token}"))];
    for (name, value) in headers.chain(more).chain(bearer) {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let mut stream = std::net::TcpStream::connect(address(&server.url)).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        head.push(byte[0]);
    }
    crate::answer(&head)
}

#[test]
fn only_the_servers_own_pages_and_those_allowed_connect() {
    let server = Server::start_with(&["--origin", "https://drafting.example.org"]);
    let host = address(&server.url).to_owned();
    let own = format!("http://{host}");
    let status = |origin: Option<&str>| handshake(&server, origin, Some(&host), &server.secretariat).status;
    // No page at all (a program), the server's own pages, and exactly the one that is allowed.
    for welcome in [None, Some(own.as_str()), Some("https://drafting.example.org")] {
        assert_eq!(status(welcome), 101, "{welcome:?}");
    }
    let longer = format!("{own}0");
    for foreign in [
        "null",
        "",
        "https://evil.example",
        "http://drafting.example.org",
        "https://drafting.example.org:8443",
        "https://drafting.example.org.evil.example",
        "https://evil-drafting.example.org",
        "https://DRAFTING.example.org",
        "https://drafting.example.org/",
        "drafting.example.org",
        "file://",
        "://",
        longer.as_str(),
    ] {
        assert_eq!(status(Some(foreign)), 403, "{foreign:?}");
    }
    // A request without a Host has nothing that `null` could be the same as.
    assert_ne!(handshake(&server, Some("null"), None, &server.secretariat).status, 101);
    let old = "GET /sync HTTP/1.0\r\norigin: null\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    assert_ne!(raw(&server.url, old).status, 101);
    // It is on record.
    let entries = server.pen().access_log(None, 100).unwrap().entries;
    let pages = entries.iter().filter(|one| one.kind == "refused" && one.detail.contains("a page of"));
    assert!(pages.clone().count() >= 13 && pages.clone().any(|one| one.detail.contains("evil.example")));
}
