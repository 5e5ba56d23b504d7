use super::*;
use codraft_protocol::resolution::SAMPLE;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

fn code(code: &str) -> DelegationCode {
    code.parse().unwrap()
}

fn actor(seed: &mut StdRng) -> ActorId {
    ActorId::from(seed.random::<[u8; 16]>())
}

/// A server that takes everything, with Automerge's own sync.
struct Server {
    doc: Automerge,
    sync: HashMap<usize, SyncState>,
}

impl Server {
    fn new() -> Self {
        let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
        let (layout, lines) = text_form::parse(SAMPLE.as_bytes()).unwrap();
        edit::begin_session(&mut doc, ActorId::from(vec![0; 16]), &DelegationCode::secretariat());
        edit::create(&mut doc, "T/1", &layout, &lines, Timestamp(0)).unwrap();
        Self { doc, sync: HashMap::new() }
    }

    fn facts(&self) -> Facts {
        let first = self.doc.get_changes(&[])[0].hash();
        Facts { baseline: vec![first.0], ..Facts::default() }
    }

    /// A conversation; ends early after `steps` messages. Keeps what the replica says is to be kept.
    fn talk(&mut self, n: usize, replica: &mut Replica, kept: &mut Vec<Record>, steps: usize) {
        self.sync.insert(n, SyncState::new());
        let mut to_server = replica.connect().unwrap();
        for _ in 0..steps {
            for message in to_server.drain(..) {
                let message = Message::decode(&message).unwrap();
                self.doc.receive_sync_message(self.sync.get_mut(&n).unwrap(), message).unwrap();
            }
            let Some(answer) = self.doc.generate_sync_message(self.sync.get_mut(&n).unwrap()) else { break };
            let received = replica.receive(&answer.encode(), Timestamp(1)).unwrap();
            kept.extend(received.record);
            to_server = received.messages;
        }
        if replica.is_in_sync() {
            let acknowledged = replica.acknowledgement();
            kept.push(acknowledged);
            let rendered = Record::Rendered(replica.heads());
            replica.apply(rendered.clone()).unwrap();
            kept.push(rendered);
        }
    }
}

fn edited(text: &str, rng: &mut StdRng) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let at = rng.random_range(3..lines.len() - 1);
    match rng.random_range(0..4) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, format!("{}\tto do one thing more in {}", at, rng.random::<u16>())),
        2 => lines[at].push_str(" and more"),
        _ => lines[at] = lines[at].replacen(' ', " really ", 1),
    }
    lines.join("\n")
}

/// Three replicas edit files, talk to the server now and then (sometimes cut off in the middle), and are
/// started anew from what they kept. In the end all have the same, every edit is there, and each change is
/// its author's.
#[test]
fn replicas_that_come_and_go_end_up_the_same() {
    for seed in 0..40 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut server = Server::new();
        let codes = ["CAN", "USA", "NOR"];
        let mut kept: Vec<Vec<Record>> = vec![vec![Record::Facts(server.facts())]; 3];
        let mut replicas: Vec<Replica> = codes.iter().map(|c| Replica::new(Some(code(c)))).collect();
        for n in 0..3 {
            let facts = kept[n][0].clone();
            replicas[n].apply(facts).unwrap();
            server.talk(n, &mut replicas[n], &mut kept[n], 20);
        }
        for _ in 0..25 {
            let n = rng.random_range(0..3);
            match rng.random_range(0..4) {
                0 | 1 => {
                    let file = edited(&replicas[n].rendered_text().unwrap(), &mut rng);
                    if let Some(record) =
                        replicas[n].write(file.as_bytes(), actor(&mut rng), Timestamp(5)).unwrap()
                    {
                        replicas[n].apply(record.clone()).unwrap();
                        kept[n].push(record);
                        assert_eq!(replicas[n].rendered_text().unwrap(), file, "seed {seed}");
                        // The same file again is no edit.
                        assert_eq!(
                            replicas[n].write(file.as_bytes(), actor(&mut rng), Timestamp(5)).unwrap(),
                            None
                        );
                    }
                }
                2 => {
                    let steps = rng.random_range(1..20);
                    server.talk(n, &mut replicas[n], &mut kept[n], steps);
                }
                _ => {
                    let mut anew = Replica::new(Some(code(codes[n])));
                    kept[n].iter().cloned().for_each(|record| anew.apply(record).unwrap());
                    assert_eq!(anew.text().unwrap(), replicas[n].text().unwrap(), "seed {seed}");
                    assert_eq!(anew.rendered(), replicas[n].rendered());
                    replicas[n] = anew;
                }
            }
        }
        for _ in 0..2 {
            for n in 0..3 {
                server.talk(n, &mut replicas[n], &mut kept[n], 50);
            }
        }
        for n in 0..3 {
            assert!(replicas[n].is_in_sync() && replicas[n].unacknowledged().is_empty(), "seed {seed}");
            assert_eq!(replicas[n].text().unwrap(), replicas[0].text().unwrap());
            let document = DocumentId::from_bytes([1; 16]);
            assert_eq!(replicas[n].proposals(document).unwrap(), replicas[0].proposals(document).unwrap());
            let mut compacted = Replica::new(None);
            replicas[n].records().into_iter().for_each(|record| compacted.apply(record).unwrap());
            assert_eq!(compacted.view(&View::Current).unwrap(), replicas[n].text().unwrap());
        }
    }
}

#[test]
fn many_offline_changes_go_in_messages_that_the_server_reads() {
    let mut server = Server::new();
    let mut rng = StdRng::seed_from_u64(1);
    let mut replica = Replica::new(Some(code("CAN")));
    let mut kept = Vec::new();
    server.talk(0, &mut replica, &mut kept, 20);
    for n in 0..12 {
        // Random letters do not compress.
        let noise: String = (0..120_000).map(|_| char::from(rng.random_range(b'a'..=b'z'))).collect();
        let file = format!("{}9{n}\t{}\n", replica.rendered_text().unwrap(), &noise[..90_000]);
        let record = replica.write(file.as_bytes(), actor(&mut rng), Timestamp(1)).unwrap().unwrap();
        replica.apply(record).unwrap();
    }
    server.sync.insert(0, SyncState::new());
    let opening = replica.connect().unwrap();
    let sync = server.sync.get_mut(&0).unwrap();
    for message in opening {
        server.doc.receive_sync_message(sync, Message::decode(&message).unwrap()).unwrap();
    }
    let answer = server.doc.generate_sync_message(sync).unwrap();
    // The server under test speaks version 1 only.
    let answer = SyncMessage::decode(&Bytes::from(answer.encode())).unwrap().encode();
    let messages = replica.receive(&answer, Timestamp(1)).unwrap().messages;
    assert!(messages.len() > 1, "{} messages", messages.len());
    for message in messages {
        assert!(message.len() < 1 << 20);
        let decoded = SyncMessage::decode(&message).unwrap();
        for chunk in decoded.changes {
            let change = Change::from_bytes(chunk.to_vec()).unwrap();
            assert!(
                change.deps().iter().all(|dep| server.doc.get_change_by_hash(dep).is_some()),
                "out of order"
            );
            server.doc.apply_changes([change]).unwrap();
        }
    }
    assert_eq!(server.doc.get_heads(), replica.doc.get_heads());
}

#[test]
fn a_reset_keeps_the_words_and_the_attribution() {
    let mut server = Server::new();
    let mut rng = StdRng::seed_from_u64(2);
    let (mut kept, mut other_kept) = (Vec::new(), Vec::new());
    let mut other = Replica::new(Some(code("USA")));
    server.talk(1, &mut other, &mut other_kept, 20);
    let mut replica = Replica::new(Some(code("CAN")));
    replica.apply(Record::Facts(server.facts())).unwrap();
    server.talk(0, &mut replica, &mut kept, 20);
    // Another delegation's words come in, then our own that the server refuses.
    let theirs = other.rendered_text().unwrap().replacen("The Council", "The wise Council", 1);
    let theirs =
        if theirs == other.rendered_text().unwrap() { format!("{theirs}99\ttheirs\n") } else { theirs };
    let record = other.write(theirs.as_bytes(), actor(&mut rng), Timestamp(1)).unwrap().unwrap();
    other.apply(record).unwrap();
    server.talk(1, &mut other, &mut other_kept, 20);
    server.talk(0, &mut replica, &mut kept, 20);
    let file = format!("{}98\tour own words\n", replica.rendered_text().unwrap());
    let record = replica.write(file.as_bytes(), actor(&mut rng), Timestamp(1)).unwrap().unwrap();
    replica.apply(record).unwrap();

    let mut fetched = Replica::new(Some(code("CAN")));
    fetched.apply(Record::Facts(server.facts())).unwrap();
    server.talk(2, &mut fetched, &mut Vec::new(), 20);
    let mut reset = replica.reset(fetched);
    assert!(!reset.text().unwrap().contains("our own words"));
    let record = reset.write(file.as_bytes(), actor(&mut rng), Timestamp(2)).unwrap().unwrap();
    reset.apply(record).unwrap();
    assert_eq!(reset.text().unwrap(), file);
    let proposals = reset.proposals(DocumentId::from_bytes([1; 16])).unwrap();
    let of = |who: &str| proposals.iter().filter(|p| p.sponsors == [code(who)]).count();
    assert_eq!((of("CAN"), of("USA"), proposals.len()), (1, 1, 2));
}

/// What is remembered of the document is what would be made of it anew, whatever has come in between.
#[test]
fn nothing_is_remembered_that_is_no_longer_so() {
    let document = DocumentId::from_bytes([1; 16]);
    let holds = |replica: &Replica| {
        let afresh = Replica { made: Made::default(), ..replica.clone() };
        assert_eq!(replica.text().unwrap(), afresh.text().unwrap());
        assert_eq!(replica.rendered_text().unwrap(), afresh.rendered_text().unwrap());
        assert_eq!(replica.proposals(document).unwrap(), afresh.proposals(document).unwrap());
    };
    let (mut server, mut rng) = (Server::new(), StdRng::seed_from_u64(3));
    let mut both = [Replica::new(Some(code("CAN"))), Replica::new(Some(code("USA")))];
    for (n, replica) in both.iter_mut().enumerate() {
        server.talk(n, replica, &mut Vec::new(), 20);
        replica.apply(Record::Facts(server.facts())).unwrap();
        holds(replica);
    }
    for step in 0..12 {
        let n = step % 2;
        let file = edited(&both[n].rendered_text().unwrap(), &mut rng);
        if let Some(record) = both[n].write(file.as_bytes(), actor(&mut rng), Timestamp(1)).unwrap() {
            both[n].apply(record).unwrap();
            holds(&both[n]);
        }
        // Cut off now and then, so that it has more than it has rendered.
        server.talk(n, &mut both[n], &mut Vec::new(), [20, 2, 3][step % 3]);
        holds(&both[n]);
    }
    // The roster is the truth, also where it is told later.
    assert!(both[0].knows_all_authors());
    let foreign = both[0].changes().into_iter().find(|change| both[0].author(change) == Some(code("USA")));
    let roster = vec![(foreign.unwrap().actor_id().to_bytes().to_vec(), "FRA".to_owned())];
    both[0].apply(Record::Facts(Facts { roster, ..server.facts() })).unwrap();
    holds(&both[0]);
    assert!(both[0].proposals(document).unwrap().iter().any(|one| one.sponsors.contains(&code("FRA"))));
}

/// Only who has written without a label has to be asked for.
#[test]
fn whoever_says_who_he_is_need_not_be_asked_for() {
    let (mut server, mut rng) = (Server::new(), StdRng::seed_from_u64(4));
    let mut replica = Replica::new(Some(code("CAN")));
    server.talk(0, &mut replica, &mut Vec::new(), 20);
    assert!(replica.knows_all_authors());
    let nobody = actor(&mut rng);
    server.doc.set_author(None);
    server.doc.set_actor(nobody.clone());
    let (_, lines) = text_form::parse(edited(SAMPLE, &mut rng).as_bytes()).unwrap();
    edit::apply_text(&mut server.doc, &code("USA"), &lines, Timestamp(2)).unwrap().unwrap();
    server.talk(0, &mut replica, &mut Vec::new(), 20);
    assert!(!replica.knows_all_authors());
    let roster = vec![(nobody.to_bytes().to_vec(), "USA".to_owned())];
    replica.apply(Record::Facts(Facts { roster, ..server.facts() })).unwrap();
    assert!(replica.knows_all_authors());
}

/// What it answers, with this kept for it.
fn answers(replica: &Replica, kept: Option<&[u8]>) -> (Vec<api::Proposal>, Vec<api::Proposal>, String) {
    let mut anew = Replica { made: Made::default(), kept: None, ..replica.clone() };
    if let Some(kept) = kept {
        anew.recall(kept.to_vec().into());
    }
    let document = DocumentId::from_bytes([1; 16]);
    // The actor of what is only looked at is in nothing that comes out.
    let file = format!("{}97\tone more\n", anew.rendered_text().unwrap());
    let mut edits = anew.edits(file.as_bytes(), document, ActorId::from(vec![9; 16]), Timestamp(1)).unwrap();
    edits.iter_mut().for_each(|edit| edit.changes = api::ChangeHashes::default());
    let marked = anew.view(&"marked".parse().unwrap()).unwrap();
    (anew.proposals(document).unwrap(), edits, marked)
}

/// Whether an index is gone on from, rather than made anew.
fn counts(replica: &Replica, kept: &[u8]) -> bool {
    let owned = Attribution::of(&replica.doc, &replica.facts, Some(kept)).unwrap();
    owned.is_taken_up()
}

fn packed(replica: &Replica) -> Vec<u8> {
    let anew = Replica { made: Made::default(), kept: None, ..replica.clone() };
    anew.attribution().unwrap();
    anew.to_keep().unwrap()
}

/// Kept at any time, it changes no answer at any later time, nor in the copy of another, nor after a reset.
#[test]
fn a_kept_index_changes_no_answer() {
    for seed in 0..6 {
        let (mut server, mut rng) = (Server::new(), StdRng::seed_from_u64(seed));
        let mut both = [Replica::new(Some(code("CAN"))), Replica::new(Some(code("USA")))];
        for (n, replica) in both.iter_mut().enumerate() {
            server.talk(n, replica, &mut Vec::new(), 20);
            replica.apply(Record::Facts(server.facts())).unwrap();
        }
        let mut all_kept: Vec<Vec<u8>> = Vec::new();
        for step in 0..8 {
            let n = step % 2;
            let file = edited(&both[n].rendered_text().unwrap(), &mut rng);
            if let Some(record) = both[n].write(file.as_bytes(), actor(&mut rng), Timestamp(1)).unwrap() {
                both[n].apply(record).unwrap();
            }
            all_kept.push(packed(&both[n]));
            if step % 3 != 1 {
                let mut before = both[n].clone();
                before.recall(all_kept[step / 2].clone().into());
                server.talk(n, &mut both[n], &mut Vec::new(), 20);
                let document = DocumentId::from_bytes([1; 16]);
                let each = (before.proposals(document).unwrap(), both[n].proposals(document).unwrap());
                let anew = Replica { made: Made::default(), ..both[n].clone() };
                assert_eq!(anew.proposals_since(&before, document).unwrap(), each, "seed {seed}");
            }
        }
        for replica in &both {
            let expected = answers(replica, None);
            for kept in &all_kept {
                assert_eq!(answers(replica, Some(kept)), expected, "seed {seed}");
            }
        }
        assert!(counts(&both[1], all_kept.last().unwrap()) && counts(&both[1], &all_kept[0]));
        // What the other has not sent is in the index that was kept of it, and in no other document.
        // Its actor is known there, so that nothing but its heads tells it.
        let writer = actor(&mut rng);
        let write = |replica: &mut Replica, line: &str| {
            let file = format!("{}{line}\n", replica.rendered_text().unwrap());
            let record = replica.write(file.as_bytes(), writer.clone(), Timestamp(1)).unwrap().unwrap();
            replica.apply(record).unwrap();
        };
        write(&mut both[0], "97\tsent");
        let mut unsent = both[0].clone();
        write(&mut unsent, "98\tunsent");
        let kept = packed(&unsent);
        assert!(counts(&unsent, &kept) && !counts(&both[0], &kept));
        assert_eq!(answers(&both[0], Some(&kept)), answers(&both[0], None), "seed {seed}");
    }
}

#[test]
fn a_kept_index_that_is_not_whole_does_not_count() {
    let (mut server, mut rng) = (Server::new(), StdRng::seed_from_u64(7));
    let mut replica = Replica::new(Some(code("CAN")));
    server.talk(0, &mut replica, &mut Vec::new(), 20);
    replica.apply(Record::Facts(server.facts())).unwrap();
    let (kept, expected) = (packed(&replica), answers(&replica, None));
    assert!(counts(&replica, &kept));
    assert_eq!(answers(&replica, Some(&kept)), expected);
    for _ in 0..200 {
        let mut damaged = kept.clone();
        match rng.random_range(0..3) {
            0 => damaged.truncate(rng.random_range(0..kept.len())),
            1 => damaged.push(0),
            _ => damaged[rng.random_range(0..kept.len())] ^= 1 << rng.random_range(0..8),
        }
        assert!(!counts(&replica, &damaged));
    }
    assert_eq!(answers(&replica, Some(&kept[..kept.len() / 2])), expected);
    assert_eq!(answers(&replica, Some(b"")), expected);
}

/// The roster that counts is the one that the replica has now, not the one that an index was folded by.
#[test]
fn a_kept_index_of_another_roster_does_not_count() {
    let (mut server, mut rng) = (Server::new(), StdRng::seed_from_u64(8));
    let mut replica = Replica::new(Some(code("CAN")));
    server.talk(0, &mut replica, &mut Vec::new(), 20);
    replica.apply(Record::Facts(server.facts())).unwrap();
    let writer = actor(&mut rng);
    let file = edited(&replica.rendered_text().unwrap(), &mut rng);
    let record = replica.write(file.as_bytes(), writer.clone(), Timestamp(1)).unwrap().unwrap();
    replica.apply(record).unwrap();
    let kept = packed(&replica);
    replica.recall(kept.clone().into());
    let document = DocumentId::from_bytes([1; 16]);
    let sponsors = |replica: &Replica| replica.proposals(document).unwrap()[0].sponsors.clone();
    assert_eq!(sponsors(&replica), [code("CAN")]);
    let roster = vec![(writer.to_bytes().to_vec(), "FRA".to_owned())];
    replica.apply(Record::Facts(Facts { roster, ..server.facts() })).unwrap();
    assert!(!counts(&replica, &kept));
    assert_eq!(sponsors(&replica), [code("FRA")]);
    assert_eq!(answers(&replica, Some(&kept)), answers(&replica, None));
}

/// As the server sends a whole document: folded while it is taken in, with the same answers.
#[test]
fn a_document_that_comes_whole_is_folded_at_once() {
    let (mut server, mut rng) = (Server::new(), StdRng::seed_from_u64(9));
    let mut other = Replica::new(Some(code("USA")));
    server.talk(0, &mut other, &mut Vec::new(), 20);
    for _ in 0..3 {
        let file = edited(&other.rendered_text().unwrap(), &mut rng);
        if let Some(record) = other.write(file.as_bytes(), actor(&mut rng), Timestamp(1)).unwrap() {
            other.apply(record).unwrap();
        }
    }
    server.talk(0, &mut other, &mut Vec::new(), 20);
    let changes: Vec<Bytes> =
        server.doc.get_changes(&[]).iter().map(|change| change.raw_bytes().to_vec().into()).collect();
    let message = SyncMessage { heads: server.doc.get_heads(), changes, ..SyncMessage::default() }.encode();
    let mut replica = Replica::new(Some(code("CAN")));
    let received = replica.receive(&message, Timestamp(1)).unwrap();
    assert!(replica.made.attribution.get().is_some());
    replica.apply(Record::Facts(server.facts())).unwrap();
    assert!(replica.made.attribution.get().is_some());
    let afresh = Replica { made: Made::default(), ..replica.clone() };
    let document = DocumentId::from_bytes([1; 16]);
    assert_eq!(replica.proposals(document).unwrap(), afresh.proposals(document).unwrap());
    // What is kept of it is the same document.
    let mut again = Replica::new(Some(code("CAN")));
    again.apply(received.record.unwrap()).unwrap();
    assert_eq!((again.heads(), again.text().unwrap()), (replica.heads(), replica.text().unwrap()));
}
