//! `codraft consolidate`: all proposals inline in one text, and the table of them.

use crate::context::Context;
use crate::failure::Failure;
use crate::output;

#[derive(clap::Args)]
pub(crate) struct Consolidate {
    /// text (the marked text, then the table), marked, table, html or csv
    #[arg(long, default_value = "text", value_parser = ["text", "marked", "table", "html", "csv", "json"])]
    format: String,
    /// Without the names of the delegations
    #[arg(long)]
    no_names: bool,
    /// Of this document, instead of the working copy's
    #[arg(long, value_name = "ID")]
    document: Option<String>,
}

impl Consolidate {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let document = Context::document(self.document.as_ref())?;
        let api = context.api()?;
        let view = if self.no_names { "marked:anonymous" } else { "marked" };
        if matches!(self.format.as_str(), "text" | "marked") {
            output::raw(&api.text(&document, view)?);
        }
        if self.format == "text" {
            output::raw("\n\n");
        }
        let format = match self.format.as_str() {
            "marked" => return Ok(()),
            "text" | "table" => "text",
            other => other,
        };
        output::raw(&api.table(&document, format, !self.no_names)?);
        Ok(())
    }
}
