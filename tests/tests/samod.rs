//! samod, a client of its own kind in Rust, against a real server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use automerge::transaction::Transactable as _;
use automerge::{ActorId, Automerge, ROOT, ReadDoc as _};
use codraft_protocol::api::{Proposal, SegmentKind};
use codraft_protocol::resolution::SAMPLE;
use codraft_tests::peer::eventually;
use codraft_tests::samod_transport::transport;
use codraft_tests::server::Server;
use samod::{BackoffConfig, DialError, Dialer, DocHandle, Repo, Transport};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Connects with nothing but a URL that holds a ticket.
struct ByTicket(Url);

impl Dialer for ByTicket {
    type Error = Infallible;

    fn url(&self) -> Url {
        self.0.clone()
    }

    fn connect(&self) -> Pin<Box<dyn Future<Output = Result<Transport, DialError<Infallible>>> + Send>> {
        let url = self.0.to_string();
        Box::pin(async move {
            let (ws, _) = tokio_tungstenite::connect_async(url).await.map_err(DialError::transient)?;
            Ok(transport(ws))
        })
    }
}

async fn open(server: &Server, token: &str, document: &str) -> (Repo, DocHandle) {
    let ticket = tokio::task::block_in_place(|| server.ticket(token));
    let url = format!("{}/sync?ticket={ticket}", server.url.replacen("http", "ws", 1));
    let repo = Repo::build_tokio().load().await;
    let backoff = BackoffConfig {
        initial_delay: Duration::from_millis(100),
        max_delay: Duration::from_millis(500),
        max_retries: None,
    };
    let dialer = repo.dial(backoff, Arc::new(ByTicket(url.parse().unwrap()))).unwrap();
    dialer.established().await.unwrap();
    let handle = repo.find(document.parse().unwrap()).await.unwrap().expect("the document");
    (repo, handle)
}

fn text_object(doc: &Automerge, provision: usize) -> automerge::ObjId {
    let (_, list) = doc.get(ROOT, "provisions").unwrap().unwrap();
    let (_, map) = doc.get(&list, provision).unwrap().unwrap();
    doc.get(&map, "text").unwrap().unwrap().1
}

fn text(handle: &DocHandle, provision: usize) -> String {
    handle.with_document(|doc| doc.text(text_object(doc, provision)).unwrap())
}

fn insert(handle: &DocHandle, provision: usize, words: &str) {
    handle.with_document(|doc| {
        let object = text_object(doc, provision);
        let mut tx = doc.transaction();
        tx.splice_text(&object, 0, 0, words).unwrap();
        tx.commit();
    });
}

fn inserted(proposal: &Proposal) -> String {
    let segments = proposal.segments.iter().filter(|s| s.kind == SegmentKind::Inserted);
    segments.map(|s| s.text.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn samod_drafts_along() {
    let mut server = tokio::task::spawn_blocking(Server::start).await.unwrap();
    let (document, can, usa) = tokio::task::block_in_place(|| {
        (server.import(SAMPLE), server.delegation("CAN"), server.delegation("USA"))
    });
    let (_can_repo, can_handle) = open(&server, &can.token, &document).await;
    let (_usa_repo, usa_handle) = open(&server, &usa.token, &document).await;

    insert(&can_handle, 4, "CAN's words, ");
    eventually("USA sees CAN's words", || text(&usa_handle, 4).starts_with("CAN's words, ")).await;
    insert(&usa_handle, 5, "USA's words, ");
    eventually("CAN sees USA's words", || text(&can_handle, 5).starts_with("USA's words, ")).await;

    let paste = "the protection of coastal communities, ".repeat(520);
    insert(&can_handle, 6, &paste);
    eventually("20 KB arrive", || text(&usa_handle, 6).starts_with(&paste)).await;

    // 1,000 changes while the server is down; it is killed, not stopped.
    server.kill();
    for _ in 0..1000 {
        insert(&can_handle, 7, "y");
    }
    insert(&usa_handle, 8, "offline ");
    server.restart();
    let thousand = "y".repeat(1000);
    eventually("1,000 offline changes arrive", || text(&usa_handle, 7).starts_with(&thousand)).await;
    eventually("and USA's", || text(&can_handle, 8).starts_with("offline ")).await;

    let proposals = || tokio::task::block_in_place(|| server.pen().proposals(&document).unwrap().proposals);
    eventually("five proposals", || proposals().len() == 5).await;
    let owners: Vec<_> = proposals().iter().map(|p| (p.sponsors[0].to_string(), inserted(p))).collect();
    let expected = [
        ("CAN", "CAN's words, "),
        ("USA", "USA's words, "),
        ("CAN", &paste),
        ("CAN", &thousand),
        ("USA", "offline "),
    ];
    assert_eq!(owners, expected.map(|(code, words)| (code.to_owned(), words.to_owned())));

    // Forged: USA's client writes with CAN's actor.
    let actor: ActorId = can_handle.with_document(|doc| doc.get_actor().clone());
    let before = tokio::task::block_in_place(|| server.text(&document));
    let (_forger_repo, forger) = open(&server, &usa.token, &document).await;
    eventually("the forger has everything", || text(&forger, 8).starts_with("offline ")).await;
    forger.with_document(|doc| {
        doc.set_actor(actor);
    });
    insert(&forger, 9, "forged ");
    let quarantine =
        || tokio::task::block_in_place(|| server.pen().quarantine(&document).unwrap().quarantine);
    eventually("it is quarantined", || !quarantine().is_empty()).await;
    assert_eq!(
        (quarantine()[0].sender.as_str(), quarantine()[0].code.as_str()),
        (usa.account.as_str(), "foreign-actor")
    );
    assert_eq!(tokio::task::block_in_place(|| server.text(&document)), before);
    insert(&can_handle, 10, "and on: ");
    eventually("the others go on", || text(&usa_handle, 10).starts_with("and on: ")).await;
}
