//! `codraft replay`: the text and the proposals as they stood.

use super::audit::read;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Paint};
use codraft_protocol::amendment::{self, View};
use codraft_protocol::api::Replay as Shown;
use codraft_protocol::round::audit::Moment;
use codraft_protocol::time::Timestamp;
use std::collections::BTreeMap;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Replay {
    /// As it was at this moment, such as 2026-11-25T15:00:00Z
    #[arg(long, value_name = "WHEN", conflicts_with = "heads")]
    at: Option<String>,
    /// As it was at these heads (change hashes, separated by commas)
    #[arg(long)]
    heads: Option<String>,
    /// The proposals instead of the text
    #[arg(long)]
    proposals: bool,
    /// From an exported trail, without a server
    #[arg(long, value_name = "FILE", conflicts_with = "document")]
    file: Option<PathBuf>,
    /// Of this document, instead of the working copy's
    #[arg(long, value_name = "ID")]
    document: Option<String>,
    /// Everything as JSON
    #[arg(long)]
    json: bool,
}

impl Replay {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let shown = match &self.file {
            Some(file) => self.exported(file)?,
            None => {
                let document = Context::document(self.document.as_ref())?;
                let moment = match (&self.at, &self.heads) {
                    (Some(at), _) => Some(("at", at.as_str())),
                    (_, Some(heads)) => Some(("heads", heads.as_str())),
                    _ => None,
                };
                context.api()?.replay(&document, moment)?
            }
        };
        if self.json {
            output::json(&shown);
        } else if self.proposals {
            output::proposals(Paint::stdout(), &shown.proposals, &BTreeMap::new());
        } else {
            output::raw(&shown.text);
        }
        Ok(())
    }

    fn exported(&self, file: &PathBuf) -> Result<Shown, Failure> {
        let usage = |words: &str| Failure::new(Failure::USAGE, words);
        let moment = match (&self.at, &self.heads) {
            (Some(at), _) => {
                let at = serde_json::from_value::<Timestamp>(serde_json::Value::String(at.clone()));
                Moment::At(at.map_err(|_| usage("write a moment as 2026-11-25T15:00:00Z"))?)
            }
            (_, Some(heads)) => {
                let heads: Result<Vec<_>, _> = heads.split(',').map(|head| head.trim().parse()).collect();
                Moment::Heads(heads.map_err(|_| usage("heads are change hashes, separated by commas"))?)
            }
            _ => Moment::Now,
        };
        let then = read(file)?.replay(&moment).map_err(|error| Failure::new(Failure::REFUSED, error))?;
        let record = then.record();
        Ok(Shown {
            changes: then.index.len() as u64,
            entries: then.ledger.entries(),
            text: amendment::text(&record, &then.layout, &View::Current),
            proposals: then.floor().proposals(&record),
        })
    }
}
