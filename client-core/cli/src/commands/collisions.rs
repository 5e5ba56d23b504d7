//! `codraft collisions`: what cannot be adopted together, and sentences that nobody wrote.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Paint};

#[derive(clap::Args)]
pub(crate) struct Collisions {
    /// Of this document, instead of the working copy's
    #[arg(long, value_name = "ID")]
    document: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Collisions {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let document = Context::document(self.document.as_ref())?;
        let found = context.api()?.collisions(&document)?;
        if self.json {
            output::json(&found);
            return Ok(());
        }
        if found.collisions.is_empty() && found.unwritten.is_empty() {
            output::note("nothing collides");
        }
        let paint = Paint::stdout();
        for one in &found.collisions {
            let place = format!("{} {}", one.provision.heading, one.provision.enumerator);
            output::line(format!(
                "{}  {}",
                paint.bold(place.trim()),
                paint.with("1;31", &one.proposals.join(", "))
            ));
            output::line(format!("  {}", one.bracketed));
        }
        for one in &found.unwritten {
            let place = format!("{} {}", one.provision.heading, one.provision.enumerator);
            output::line(format!(
                "{}  {}",
                paint.bold(place.trim()),
                paint.with("33", "nobody wrote this sentence:")
            ));
            output::line(format!("  {}", one.text));
            for version in &one.versions {
                let who = if version.sponsors.is_empty() {
                    "agreed".to_owned()
                } else {
                    output::codes(paint, &version.sponsors)
                };
                output::line(format!("    {who}: {}", version.text));
            }
        }
        Ok(())
    }
}
