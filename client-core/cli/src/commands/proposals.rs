//! `codraft proposals`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Paint};
use codraft_protocol::api;
use std::collections::BTreeMap;

#[derive(clap::Args)]
pub(crate) struct Proposals {
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Of this document, instead of the working copy's
    #[arg(long, value_name = "ID")]
    document: Option<String>,
    /// From the working copy alone, even where the server answers
    #[arg(long, conflicts_with = "document")]
    offline: bool,
}

type Names = BTreeMap<String, String>;

impl Proposals {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let (proposals, names) = match self.asked(context) {
            Err(failure) if failure.is_offline() && self.document.is_none() && Context::root()?.is_some() => {
                output::note(format!(
                    "offline ({failure}); these are the proposals as this working copy knows them"
                ));
                here()?
            }
            answer => answer?,
        };
        if self.json {
            output::json(&api::Proposals { proposals });
        } else if proposals.is_empty() {
            output::note("nobody proposes anything yet");
        } else {
            output::proposals(Paint::stdout(), &proposals, &names);
        }
        Ok(())
    }

    fn asked(&self, context: &Context) -> Result<(Vec<api::Proposal>, Names), Failure> {
        if self.offline {
            return here();
        }
        let document = Context::document(self.document.as_ref())?;
        let api = context.api()?;
        let proposals = api.proposals(&document)?.proposals;
        let delegations = api.delegations()?.delegations;
        Ok((proposals, delegations.into_iter().map(|one| (one.code.to_string(), one.name)).collect()))
    }
}

/// From the working copy.
fn here() -> Result<(Vec<api::Proposal>, Names), Failure> {
    let copy = Context::read()?;
    let proposals = copy.replica.proposals(copy.config().document_id()?)?;
    Ok((proposals, copy.replica.facts().names.iter().cloned().collect()))
}
