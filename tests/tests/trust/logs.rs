//! Neither tokens nor text get into the log, and nothing that somebody sends can forge a line of it.

use crate::{ask, ask_as};
use codraft_protocol::api::NewDelegation;
use codraft_protocol::resolution::SAMPLE;
use codraft_tests::peer::{Peer, Replica};
use codraft_tests::server::{Server, programs};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

#[test]
fn the_log_holds_no_secret_no_text_and_no_forged_line() {
    for format in ["text", "json"] {
        let mut stopped = Server::start();
        let (document, can) = (stopped.import(SAMPLE), stopped.delegation("CAN"));
        let ticket = stopped.ticket(&can.token);
        assert!(stopped.stop());
        let mut child = Command::new(programs().join("codraft-server"))
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--log",
                "trace",
                "--log-format",
                format,
                "--data-dir",
            ])
            .arg(&stopped.data)
            .env("CODRAFT_RESERVE_MB", "0")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let reading = std::thread::spawn(move || {
            let lines = log.split(b'\n').map_while(Result::ok);
            lines.map(|line| String::from_utf8_lossy(&line).into_owned()).collect::<Vec<_>>()
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        tokio::runtime::Runtime::new().unwrap().block_on(use_it(&url, &can.token, &ticket, &document));
        let secretariat = stopped.secretariat.clone();
        let inject = "x\r\nERROR forged\u{1b}[31m";
        let added = NewDelegation { code: "USA".parse().unwrap(), name: "secret name".into() };
        let added = serde_json::to_string(&added).unwrap();
        assert_eq!(ask_as(&url, &secretariat, "POST", "/api/v1/delegations", &added).status, 201);
        let bad = serde_json::json!({ "code": "CAN", "name": inject }).to_string();
        ask_as(&url, &secretariat, "POST", "/api/v1/delegations", &bad);
        ask_as(&url, &secretariat, "DELETE", "/api/v1/accounts/x%0d%0aERROR%20forged%1b%5b31m", "");
        ask(&url, "GET", &format!("/api/v1/me?ticket={ticket}"), &[], "");
        ask(&url, "GET", "/x%0aERROR%20forged%1b%5b31m", &[("user-agent", "a\tb")], "");
        ask(&url, "GET", "/api/v1/me", &[("authorization", "Bearer cdt_x%0aERROR")], "");
        ask_as(&url, &secretariat, "GET", "/api/v1/backup", "");
        Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(child.wait().unwrap().success());
        let lines = reading.join().unwrap();
        assert!(lines.len() >= 8, "{lines:?}");
        let all = lines.join("\n");
        for token in [&can.token, &secretariat, &ticket] {
            let secret = token.rsplit_once('_').unwrap().1;
            assert!(!all.contains(secret), "{format}: a secret of {} is in the log", &token[..12]);
        }
        assert!(!all.contains("Beside the quiet river"), "{format}: text is in the log");
        let sample_words =
            SAMPLE.lines().filter(|line| line.len() > 30).map(|line| &line[..line.floor_char_boundary(30)]);
        sample_words.for_each(|words| assert!(!all.contains(words), "{format}: “{words}” is in the log"));
        // Each line is one the server meant: an object, or one that begins with a time.
        for line in &lines {
            assert!(!line.contains('\u{1b}') && !line.contains('\r'), "{format}: {line:?}");
            if format == "json" {
                assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line:?}");
            } else {
                assert!(line.starts_with("20"), "a line that begins with no time: {line:?}");
            }
        }
    }
}

async fn use_it(url: &str, token: &str, ticket: &str, document: &str) {
    let mut peer = Peer::join(url, token, "p\r\nERROR forged\u{1b}[31m").await;
    let mut replica = Replica::new(document, "CAN", [3; 16]);
    replica.begin(&mut peer).await;
    replica.settle(&mut peer).await;
    replica.splice(3, 0, 0, "Beside the quiet river ");
    replica.push(&mut peer).await;
    replica.settle(&mut peer).await;
    // A refusal, and a document that is not there, with a name that is none.
    peer.sync(document, b"\r\nERROR forged\x1b[31m Beside the quiet river".to_vec()).await;
    peer.error().await;
    peer.sync("x\r\nERROR forged\u{1b}[31m", vec![0x42, 0, 0, 0, 0]).await;
    peer.next().await.unwrap();
    let mut with_ticket = Peer::join(url, ticket, "t").await;
    with_ticket.raw(b"garbage".to_vec().into()).await;
    with_ticket.closed().await;
    let mut stranger = Peer::connect(url, &format!("cdt_a-b\u{a0}_{:064x}", 5), "s").await;
    if let Ok(stranger) = &mut stranger {
        stranger.closed().await;
    }
}
