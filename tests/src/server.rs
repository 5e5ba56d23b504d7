//! A real `codraft-server` process on a port of its own.

use codraft_client_core::api::Api;
use codraft_protocol::api::{NewDelegation, NewDocument, NewInvitation, NewTicket};
use codraft_protocol::id::Role;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

/// The folder of the two programs, built with the tests' own profile.
///
/// # Panics
/// Where they cannot be built.
pub fn programs() -> &'static Path {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let exe = std::env::current_exe().expect("a test has a path");
        // target/PROFILE/deps/test-… or target/PROFILE/tool
        let folder = exe.ancestors().find(|dir| dir.join("build").is_dir() && dir.join("deps").is_dir());
        let folder = folder.expect("a test lies in its target folder").to_owned();
        // `tests/all.sh` has built them with everything else.
        if std::env::var_os("CODRAFT_BUILT").is_some() {
            return folder;
        }
        let profile = if folder.ends_with("release") { "release" } else { "dev" };
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            // The whole workspace, so that dependencies have the features that the tests have built them with.
            .args(["build", "--quiet", "--profile", profile, "--workspace", "--bins"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the programs must build");
        folder
    })
}

/// Runs `codraft-server` to its end.
///
/// # Panics
/// Where it does not start.
pub fn codraft_server(args: &[&str]) -> Output {
    let mut command = Command::new(programs().join("codraft-server"));
    command
        .args(args)
        .env_remove("CODRAFT_DATA_DIR")
        .env_remove("CODRAFT_LISTEN")
        .output()
        .expect("it starts")
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// Its data directory.
    pub data: PathBuf,
    /// The secretariat's token.
    pub secretariat: String,
    /// More variables of its environment, from the next start on.
    pub environment: Vec<(String, String)>,
    _dir: Option<tempfile::TempDir>,
}

/// A delegation's way in.
#[derive(Clone, Debug)]
pub struct Delegate {
    /// Its code.
    pub code: String,
    /// Its token.
    pub token: String,
    /// Its account.
    pub account: String,
}

fn spawn(data: &Path, listen: &str, more: &[&str], environment: &[(String, String)]) -> (Child, String) {
    let mut child = Command::new(programs().join("codraft-server"))
        .args(["serve", "--listen", listen, "--log", "warn", "--data-dir"])
        .arg(data)
        .env("CODRAFT_RESERVE_MB", "0")
        .envs(environment.iter().cloned())
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let (say, said) = mpsc::channel();
    let mut out = BufReader::new(child.stdout.take().expect("piped"));
    std::thread::spawn(move || {
        let mut line = String::new();
        out.read_line(&mut line).map(|_| say.send(line))
    });
    let Ok(line) = said.recv_timeout(Duration::from_secs(180)) else {
        child.kill().expect("it can be killed");
        panic!("the server neither serves nor says why not");
    };
    let Some(url) = line.trim().strip_prefix("listening on ") else {
        let mut why = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut why).expect("it says why");
        panic!("the server does not serve: {why}");
    };
    // What it logs is shown with the test's own output.
    let log = BufReader::new(child.stderr.take().expect("piped"));
    std::thread::spawn(move || log.lines().map_while(Result::ok).for_each(|line| println!("server: {line}")));
    (child, url.to_owned())
}

impl Server {
    /// A server with a new store, in a folder that goes with it.
    ///
    /// # Panics
    /// Where it does not start, as all of these.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with more flags.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start_with(more: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let data = dir.path().join("data");
        let init = codraft_server(&["init", "--data-dir", data.to_str().expect("utf-8")]);
        assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
        let secretariat = String::from_utf8(init.stdout).expect("utf-8").trim().to_owned();
        let (child, url) = spawn(&data, "127.0.0.1:0", more, &[]);
        Self { child, url, data, secretariat, environment: Vec::new(), _dir: Some(dir) }
    }

    /// `kill -9`.
    ///
    /// # Panics
    /// Where it cannot be killed.
    pub fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// Starts it again, on the same port and data.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn restart(&mut self) {
        self.restart_with(&[]);
    }

    /// The same with more flags.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn restart_with(&mut self, more: &[&str]) {
        let address = self.url.trim_start_matches("http://").to_owned();
        (self.child, self.url) = spawn(&self.data, &address, more, &self.environment);
    }

    /// Asks it to stop, as an operator would, and waits. Returns whether it ended well.
    ///
    /// # Panics
    /// Where it cannot be told.
    pub fn stop(&mut self) -> bool {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
        self.wait()
    }

    /// Waits until it ends by itself. Returns whether it ended well.
    ///
    /// # Panics
    /// Where it does not end within three minutes.
    pub fn wait(&mut self) -> bool {
        for _ in 0..18_000 {
            if let Some(status) = self.child.try_wait().expect("the system tells") {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.kill();
        panic!("the server does not end");
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The API for a token.
    ///
    /// # Panics
    /// Never, with this server's address.
    pub fn api(&self, token: &str) -> Api {
        Api::new(&self.url, token).expect("an address")
    }

    /// The API for the secretariat.
    pub fn pen(&self) -> Api {
        self.api(&self.secretariat)
    }

    /// Imports a text; answers the document's id.
    ///
    /// # Panics
    /// Where it is refused.
    pub fn import(&self, text: &str) -> String {
        let new = NewDocument { text: text.to_owned(), symbol: "T/1".to_owned() };
        self.pen().import(&new).expect("it imports").document.id
    }

    /// Adds a delegation.
    ///
    /// # Panics
    /// Where it is refused.
    pub fn delegation(&self, code: &str) -> Delegate {
        let new = NewDelegation { code: code.parse().expect("a code"), name: format!("Delegation {code}") };
        let invitation = self.pen().add_delegation(&new).expect("it is added");
        Delegate { code: code.to_owned(), token: invitation.token, account: invitation.account.id }
    }

    /// Invites somebody without a delegation.
    ///
    /// # Panics
    /// Where it is refused.
    pub fn invite(&self, role: Role) -> String {
        self.pen().invite(&NewInvitation { role, delegation: None }).expect("invited").token
    }

    /// A ticket for a token.
    ///
    /// # Panics
    /// Where it is refused.
    pub fn ticket(&self, token: &str) -> String {
        self.api(token).ticket(&NewTicket::default()).expect("a ticket").ticket
    }

    /// The text as it stands.
    ///
    /// # Panics
    /// Where it is refused.
    pub fn text(&self, document: &str) -> String {
        self.pen().text(document, "current").expect("the text")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
