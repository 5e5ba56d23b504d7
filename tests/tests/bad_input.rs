//! Everything that can be wrong: each has its own words that say what to do, the right status or exit code,
//! and nothing is lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use bytes::Bytes;
use codraft_client_core::api::{Api, ApiError};
use codraft_protocol::api::{NewDocument, NewTicket, Problem};
use codraft_protocol::id::Role;
use codraft_protocol::resolution::SAMPLE;
use codraft_protocol::wire::{Frame, PeerMetadata};
use codraft_tests::cli::Terminal;
use codraft_tests::peer::{Peer, Replica};
use codraft_tests::server::{Server, codraft_server};
use std::time::Duration;

fn problem<T: std::fmt::Debug>(answer: Result<T, ApiError>) -> Problem {
    match answer {
        Err(ApiError::Problem(problem)) => problem,
        other => panic!("a problem was expected: {other:?}"),
    }
}

#[test]
fn requests_are_refused_with_their_reason() {
    let server = Server::start();
    let document = server.import(SAMPLE);
    let can = server.delegation("CAN");
    let (pen, delegate, observer) =
        (server.pen(), server.api(&can.token), server.api(&server.invite(Role::Observer)));
    let other = "4NMNnkMhL8jXrdJ9jamS58PAVdXu";
    let text = |text: &str| NewDocument { text: text.to_owned(), symbol: String::new() };
    let ticket = |ttl: u32| NewTicket { ttl_seconds: Some(ttl), ..NewTicket::default() };
    let as_ticket = server.api(&server.ticket(&can.token));
    let cases: Vec<(Problem, u16, &str, &str)> = vec![
        (problem(pen.document(other)), 404, "unknown-document", "GET /api/v1/documents"),
        (problem(pen.document("../../etc/passwd")), 404, "unknown-document", "GET /api/v1/documents"),
        (problem(pen.text(&document, "sideways")), 400, "bad-view", "use current, baseline"),
        (problem(server.api("").me()), 401, "unknown-token", "copied whole"),
        (problem(server.api("cdt_x").me()), 401, "unknown-token", "ask the secretariat"),
        (problem(delegate.import(&text(SAMPLE))), 403, "forbidden", "a delegate may not import documents"),
        (problem(observer.delegations().and_then(|_| observer.revoke(&can.account))), 403, "forbidden", "an"),
        (problem(pen.import(&text(""))), 422, "bad-text", "empty"),
        (problem(pen.import(&text(&"x".repeat(200_000)))), 422, "bad-text", "100"),
        (problem(delegate.ticket(&ticket(0))), 422, "bad-value", "30 days"),
        (problem(pen.revoke("nobody")), 404, "unknown-account", "delegation list"),
        (problem(pen.revoke_ticket("t-0")), 404, "unknown-ticket", "no ticket"),
        (problem(as_ticket.ticket(&ticket(60))), 403, "forbidden", "ticket may not"),
        (problem(pen.import(&text(&"12345678\n".repeat(600_000)))), 413, "too-large", "4 MB"),
    ];
    for (n, (problem, status, kind, words)) in cases.into_iter().enumerate() {
        assert_eq!(
            (problem.status, problem.kind.as_str()),
            (status, format!("urn:codraft:{kind}").as_str()),
            "{n}"
        );
        assert!(problem.detail.contains(words) && !problem.title.is_empty(), "{n}: {}", problem.detail);
    }
    // Revoked while in use.
    assert!(pen.revoke(&can.account).unwrap().revoked);
    let revoked = problem(delegate.me());
    assert_eq!((revoked.status, revoked.kind.as_str()), (401, "urn:codraft:revoked-token"));
    assert_eq!(problem(as_ticket.document(&document)).kind, "urn:codraft:revoked-ticket");
    // Raw HTTP: the media type, and what is no JSON.
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let bearer = format!("Bearer {}", server.secretariat);
    let url = format!("{}/api/v1/documents", server.url);
    let answer = agent.post(&url).header("authorization", &bearer).send(&b"\xff\xfe"[..]).unwrap();
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let answer = agent.delete(&url).header("authorization", &bearer).call().unwrap();
    assert_eq!(answer.status(), 405);
    let answer = agent.get(format!("{}/sync", server.url)).call().unwrap();
    assert_eq!(answer.status(), 426);
    let cross = agent
        .get(format!("{}/sync", server.url))
        .header("origin", "https://evil.example")
        .header("upgrade", "websocket")
        .header("connection", "upgrade")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .call()
        .unwrap();
    assert_eq!(cross.status(), 403);
    // Nothing of all that has changed anything.
    assert_eq!(server.text(&document), SAMPLE);
    assert_eq!(pen.documents().unwrap().documents.len(), 1);
    assert_eq!(pen.document(&document).unwrap().changes, 1);
}

#[test]
fn operations_see_how_it_is() {
    let server = Server::start();
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let get = |path: &str| {
        let mut answer = agent.get(format!("{}{path}", server.url)).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    };
    server.import(SAMPLE);
    assert_eq!(get("/healthz"), (200, "ok\n".into()));
    assert_eq!(get("/readyz"), (200, "ready\n".into()));
    let (status, metrics) = get("/metrics");
    assert!(status == 200 && metrics.contains("codraft_commit_seconds_bucket"), "{metrics}");
    let (_, openapi) = get("/api/v1/openapi.json");
    let openapi: serde_json::Value = serde_json::from_str(&openapi).unwrap();
    for path in [
        "/api/v1/documents",
        "/api/v1/documents/{id}",
        "/api/v1/documents/{id}/text",
        "/api/v1/documents/{id}/attribution",
        "/api/v1/documents/{id}/proposals",
        "/api/v1/documents/{id}/events",
        "/api/v1/documents/{id}/quarantine",
        "/api/v1/delegations",
        "/api/v1/invitations",
        "/api/v1/accounts/{id}",
        "/api/v1/tickets",
        "/api/v1/tickets/{id}",
        "/api/v1/me",
        "/api/v1/backup",
    ] {
        assert!(openapi["paths"][path].is_object(), "{path}");
    }
    assert!(openapi["components"]["schemas"]["Proposal"].is_object());
}

#[test]
fn stores_that_cannot_be_served_say_why() {
    let mut server = Server::start();
    let document = server.import(SAMPLE);
    let data = server.data.to_str().unwrap().to_owned();
    let refused = |args: &[&str], code: i32, words: &[&str]| {
        let output = codraft_server(args);
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {err}");
        words.iter().for_each(|words| assert!(err.contains(words), "{args:?}: {err}"));
        assert!(output.stdout.is_empty());
    };
    // Two servers on one directory; a port in use; an address that others reach.
    refused(
        &["serve", "--data-dir", &data, "--listen", "127.0.0.1:0"],
        4,
        &["another codraft-server is using"],
    );
    refused(&["init", "--data-dir", &data], 1, &["is not empty"]);
    let dir = tempfile::tempdir().unwrap();
    let second = dir.path().join("second");
    let second = second.to_str().unwrap();
    assert!(codraft_server(&["init", "--data-dir", second]).status.success());
    let address = server.url.trim_start_matches("http://").to_owned();
    refused(
        &["serve", "--data-dir", second, "--listen", &address],
        4,
        &["in use by another program", "--listen"],
    );
    refused(&["serve", "--data-dir", second, "--listen", "0.0.0.0:0"], 2, &["--allow-plaintext"]);
    // A truncated database is not served, and the way out is told.
    assert!(server.stop());
    let backup = dir.path().join("whole.backup");
    let backup = backup.to_str().unwrap();
    assert!(codraft_server(&["backup", backup, "--data-dir", &data]).status.success());
    let db = server.data.join("db/db");
    let file = std::fs::OpenOptions::new().write(true).open(&db).unwrap();
    file.set_len(2000).unwrap();
    for _ in 0..2 {
        let words = ["REFUSING TO SERVE", "Restore the newest backup", "codraft-server restore"];
        refused(&["serve", "--data-dir", &data, "--listen", "127.0.0.1:0"], 5, &words);
    }
    // And the way out works.
    let restored = dir.path().join("restored");
    let output = codraft_server(&["restore", backup, "--data-dir", restored.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    server.data = restored;
    server.restart();
    assert_eq!(server.text(&document), SAMPLE);
}

#[test]
fn a_full_disk_stops_writing_and_nothing_else() {
    let mut server = Server::start();
    let document = server.import(SAMPLE);
    let can = server.delegation("CAN");
    let dir = tempfile::tempdir().unwrap();
    let terminal = Terminal::new(dir.path(), &server, &can.token).cloned(&document, "can");
    assert!(server.stop());
    // All of any disk is to stay free.
    let data = server.data.clone();
    let mut full = Server::start_with(&[]);
    full.stop();
    full.data = data;
    full.url = server.url.clone();
    full.restart_with(&["--reserve-mb", "100000000"]);
    let import = NewDocument { text: SAMPLE.to_owned(), symbol: String::new() };
    let refused = problem(full.api(&server.secretariat).import(&import));
    assert_eq!((refused.status, refused.kind.as_str()), (507, "urn:codraft:disk-full"));
    assert!(refused.detail.contains("free space"), "{}", refused.detail);
    assert_eq!(full.api(&server.secretariat).text(&document, "current").unwrap(), SAMPLE, "reading goes on");
    terminal.edit("every year;", "every month;");
    let said = terminal.run(&["sync"]);
    assert_eq!(said.code, 3, "{}", said.err);
    assert!(
        said.err.contains("could not store") && said.err.contains("1 change is recorded here"),
        "{}",
        said.err
    );
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut ready = agent.get(format!("{}/readyz", full.url)).call().unwrap();
    assert_eq!(ready.status(), 503);
    assert!(ready.body_mut().read_to_string().unwrap().contains("nearly full"));
    // Space again: the same words go through.
    full.kill();
    full.restart();
    terminal.run(&["sync"]).ok();
    assert!(full.api(&server.secretariat).text(&document, "current").unwrap().contains("every month;"));
}

#[test]
fn the_command_says_what_to_do() {
    let mut server = Server::start();
    let document = server.import(SAMPLE);
    let can = server.delegation("CAN");
    let dir = tempfile::tempdir().unwrap();
    let pen = Terminal::new(dir.path(), &server, &server.secretariat);
    let outside = Terminal::new(dir.path(), &server, &can.token);
    std::fs::write(dir.path().join("latin1.txt"), b"R\xe9solution\n").unwrap();
    std::fs::write(dir.path().join("empty.txt"), b"").unwrap();
    let told = |terminal: &Terminal, args: &[&str], code: i32, words: &str| {
        let said = terminal.run(args);
        assert_eq!(said.code, code, "{args:?}: {}", said.err);
        assert!(said.err.contains(words), "{args:?}: {}", said.err);
        assert!(said.out.is_empty(), "{}", said.out);
    };
    told(&pen, &["import", "latin1.txt"], 7, "UTF-8");
    told(&pen, &["import", "empty.txt"], 7, "empty");
    told(&pen, &["import", "missing.txt"], 1, "No such file");
    told(&pen, &["delegation", "add", "can", "--name", "Canada"], 2, "capital letters");
    told(&pen, &["delegation", "add", "CAN", "--name", "Canada"], 4, "there already");
    told(&pen, &["delegation", "invite"], 7, "needs a delegation");
    told(&outside, &["clone", "4NMNnkMhL8jXrdJ9jamS58PAVdXu"], 6, "no document");
    told(&outside, &["quarantine", "--document", &document], 5, "ask the secretariat");
    told(&outside, &["sync"], 6, "codraft clone DOCUMENT");
    told(&Terminal::new(dir.path(), &server, "cdt_x"), &["documents"], 5, "copied whole");

    let can = outside.cloned(&document, "can");
    told(&pen, &["clone", &document, "can"], 1, "not empty");
    told(&pen, &["clone", &document, "latin1.txt"], 1, "is a file");
    // A file that cannot be taken in stays as it is, and nothing is recorded.
    let broken = b"R\xe9solution\n";
    for bytes in [&broken[..], b""] {
        std::fs::write(can.folder.join("resolution.txt"), bytes).unwrap();
        let said = can.run(&["sync"]);
        assert_eq!(said.code, 7, "{}", said.err);
        assert!(said.err.contains("as you left it"), "{}", said.err);
        assert_eq!(std::fs::read(can.folder.join("resolution.txt")).unwrap(), bytes);
        let status = can.run(&["status", "--json"]).json();
        assert_eq!(status["state"], "unusable");
        assert!(!can.run(&["status"]).ok().contains("no edits"), "it does not say that all is well");
    }
    std::fs::remove_file(can.folder.join("resolution.txt")).unwrap();
    told(&can, &["sync"], 7, "codraft restore");
    can.run(&["restore"]).ok();
    assert_eq!(can.file(), SAMPLE);
    assert_eq!(server.pen().document(&document).unwrap().changes, 1, "nothing was sent");
    // A chair reads only.
    let chair = Terminal::new(dir.path(), &server, &server.invite(Role::Chair)).cloned(&document, "chair");
    chair.edit("every year;", "every month;");
    told(&chair, &["sync"], 5, "only reads");
    // A token of somebody else.
    let usa = server.delegation("USA");
    let stolen = Terminal::new(&can.folder, &server, &usa.token);
    told(&stolen, &["sync"], 2, "this working copy is CAN's");
    // Offline, and another process at work.
    server.kill();
    can.edit("every year;", "every week;");
    told(&can, &["sync"], 3, "recorded here");
    for offline in [&["status"][..], &["diff"], &["log"], &["show"], &["proposals"]] {
        assert_eq!(can.run(offline).code, 0, "{offline:?} works offline");
    }
    assert!(can.run(&["proposals"]).err.contains("offline"));
    server.restart();
    can.run(&["sync"]).ok();
    assert!(server.text(&document).contains("every week;"));
    // JSON everywhere.
    for listing in ["documents", "proposals", "log", "diff"] {
        assert!(can.run(&[listing, "--json"]).json().is_object());
    }
    assert!(pen.run(&["quarantine", "--json", "--document", &document]).json()["quarantine"].is_array());
    assert!(pen.run(&["delegation", "list", "--json"]).json()["delegations"].is_array());
    assert!(can.run(&["ticket", "create", "--json"]).json()["ticket"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_websocket_says_what_is_wrong() {
    let server = tokio::task::spawn_blocking(Server::start).await.unwrap();
    let (document, can) = tokio::task::block_in_place(|| (server.import(SAMPLE), server.delegation("CAN")));
    let url = &server.url;
    // Credentials: said on the open websocket, closed with 4401.
    for (credentials, words) in [("cdt_x", "not one of this server's"), ("cdk_x", "not one of this server's")]
    {
        let mut peer = Peer::connect(url, credentials, "p").await.unwrap();
        let closed = peer.closed().await;
        assert_eq!(closed.code, 4401);
        assert!(
            closed.reason.contains(words) || peer.errors[0].contains(words),
            "{closed:?} {:?}",
            peer.errors
        );
    }
    let short = NewTicket { ttl_seconds: Some(1), ..NewTicket::default() };
    let ticket = tokio::task::block_in_place(|| server.api(&can.token).ticket(&short).unwrap());
    let mut live = Peer::join(url, &ticket.ticket, "live").await;
    let closed = live.closed().await;
    assert_eq!(closed.code, 4401, "a ticket that expires closes its connection: {closed:?}");
    let mut late = Peer::connect(url, &ticket.ticket, "late").await.unwrap();
    let closed = late.closed().await;
    assert!(closed.code == 4401 && late.errors[0].contains("expired at"), "{closed:?} {:?}", late.errors);
    // Revocation closes what is open.
    let mut live = Peer::join(url, &can.token, "live").await;
    let usa = tokio::task::block_in_place(|| {
        server.pen().revoke(&can.account).unwrap();
        server.delegation("USA")
    });
    assert_eq!(live.closed().await.code, 4401);

    // Frames.
    let big = Bytes::from(vec![0; (1 << 20) + 1]);
    let join = |versions: &[&str], sender: &str| Frame::Join {
        sender: sender.to_owned(),
        metadata: PeerMetadata { storage_id: None, is_ephemeral: true },
        versions: versions.iter().map(|v| (*v).to_owned()).collect(),
    };
    let before_join: Vec<(Bytes, u16, &str)> = vec![
        (Bytes::from_static(b"garbage"), 4400, ""),
        (Bytes::from_static(&[0xa0]), 4400, ""),
        (join(&["2"], "p").encode(), 4400, "version 1"),
        (join(&["1"], "").encode(), 4400, "senderId"),
        (Frame::Leave { sender: "p".into() }.encode(), 4400, "join"),
    ];
    for (bytes, code, words) in before_join {
        let mut peer = Peer::connect(url, &usa.token, "p").await.unwrap();
        peer.raw(bytes).await;
        let closed = peer.closed().await;
        assert_eq!(closed.code, code, "{closed:?}");
        assert!(closed.reason.contains(words) && !closed.reason.is_empty(), "{closed:?}");
    }
    let after_join: Vec<(Bytes, u16, &str)> = vec![
        (Bytes::from_static(b"\xff\xff"), 4400, ""),
        (big, 1009, "larger"),
        (join(&["1"], "p").encode(), 4400, "joined already"),
        (
            Frame::Sync {
                sender: "somebody-else".into(),
                target: String::new(),
                document: document.clone(),
                data: Bytes::new(),
                request: false,
            }
            .encode(),
            4400,
            "senderId",
        ),
    ];
    for (bytes, code, words) in after_join {
        let mut peer = Peer::join(url, &usa.token, "p").await;
        peer.raw(bytes).await;
        let closed = peer.closed().await;
        assert_eq!(closed.code, code, "{closed:?}");
        assert!(closed.reason.contains(words), "{closed:?}");
    }
    let mut peer = Peer::join(url, &usa.token, "p").await;
    peer.text("hello").await;
    assert!(peer.closed().await.reason.contains("binary"));
    // Documents that are not there are unavailable, and the connection goes on.
    let mut peer = Peer::join(url, &usa.token, "p").await;
    for missing in ["4NMNnkMhL8jXrdJ9jamS58PAVdXu", "../../etc/passwd", "", "a\0b"] {
        peer.sync(missing, vec![0x42, 0, 0, 0, 0]).await;
        match peer.next().await.unwrap() {
            Frame::Unavailable { document, .. } => assert_eq!(document, missing),
            other => panic!("{other:?}"),
        }
    }
    let mut replica = Replica::new(&document, "USA", [1; 16]);
    replica.begin(&mut peer).await;
    replica.settle(&mut peer).await;
    // No join within the time that there is for it: closed, with words.
    let mut silent = Peer::connect(url, &usa.token, "silent").await.unwrap();
    let closed = tokio::time::timeout(Duration::from_secs(25), silent.closed()).await.unwrap();
    assert!(closed.code == 4400 && closed.reason.contains("join"), "{closed:?}");
    tokio::task::block_in_place(|| assert_eq!(server.text(&document), SAMPLE));
    let _: Api = server.pen();
}
