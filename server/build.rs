//! Takes the built page (`server/web/dist`) into the program. Where it has not been built there is none, and
//! the program says how to build it: building the server needs no Node.
#![allow(clippy::print_stdout, reason = "this is how cargo is told")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let dist = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("web/dist");
    println!("cargo:rerun-if-changed={}", dist.display());
    let mut list = String::from("&[\n");
    let mut names = Vec::new();
    walk(&dist, &dist, &mut names)?;
    names.sort();
    for name in names.iter().filter_map(|name| name.strip_suffix(".br")) {
        let file = |ending: &str| dist.join(format!("{name}{ending}"));
        let included = |ending| format!("include_bytes!({:?})", file(ending));
        if file(".gz").is_file() {
            // Writing to a string cannot fail.
            let _ = writeln!(
                list,
                "File {{ path: {name:?}, brotli: {}, gzip: {} }},",
                included(".br"),
                included(".gz")
            );
        }
    }
    list.push_str("]\n");
    fs::write(PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("page.rs"), list)
}

fn walk(root: &Path, dir: &Path, names: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(root, &path, names)?;
        } else if let Some(name) = path.strip_prefix(root).ok().and_then(Path::to_str) {
            names.push(name.to_owned());
        }
    }
    Ok(())
}
