//! `codraft log`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Paint};
use codraft_protocol::time::Timestamp;
use serde::Serialize;

#[derive(clap::Args)]
pub(crate) struct Log {
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Entry {
    hash: String,
    time: Timestamp,
    delegation: Option<String>,
    operations: usize,
    acknowledged: bool,
}

impl Log {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let copy = Context::read()?;
        let unsent: Vec<_> = copy.replica.unacknowledged().iter().map(|change| change.hash()).collect();
        let entries: Vec<Entry> = copy
            .replica
            .changes()
            .iter()
            .rev()
            .map(|change| Entry {
                hash: change.hash().to_string(),
                time: Timestamp::from_seconds(change.timestamp()),
                delegation: copy.replica.author(change).map(|code| code.to_string()),
                operations: change.len(),
                acknowledged: !unsent.contains(&change.hash()),
            })
            .collect();
        if self.json {
            output::json(&serde_json::json!({ "changes": entries }));
            return Ok(());
        }
        let paint = Paint::stdout();
        for entry in entries {
            let who = paint.delegation(entry.delegation.as_deref().unwrap_or("unknown"));
            let short = entry.hash.get(..10).unwrap_or_default();
            let sent = if entry.acknowledged { "" } else { "  not yet acknowledged" };
            let size = output::count(entry.operations, "operation", "operations");
            output::line(format!("{}  {}  {who}  {size}{sent}", paint.dim(short), entry.time));
        }
        Ok(())
    }
}
