//! `codraft show`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output;
use codraft_protocol::amendment::View;

#[derive(clap::Args)]
pub(crate) struct Show {
    /// current, baseline, delegation:CODE, marked (CriticMarkup with the delegation named) or marked:anonymous
    #[arg(long, default_value = "current")]
    view: View,
    /// Of this document on the server, instead of the working copy's
    #[arg(long, value_name = "ID")]
    document: Option<String>,
}

impl Show {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let text = match &self.document {
            Some(_) => {
                let document = Context::document(self.document.as_ref())?;
                context.api()?.text(&document, &self.view.to_string())?
            }
            None => Context::read()?.replica.view(&self.view)?,
        };
        output::raw(&text);
        Ok(())
    }
}
