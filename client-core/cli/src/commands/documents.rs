//! `codraft documents`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Paint};

#[derive(clap::Args)]
pub(crate) struct Documents {
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Documents {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let listing = context.api()?.documents()?;
        if self.json {
            output::json(&listing);
            return Ok(());
        }
        let paint = Paint::stdout();
        if listing.documents.is_empty() {
            output::note("there are no documents yet; the secretariat makes one with: codraft import FILE");
        }
        for one in &listing.documents {
            output::line(format!("{}  {}", paint.bold(&one.id), one.symbol));
            output::line(format!("    {}", one.title));
            let (changes, provisions, connections) = (one.changes, one.provisions, one.connections);
            output::line(paint.dim(&format!(
                "    imported {}, {provisions} provisions, {changes} changes, {connections} connected",
                one.created
            )));
        }
        Ok(())
    }
}
