//! A disk that does not answer: neither stored nor failed. (It need not be the disk: where one of sled's own threads
//! fails to write, sled does not always wake who waits for it.)

use crate::preloaded;
use codraft_client_core::api::ApiError;
use codraft_protocol::api::NewDocument;
use codraft_protocol::resolution::SAMPLE;
use codraft_tests::server::Server;

#[test]
fn a_server_whose_store_does_not_answer_ends_and_what_it_acknowledged_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let Some(library) = preloaded("stalled.c", dir.path()) else { return };
    let sign = dir.path().join("stalled");
    let mut server = Server::start();
    assert!(server.stop());
    server.environment = vec![
        ("LD_PRELOAD".to_owned(), library.display().to_string()),
        ("CODRAFT_STALLED_WHILE".to_owned(), sign.display().to_string()),
    ];
    server.restart_with(&["--store-patience-s", "2"]);
    let document = server.import(SAMPLE);
    std::fs::write(&sign, "").unwrap();
    let new = NewDocument { text: SAMPLE.to_owned(), symbol: String::new() };
    let refused = server.pen().import(&new).unwrap_err();
    assert!(matches!(refused, ApiError::Offline { .. }), "nothing was promised: {refused:?}");
    assert!(!server.wait(), "it has ended by itself, and says that it failed");
    // The disk answers again.
    std::fs::remove_file(&sign).unwrap();
    server.restart();
    let there = server.pen().documents().unwrap().documents;
    assert!(there.iter().any(|one| one.id == document) && there.len() <= 2, "{there:?}");
    assert_eq!(server.text(&document), SAMPLE);
    assert!(server.stop());
}
