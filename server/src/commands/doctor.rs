//! `codraft-server doctor`: looks an installation over, before and while it serves.

use super::Failure;
use crate::config::Config;
use crate::storage::StorageError;
use crate::storage::sled_store::{Options, SledStorage};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finding {
    Good,
    /// It works, and somebody should look.
    Doubtful,
    /// The server will not serve, or not safely.
    Bad,
}

struct Report<'a> {
    say: &'a dyn Fn(&str),
    doubtful: u32,
    bad: u32,
}

impl Report<'_> {
    fn tell(&mut self, finding: Finding, words: &str) {
        let mark = match finding {
            Finding::Good => "ok   ",
            Finding::Doubtful => {
                self.doubtful += 1;
                "LOOK "
            }
            Finding::Bad => {
                self.bad += 1;
                "BAD  "
            }
        };
        (self.say)(&format!("{mark} {words}"));
    }

    fn check(&mut self, good: bool, otherwise: Finding, words: &str, wrong: &str) {
        if good { self.tell(Finding::Good, words) } else { self.tell(otherwise, wrong) }
    }
}

/// Looks at everything and says it, line by line.
///
/// # Errors
/// Where something is bad.
pub fn doctor(config: &Config, say: &dyn Fn(&str)) -> Result<(), Failure> {
    let mut report = Report { say, doubtful: 0, bad: 0 };
    let dir = config.data_dir()?;
    let settings = config.server()?;
    let runs = store(&mut report, dir);
    disk(&mut report, dir, config.store().reserve);
    if settings.tls.is_none() && !settings.listen.ip().is_loopback() {
        report.check(
            settings.allow_plaintext,
            Finding::Bad,
            &format!("{} is served in the clear, as allowed: is the network trusted?", settings.listen),
            &format!("{} would be served in the clear: --tls-cert and --tls-key", settings.listen),
        );
    }
    if let Some(files) = &settings.tls {
        match files.load() {
            Ok(_) => report.tell(Finding::Good, "the certificate and its key fit each other"),
            Err(error) => report.tell(Finding::Bad, &error.to_string()),
        }
        private(&mut report, &files.key, "the key");
    }
    let scheme = if settings.tls.is_some() { "https" } else { "http" };
    if runs {
        answers(&mut report, settings.listen, scheme);
    } else {
        let free = TcpListener::bind(settings.listen).is_ok();
        let wrong =
            format!("{} cannot be listened on: another program, or not this machine's", settings.listen);
        report.check(free, Finding::Bad, &format!("{} is free", settings.listen), &wrong);
    }
    open_files(&mut report, settings.places.all);
    let (doubtful, bad) = (report.doubtful, report.bad);
    say(&format!("{bad} bad, {doubtful} to look at"));
    if bad == 0 { Ok(()) } else { Err(Failure::new(1, "this installation is not in order; see above")) }
}

/// Returns whether a server has the store open.
fn store(report: &mut Report<'_>, dir: &Path) -> bool {
    if dir.is_dir() {
        private(report, dir, "the data directory");
    }
    match SledStorage::open(dir, &Options { reserve: Some(0), ..Options::default() }) {
        Ok(store) => {
            let words = super::backup::words(&store.opened_with());
            report.tell(Finding::Good, &format!("the store is whole: {words}"));
            false
        }
        Err(StorageError::InUse { .. }) => {
            report.tell(Finding::Good, "a server has the store open, and has verified it when it opened it");
            true
        }
        Err(error) => {
            report.tell(Finding::Bad, &error.to_string());
            false
        }
    }
}

fn private(report: &mut Report<'_>, path: &Path, what: &str) {
    match fs::metadata(path) {
        Ok(metadata) => {
            let mode = metadata.permissions().mode() & 0o777;
            let wrong = format!(
                "{what} {} can be read by others (mode {mode:o}): chmod go= {}",
                path.display(),
                path.display()
            );
            report.check(
                mode & 0o077 == 0,
                Finding::Doubtful,
                &format!("{what} is its owner's alone"),
                &wrong,
            );
        }
        Err(error) => report.tell(Finding::Bad, &format!("{what} {}: {error}", path.display())),
    }
}

fn disk(report: &mut Report<'_>, dir: &Path, reserve: Option<u64>) {
    let Ok(stat) = rustix::fs::statvfs(dir) else {
        report.tell(Finding::Bad, &format!("the disk of {} does not say how full it is", dir.display()));
        return;
    };
    let (free, total) = (stat.f_bavail * stat.f_frsize, stat.f_blocks * stat.f_frsize);
    let reserve = reserve.unwrap_or_else(|| (total / 5).min(1 << 30));
    let words = format!("{} MB are free, {} of them kept in reserve", free >> 20, reserve >> 20);
    let finding = match free {
        _ if free < reserve => Finding::Bad,
        _ if free < reserve.saturating_mul(3) => Finding::Doubtful,
        _ => Finding::Good,
    };
    report.tell(finding, &words);
    // What a disk promises can only be seen in how long it takes.
    match sync_time(dir) {
        Ok(took) => {
            let words = format!("a sync takes {:.2} ms", took.as_secs_f64() * 1000.0);
            if took > Duration::from_millis(50) {
                let slow = format!("{words}: every acknowledgement waits for one; use a faster disk");
                report.tell(Finding::Doubtful, &slow);
            } else if took < Duration::from_micros(20) {
                let lies = format!("{words}: no disk is that fast; memory, or a disk that does not sync?");
                report.tell(Finding::Doubtful, &lies);
            } else {
                report.tell(Finding::Good, &words);
            }
        }
        Err(error) => report.tell(Finding::Bad, &format!("{} cannot be written: {error}", dir.display())),
    }
}

/// The median of some syncs of a small file.
fn sync_time(dir: &Path) -> std::io::Result<Duration> {
    let path = dir.join("doctor.tmp");
    let mut file = File::create(&path)?;
    let mut took = Vec::new();
    for _ in 0..15 {
        file.write_all(&[1; 4096])?;
        let started = Instant::now();
        file.sync_data()?;
        took.push(started.elapsed());
    }
    fs::remove_file(&path)?;
    took.sort_unstable();
    Ok(took.get(took.len() / 2).copied().unwrap_or_default())
}

fn answers(report: &mut Report<'_>, listen: SocketAddr, scheme: &str) {
    let address =
        if listen.ip().is_unspecified() { SocketAddr::from(([127, 0, 0, 1], listen.port())) } else { listen };
    let patience = Duration::from_secs(5);
    let asked = TcpStream::connect_timeout(&address, patience).and_then(|mut stream| {
        stream.set_read_timeout(Some(patience))?;
        if scheme == "https" {
            return Ok("it takes connections".to_owned());
        }
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.lines().next().unwrap_or_default().to_owned())
    });
    match asked {
        Ok(first) if first.contains(" 200") || first.contains("takes") => {
            report.tell(Finding::Good, &format!("the server on {address} is ready ({first})"));
        }
        Ok(first) => report.tell(Finding::Bad, &format!("the server on {address} is not ready: {first}")),
        Err(error) => {
            report.tell(
                Finding::Doubtful,
                &format!("nobody answers on {address} ({error}); does it listen elsewhere?"),
            );
        }
    }
}

fn open_files(report: &mut Report<'_>, connections: usize) {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    let Some(soft) = soft else { return };
    let words = format!("{soft} files may be open, for {connections} connections");
    let wrong = format!("{words}: raise it (LimitNOFILE=, ulimit -n), or lower --connections");
    report.check(soft > connections + 100, Finding::Doubtful, &words, &wrong);
}
