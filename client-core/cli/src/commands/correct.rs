//! `codraft renumber` and `codraft move`: the secretariat's editorial corrections.

use crate::context::Context;
use crate::failure::Failure;
use crate::output;
use codraft_protocol::api::NewMove;

#[derive(clap::Args)]
pub(crate) struct Renumber {
    /// Of this document, instead of the working copy's
    #[arg(long, value_name = "ID")]
    document: Option<String>,
}

impl Renumber {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let document = Context::document(self.document.as_ref())?;
        context.api()?.renumber(&document)?;
        output::line("numbered anew; whose the provisions are stays as it was");
        Ok(())
    }
}

#[derive(clap::Args)]
pub(crate) struct Move {
    /// The provision's id, as `codraft proposals --json` has it
    provision: String,
    /// Behind this one (an id); left out: to the start
    #[arg(long, value_name = "PROVISION")]
    behind: Option<String>,
    /// Of this document, instead of the working copy's
    #[arg(long, value_name = "ID")]
    document: Option<String>,
}

impl Move {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let document = Context::document(self.document.as_ref())?;
        let new = NewMove { provision: self.provision, behind: self.behind };
        let done = context.api()?.move_provision(&document, &new)?;
        output::line(match done.entry {
            Some(_) => "moved, with all that is proposed about it",
            None => "it stands there already",
        });
        Ok(())
    }
}
