//! `codraft preview`: the agreed text with some more adopted, before anybody rules.

use crate::context::Context;
use crate::failure::Failure;
use crate::output;
use codraft_protocol::api::NewPreview;

#[derive(clap::Args)]
pub(crate) struct Preview {
    /// The proposals' numbers
    #[arg(value_name = "PROPOSAL")]
    proposals: Vec<String>,
    /// With every open proposal that collides with nothing
    #[arg(long)]
    consensual: bool,
    /// Of this document, instead of the working copy's
    #[arg(long, value_name = "ID")]
    document: Option<String>,
    /// As JSON, with what would still collide
    #[arg(long)]
    json: bool,
}

impl Preview {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let document = Context::document(self.document.as_ref())?;
        let new = NewPreview { adopt: self.proposals, consensual: self.consensual };
        let preview = context.api()?.preview(&document, &new)?;
        if self.json {
            output::json(&preview);
            return Ok(());
        }
        output::raw(&preview.text);
        output::note(format!(
            "with {} adopted",
            output::count(preview.adopted.len(), "proposal", "proposals")
        ));
        for collision in &preview.collisions {
            output::note(format!("would still collide: {}", collision.proposals.join(", ")));
        }
        Ok(())
    }
}
