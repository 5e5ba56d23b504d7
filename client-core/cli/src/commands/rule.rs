//! `codraft rule` and `codraft rulings`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Paint};
use codraft_protocol::api::{Decision, NewRuling, NewRulings, Rulings as Made};

#[derive(clap::Args)]
pub(crate) struct Rule {
    /// adopt, reject, bracket or defer; leave it out with --consensual
    #[arg(value_parser = decision, required_unless_present = "consensual")]
    decision: Option<Decision>,
    /// The proposals' numbers
    #[arg(value_name = "PROPOSAL", required_unless_present = "consensual")]
    proposals: Vec<String>,
    /// Adopt every open proposal that collides with nothing
    #[arg(long)]
    consensual: bool,
    /// Why
    #[arg(long, default_value = "")]
    reason: String,
    /// Adopt only these segments of the one proposal named, counted from 0 as `codraft proposals --json` lists them
    #[arg(long, value_name = "N,N", value_delimiter = ',')]
    segments: Option<Vec<usize>>,
    /// Replace an earlier ruling of this round
    #[arg(long)]
    revisit: bool,
    /// Of this document, instead of the working copy's
    #[arg(long, value_name = "ID")]
    document: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

fn decision(written: &str) -> Result<Decision, String> {
    match written {
        "adopt" => Ok(Decision::Adopt),
        "reject" => Ok(Decision::Reject),
        "bracket" => Ok(Decision::Bracket),
        "defer" => Ok(Decision::Defer),
        _ => Err("use adopt, reject, bracket or defer".to_owned()),
    }
}

impl Rule {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let document = Context::document(self.document.as_ref())?;
        if self.segments.is_some() && self.proposals.len() != 1 {
            return Err(Failure::new(Failure::USAGE, "--segments goes with one proposal"));
        }
        let each = self.proposals.iter().filter_map(|proposal| {
            Some(NewRuling {
                proposal: proposal.clone(),
                decision: self.decision?,
                segments: self.segments.clone(),
                reason: self.reason.clone(),
                revisit: self.revisit,
            })
        });
        let new =
            NewRulings { rulings: each.collect(), consensual: self.consensual, reason: self.reason.clone() };
        let made = context.api()?.rule(&document, &new)?;
        if self.json {
            output::json(&made);
        } else {
            shown(&made);
        }
        Ok(())
    }
}

#[derive(clap::Args)]
pub(crate) struct Rulings {
    /// Of this document, instead of the working copy's
    #[arg(long, value_name = "ID")]
    document: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Rulings {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let document = Context::document(self.document.as_ref())?;
        let made = context.api()?.rulings(&document)?;
        if self.json {
            output::json(&made);
        } else if made.rulings.is_empty() {
            output::note("nothing was ruled on yet");
        } else {
            shown(&made);
        }
        Ok(())
    }
}

fn shown(made: &Made) {
    let paint = Paint::stdout();
    for ruling in &made.rulings {
        let (colour, word) = match (ruling.decision, &ruling.fell_with, &ruling.segments) {
            (_, Some(_), _) => ("31", "fallen"),
            (Decision::Adopt, _, Some(_)) => ("32", "adopted in part"),
            (Decision::Adopt, ..) => ("32", "adopted"),
            (Decision::Reject, ..) => ("31", "rejected"),
            (Decision::Bracket, ..) => ("33", "bracketed"),
            (Decision::Defer, ..) => ("33", "deferred"),
        };
        let mut line = format!(
            "round {}  {}  {}  {}",
            ruling.round,
            paint.bold(&ruling.proposal),
            paint.with(colour, word),
            paint.dim(&ruling.at.to_string())
        );
        if let Some(with) = &ruling.fell_with {
            line.push_str(&format!("  with {with}"));
        }
        if !ruling.reason.is_empty() {
            line.push_str(&format!("  “{}”", ruling.reason));
        }
        output::line(line);
    }
}
