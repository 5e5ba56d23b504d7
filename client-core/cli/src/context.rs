//! Which server, token and working copy a command is about.

use crate::failure::Failure;
use codraft_client_core::api::Api;
use codraft_client_core::working_copy::{CopyError, WorkingCopy};
use codraft_protocol::id::DocumentId;
use std::path::PathBuf;

/// What stands before every command.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Context {
    /// The server's address; in a working copy it is known
    #[arg(long, env = "CODRAFT_SERVER", global = true, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// Your token; in a working copy it is known
    #[arg(long, env = "CODRAFT_TOKEN", global = true, value_name = "TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
}

impl Context {
    /// The folder of the working copy that this was called in, if in any.
    pub(crate) fn root() -> Result<Option<PathBuf>, Failure> {
        let here = std::env::current_dir()
            .map_err(|error| Failure::new(Failure::FAILED, format!("the current folder: {error}")))?;
        Ok(WorkingCopy::find(&here).ok())
    }

    /// The working copy that this was called in, for reading.
    pub(crate) fn read() -> Result<WorkingCopy, Failure> {
        Ok(WorkingCopy::read(&Self::must()?)?)
    }

    /// The working copy that this was called in, for writing.
    pub(crate) fn open() -> Result<WorkingCopy, Failure> {
        let (copy, dropped) = WorkingCopy::open(&Self::must()?)?;
        if dropped > 0 {
            crate::output::note(format!(
                "codraft: the last time was cut off while it wrote; {dropped} bytes that were never finished were dropped"
            ));
        }
        Ok(copy)
    }

    fn must() -> Result<PathBuf, Failure> {
        let here = std::env::current_dir()
            .map_err(|error| Failure::new(Failure::FAILED, format!("the current folder: {error}")))?;
        Ok(WorkingCopy::find(&here)?)
    }

    /// The server: from flags or environment, else from the working copy.
    pub(crate) fn api(&self) -> Result<Api, Failure> {
        let copy = match Self::root()? {
            // A working copy that cannot be read must not keep one from asking the server.
            Some(root) if self.server.is_none() || self.token.is_none() => WorkingCopy::read(&root).ok(),
            _ => None,
        };
        let config = copy.as_ref().map(WorkingCopy::config);
        let server = self.server.clone().or_else(|| config.map(|config| config.server.clone()));
        let token = self.token.clone().or_else(|| config.map(|config| config.token.clone()));
        let missing = |what: &str, flag: &str, variable: &str| {
            Failure::new(Failure::USAGE, format!("which {what}? Give {flag}, or set {variable}"))
        };
        let server =
            server.ok_or_else(|| missing("server", "--server http://127.0.0.1:4280", "CODRAFT_SERVER"))?;
        let token = token.ok_or_else(|| missing("token", "--token TOKEN", "CODRAFT_TOKEN"))?;
        Ok(Api::new(&server, &token)?)
    }

    /// The document that is meant: the one named, else the working copy's.
    pub(crate) fn document(named: Option<&String>) -> Result<String, Failure> {
        if let Some(named) = named {
            let id: DocumentId = named.parse().map_err(|error| Failure::new(Failure::USAGE, error))?;
            return Ok(id.to_string());
        }
        match Self::root()? {
            Some(root) => Ok(WorkingCopy::read(&root)?.config().document.clone()),
            None => Err(Failure::new(
                Failure::USAGE,
                "which document? Call this in a working copy, or give --document ID ('codraft documents' lists them)",
            )),
        }
    }
}

/// A runtime for one conversation.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::new(Failure::FAILED, format!("cannot start: {error}")))
}

/// Whether there is no file to take in, for commands that go on without.
pub(crate) fn no_file(error: &CopyError) -> bool {
    matches!(error, CopyError::NoFile)
}
