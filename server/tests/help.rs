//! The program's help: every command has an example, and mistakes are told with what to do.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::{Command, Output};

fn run(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_codraft-server"));
    command.env_remove("CODRAFT_DATA_DIR").args(args).output().expect("it starts")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn every_command_has_an_example() {
    let help = out(&run(&["--help"]));
    assert!(help.contains("Exit codes: 0 done"), "{help}");
    for command in
        ["demo", "init", "serve", "backup", "restore", "verify", "doctor", "upgrade", "completions"]
    {
        assert!(help.contains(&format!("\n  {command} ")), "{command} in {help}");
        let own = out(&run(&[command, "--help"]));
        assert!(own.contains("Example") && own.contains(&format!("codraft-server {command}")), "{own}");
    }
    assert!(out(&run(&["completions", "bash"])).contains("codraft-server"));
}

#[test]
fn mistakes_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let nowhere = dir.path().join("nowhere");
    let nowhere = nowhere.to_str().unwrap();
    let config = dir.path().join("codraft.toml");
    std::fs::write(&config, "port = 1\n").unwrap();
    let cases: [(&[&str], i32, &str); 6] = [
        (&["serve", "--data-dir", nowhere], 3, "codraft-server init --data-dir"),
        (&["serve"], 2, "--data-dir DIR"),
        (&["serve", "--listen", "here"], 2, "--listen"),
        (&["serve", "--data-dir", nowhere, "--config-file", config.to_str().unwrap()], 2, "port"),
        (&["restore", nowhere, "--data-dir", nowhere], 1, "No such file"),
        (&["verify", config.to_str().unwrap()], 5, "no codraft backup"),
    ];
    for (args, code, words) in cases {
        let output = run(args);
        let err = String::from_utf8(output.stderr.clone()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {err}");
        assert!(err.contains(words), "{args:?}: {err}");
    }
}
