//! What operators are given works, and fits the program: unit, dashboard, alerts, `doctor`, `upgrade`.

use codraft_protocol::authorship::Refusal;
use codraft_protocol::resolution::SAMPLE;
use codraft_server::config::Config;
use codraft_tests::server::{Server, codraft_server, programs};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every word that begins like one of our figures.
fn figures(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_lowercase() && c != '_' && !c.is_ascii_digit());
    let ours =
        words.filter(|word| word.starts_with("codraft_") && word.len() > 8 && *word != "codraft_server");
    ours.map(|word| {
        ["_bucket", "_sum", "_count"].iter().fold(word, |word, end| word.trim_end_matches(end)).to_owned()
    })
    .collect()
}

fn sources(folder: &Path, all: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else {
            all.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

/// The figures that are recorded with this macro: `counter!("codraft_…`.
fn recorded(with: &str) -> BTreeSet<String> {
    let mut code = String::new();
    sources(&root().join("server/src"), &mut code);
    let begin = format!("{with}!(\"codraft_");
    let found = code.split(&begin).skip(1);
    found.map(|rest| format!("codraft_{}", rest.split('"').next().unwrap())).collect()
}

/// An alert on an increase sees the first event only where the figure was there before it.
#[test]
fn every_counter_is_there_from_the_start() {
    let server = Server::start();
    let mut answer = ureq::get(format!("{}/metrics", server.url)).call().unwrap();
    let shown = answer.body_mut().read_to_string().unwrap();
    let counters = recorded("counter");
    assert!(counters.len() >= 8, "{counters:?}");
    let mut wanted: Vec<String> = counters
        .iter()
        .filter(|name| *name != "codraft_refused_changes_total")
        .map(|name| format!("\n{name} 0\n"))
        .collect();
    assert_eq!(wanted.len() + 1, counters.len());
    for code in Refusal::CODES.into_iter().chain(["malformed-sync"]) {
        wanted.push(format!("\ncodraft_refused_changes_total{{code=\"{code}\"}} 0\n"));
    }
    wanted.extend(["\ncodraft_connections 0\n", "\ncodraft_ready 1\n"].map(str::to_owned));
    let missing: Vec<&String> = wanted.iter().filter(|line| !shown.contains(line.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?} in {shown}");
}

#[test]
fn the_dashboard_and_the_alerts_know_the_figures_that_there_are() {
    let recorded: BTreeSet<String> =
        ["counter", "gauge", "histogram"].into_iter().flat_map(recorded).collect();
    assert!(recorded.len() >= 11, "{recorded:?}");
    let dashboard = read("docs/operations/grafana.json");
    let parsed: serde_json::Value = serde_json::from_str(&dashboard).expect("the dashboard is JSON");
    let shown: String = parsed["panels"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap())
        .map(|target| format!("{} ", target["expr"].as_str().unwrap()))
        .collect();
    let alerts = read("docs/operations/alerts.yml");
    let watched: String = alerts.lines().filter(|line| line.trim_start().starts_with("expr:")).collect();
    assert_eq!(figures(&shown), recorded, "the dashboard shows every figure, and no other");
    let watched = figures(&watched);
    assert!(watched.len() >= 6 && watched.is_subset(&recorded), "{watched:?}");
    // Each alert has its paragraph.
    let runbook = read("docs/operations.md");
    let named: Vec<_> = alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(named.len() >= 6);
    for alert in named {
        assert!(runbook.contains(&format!("\n### {alert}\n")), "{alert} is not explained");
        assert!(alerts.contains(&format!("docs/operations.md#{}", alert.to_lowercase())), "{alert}");
    }
}

#[test]
fn the_configuration_that_is_shown_is_one() {
    let path = root().join("docs/operations/codraft.toml");
    let config = Config::default().with_file(Some(&path)).unwrap();
    assert_eq!(config.data_dir().unwrap(), Path::new("/var/lib/codraft"));
    assert!(config.server().unwrap().tls.is_some());
    let unit = read("docs/operations/codraft.service");
    for setting in [
        "Type=notify",
        "WatchdogSec=",
        "ProtectSystem=strict",
        "NoNewPrivileges=yes",
        "RestartPreventExitStatus=2 3 5",
    ] {
        assert!(unit.contains(setting), "{setting}");
    }
}

#[test]
fn the_service_manager_hears_ready_alive_and_stopping() {
    let mut server = Server::start();
    assert!(server.stop());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    server.environment = vec![
        ("NOTIFY_SOCKET".to_owned(), path.display().to_string()),
        ("WATCHDOG_USEC".to_owned(), "900000".to_owned()),
    ];
    let hear = || {
        let mut heard = [0; 256];
        let length = manager.recv(&mut heard).unwrap();
        String::from_utf8_lossy(&heard[..length]).into_owned()
    };
    server.restart();
    let first = hear();
    assert!(first.starts_with("READY=1") && first.contains(&server.url), "{first}");
    // One for each third of the interval.
    assert!((0..4).all(|_| hear() == "WATCHDOG=1"));
    // A hang-up ends nothing.
    Command::new("kill").args(["-HUP", &server.pid().to_string()]).status().unwrap();
    assert!((0..3).all(|_| hear() == "WATCHDOG=1"));
    assert!(server.stop());
    while !hear().starts_with("STOPPING=1") {}
}

#[test]
fn the_doctor_finds_what_is_wrong_and_only_that() {
    let mut server = Server::start();
    let data = server.data.to_str().unwrap().to_owned();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();
    let address = server.url.trim_start_matches("http://").to_owned();
    let see = |more: &[&str]| {
        let args =
            [&["doctor", "--data-dir", &data, "--listen", &address, "--reserve-mb", "0"], more].concat();
        let output = codraft_server(&args);
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    // Beside the running server.
    let (code, said) = see(&[]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("a server has the store open") && said.contains("is ready (HTTP/1.1 200 OK)"),
        "{said}"
    );
    assert!(said.contains("a sync takes") && said.contains("0 bad"), "{said}");
    assert!(server.stop());
    let (code, said) = see(&[]);
    assert!(code == 0 && said.contains("the store is whole") && said.contains("is free"), "{said}");
    // Others can read it.
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
    let (code, said) = see(&[]);
    assert!(code == 0 && said.contains("LOOK  the data directory") && said.contains("chmod go="), "{said}");
    // The disk is full, the certificate is none, the address is another machine's, the store is damaged.
    let nowhere = ["--tls-cert", "/nowhere", "--tls-key", "/nowhere"];
    let (code, said) = see(&nowhere);
    assert!(code == 1 && said.contains("BAD   the certificate file /nowhere"), "{said}");
    let output = codraft_server(&["doctor", "--data-dir", &data, "--reserve-mb", "100000000"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        !output.status.success() && said.contains("BAD   ") && said.contains("kept in reserve"),
        "{said}"
    );
    let output =
        codraft_server(&["doctor", "--data-dir", &data, "--listen", "192.0.2.1:4280", "--reserve-mb", "0"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("BAD   192.0.2.1:4280 would be served in the clear"), "{said}");
    assert!(said.contains("BAD   192.0.2.1:4280 cannot be listened on"), "{said}");
    let file = std::fs::OpenOptions::new().write(true).open(server.data.join("db/db")).unwrap();
    file.set_len(200).unwrap();
    let (code, said) = see(&[]);
    assert!(code == 1 && said.contains("REFUSING TO SERVE"), "{said}");
}

#[test]
fn an_upgrade_is_a_copy_that_clients_do_not_notice() {
    let mut server = Server::start();
    let document = server.import(SAMPLE);
    let can = server.delegation("CAN");
    let dir = tempfile::tempdir().unwrap();
    let working = codraft_tests::cli::Terminal::new(dir.path(), &server, &can.token).cloned(&document, "can");
    working.edit("every year;", "every month;");
    working.run(&["sync"]).ok();
    let new = dir.path().join("new");
    let from = server.data.to_str().unwrap().to_owned();
    let args = ["upgrade", &from, "--data-dir", new.to_str().unwrap()];
    // A server has it open.
    assert_eq!(codraft_server(&args).status.code(), Some(4));
    assert!(server.stop());
    let output = codraft_server(&args);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("compared value by value"), "{said}");
    assert_eq!(codraft_server(&args).status.code(), Some(1), "the new directory is not empty");
    let old = server.data.clone();
    server.data = new;
    server.restart();
    assert!(server.text(&document).contains("every month;"));
    working.edit("every month;", "every week;");
    working.run(&["sync"]).ok();
    assert!(server.text(&document).contains("every week;"));
    // The old one is as it was.
    assert!(codraft_server(&["verify", old.to_str().unwrap()]).status.success());
    // A format that is not known.
    let mut head = std::fs::read(old.join("HEAD")).unwrap();
    head[7] = b'7';
    head[4096 + 7] = b'7';
    std::fs::write(old.join("HEAD"), head).unwrap();
    let third = dir.path().join("third");
    let output = codraft_server(&["upgrade", old.to_str().unwrap(), "--data-dir", third.to_str().unwrap()]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("has format 7"), "{said}");
    assert!(!third.exists());
}

/// Where systemd is at hand, it reads the unit, too.
#[test]
fn systemd_takes_the_unit() {
    let dir = tempfile::tempdir().unwrap();
    let unit = dir.path().join("codraft.service");
    // It checks that the programs are there.
    let ours = programs().join("codraft-server");
    let text = read("docs/operations/codraft.service")
        .replace("/usr/local/bin/codraft-server", ours.to_str().unwrap());
    std::fs::write(&unit, text).unwrap();
    let verified = Command::new("systemd-analyze")
        .arg("verify")
        .arg(&unit)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output();
    match verified {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!said.contains("Unknown") && !said.contains("Failed to parse"), "{said}");
        }
        Err(_) => println!("SKIPPED: systemd-analyze is not here"),
    }
}
