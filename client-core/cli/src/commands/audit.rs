//! `codraft audit`: the trail of everything, which proves itself.

use crate::context::Context;
use crate::failure::Failure;
use crate::output;
use codraft_protocol::round::audit::Audit as Trail;
use std::path::PathBuf;

#[derive(clap::Subcommand)]
pub(crate) enum Audit {
    /// Write the trail into a file (secretariat, chair)
    #[command(after_help = "Example:\n  codraft audit export round-1.audit.json")]
    Export {
        /// Into which file
        file: PathBuf,
        /// Of this document, instead of the working copy's
        #[arg(long, value_name = "ID")]
        document: Option<String>,
    },
    /// Check a trail; needs no server
    #[command(after_help = "Example:\n  codraft audit verify round-1.audit.json")]
    Verify {
        /// Which file
        file: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Reads a trail.
pub(crate) fn read(file: &PathBuf) -> Result<Trail, Failure> {
    let bytes = std::fs::read(file)
        .map_err(|error| Failure::new(Failure::MISSING, format!("{}: {error}", file.display())))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Failure::new(Failure::TEXT, format!("{} is not an audit trail: {error}", file.display()))
    })
}

impl Audit {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Export { file, document } => {
                let document = Context::document(document.as_ref())?;
                let trail = context.api()?.audit(&document)?;
                let json = serde_json::to_vec_pretty(&trail)
                    .map_err(|error| Failure::new(Failure::FAILED, error))?;
                std::fs::write(&file, json)
                    .map_err(|error| Failure::new(Failure::FAILED, format!("{}: {error}", file.display())))?;
                let head = trail.links.last().map_or("", |link| link.hash.as_str());
                output::line(format!("{} links; the last one's hash is", trail.links.len()));
                output::line(head);
                output::note(
                    "write that hash down: with it anybody can tell later whether the trail was changed",
                );
            }
            Self::Verify { file, json } => {
                let verified =
                    read(&file)?.verify().map_err(|error| Failure::new(Failure::REFUSED, error))?;
                if json {
                    output::json(&verified);
                } else {
                    output::line(format!(
                        "whole: {} changes, {} ledger entries, {} rulings, {} revisions",
                        verified.changes, verified.entries, verified.rulings, verified.revisions
                    ));
                    output::line(format!("head {}", verified.head));
                }
            }
        }
        Ok(())
    }
}
