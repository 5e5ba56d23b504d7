//! `codraft diff`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Paint};
use std::collections::BTreeMap;

#[derive(clap::Args)]
pub(crate) struct Diff {
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Diff {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let copy = Context::read()?;
        let edits = copy.edits()?;
        if self.json {
            output::json(&serde_json::json!({ "edits": edits }));
        } else if edits.is_empty() {
            output::note("no edits since the last sync; 'codraft proposals' shows what everybody proposes");
        } else {
            output::proposals(Paint::stdout(), &edits, &BTreeMap::new());
        }
        Ok(())
    }
}
