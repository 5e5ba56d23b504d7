//! Guessing, leaving, and what is on record of it.

use crate::{address, answer, ask_as, blocking};
use codraft_protocol::api::{NewExpiry, NewTicket};
use codraft_protocol::id::Role;
use codraft_protocol::resolution::SAMPLE;
use codraft_tests::peer::{PATIENCE, Peer};
use codraft_tests::server::Server;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Tokens of the right form, none of them right.
fn guess(account: &str, n: u64) -> String {
    format!("cdt_{account}_{n:064x}")
}

#[test]
fn guesses_are_told_to_wait_and_keep_nobody_else_out() {
    let server = Server::start_with(&["--guesses-per-minute", "10", "--failed-logins-per-minute", "30"]);
    let started = Instant::now();
    let (can, usa) = (server.delegation("CAN"), server.delegation("USA"));
    let me = |token: &str| ask_as(&server.url, token, "GET", "/api/v1/me", "");
    let mut statuses = Vec::new();
    for n in 0..30 {
        let answer = me(&guess(&can.account, n));
        if answer.status == 429 {
            let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=10).contains(&wait), "{wait}");
            assert!(
                answer.body.contains("urn:codraft:too-many-failures") && answer.body.contains("try again in")
            );
        }
        statuses.push(answer.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 10, "{statuses:?}");
    assert!(statuses[10..].iter().all(|status| *status == 429));
    // That account's own token has to wait, from this address; everybody else's does not.
    assert_eq!(me(&can.token).status, 429);
    assert_eq!(me(&usa.token).status, 200);
    // Guesses at accounts that are not there: the address runs out, and right tokens still come in.
    let strangers: Vec<u16> = (0..150).map(|n| me(&guess(&format!("nobody-{n}"), n)).status).collect();
    let passed = strangers.iter().filter(|status| **status == 401).count();
    let most = 30 + started.elapsed().as_secs() as usize;
    assert!((1..=most).contains(&passed) && strangers.last() == Some(&429), "{passed}: {strangers:?}");
    assert_eq!(me(&usa.token).status, 200);
    assert_eq!(me(&server.secretariat).status, 200);
    // No credentials at all are no guess.
    assert_eq!(crate::ask(&server.url, "GET", "/api/v1/me", &[], "").status, 401);

    let entries = server.pen().access_log(None, 1000).unwrap().entries;
    let refused: Vec<_> = entries.iter().filter(|one| one.kind == "login-refused").collect();
    assert!(refused.len() > 100, "{}", refused.len());
    assert!(refused.iter().all(|one| one.account.is_none() && one.address == "127.0.0.1"));
    assert_eq!(refused[0].claimed.as_deref(), Some(can.account.as_str()));
    let logins: Vec<_> = entries.iter().filter(|one| one.kind == "login").collect();
    assert!(logins.iter().any(|one| one.account.as_deref() == Some(&usa.account)));
    assert_eq!(
        logins.iter().filter(|one| one.account.as_deref() == Some(&usa.account)).count(),
        1,
        "noted once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_over_the_websocket_are_told_too() {
    let (server, can) = blocking(|| {
        let server = Server::start();
        let can = server.delegation("CAN");
        (server, can)
    })
    .await;
    let mut codes = Vec::new();
    for n in 0..12 {
        let mut peer = Peer::connect(&server.url, &guess(&can.account, n), "p").await.unwrap();
        codes.push(peer.closed().await.code);
    }
    assert_eq!(codes[..10], [4401; 10]);
    assert_eq!(codes[10..], [4429; 2]);
}

#[test]
fn an_account_asks_at_its_rate_and_is_told_when_to_go_on() {
    let server = Server::start_with(&["--requests-per-second", "1"]);
    let can = server.delegation("CAN");
    let me = |token: &str| ask_as(&server.url, token, "GET", "/api/v1/me", "");
    let started = Instant::now();
    let answers: Vec<_> = (0..20).map(|_| me(&can.token)).collect();
    let seconds = started.elapsed().as_secs() as usize;
    let passed = answers.iter().filter(|answer| answer.status == 200).count();
    assert!((5..=6 + seconds).contains(&passed), "{passed} of 20 in {seconds} s, at 1 a second after 5");
    let told = answers.iter().find(|answer| answer.status == 429).unwrap();
    assert_eq!(told.header("retry-after"), Some("1"));
    assert!(told.body.contains("urn:codraft:too-many-requests"), "{}", told.body);
    // Whoever waits as told goes on, and others did not notice.
    assert_eq!(me(&server.invite(Role::Observer)).status, 200);
    std::thread::sleep(Duration::from_millis(1_100));
    assert_eq!(me(&can.token).status, 200);
}

/// An event stream, read until the server ends it.
fn events(url: &str, token: &str, document: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address(url)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let path = format!("/api/v1/documents/{document}/events");
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n\r\n", address(url));
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).unwrap(), 1);
        head.push(byte[0]);
    }
    assert_eq!(answer(&head).status, 200);
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_revoked_leaves_at_once_and_the_others_stay() {
    let (server, document, can, usa) = blocking(|| {
        let server = Server::start();
        let (document, can, usa) =
            (server.import(SAMPLE), server.delegation("CAN"), server.delegation("USA"));
        (server, document, can, usa)
    })
    .await;
    let ticket = blocking({
        let api = server.api(&can.token);
        move || api.ticket(&NewTicket::default()).unwrap()
    })
    .await;
    let mut websocket = Peer::join(&server.url, &can.token, "w").await;
    let mut with_ticket = Peer::join(&server.url, &ticket.ticket, "t").await;
    let mut other = Peer::join(&server.url, &usa.token, "o").await;
    let (url, token, id) = (server.url.clone(), can.token.clone(), document.clone());
    let mut stream = blocking(move || events(&url, &token, &id)).await;
    let ended = tokio::task::spawn_blocking(move || {
        // The end of a chunked answer.
        let (mut rest, mut byte) = (Vec::new(), [0]);
        while !rest.ends_with(b"0\r\n\r\n") && stream.read(&mut byte)? == 1 {
            rest.push(byte[0]);
        }
        Ok::<_, std::io::Error>(Instant::now())
    });
    let pen = server.pen();
    let revoked = Instant::now();
    blocking(move || pen.revoke(&can.account).unwrap()).await;
    let closed = websocket.closed().await;
    assert!(closed.code == 4401 && closed.reason.contains("revoked"), "{closed:?}");
    assert_eq!(with_ticket.closed().await.code, 4401);
    let stream_ended = ended.await.unwrap().expect("the event stream ends");
    println!(
        "websockets closed {:?} and the event stream {:?} after",
        revoked.elapsed(),
        stream_ended - revoked
    );
    assert!(stream_ended - revoked < Duration::from_secs(5));
    // The other one is still served.
    other.sync(&document, vec![0x42, 0, 0, 0, 0]).await;
    assert!(other.next().await.is_ok());
    // And nobody comes in with it again.
    let mut again = Peer::connect(&server.url, &can.token, "w").await.unwrap();
    assert_eq!(again.closed().await.code, 4401);
}

#[test]
fn what_is_done_to_accounts_and_what_leaves_the_server_is_on_record() {
    let server = Server::start();
    let can = server.delegation("CAN");
    let pen = server.pen();
    pen.expire(&can.account, &NewExpiry { days: Some(30) }).unwrap();
    let ticket = server.api(&can.token).ticket(&NewTicket::default()).unwrap();
    server.api(&can.token).revoke_ticket(&ticket.id).unwrap();
    let mut backup = Vec::new();
    pen.backup().unwrap().read_to_end(&mut backup).unwrap();
    assert!(server.api(&can.token).backup().is_err());
    assert!(server.api(&can.token).access_log(None, 10).is_err(), "delegates do not read it");
    let entries = pen.access_log(None, 1000).unwrap().entries;
    let of = |kind: &str| entries.iter().filter(|one| one.kind == kind).collect::<Vec<_>>();
    assert!(of("invited").iter().any(|one| one.detail.contains(&can.account)));
    assert!(of("revoked").iter().any(|one| one.detail.contains("expires: 2")), "{entries:?}");
    assert!(of("ticket").iter().any(|one| one.account.as_deref() == Some(&can.account)));
    assert!(of("revoked").iter().any(|one| one.detail.contains(&ticket.id)));
    assert_eq!(of("export").len(), 1);
    assert!(of("export")[0].detail.contains("/api/v1/backup"));
    assert_eq!(of("refused").len(), 2);
    // The export was on record before its first byte: the backup itself has the entry.
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("b");
    std::fs::write(&file, &backup).unwrap();
    assert!(codraft_tests::server::codraft_server(&["verify", file.to_str().unwrap()]).status.success());
    // Neither tokens nor tickets are in it.
    let all = serde_json::to_string(&entries).unwrap();
    for secret in [&can.token, &server.secretariat, &ticket.ticket] {
        assert!(!all.contains(secret.rsplit_once('_').unwrap().1));
    }
    // It survives a restart, and pages back.
    let count = entries.len() as u64;
    let mut server = server;
    assert!(server.stop());
    server.restart();
    let page = server.pen().access_log(Some(count - 1), 2).unwrap().entries;
    assert_eq!(page.iter().map(|one| one.number).collect::<Vec<_>>(), [count - 3, count - 2]);
}
