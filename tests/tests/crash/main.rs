//! What disks and power do to a running server, and the ways back that docs/storage.md promises.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

mod damage;
mod drain;
mod full;
mod power;
mod resupply;
mod stall;

use std::path::{Path, PathBuf};
use std::process::Command;

/// A number from the environment, for longer runs.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// Says that something is not tested here, and why. In CI everything is.
fn skipped(why: &str) {
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "CI must test this: {why}");
    println!("skipped: {why}");
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Compiles a library, from its source in tests/src, that the server is started with; `None` where there is no C
/// compiler.
fn preloaded(source: &str, dir: &Path) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(source);
    let library = dir.join("preloaded.so");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O2", "-o"])
        .arg(&library)
        .arg(&source)
        .args(["-ldl", "-lpthread"])
        .status();
    match compiled {
        Ok(status) => {
            assert!(status.success(), "{} compiles", source.display());
            Some(library)
        }
        Err(error) => {
            skipped(&format!("{}, since there is no C compiler (cc): {error}", source.display()));
            None
        }
    }
}
