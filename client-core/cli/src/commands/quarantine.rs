//! `codraft quarantine`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Paint};

#[derive(clap::Args)]
pub(crate) struct Quarantine {
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Of this document, instead of the working copy's
    #[arg(long, value_name = "ID")]
    document: Option<String>,
}

impl Quarantine {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let document = Context::document(self.document.as_ref())?;
        let listing = context.api()?.quarantine(&document)?;
        if self.json {
            output::json(&listing);
            return Ok(());
        }
        let paint = Paint::stdout();
        if listing.quarantine.is_empty() {
            output::note("nothing was refused");
        }
        for one in &listing.quarantine {
            let who = one
                .delegation
                .as_ref()
                .map_or_else(|| "nobody's".to_owned(), |code| paint.delegation(code.as_str()));
            output::line(format!(
                "#{} {} from {} ({who}), {} bytes",
                one.number, one.at, one.sender, one.size
            ));
            output::line(format!("    {}: {}", paint.with("1;31", &one.code), one.reason));
        }
        Ok(())
    }
}
