//! The real `codraft` command, in a folder, in somebody's name.

use crate::server::{Server, programs};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Somebody at a terminal.
#[derive(Debug)]
pub struct Terminal {
    /// Where.
    pub folder: PathBuf,
    server: String,
    token: String,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    /// Its exit code.
    pub code: i32,
    /// On standard output.
    pub out: String,
    /// On standard error.
    pub err: String,
}

impl Said {
    /// Standard output, of a command that went well.
    ///
    /// # Panics
    /// Where it did not.
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}\n{}", self.out, self.err);
        self.out
    }

    /// Standard output as JSON, of a command that went well.
    ///
    /// # Panics
    /// Where it did not, or it is none.
    pub fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.ok()).expect("JSON")
    }
}

impl Terminal {
    /// In a folder.
    pub fn new(folder: &Path, server: &Server, token: &str) -> Self {
        Self { folder: folder.to_owned(), server: server.url.clone(), token: token.to_owned() }
    }

    /// Runs a command.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn run(&self, args: &[&str]) -> Said {
        let output = Command::new(programs().join("codraft"))
            .args(args)
            .current_dir(&self.folder)
            .env("CODRAFT_SERVER", &self.server)
            .env("CODRAFT_TOKEN", &self.token)
            .output()
            .expect("it starts");
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).expect("utf-8"),
            err: String::from_utf8(output.stderr).expect("utf-8"),
        }
    }

    /// Clones a document into a new folder, and works there from now on.
    ///
    /// # Panics
    /// Where that does not go well.
    #[must_use]
    pub fn cloned(mut self, document: &str, name: &str) -> Self {
        self.run(&["clone", document, name]).ok();
        self.folder.push(name);
        self
    }

    /// The file's text.
    ///
    /// # Panics
    /// Where there is none.
    pub fn file(&self) -> String {
        std::fs::read_to_string(self.folder.join("resolution.txt")).expect("resolution.txt")
    }

    /// Replaces the file's text, as an editor does.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn write(&self, text: &str) {
        std::fs::write(self.folder.join("resolution.txt"), text).expect("resolution.txt");
    }

    /// Edits the file's text: `from`, which stands in it once, becomes `to`.
    ///
    /// # Panics
    /// Where it does not stand in it once.
    pub fn edit(&self, from: &str, to: &str) {
        let text = self.file();
        assert_eq!(text.matches(from).count(), 1, "“{from}” must stand in the text once");
        self.write(&text.replacen(from, to, 1));
    }
}
