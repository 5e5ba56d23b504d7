//! Documents that nobody uses go to rest: nobody can tell, but by the memory that it saves.

use crate::{ask_as, blocking};
use codraft_client_core::api::Api;
use codraft_protocol::resolution::SAMPLE;
use codraft_tests::peer::{Peer, Replica};
use codraft_tests::server::{Delegate, Server};

const DOCUMENTS: usize = 6;
const MOST: usize = 2;
const FLAGS: [&str; 2] = ["--open-documents", "2"];

/// How many documents are open; none that was never said.
fn open_documents(server: &Server) -> f64 {
    let metrics = ask_as(&server.url, &server.secretariat, "GET", "/metrics", "").body;
    let said = metrics.lines().find_map(|line| line.strip_prefix("codraft_open_documents "));
    said.map_or(0.0, |said| said.trim().parse().unwrap())
}

/// Writes, and waits until it is stored.
async fn write(url: &str, can: &Delegate, document: &str, actor: u8, words: &str) {
    let (mut peer, mut replica) = push(url, can, document, actor, words).await;
    replica.settle(&mut peer).await;
}

/// Writes, and waits for nothing.
async fn push(url: &str, can: &Delegate, document: &str, actor: u8, words: &str) -> (Peer, Replica) {
    let mut peer = Peer::join(url, &can.token, &format!("w{actor}")).await;
    let mut replica = Replica::new(document, "CAN", [actor; 16]);
    replica.begin(&mut peer).await;
    replica.settle(&mut peer).await;
    replica.splice(3, 0, 0, words);
    replica.push(&mut peer).await;
    (peer, replica)
}

fn listed(pen: &Api) -> Vec<(String, String, u64)> {
    let all = pen.documents().unwrap().documents.into_iter();
    all.map(|one| (one.id, one.title, one.changes)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_rest_and_wake_as_they_were() {
    let (mut server, documents, can) = blocking(|| {
        let server = Server::start_with(&FLAGS);
        let documents: Vec<String> = (0..DOCUMENTS).map(|_| server.import(SAMPLE)).collect();
        let can = server.delegation("CAN");
        (server, documents, can)
    })
    .await;
    let first = documents[0].clone();
    write(&server.url, &can, &first, 1, "Before its rest. ").await;
    blocking(move || {
        let pen = server.pen();
        documents.iter().skip(1).for_each(|id| drop(pen.attribution(id).unwrap()));
        // They are at rest a moment after they were opened; whatever is asked for next takes their places. A listing
        // opens those whose views are not laid down yet, and in the end none.
        let patience = std::time::Instant::now();
        let before = loop {
            drop(pen.attribution(&documents[1]).unwrap());
            let before = listed(&pen);
            if open_documents(&server) <= MOST as f64 {
                break before;
            }
            assert!(patience.elapsed().as_secs() < 20, "{} documents stay open", open_documents(&server));
            std::thread::sleep(std::time::Duration::from_millis(200));
        };
        assert_eq!(before.len(), DOCUMENTS);
        assert!(pen.text(&first, "current").unwrap().contains("Before its rest. "));
        assert!(open_documents(&server) <= MOST as f64);
        // Woken, it knows who wrote what.
        let proposals = pen.proposals(&first).unwrap().proposals;
        assert_eq!(proposals[0].sponsors[0].as_str(), "CAN");
        assert!(server.stop());
        server.restart_with(&FLAGS);
        assert_eq!(listed(&server.pen()), before);
        assert_eq!(open_documents(&server), 0.0, "a listing after a restart opens nothing");
        // A view that is behind is not used: what is written now is durable, and the server has no time for views.
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(write(&server.url, &can, &first, 2, "Then killed. "));
        server.kill();
        server.restart_with(&FLAGS);
        assert!(server.text(&first).contains("Then killed. Before its rest. "));
        let changes = |all: &[(String, String, u64)]| all.iter().find(|one| one.0 == first).unwrap().2;
        assert_eq!(changes(&listed(&server.pen())), changes(&before) + 1);
    })
    .await;
}

/// Many come and go at once in more documents than may stay open: no acknowledged word is missing.
#[tokio::test(flavor = "multi_thread")]
async fn coming_and_going_loses_nothing() {
    let (mut server, documents, can) = blocking(|| {
        let server = Server::start_with(&["--open-documents", "1"]);
        let documents: Vec<String> = (0..DOCUMENTS).map(|_| server.import(SAMPLE)).collect();
        let can = server.delegation("CAN");
        (server, documents, can)
    })
    .await;
    let mut guests = tokio::task::JoinSet::new();
    for (n, document) in documents.iter().cloned().enumerate() {
        let (url, can) = (server.url.clone(), can.clone());
        guests.spawn(async move {
            for visit in 0..6_u8 {
                let actor = u8::try_from(n).unwrap() * 6 + visit + 1;
                write(&url, &can, &document, actor, &format!("<{visit}>")).await;
                // Somebody else is gone before they hear that theirs is stored.
                drop(push(&url, &can, &document, actor + 100, "!").await);
                // Long enough, now and then, for it to come to rest.
                tokio::time::sleep(std::time::Duration::from_millis(u64::from(visit % 4) * 400)).await;
            }
        });
        let (url, token) = (server.url.clone(), server.secretariat.clone());
        let id = documents[n].clone();
        guests.spawn(async move {
            for _ in 0..20 {
                let (url, token, path) =
                    (url.clone(), token.clone(), format!("/api/v1/documents/{id}/attribution"));
                assert_eq!(blocking(move || ask_as(&url, &token, "GET", &path, "")).await.status, 200);
            }
        });
    }
    while let Some(guest) = guests.join_next().await {
        guest.unwrap();
    }
    blocking(move || {
        // All is read from the log once more.
        assert!(server.stop());
        server.restart();
        for document in &documents {
            assert!(server.pen().attribution(document).is_ok());
            let text = server.text(document);
            assert!((0..6).all(|visit| text.contains(&format!("<{visit}>"))), "{text}");
        }
    })
    .await;
}
