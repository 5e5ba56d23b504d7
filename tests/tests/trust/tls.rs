//! TLS in the server: the handshake, what is refused, new certificates while it runs, clients that stall.

use crate::{address, blocking, raw};
use codraft_protocol::resolution::SAMPLE;
use codraft_tests::peer::{PATIENCE, Peer, Replica, eventually};
use codraft_tests::server::{Server, codraft_server};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use tokio_tungstenite::Connector;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

/// A certificate for this machine, written into a folder. Answers what a client has to trust.
fn certify(dir: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    // Renewals rename a new file over the old one.
    let write = |name: &str, text: String| {
        let new = dir.join(format!("{name}.new"));
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, dir.join(name)).unwrap();
    };
    write("key.pem", made.signing_key.serialize_pem());
    write("cert.pem", made.cert.pem());
    made.cert.der().clone()
}

fn client(root: &CertificateDer<'static>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}

/// One HTTPS request; an error where the handshake fails.
fn get(url: &str, path: &str, root: &CertificateDer<'static>) -> std::io::Result<String> {
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut session = rustls::ClientConnection::new(client(root), name).unwrap();
    let mut socket = TcpStream::connect(address(url))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut stream = rustls::Stream::new(&mut session, &mut socket);
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if answer.is_empty() => Err(error),
        _ => Ok(String::from_utf8_lossy(&answer).into_owned()),
    }
}

async fn websocket(url: &str, token: &str, root: &CertificateDer<'static>) -> Peer {
    let mut request = format!("{}/sync", url.replacen("http", "ws", 1)).into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let connector = Some(Connector::Rustls(client(root)));
    let connected = tokio_tungstenite::connect_async_tls_with_config(request, None, true, connector).await;
    let mut peer = Peer::over(connected.unwrap().0, "over-tls");
    peer.send(&peer.joining()).await;
    peer.next().await.unwrap();
    peer
}

struct House {
    _dir: tempfile::TempDir,
    files: PathBuf,
    root: CertificateDer<'static>,
    server: Server,
    document: String,
}

/// A server whose accounts were made before it spoke TLS.
fn house() -> House {
    let dir = tempfile::tempdir().unwrap();
    let files = dir.path().to_owned();
    let root = certify(&files);
    let mut server = Server::start();
    let document = server.import(SAMPLE);
    assert!(server.stop());
    let (cert, key) = (files.join("cert.pem"), files.join("key.pem"));
    let flags = ["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    server.restart_with(&flags);
    assert!(server.url.starts_with("https://"), "{}", server.url);
    House { _dir: dir, files, root, server, document }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_speaks_tls_and_nothing_else() {
    let House { _dir, root, server, document, .. } = blocking(house).await;
    let url = server.url.clone();
    let answered = tokio::task::block_in_place(|| get(&url, "/readyz", &root)).unwrap();
    assert!(answered.starts_with("HTTP/1.1 200"), "{answered}");
    // A whole exchange over wss.
    let mut peer = websocket(&url, &server.secretariat, &root).await;
    let mut replica = Replica::new(&document, "SECRETARIAT", [9; 16]);
    replica.begin(&mut peer).await;
    replica.settle(&mut peer).await;
    replica.splice(3, 0, 0, "over TLS ");
    replica.push(&mut peer).await;
    replica.settle(&mut peer).await;
    tokio::task::block_in_place(|| {
        // Whoever trusts another certificate is not fooled; plaintext gets nothing.
        let stranger = tempfile::tempdir().unwrap();
        let other = certify(stranger.path());
        let error = get(&url, "/readyz", &other).unwrap_err().to_string();
        assert!(error.contains("certificate"), "{error}");
        assert_eq!(
            raw(&url, "GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n").status,
            0,
            "plaintext on the TLS port"
        );
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_taken_while_it_runs_and_a_bad_one_is_not() {
    let House { _dir, files, root: first, server, .. } = blocking(house).await;
    let url = server.url.clone();
    let mut live = websocket(&url, &server.secretariat, &first).await;
    let serves =
        |root: &CertificateDer<'static>| tokio::task::block_in_place(|| get(&url, "/healthz", root).is_ok());
    // By SIGHUP.
    let second = certify(&files);
    Command::new("kill").args(["-HUP", &server.pid().to_string()]).status().unwrap();
    eventually("the second certificate by SIGHUP", || serves(&second)).await;
    assert!(!serves(&first));
    // By the change of the files alone.
    let third = certify(&files);
    eventually("the third certificate by itself", || serves(&third)).await;
    // A key that does not belong to it, and no certificate at all: told, counted, and the third one stays.
    let elsewhere = tempfile::tempdir().unwrap();
    certify(elsewhere.path());
    std::fs::copy(elsewhere.path().join("key.pem"), files.join("key.pem")).unwrap();
    let errors = || {
        let metrics = tokio::task::block_in_place(|| get(&url, "/metrics", &third)).unwrap_or_default();
        metrics
            .lines()
            .find_map(|line| line.strip_prefix("codraft_certificate_errors_total ")?.parse::<u64>().ok())
    };
    Command::new("kill").args(["-HUP", &server.pid().to_string()]).status().unwrap();
    eventually("the key of another certificate is refused", || errors().is_some_and(|n| n >= 1)).await;
    std::fs::write(files.join("cert.pem"), "no certificate").unwrap();
    let before = errors().unwrap();
    Command::new("kill").args(["-HUP", &server.pid().to_string()]).status().unwrap();
    eventually("what is no certificate is refused", || errors().is_some_and(|n| n > before)).await;
    assert!(serves(&third));
    // Who was connected all the time still is.
    live.sync("4NMNnkMhL8jXrdJ9jamS58PAVdXu", vec![0x42, 0, 0, 0, 0]).await;
    assert!(live.next().await.is_ok());
}

#[test]
fn beyond_this_machine_only_with_tls_or_when_told() {
    let dir = tempfile::tempdir().unwrap();
    certify(dir.path());
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    let (cert, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
    let data = dir.path().join("data");
    let data = data.to_str().unwrap();
    assert!(codraft_server(&["init", "--data-dir", data]).status.success());
    let refused = |more: &[&str], words: &str| {
        let args = [&["serve", "--data-dir", data, "--listen", "0.0.0.0:0"], more].concat();
        let output = codraft_server(&args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(words), "{said}");
    };
    refused(&[], "--tls-cert FILE --tls-key FILE");
    refused(&["--tls-cert", cert], "TLS needs both files");
    refused(&["--tls-cert", cert, "--tls-key", "/nowhere/key.pem"], "/nowhere/key.pem");
    refused(&["--tls-cert", key, "--tls-key", key], "there is no certificate in it");
    refused(&["--tls-cert", cert, "--tls-key", cert], "private key");
    // With both it listens everywhere.
    let mut server = Server::start();
    assert!(server.stop());
    server.url = "http://0.0.0.0:0".to_owned();
    server.restart_with(&["--tls-cert", cert, "--tls-key", key]);
    assert!(server.url.starts_with("https://0.0.0.0:"), "{}", server.url);
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_that_stall_are_dropped() {
    let House { _dir, root, server, .. } = blocking(house).await;
    let url = server.url.clone();
    let stalled = blocking({
        let url = url.clone();
        move || {
            (0..50)
                .map(|n| {
                    let mut socket = TcpStream::connect(address(&url)).unwrap();
                    socket.set_read_timeout(Some(PATIENCE)).unwrap();
                    // Nothing, or the beginning of a handshake.
                    socket.write_all(&[0x16, 0x03, 0x01, 0x02][..n % 5]).unwrap();
                    socket
                })
                .collect::<Vec<_>>()
        }
    })
    .await;
    let served = tokio::task::block_in_place(|| get(&url, "/readyz", &root).is_ok());
    assert!(served, "others are served meanwhile");
    // Dropped, and not merely silent until our own patience ends.
    let ends = blocking(move || {
        let end = |mut socket: TcpStream| socket.read(&mut [0]).map_err(|error| error.kind());
        stalled.into_iter().map(end).collect::<Vec<_>>()
    });
    let ends = ends.await;
    assert!(ends.iter().all(|end| matches!(end, Ok(0) | Err(ErrorKind::ConnectionReset))), "{ends:?}");
    let failed = |line: &str| line.strip_prefix("codraft_failed_handshakes_total ")?.parse::<u64>().ok();
    // The last is counted when it is gone already.
    eventually("all are counted", || {
        let metrics = tokio::task::block_in_place(|| get(&url, "/metrics", &root)).unwrap();
        metrics.lines().find_map(failed) == Some(50)
    })
    .await;
}
