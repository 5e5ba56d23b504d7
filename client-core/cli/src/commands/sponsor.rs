//! `codraft sponsor`, `codraft withdraw` and `codraft reason`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Paint};
use codraft_protocol::api::{Proposal, Status};

#[derive(clap::Args)]
pub(crate) struct Sponsor {
    /// The proposal's number
    proposal: String,
    /// Of this document, instead of the working copy's
    #[arg(long, value_name = "ID")]
    document: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(crate) struct Reason {
    /// The proposal's number
    proposal: String,
    /// Why your delegation proposes this
    text: String,
    /// Of this document, instead of the working copy's
    #[arg(long, value_name = "ID")]
    document: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Sponsor {
    /// Joins.
    pub(crate) fn join(self, context: &Context) -> Result<(), Failure> {
        let document = Context::document(self.document.as_ref())?;
        shown(&context.api()?.join(&document, &self.proposal)?, self.json);
        Ok(())
    }

    /// Withdraws.
    pub(crate) fn withdraw(self, context: &Context) -> Result<(), Failure> {
        let document = Context::document(self.document.as_ref())?;
        shown(&context.api()?.withdraw(&document, &self.proposal)?, self.json);
        Ok(())
    }
}

impl Reason {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let document = Context::document(self.document.as_ref())?;
        shown(&context.api()?.give_reason(&document, &self.proposal, &self.text)?, self.json);
        Ok(())
    }
}

fn shown(proposal: &Proposal, json: bool) {
    if json {
        output::json(proposal);
        return;
    }
    let paint = Paint::stdout();
    let number = proposal.number.clone().unwrap_or_else(|| proposal.id.to_string());
    if proposal.status == Status::Withdrawn {
        output::line(format!("{number} has fallen: its last sponsor has withdrawn"));
    } else {
        output::line(format!("{number} is sponsored by {}", output::codes(paint, &proposal.sponsors)));
    }
    for reason in &proposal.reasons {
        output::line(format!("  {}: {}", paint.delegation(reason.by.as_str()), reason.text));
    }
}
