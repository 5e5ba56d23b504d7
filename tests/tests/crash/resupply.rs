//! The way back after a store is lost: an old backup, and what delegations' working copies still have.

use codraft_protocol::resolution::SAMPLE;
use codraft_tests::cli::Terminal;
use codraft_tests::server::{Server, codraft_server};

#[test]
fn working_copies_bring_back_what_an_old_backup_lacks() {
    let mut server = Server::start();
    let document = server.import(SAMPLE);
    let dir = tempfile::tempdir().unwrap();
    let delegates = ["BRA", "CAN", "KEN"].map(|code| server.delegation(code));
    let copies = delegates.each_ref().map(|one| {
        Terminal::new(dir.path(), &server, &one.token).cloned(&document, &one.code.to_lowercase())
    });
    copies[0].edit("every year;", "every month;");
    copies[0].run(&["sync"]).ok();
    // A backup of the running server; then work goes on.
    let pen = Terminal::new(dir.path(), &server, &server.secretariat);
    pen.run(&["backup", "old.backup"]).ok();
    let lines: Vec<String> = SAMPLE.lines().map(str::to_owned).collect();
    let last = lines.iter().rfind(|line| line.len() > 20).unwrap();
    copies[1].edit(last, &format!("{last} Canada's words."));
    copies[1].run(&["sync"]).ok();
    copies[2].run(&["sync"]).ok();
    copies[2].edit("Canada's words.", "Canada's and Kenya's words.");
    copies[2].run(&["sync"]).ok();
    // Acknowledged, and later than the backup; and one that nobody has sent yet.
    copies[0].run(&["sync"]).ok();
    copies[0].edit("Canada's and Kenya's words.", "Canada's and Kenya's words, and Brazil's.");
    let before = (server.text(&document), server.pen().proposals(&document).unwrap());
    assert!(before.0.contains("Canada's and Kenya's words."));
    // The store is lost.
    server.kill();
    std::fs::remove_dir_all(&server.data).unwrap();
    let backup = dir.path().join("old.backup");
    let (backup, restored) = (backup.to_str().unwrap(), dir.path().join("restored"));
    assert!(codraft_server(&["verify", backup]).status.success());
    let done = codraft_server(&["restore", backup, "--data-dir", restored.to_str().unwrap()]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    server.data = restored;
    server.restart();
    let old = server.text(&document);
    assert!(old.contains("every month;") && !old.contains("Canada's"), "as old as the backup");
    // Each sends what it wrote itself: nobody else's word is taken for it.
    for copy in [&copies[1], &copies[2]] {
        copy.run(&["sync"]).ok();
    }
    assert_eq!(server.text(&document), before.0);
    let after = server.pen().proposals(&document).unwrap();
    let told = |proposals: &codraft_protocol::api::Proposals| {
        let all = proposals.proposals.iter();
        all.map(|one| (one.sponsors.clone(), one.segments.clone(), one.changes.clone())).collect::<Vec<_>>()
    };
    assert_eq!(told(&after), told(&before.1), "the same proposals, by the same delegations");
    copies[0].run(&["sync"]).ok();
    assert!(server.text(&document).contains("and Brazil's."));
    for copy in &copies {
        copy.run(&["sync"]).ok();
        assert_eq!(copy.file(), server.text(&document));
    }
    assert_eq!(server.pen().quarantine(&document).unwrap().quarantine, []);
    assert!(server.stop());
}
