//! `codraft status`.

use crate::context::{Context, no_file};
use crate::failure::Failure;
use crate::output::{self, Paint, count};
use codraft_client_core::working_copy::FILE;
use serde::Serialize;

#[derive(clap::Args)]
pub(crate) struct Status {
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Standing {
    document: String,
    symbol: String,
    server: String,
    role: String,
    delegation: Option<String>,
    /// `edited`, `recorded`, `synced`, `refused`, `missing` or `unusable`.
    state: &'static str,
    /// Provisions that are edited in the file and not recorded.
    edited: usize,
    /// Recorded changes that the server has not acknowledged.
    unsent: usize,
    refused: Option<String>,
    last_sync: Option<String>,
    problem: Option<String>,
}

impl Status {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let copy = Context::read()?;
        let config = copy.config();
        let (edited, problem, missing) = match copy.edits() {
            Ok(edits) => (edits.len(), None, false),
            Err(error) => (0, Some(error.to_string()), no_file(&error)),
        };
        let unsent = copy.replica.unacknowledged().len();
        let refused = copy.replica.refused().map(str::to_owned);
        let standing = Standing {
            document: config.document.clone(),
            symbol: config.symbol.clone(),
            server: config.server.clone(),
            role: config.role.to_string(),
            delegation: config.delegation.as_ref().map(ToString::to_string),
            state: match () {
                () if missing => "missing",
                () if problem.is_some() => "unusable",
                () if refused.is_some() => "refused",
                () if edited > 0 => "edited",
                () if unsent > 0 => "recorded",
                () => "synced",
            },
            edited,
            unsent,
            refused,
            last_sync: copy.replica.acknowledged_at().map(|at| at.to_string()),
            problem,
        };
        if self.json {
            output::json(&standing);
            return Ok(());
        }
        let paint = Paint::stdout();
        let who = match (&standing.delegation, &config.name) {
            (Some(code), Some(name)) => format!("{} {name}", paint.delegation(code)),
            (Some(code), None) => paint.delegation(code),
            (None, _) => format!("{} (reads only)", standing.role),
        };
        output::line(format!("{} {}", paint.bold(&standing.symbol), standing.document));
        output::line(format!("for {who}, on {}", standing.server));
        if let Some(problem) = &standing.problem {
            output::line(format!("{}: {problem}", paint.with("1;31", FILE)));
        }
        match edited {
            // What was said of the problem says it all.
            0 if standing.problem.is_some() => {}
            0 => output::line(format!("{FILE}: no edits that are not recorded")),
            n => output::line(format!(
                "{FILE}: {} edited, not recorded yet ('codraft diff' shows them, 'codraft sync' records and sends them)",
                count(n, "provision", "provisions")
            )),
        }
        if unsent > 0 {
            output::line(format!(
                "{} recorded here, not yet acknowledged by the server",
                count(unsent, "change", "changes")
            ));
        }
        if let Some(reason) = &standing.refused {
            output::line(format!("{}: {reason}", paint.with("1;31", "refused by the server")));
            output::line(
                "your words are kept here and in the server's quarantine; 'codraft reset' starts from the server's document and keeps your text as edits anew",
            );
        }
        if let Some(at) = &standing.last_sync {
            output::line(paint.dim(&format!("last in touch with the server at {at}")));
        }
        Ok(())
    }
}
