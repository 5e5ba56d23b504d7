//! The field's acceptance scenarios through a real server: import, joint sponsoring, collision, deletion
//! against edit, two additions, impersonation, crash. Each on the project's own sample, and on the corpus.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use automerge::ActorId;
use codraft_protocol::id::Role;
use codraft_protocol::resolution::SAMPLE;
use codraft_tests::cli::Terminal;
use codraft_tests::corpus;
use codraft_tests::peer::{Peer, Replica};
use codraft_tests::scene::{House, bases, said, sample, sponsors};
use codraft_tests::server::Server;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// What must not depend on who came first: everything but ids and times of changes.
fn comparable(proposals: &[Value]) -> Vec<String> {
    let place = |id: &Value| proposals.iter().position(|p| p["id"] == *id);
    let each = proposals.iter().map(|p| {
        let collides: Vec<_> = p["collides_with"].as_array().unwrap().iter().map(place).collect();
        format!(
            "{} {:?} {:?} {} {collides:?}",
            p["mark"],
            sponsors(p),
            p["provision"]["enumerator"],
            p["segments"]
        )
    });
    each.collect()
}

#[test]
fn scenario_1_import() {
    for base in bases() {
        let server = Server::start();
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("resolution.txt");
        std::fs::write(&file, &base.text).unwrap();
        let pen = Terminal::new(dir.path(), &server, &server.secretariat);
        let printed = pen.run(&["import", file.to_str().unwrap(), "--symbol", "T/1"]).ok();
        let document = printed.trim();
        assert_eq!(printed, format!("{document}\n"), "only the id is printed");
        assert_eq!(pen.run(&["show", "--document", document]).ok(), base.text, "byte-identical");
        let attribution = server.pen().attribution(document).unwrap();
        let of = |part: &str| -> Vec<String> {
            let here = attribution.provisions.iter().filter(|p| p.provision.part == part);
            here.map(|p| format!("{} | {}", p.provision.heading, p.provision.enumerator)).collect()
        };
        assert!(of("preambular").contains(&"recalling | a)".to_owned()), "{:?}", of("preambular"));
        assert!(of("operative").contains(&"resolves | 1".to_owned()), "{:?}", of("operative"));
        assert!(of("operative").iter().any(|one| one.starts_with("instructs the Secretary-General | ")));
        assert!(!of("annex").is_empty() && !of("opening").is_empty());
        assert!(
            attribution
                .provisions
                .iter()
                .all(|p| p.inserted_by.is_secretariat() && p.suppressed_by.is_empty())
        );
        assert!(server.pen().proposals(document).unwrap().proposals.is_empty());
    }
    let Some(contribution) = corpus::read("resolution-1332-contribution.txt") else { return };
    let server = Server::start();
    let new = codraft_protocol::api::NewDocument { text: contribution.clone(), symbol: String::new() };
    let imported = server.pen().import(&new).unwrap();
    let runs: Vec<&str> = imported.warnings.iter().map(|warning| warning.run.as_str()).collect();
    for expected in ["Dubai, 2018Bucharest, 2022", "20222026", "54", "iv)v)"] {
        assert!(runs.iter().any(|run| run.contains(expected)), "{expected} in {runs:?}");
    }
    assert!(imported.warnings.iter().all(|warning| !warning.candidates.is_empty()));
    assert_eq!(server.text(&imported.document.id), contribution, "nothing is guessed silently");
}

#[test]
fn scenario_2_joint_sponsoring() {
    for base in bases() {
        let house = House::new(&base, "USA", "CAN");
        house.first.1.edit(base.date.0, base.date.1);
        house.second.1.edit(base.date.0, base.date.1);
        house.sync(true);
        let proposals = house.proposals();
        assert_eq!(proposals.len(), 1);
        assert_eq!(
            (sponsors(&proposals[0]), proposals[0]["mark"].as_str()),
            (vec!["CAN", "USA"], Some("MOD"))
        );
        let new = said(&proposals[0], "inserted");
        assert!(base.date.1.contains(&new) && !new.is_empty(), "{new}");
        assert_eq!(house.marked().matches(&new).count(), 1, "the words stand once in the marked text");
    }
}

#[test]
fn scenario_3_collision() {
    for base in bases() {
        let mut seen = Vec::new();
        for first_first in [true, false] {
            let house = House::new(&base, "USA", "X");
            house.first.1.edit(base.role.0, base.role.1);
            house.second.1.edit(base.role.0, base.role.2);
            house.sync(first_first);
            let proposals = house.proposals();
            assert_eq!(proposals.iter().map(sponsors).collect::<Vec<_>>(), [["USA"], ["X"]]);
            assert_eq!(proposals[0]["collides_with"], serde_json::json!([proposals[1]["id"]]));
            assert_eq!(proposals[1]["collides_with"], serde_json::json!([proposals[0]["id"]]));
            let view = |view: &str| house.first.1.run(&["show", "--view", view]).ok();
            assert_eq!(view("baseline"), base.text);
            assert_eq!(view("delegation:USA"), base.text.replace(base.role.0, base.role.1));
            assert_eq!(view("delegation:X"), base.text.replace(base.role.0, base.role.2));
            let listing = house.first.1.run(&["proposals"]).ok();
            assert!(listing.contains("collides with"), "{listing}");
            seen.push(comparable(&proposals));
        }
        assert_eq!(seen[0], seen[1], "whoever comes first");
    }
}

#[test]
fn scenario_4_delete_against_edit() {
    for base in bases() {
        let mut seen = Vec::new();
        for first_first in [true, false] {
            let house = House::new(&base, "USA", "CAN");
            let (line, from, to) = base.suppressed;
            let without: String =
                base.text.split_inclusive('\n').filter(|one| !one.starts_with(line)).collect();
            assert_ne!(without, base.text);
            house.first.1.write(&without);
            let edited: Vec<String> = base
                .text
                .split_inclusive('\n')
                .map(|one| if one.starts_with(line) { one.replace(from, to) } else { one.to_owned() })
                .collect();
            house.second.1.write(&edited.concat());
            house.sync(first_first);
            let proposals = house.proposals();
            let marks: Vec<_> =
                proposals.iter().map(|p| (sponsors(p)[0], p["mark"].as_str().unwrap())).collect();
            assert_eq!(marks, [("CAN", "MOD"), ("USA", "SUP")]);
            assert_eq!(proposals[0]["collides_with"], serde_json::json!([proposals[1]["id"]]));
            let inserted = said(&proposals[0], "inserted");
            assert!(!inserted.is_empty() && to.contains(&inserted), "CAN's words are readable: {inserted}");
            assert_eq!(house.first.1.run(&["show", "--view", "delegation:CAN"]).ok(), edited.concat());
            assert_eq!(house.first.1.run(&["show", "--view", "delegation:USA"]).ok(), without);
            assert!(house.marked().contains(&inserted));
            seen.push(comparable(&proposals));
        }
        assert_eq!(seen[0], seen[1], "whoever comes first");
    }
}

#[test]
fn scenario_5_two_additions_at_one_place() {
    const SUMMIT: &str = "12\tto engage actively in the preparatory process of the Summit of the Future;\n";
    const REVIEW: &str = "12\tto engage actively in the preparatory process of the overall review;\n";
    for base in bases() {
        for first_first in [true, false] {
            let house = House::new(&base, "USA", "CAN");
            house.first.1.edit(base.after, &format!("{}{SUMMIT}", base.after));
            house.second.1.edit(base.after, &format!("{}{REVIEW}", base.after));
            house.sync(first_first);
            let text = house.first.1.file();
            assert!(text.contains(SUMMIT) && text.contains(REVIEW), "whole, not interleaved: {text}");
            let proposals = house.proposals();
            let marks: BTreeSet<_> = proposals
                .iter()
                .map(|p| (sponsors(p)[0].to_owned(), p["mark"].as_str().unwrap().to_owned()))
                .collect();
            assert_eq!(
                marks.into_iter().collect::<Vec<_>>(),
                [("CAN".into(), "ADD".into()), ("USA".into(), "ADD".into())]
            );
            // The secretariat renumbers them; whose they are stays.
            let pen = Terminal::new(house.dir.path(), &house.server, &house.server.secretariat)
                .cloned(&house.document, "pen");
            let mut number = 0;
            let renumbered: String = text
                .split_inclusive('\n')
                .map(|line| match line.strip_prefix("12\tto engage") {
                    Some(rest) => {
                        number += 1;
                        format!("{}\tto engage{rest}", 11 + number)
                    }
                    None => line.to_owned(),
                })
                .collect();
            pen.write(&renumbered);
            pen.run(&["sync"]).ok();
            house.sync(first_first);
            assert_eq!(house.first.1.file(), renumbered);
            let owners: Vec<_> = house
                .proposals()
                .iter()
                .filter(|p| p["mark"] == "ADD")
                .map(|p| (sponsors(p)[0].to_owned(), said(p, "inserted")))
                .collect();
            assert_eq!(owners.len(), 2);
            for (code, words) in owners {
                let expected = if code == "USA" { SUMMIT } else { REVIEW };
                assert_eq!(format!("12\t{words}\n"), expected);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_7_impersonation() {
    let base = sample();
    let house = tokio::task::spawn_blocking(move || House::new(&base, "USA", "CAN")).await.unwrap();
    let (server, document) = (&house.server, house.document.clone());
    let mut can_peer = Peer::join(&server.url, &house.second.0.token, "can").await;
    let mut can = Replica::new(&document, "CAN", [7; 16]);
    can.begin(&mut can_peer).await;
    can.until(&mut can_peer, |r| r.doc.get_changes(&[]).len() == 1).await;
    can.splice(3, 0, 0, "CAN wrote this ");
    can.push(&mut can_peer).await;
    can.settle(&mut can_peer).await;
    let before = tokio::task::block_in_place(|| server.text(&document));

    // Live: USA's connection writes as CAN's actor.
    let mut usa_peer = Peer::join(&server.url, &house.first.0.token, "usa").await;
    let mut usa = Replica::new(&document, "USA", [8; 16]);
    usa.begin(&mut usa_peer).await;
    usa.until(&mut usa_peer, |r| r.doc.get_changes(&[]).len() == 2).await;
    usa.doc.set_actor(ActorId::from([7; 16]));
    usa.splice(4, 0, 0, "forged ");
    usa.push(&mut usa_peer).await;
    let told = usa_peer.error().await;
    assert!(told.starts_with("refused: ") && told.contains("CAN"), "{told}");

    // Relayed: an honest change of CAN's, which the server has not seen, delivered by USA's connection.
    let mut offline = Replica::new(&document, "CAN", [9; 16]);
    offline.doc.merge(&mut can.doc.clone()).unwrap();
    offline.splice(5, 0, 0, "relayed ");
    let mut usa_peer = Peer::join(&server.url, &house.first.0.token, "usa").await;
    let mut relay = Replica { document: document.clone(), ..Replica::new(&document, "", [10; 16]) };
    relay.doc.merge(&mut offline.doc).unwrap();
    relay.begin(&mut usa_peer).await;
    let refused = async {
        loop {
            // What is refused is told once it is in quarantine: perhaps no other frame comes after that.
            match tokio::time::timeout(Duration::from_millis(100), usa_peer.next()).await {
                Ok(Ok(frame)) => drop(relay.take(&mut usa_peer, frame).await),
                Ok(Err(closed)) => panic!("{closed:?}"),
                Err(_) => {}
            }
            if !usa_peer.errors.is_empty() {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), refused).await.expect("it is refused");
    assert!(usa_peer.errors[0].starts_with("refused: "), "{:?}", usa_peer.errors);

    tokio::task::block_in_place(|| {
        assert_eq!(server.text(&document), before, "the document is unchanged");
        let quarantine = server.pen().quarantine(&document).unwrap().quarantine;
        assert_eq!(quarantine.len(), 2, "{quarantine:?}");
        assert!(quarantine.iter().all(|one| one.sender == house.first.0.account && !one.bytes.is_empty()));
        // Delegates do not see it, the chair does.
        let as_delegate = server.api(&house.first.0.token).quarantine(&document).unwrap_err();
        assert!(as_delegate.to_string().contains("a delegate may not"), "{as_delegate}");
        let chair = server.invite(Role::Chair);
        assert_eq!(server.api(&chair).quarantine(&document).unwrap().quarantine.len(), 2);
        // By file import: a text says nothing about its author; it is the importer's.
        let as_delegate = Terminal::new(house.dir.path(), server, &house.first.0.token);
        std::fs::write(house.dir.path().join("import.txt"), SAMPLE).unwrap();
        assert_eq!(as_delegate.run(&["import", "import.txt"]).code, 5);
        // CAN's own change still comes in, from CAN.
    });
    let mut peer = Peer::join(&server.url, &house.second.0.token, "can-2").await;
    let mut honest = Replica::new(&document, "", [11; 16]);
    honest.doc.merge(&mut relay.doc.fork_at(&relay.doc.get_heads()).unwrap()).unwrap();
    honest.begin(&mut peer).await;
    honest.settle(&mut peer).await;
    tokio::task::block_in_place(|| {
        assert!(server.text(&document).contains("relayed "));
        let proposals = server.pen().proposals(&document).unwrap().proposals;
        assert!(proposals.iter().all(|p| p.sponsors == ["CAN".parse().unwrap()]), "{proposals:?}");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_8_crash() {
    let base = sample();
    let mut house = tokio::task::spawn_blocking(move || House::new(&base, "USA", "CAN")).await.unwrap();
    let document = house.document.clone();
    // CAN's laptop is offline with an edit.
    house.second.1.edit("warnings should be issued", "warnings shall be issued");
    let usa = house.first.0.clone();
    let mut acknowledged = Vec::new();
    for round in 0..3_u8 {
        let mut peer = Peer::join(&house.server.url, &usa.token, "usa").await;
        let mut replica = Replica::new(&document, "USA", [20 + round; 16]);
        replica.begin(&mut peer).await;
        replica.until(&mut peer, |r| r.doc.get_changes(&[]).len() >= acknowledged.len() && r.in_sync()).await;
        // 200 edits a second, and a kill in the middle of them.
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        let mut n = 0;
        while n < 150 {
            tokio::select! {
                _ = ticks.tick() => {
                    replica.splice(3, 0, 0, "x");
                    replica.push(&mut peer).await;
                    n += 1;
                    if n == 100 {
                        house.server.kill();
                    }
                }
                frame = peer.next() => match frame {
                    Ok(frame) => {
                        replica.take(&mut peer, frame).await;
                    }
                    Err(_) => break,
                },
            }
        }
        // What the server's heads have covered is acknowledged.
        let theirs = replica.state.their_heads.clone().unwrap_or_default();
        acknowledged =
            replica.doc.fork_at(&theirs).unwrap().get_changes(&[]).iter().map(|c| c.hash()).collect();
        house.server.restart();
        let mut peer = Peer::join(&house.server.url, &usa.token, "usa").await;
        let mut fresh = Replica::new(&document, "", [60 + round; 16]);
        fresh.begin(&mut peer).await;
        fresh.settle(&mut peer).await;
        let there: BTreeSet<_> = fresh.doc.get_changes(&[]).iter().map(|c| c.hash()).collect();
        assert!(
            acknowledged.iter().all(|hash| there.contains(hash)),
            "round {round}: an acknowledged change is gone"
        );
        assert!(acknowledged.len() > 10 * usize::from(round), "{}", acknowledged.len());
        // The laptop that was cut off sends the rest.
        replica.begin(&mut peer).await;
        replica.settle(&mut peer).await;
        acknowledged = replica.doc.get_changes(&[]).iter().map(|c| c.hash()).collect();
    }
    tokio::task::block_in_place(|| {
        house.sync(true);
        let proposals = house.proposals();
        let ids: BTreeSet<_> = proposals.iter().map(|p| p["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(ids.len(), proposals.len(), "no proposal number twice");
        assert_eq!(proposals.iter().map(sponsors).collect::<Vec<_>>(), [["USA"], ["CAN"]]);
        assert_eq!(said(&proposals[0], "inserted").len(), acknowledged.len() - 1);
    });
}
