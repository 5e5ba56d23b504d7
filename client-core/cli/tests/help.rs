//! The command's help: every command has an example, and mistakes are told with what to do.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::{Command, Output};

fn run(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_codraft"));
    command.env_remove("CODRAFT_SERVER").env_remove("CODRAFT_TOKEN").current_dir(std::env::temp_dir());
    command.args(args).output().expect("it starts")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn every_command_has_an_example() {
    let help = out(&run(&["--help"]));
    assert!(help.contains("Exit codes: 0 done") && help.contains("CODRAFT_TOKEN"), "{help}");
    let commands: [&[&str]; 27] = [
        &["import"],
        &["delegation", "add"],
        &["delegation", "list"],
        &["delegation", "invite"],
        &["delegation", "expire"],
        &["delegation", "revoke"],
        &["documents"],
        &["clone"],
        &["status"],
        &["diff"],
        &["sync"],
        &["log"],
        &["proposals"],
        &["show"],
        &["quarantine"],
        &["ticket", "create"],
        &["ticket", "revoke"],
        &["reset"],
        &["restore"],
        &["backup"],
        &["access-log"],
        &["completions"],
        &["comment", "add"],
        &["comment", "reply"],
        &["comment", "resolve"],
        &["comment", "reopen"],
        &["comments"],
    ];
    for command in commands {
        let own = out(&run(&[command, &["--help"]].concat()));
        assert!(own.contains("Example") && own.contains(&format!("codraft {}", command.join(" "))), "{own}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(out(&run(&["completions", shell])).contains("codraft"));
    }
}

#[test]
fn mistakes_are_told() {
    let cases: [(&[&str], i32, &str); 7] = [
        (&["status"], 6, "codraft clone DOCUMENT"),
        (&["documents"], 2, "CODRAFT_SERVER"),
        (&["documents", "--server", "http://127.0.0.1:9"], 2, "CODRAFT_TOKEN"),
        (&["documents", "--server", "http://127.0.0.1:9", "--token", "t"], 3, "does not answer"),
        (&["documents", "--server", "127.0.0.1:9", "--token", "t"], 2, "http://127.0.0.1:4280"),
        (&["clone", "nonsense"], 2, "document id"),
        (&["show", "--view", "sideways"], 2, "marked"),
    ];
    for (args, code, words) in cases {
        let output = run(args);
        let err = String::from_utf8(output.stderr.clone()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {err}");
        assert!(err.contains(words), "{args:?}: {err}");
    }
}
