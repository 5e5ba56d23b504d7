//! The corpus, which lies outside of the project: `CODRAFT_CORPUS`, or `../shared/corpus` beside it.

use std::path::PathBuf;

/// A file of the corpus; where there is none, says "skipped: no corpus".
pub fn read(name: &str) -> Option<String> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let folder = std::env::var_os("CODRAFT_CORPUS").map_or(beside, PathBuf::from);
    let text = std::fs::read_to_string(folder.join(name)).ok();
    if text.is_none() {
        println!("skipped: no corpus");
    }
    text
}
