//! `codraft import`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output;
use codraft_protocol::api::NewDocument;
use codraft_protocol::resolution::text_form;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Import {
    /// The resolution as plain text, in UTF-8
    file: PathBuf,
    /// Its symbol, such as C19/DT/3
    #[arg(long, default_value = "")]
    symbol: String,
    /// Print the server's whole answer as JSON
    #[arg(long)]
    json: bool,
}

impl Import {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let shown = self.file.display();
        let bytes = std::fs::read(&self.file)
            .map_err(|error| Failure::new(Failure::FAILED, format!("{shown}: {error}")))?;
        // What cannot be imported is told before anything is sent.
        text_form::parse(&bytes).map_err(|error| Failure::new(Failure::TEXT, format!("{shown}: {error}")))?;
        let text = String::from_utf8(bytes)
            .map_err(|error| Failure::new(Failure::TEXT, format!("{shown}: {error}")))?;
        let imported = context.api()?.import(&NewDocument { text, symbol: self.symbol })?;
        for warning in &imported.warnings {
            let readings: Vec<String> = warning
                .candidates
                .iter()
                .map(|one| format!("“{}” → “{}”", one.struck, one.inserted))
                .collect();
            output::note(format!(
                "{shown}:{}: “{}” looks like two words that a lost revision mark has fused ({}); it was imported as it stands",
                warning.line,
                warning.run,
                readings.join(", or ")
            ));
        }
        if self.json {
            output::json(&imported);
        } else {
            let provisions = imported.document.provisions;
            output::note(format!("imported “{}”: {provisions} provisions", imported.document.title));
            output::line(&imported.document.id);
        }
        Ok(())
    }
}
