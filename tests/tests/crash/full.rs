//! A disk that is really full: a small file system of its own, where the machine lets us make one.

use crate::skipped;
use codraft_client_core::api::ApiError;
use codraft_protocol::api::NewDocument;
use codraft_protocol::resolution::SAMPLE;
use codraft_tests::cli::Terminal;
use codraft_tests::server::{Server, codraft_server};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system of so many megabytes; gone when dropped.
struct Disk(PathBuf);

impl Disk {
    fn new(at: &Path, megabytes: u64) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(at.to_owned())),
            other => {
                skipped(&format!("a full disk, since no file system can be mounted here: {other:?}"));
                None
            }
        }
    }

    /// Fills it until so many kilobytes are left.
    fn fill(&self, left: u64) -> PathBuf {
        let ballast = self.0.join("ballast");
        let output = Command::new("df").args(["--output=avail", "-k"]).arg(&self.0).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let free: u64 = text.lines().nth(1).unwrap().trim().parse().unwrap();
        let zeros = vec![1_u8; usize::try_from(free.saturating_sub(left)).unwrap() << 10];
        std::fs::write(&ballast, zeros).unwrap();
        ballast
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn import(server: &Server, text: &str) -> Result<String, ApiError> {
    let new = NewDocument { text: text.to_owned(), symbol: String::new() };
    server.pen().import(&new).map(|imported| imported.document.id)
}

#[test]
fn at_its_reserve_the_server_reads_and_backs_up_and_goes_on_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::new(&dir.path().join("disk"), 96) else { return };
    let mut server = Server::start();
    assert!(server.stop());
    super::copy(&server.data, &disk.0.join("data"));
    server.data = disk.0.join("data");
    server.restart_with(&["--reserve-mb", "16"]);
    let document = server.import(SAMPLE);
    let can = server.delegation("CAN");
    let working = Terminal::new(dir.path(), &server, &can.token).cloned(&document, "can");
    let ballast = disk.fill(8 << 10);
    working.edit("every year;", "every month;");
    let said = working.run(&["sync"]);
    assert!(said.code == 3 && said.err.contains("could not store"), "{said:?}");
    match import(&server, SAMPLE) {
        Err(ApiError::Problem(problem)) => assert_eq!(problem.status, 507),
        other => panic!("{other:?}"),
    }
    let figures = |server: &Server| {
        let mut answer = ureq::get(format!("{}/metrics", server.url)).call().unwrap();
        answer.body_mut().read_to_string().unwrap()
    };
    assert!(figures(&server).contains("\ncodraft_ready 0\n"));
    // Reading goes on, and so does the backup that is needed now.
    assert_eq!(server.text(&document), SAMPLE);
    let mut backup = Vec::new();
    server.pen().backup().unwrap().read_to_end(&mut backup).unwrap();
    std::fs::write(dir.path().join("now.backup"), backup).unwrap();
    let verified = codraft_server(&["verify", dir.path().join("now.backup").to_str().unwrap()]);
    assert!(verified.status.success());
    // Space again: it goes on by itself, with the same words.
    std::fs::remove_file(ballast).unwrap();
    working.run(&["sync"]).ok();
    assert!(server.text(&document).contains("every month;"));
    assert!(figures(&server).contains("\ncodraft_ready 1\n"));
    assert!(server.stop());
}

#[test]
fn without_a_reserve_the_server_ends_and_what_it_acknowledged_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::new(&dir.path().join("disk"), 64) else { return };
    let mut server = Server::start();
    assert!(server.stop());
    super::copy(&server.data, &disk.0.join("data"));
    server.data = disk.0.join("data");
    server.restart();
    let ballast = disk.fill(1_500);
    let text = "Resolution 1\nOn full disks\nThe Council,\nresolves\n".to_owned()
        + &"1\tto fill them with words;\n".repeat(400);
    let mut acknowledged = Vec::new();
    let refused = loop {
        match import(&server, &text) {
            Ok(document) => acknowledged.push(document),
            Err(error) => break error,
        }
        assert!(acknowledged.len() < 3_000, "the disk is never full");
    };
    println!("{} documents before the disk was full: {refused}", acknowledged.len());
    assert!(!server.wait(), "a store that failed is the end of the process");
    std::fs::remove_file(ballast).unwrap();
    server.restart();
    let there: Vec<String> =
        server.pen().documents().unwrap().documents.into_iter().map(|one| one.id).collect();
    let missing = acknowledged.iter().filter(|id| !there.contains(id)).count();
    assert_eq!(missing, 0, "of {} acknowledged documents", acknowledged.len());
    assert!(there.len() - acknowledged.len() <= 1, "what was in doubt is there or not");
    assert!(server.stop());
}
