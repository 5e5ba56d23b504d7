//! The servers that are measured: codraft, the limits, and what others would take instead, each a process of
//! its own on this machine.

use super::board::Dialect;
use super::client::{Client, Failed};
use super::document::{Plan, imported};
use super::yjs;
use crate::server::Server;
use codraft_protocol::id::{DocumentId, Role};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Contender {
    /// This project's server: durable, gated, attributed
    Codraft,
    /// A bare broadcast of the same bytes: no documents, no disk
    Limit,
    /// The same, with what no durable server can do without: it syncs its disk before it relays, and is acknowledged
    DurableLimit,
    /// samod 0.16 (Rust), with its file store
    Samod,
    /// automerge-repo 2.5.6 (Node), with its file store
    AutomergeRepo,
    /// Hocuspocus 3.4.4 (Node, Yjs), without persistence
    Hocuspocus,
}

impl Contender {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Codraft => "codraft",
            Self::Limit => "limit",
            Self::DurableLimit => "durable limit",
            Self::Samod => "samod",
            Self::AutomergeRepo => "automerge-repo",
            Self::Hocuspocus => "Hocuspocus",
        }
    }

    /// How it is spoken to.
    pub fn dialect(self) -> Dialect {
        match self {
            Self::Limit => Dialect::Broadcast { acknowledged: false },
            Self::DurableLimit => Dialect::Broadcast { acknowledged: true },
            Self::Hocuspocus => Dialect::Yjs,
            Self::Codraft | Self::Samod | Self::AutomergeRepo => Dialect::Automerge,
        }
    }

    fn command(self, port: u16, data: &Path) -> Command {
        let own = |word: &str| {
            let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
            command.args(["serve", word, "--port", &port.to_string(), "--data"]).arg(data);
            command
        };
        let script = |name: &str| {
            let mut command = Command::new("node");
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("load");
            command.arg(folder.join(name)).arg(port.to_string()).arg(data);
            command
        };
        match self {
            Self::Limit => own("limit"),
            Self::DurableLimit => own("durable-limit"),
            Self::Samod => own("samod"),
            Self::AutomergeRepo => script("automerge-repo.mjs"),
            Self::Hocuspocus => script("hocuspocus.mjs"),
            Self::Codraft => unreachable!("codraft is started by the tests' own harness"),
        }
    }
}

#[derive(Debug)]
enum Process {
    Codraft(Box<Server>),
    Other { child: Child, port: u16, dir: tempfile::TempDir },
}

/// A server that runs; it ends with this.
#[derive(Debug)]
pub struct Running {
    /// Which.
    pub contender: Contender,
    /// Its websocket's address.
    pub url: String,
    process: Process,
}

fn spawn(contender: Contender, port: u16, data: &Path) -> Result<(Child, String), Failed> {
    let mut command = contender.command(port, data);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn();
    let mut child = child.map_err(|error| format!("{} does not start: {error}", contender.name()))?;
    let mut line = String::new();
    let out = child.stdout.take().ok_or("a process without output")?;
    let mut out = BufReader::new(out);
    out.read_line(&mut line).map_err(|error| error.to_string())?;
    // Whatever else it says goes nowhere, but somebody must read it.
    std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
    match line.trim().strip_prefix("listening on ") {
        Some(url) => Ok((child, url.to_owned())),
        None => {
            let _ = child.kill();
            let _ = child.wait();
            Err(format!(
                "{} does not serve; the servers in Node need their packages: npm ci in tests/load",
                contender.name()
            ))
        }
    }
}

impl Running {
    /// Starts one with an empty store. Blocks, as all of these.
    ///
    /// # Errors
    /// Why it does not start.
    pub fn start(contender: Contender) -> Result<Self, Failed> {
        if contender == Contender::Codraft {
            let server = Server::start();
            let url = format!("{}/sync", server.url.replacen("http", "ws", 1));
            return Ok(Self { contender, url, process: Process::Codraft(Box::new(server)) });
        }
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        let (child, url) = spawn(contender, 0, dir.path())?;
        let port = url.trim_end_matches('/').rsplit(':').next().and_then(|port| port.parse().ok());
        let process = Process::Other { child, port: port.ok_or("an address without a port")?, dir };
        Ok(Self { contender, url, process })
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        match &self.process {
            Process::Codraft(server) => server.pid(),
            Process::Other { child, .. } => child.id(),
        }
    }

    /// Where it stores.
    pub fn data(&self) -> PathBuf {
        match &self.process {
            Process::Codraft(server) => server.data.clone(),
            Process::Other { dir, .. } => dir.path().to_owned(),
        }
    }

    /// codraft's own handle.
    pub fn codraft(&self) -> Option<&Server> {
        match &self.process {
            Process::Codraft(server) => Some(server),
            Process::Other { .. } => None,
        }
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        match &mut self.process {
            Process::Codraft(server) => server.kill(),
            Process::Other { child, .. } => {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }

    /// Starts it again on the same data and port, after it has ended.
    ///
    /// # Errors
    /// Why it does not start.
    pub fn revive(&mut self) -> Result<(), Failed> {
        match &mut self.process {
            Process::Codraft(server) => server.restart(),
            Process::Other { child, port, dir } => {
                let (again, _) = spawn(self.contender, *port, dir.path())?;
                *child = again;
            }
        }
        Ok(())
    }

    /// Asks it to stop, and waits.
    pub fn stop(&mut self) {
        match &mut self.process {
            Process::Codraft(server) => drop(server.stop()),
            Process::Other { child, .. } => {
                let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
                if !asked.is_ok_and(|status| status.success()) {
                    let _ = child.kill();
                }
                let _ = child.wait();
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Process::Other { child, .. } = &mut self.process {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A document on a server, and the addresses by which it is reached.
#[derive(Debug)]
pub struct Subject {
    /// Its id.
    pub document: String,
    /// As it was imported.
    pub plan: Plan,
    /// The same for Yjs.
    pub yjs: Vec<u8>,
    /// Those who write: on codraft one address a delegation.
    pub writers: Vec<String>,
    /// Delegations' codes, beside their addresses; empty for servers that know none.
    pub delegations: Vec<String>,
    /// Those who read.
    pub reader: String,
    /// What keeps a document alive that is stored nowhere.
    _keeper: Option<Keeper>,
}

#[derive(Debug)]
struct Keeper(tokio::task::JoinHandle<()>);

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

const DELEGATIONS: [&str; 4] = ["CAN", "USA", "FRA", "KEN"];

/// How long anything may take before a run counts as failed.
pub const PATIENCE: Duration = Duration::from_secs(120);

impl Subject {
    /// Makes a document of a resolution's text: by import with delegations and tickets on codraft, by a client
    /// that brings the same document elsewhere.
    ///
    /// # Errors
    /// What the server says.
    pub async fn make(running: &Running, text: &str) -> Result<Self, Failed> {
        let url = running.url.clone();
        let doc = imported(text);
        if let Some(server) = running.codraft() {
            let document = tokio::task::block_in_place(|| server.import(text));
            let (writers, reader) = tokio::task::block_in_place(|| {
                let ticket = |token: &str| format!("{url}?ticket={}", server.ticket(token));
                let writers = DELEGATIONS.map(|code| ticket(&server.delegation(code).token));
                (writers.to_vec(), ticket(&server.invite(Role::Observer)))
            });
            let mut client = Client::open(&reader, &document, None).await?;
            client.settle(PATIENCE).await?;
            let delegations = DELEGATIONS.map(str::to_owned).to_vec();
            let plan = Plan::of(&client.doc);
            return Ok(Self { document, plan, yjs: Vec::new(), writers, delegations, reader, _keeper: None });
        }
        // Versions 4 of a UUID: older automerge-repos take nothing else.
        let mut id = rand::random::<[u8; 16]>();
        id[6] = id[6] & 0x0f | 0x40;
        id[8] = id[8] & 0x3f | 0x80;
        let document = DocumentId::from_bytes(id).to_string();
        let (mut yjs, mut keeper) = (Vec::new(), None);
        match running.contender.dialect() {
            Dialect::Automerge => {
                let mut client = Client::open(&url, &document, Some(doc.clone())).await?;
                client.settle(PATIENCE).await?;
            }
            Dialect::Yjs => {
                yjs = yjs::seed(text);
                keeper = Some(Keeper(yjs::upload(&url, &document, &yjs).await?));
            }
            Dialect::Broadcast { .. } => {}
        }
        let plan = Plan::of(&doc);
        let (writers, reader) = (vec![url.clone()], url);
        Ok(Self { document, plan, yjs, writers, delegations: Vec::new(), reader, _keeper: keeper })
    }
}
