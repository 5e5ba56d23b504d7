//! docs/roles.md against the server: every route asked, and every message sent, as every role.

use crate::{ask, ask_as, blocking};
use bytes::Bytes;
use codraft_protocol::api::{NewInvitation, NewTicket};
use codraft_protocol::id::Role;
use codraft_protocol::resolution::SAMPLE;
use codraft_protocol::sync::SyncMessage;
use codraft_protocol::wire::Frame;
use codraft_server::directory::permission::Action;
use codraft_server::http::routes::{MESSAGES, Need, ROUTES, meets};
use codraft_tests::cli::Terminal;
use codraft_tests::peer::{Peer, Replica};
use codraft_tests::server::Server;

const ROLES: [Role; 4] = [Role::Secretariat, Role::Chair, Role::Delegate, Role::Observer];

struct House {
    server: Server,
    document: String,
    /// Role, whether by ticket, credentials.
    callers: Vec<(Role, bool, String)>,
}

fn house() -> House {
    let server = Server::start_with(&["--failed-logins-per-minute", "100000"]);
    let document = server.import(SAMPLE);
    server.delegation("CAN");
    let mut callers = Vec::new();
    for role in ROLES {
        let delegation = (role == Role::Delegate).then(|| "CAN".parse().unwrap());
        let token = server.pen().invite(&NewInvitation { role, delegation }).unwrap().token;
        let ticket = server.api(&token).ticket(&NewTicket::default()).unwrap().ticket;
        callers.push((role, false, token));
        callers.push((role, true, ticket));
    }
    House { server, document, callers }
}

#[test]
fn every_route_answers_each_role_as_the_table_says() {
    let House { server, document, callers } = house();
    let mut asked = 0;
    for route in ROUTES {
        if route.path == "/sync" {
            continue;
        }
        // A document that is there, so that only the role decides; whatever else an id names is not there.
        let id = if route.path.contains("/documents/") { document.as_str() } else { "nobody-0" };
        let path = route.path.replace("{id}", id).replace("{number}", "0");
        let path = path.replace("{*view}", "x").replace("{*path}", "x");
        // A page of the server's own, for the page's login.
        let origin = server.url.clone();
        let status = |credentials: Option<&str>| {
            let bearer = credentials.map(|token| format!("Bearer {token}"));
            let mut headers = vec![("origin", origin.as_str())];
            headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
            if route.path.ends_with("/events") {
                return stream_status(&server.url, &path, &headers);
            }
            // A body that is nothing: who may not do it is told so before anybody reads it.
            ask(&server.url, route.method, &path, &headers, "nonsense").status
        };
        let nobody = status(None);
        assert_eq!(nobody == 401, route.need != Need::Nothing, "{} {path} as nobody: {nobody}", route.method);
        for (role, ticket, credentials) in &callers {
            let got = status(Some(credentials));
            let may = meets(*role, *ticket, route.need);
            assert_eq!(got != 403, may, "{} {path} as {role}, ticket: {ticket}: {got}", route.method);
            assert_ne!(got, 401);
            asked += 1;
        }
        // Somebody who was let in once and is no more, somebody whose token is wrong.
        if route.need != Need::Nothing {
            let wrong = format!("cdt_x-{asked}_{:064x}", 1);
            assert_eq!(status(Some(&wrong)), 401, "{} {path}", route.method);
        }
    }
    println!("{} routes, {asked} requests", ROUTES.len());
    assert!(asked > 100);
}

/// Whatever is asked about another delegation's draft, and whoever asks: there is no such document.
#[test]
fn a_draft_is_there_for_its_delegation_alone() {
    let House { server, document, callers } = house();
    let usa = server.delegation("USA");
    let draft = server.api(&usa.token).begin_draft(&document).unwrap().id;
    let dir = tempfile::tempdir().unwrap();
    let folder = Terminal::new(dir.path(), &server, &usa.token).cloned(&draft, "ours");
    folder.edit("every year;", "every fortnight;");
    folder.run(&["sync"]).ok();
    let path = |route: &str, id: &str| route.replace("{id}", id).replace("{number}", "0");
    // Its own people get to it.
    let text = "/api/v1/documents/{id}/text";
    assert!(ask_as(&server.url, &usa.token, "GET", &path(text, &draft), "").body.contains("fortnight"));
    let mut asked = 0;
    for route in ROUTES.iter().filter(|route| route.path.starts_with("/api/v1/documents")) {
        for (role, ticket, credentials) in &callers {
            // A role that may not is told so, of any document.
            let expected = if meets(*role, *ticket, route.need) { 404 } else { 403 };
            let path = path(route.path, &draft);
            let answer = ask_as(&server.url, credentials, route.method, &path, "{}");
            assert!(!answer.body.contains("fortnight"), "{} {path} as {role}", route.method);
            if route.path.contains("{id}") {
                assert_eq!(answer.status, expected, "{} {path} as {role}", route.method);
                asked += 1;
            } else {
                assert!(!answer.body.contains(&draft), "{} {path} as {role}", route.method);
            }
        }
        if route.path.contains("{id}") {
            assert_eq!(ask(&server.url, route.method, &path(route.path, &draft), &[], "{}").status, 401);
        }
    }
    assert!(asked > 200, "{asked}");
    // Of the common document they are told nothing of it either.
    for route in ROUTES.iter().filter(|route| route.method == "GET" && route.path.contains("/documents/{id}"))
    {
        if route.path.ends_with("/events") {
            continue;
        }
        for (role, _, credentials) in &callers {
            let told = ask_as(&server.url, credentials, "GET", &path(route.path, &document), "").body;
            assert!(!told.contains("fortnight") && !told.contains(&draft), "{} as {role}", route.path);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_there_for_its_delegation_alone_on_the_websocket() {
    let (server, draft, usa, callers) = blocking(|| {
        let House { server, document, callers } = house();
        let usa = server.delegation("USA").token;
        let draft = server.api(&usa).begin_draft(&document).unwrap().id;
        (server, draft, usa, callers)
    })
    .await;
    for (n, (role, _, credentials)) in callers.iter().enumerate() {
        let mut peer = Peer::join(&server.url, credentials, &format!("p{n}")).await;
        peer.sync(&draft, SyncMessage::reset(Vec::new()).encode()).await;
        match peer.next().await.unwrap() {
            Frame::Unavailable { document, .. } => assert_eq!(document, draft),
            other => panic!("{role} is sent {other:?}"),
        }
    }
    let mut own = Peer::join(&server.url, &usa, "own").await;
    let mut replica = Replica::new(&draft, "USA", [9; 16]);
    replica.begin(&mut own).await;
    replica.settle(&mut own).await;
    assert!(!replica.text(0).is_empty());
}

/// An event stream does not end by itself.
fn stream_status(url: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(crate::address(url)).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    let mut request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n", crate::address(url));
    headers.iter().for_each(|(name, value)| request.push_str(&format!("{name}: {value}\r\n")));
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    crate::answer(&head).status
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_does_for_each_role_what_the_table_says() {
    let House { server, document, callers } = blocking(house).await;
    let mut watcher = Peer::join(&server.url, &server.secretariat, "watcher").await;
    let mut watching = Replica::new(&document, "", [250; 16]);
    watching.begin(&mut watcher).await;
    watching.settle(&mut watcher).await;
    for (n, (role, ticket, credentials)) in callers.iter().enumerate() {
        let may = |message: &str| {
            let (_, need) = MESSAGES.iter().find(|(name, _)| *name == message).expect(message);
            meets(*role, *ticket, *need)
        };
        // join, request, sync without changes
        assert!(may("join") && may("request") && may("sync without changes"));
        let mut peer = Peer::join(&server.url, credentials, &format!("p{n}")).await;
        let label = match role {
            Role::Secretariat => "SECRETARIAT",
            Role::Delegate => "CAN",
            Role::Chair | Role::Observer => "",
        };
        let mut replica = Replica::new(&document, label, [n as u8 + 1; 16]);
        replica.begin(&mut peer).await;
        replica.settle(&mut peer).await;
        // ephemeral: everybody who reads may show where
        assert!(may("ephemeral"));
        let frame = Frame::Ephemeral {
            sender: peer.id.clone(),
            target: String::new(),
            document: document.clone(),
            session: "s".into(),
            count: 1,
            data: Bytes::from(vec![n as u8]),
        };
        peer.send(&frame).await;
        loop {
            match watcher.next().await.unwrap() {
                Frame::Ephemeral { data, .. } => {
                    assert_eq!(data, vec![n as u8]);
                    break;
                }
                other => drop(watching.take(&mut watcher, other).await),
            }
        }
        // sync with changes
        replica.splice(3, 0, 0, "w");
        replica.push(&mut peer).await;
        if may("sync with changes") {
            replica.settle(&mut peer).await;
        } else {
            assert!(peer.error().await.contains("may read but not write"), "{role}");
        }
        assert!(may("leave"));
        peer.send(&Frame::Leave { sender: peer.id.clone() }).await;
        peer.closed().await;
    }
    let writers =
        callers.iter().filter(|(role, ticket, _)| meets(*role, *ticket, Need::To(Action::Edit))).count();
    assert_eq!(writers, 4);
    let text = blocking(move || server.text(&document)).await;
    assert!(text.contains("wwww") && !text.contains("wwwww"), "{text}");
}

/// Whoever knows an account can guess at its token until nothing from the same address is looked at for it; and a
/// conference sits behind one address.
#[test]
fn accounts_are_named_to_those_who_may_read_the_trail() {
    let server = Server::start();
    let document = server.import(SAMPLE);
    let (can, usa) = (server.delegation("CAN"), server.delegation("USA"));
    let dir = tempfile::tempdir().unwrap();
    let working = Terminal::new(dir.path(), &server, &can.token).cloned(&document, "can");
    working.edit("every year;", "every month;");
    working.run(&["sync"]).ok();
    working.run(&["reason", "CAN/1", "it is high time"]).ok();
    let (chair, observer) = (server.invite(Role::Chair), server.invite(Role::Observer));
    let path = |end: &str| format!("/api/v1/documents/{document}/{end}");
    assert_eq!(ask_as(&server.url, &chair, "POST", &path("rounds/close"), "{}").status, 200);
    let adopt = r#"{"rulings": [{"proposal": "CAN/1", "decision": "adopt"}]}"#;
    assert_eq!(ask_as(&server.url, &chair, "POST", &path("rulings"), adopt).status, 201);
    let chairs = server.api(&chair).me().unwrap().account.id;
    let told = |token: &str, end: &str| ask_as(&server.url, token, "GET", &path(end), "").body;
    for (end, named) in [("ledger", vec![&chairs, &can.account]), ("rulings", vec![&chairs])] {
        for account in named {
            assert!([&server.secretariat, &chair].iter().all(|token| told(token, end).contains(account)));
            for token in [&can.token, &usa.token, &observer, &server.ticket(&chair)] {
                let told = told(token, end);
                assert!(told.contains("CAN/1") && !told.contains(account), "{told}");
            }
        }
    }
}
