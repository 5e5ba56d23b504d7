//! `codraft comment` and `codraft comments`: what is said about provisions and words of them.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Paint};
use codraft_client_core::api::Api;
use codraft_protocol::api::{self, NewComment};

#[derive(clap::Args)]
pub(crate) struct Common {
    /// Of this document, instead of the working copy's
    #[arg(long, value_name = "ID")]
    document: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Subcommand)]
pub(crate) enum Comment {
    /// Say something about a provision, or about words of it
    #[command(
        after_help = "Examples:\n  codraft comment add 'resolves 1' 'who pays for this?'\n  codraft comment add 'resolves 1' 'too strong' --words 'leading role'"
    )]
    Add {
        /// Where it stands, such as 'resolves 1', or its id
        provision: String,
        /// What you say
        text: String,
        /// About exactly these words of it
        #[arg(long)]
        words: Option<String>,
        /// Which of them, where they stand there several times: 1 for the first
        #[arg(long, value_name = "N", requires = "words")]
        occurrence: Option<usize>,
        #[command(flatten)]
        common: Common,
    },
    /// Reply to a comment
    #[command(after_help = "Example:\n  codraft comment reply 3 'the Fund does'")]
    Reply {
        /// Its number
        comment: u32,
        /// What you say
        text: String,
        #[command(flatten)]
        common: Common,
    },
    /// Put a comment away as dealt with (whoever made it, chair, secretariat)
    #[command(after_help = "Example:\n  codraft comment resolve 3")]
    Resolve {
        /// Its number
        comment: u32,
        #[command(flatten)]
        common: Common,
    },
    /// Open a resolved comment again
    #[command(after_help = "Example:\n  codraft comment reopen 3")]
    Reopen {
        /// Its number
        comment: u32,
        #[command(flatten)]
        common: Common,
    },
}

impl Comment {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let (common, made) = match self {
            Self::Add { provision, text, words, occurrence, common } => {
                let (api, document) = common.ask(context)?;
                let provision = find(&api, &document, &provision)?;
                let new = NewComment { provision, text, words, occurrence, ..NewComment::default() };
                (common, api.comment(&document, &new)?)
            }
            Self::Reply { comment, text, common } => {
                let (api, document) = common.ask(context)?;
                (common, api.reply(&document, comment, &text)?)
            }
            Self::Resolve { comment, common } => {
                let (api, document) = common.ask(context)?;
                (common, api.resolve(&document, comment, true)?)
            }
            Self::Reopen { comment, common } => {
                let (api, document) = common.ask(context)?;
                (common, api.resolve(&document, comment, false)?)
            }
        };
        if common.json {
            output::json(&made);
        } else {
            shown(Paint::stdout(), &made);
        }
        Ok(())
    }
}

impl Common {
    fn ask(&self, context: &Context) -> Result<(Api, String), Failure> {
        Ok((context.api()?, Context::document(self.document.as_ref())?))
    }
}

/// The id of the provision that is meant.
fn find(api: &Api, document: &str, named: &str) -> Result<String, Failure> {
    if named.contains('@') {
        return Ok(named.to_owned());
    }
    let all = api.attribution(document)?.provisions;
    let wanted = bare(named);
    let found: Vec<String> = all
        .into_iter()
        .filter(|one| one.shown && bare(&place(&one.provision)) == wanted)
        .map(|one| one.provision.id.to_string())
        .collect();
    match found.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(Failure::new(
            Failure::MISSING,
            format!("no provision stands at “{named}”; write it as in 'resolves 1', or give its id"),
        )),
        several => Err(Failure::new(
            Failure::USAGE,
            format!("several provisions stand at “{named}”; give the id of one: {}", several.join(", ")),
        )),
    }
}

/// A place without what people write otherwise each time.
fn bare(place: &str) -> String {
    let words = place
        .split_whitespace()
        .map(|word| word.trim_matches(|c| "()（）.,،，:：".contains(c)).to_lowercase());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn place(provision: &api::ProvisionRef) -> String {
    let place = format!("{} {}", provision.heading, provision.enumerator);
    if place.trim().is_empty() { provision.part.clone() } else { place.trim().to_owned() }
}

#[derive(clap::Args)]
pub(crate) struct Comments {
    /// The resolved ones, too
    #[arg(long)]
    all: bool,
    /// From the working copy alone, even where the server answers
    #[arg(long, conflicts_with = "document")]
    offline: bool,
    #[command(flatten)]
    common: Common,
}

impl Comments {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let mut listed = match self.asked(context) {
            Err(failure)
                if failure.is_offline() && self.common.document.is_none() && Context::root()?.is_some() =>
            {
                output::note(format!(
                    "offline ({failure}); these are the comments as this working copy knows them"
                ));
                here()?
            }
            answer => answer?,
        };
        if !self.all {
            listed.comments.retain(|one| one.resolved.is_none());
        }
        if self.common.json {
            output::json(&listed);
        } else if listed.comments.is_empty() {
            output::note("there are no open comments");
        } else {
            listed.comments.iter().for_each(|one| shown(Paint::stdout(), one));
        }
        Ok(())
    }

    fn asked(&self, context: &Context) -> Result<api::Comments, Failure> {
        if self.offline {
            return here();
        }
        let (api, document) = self.common.ask(context)?;
        Ok(api.comments(&document)?)
    }
}

/// From the working copy.
fn here() -> Result<api::Comments, Failure> {
    let copy = Context::read()?;
    Ok(copy.replica.comments(copy.config().document_id()?)?)
}

fn shown(paint: Paint, one: &api::Comment) {
    let gone = if one.gone { paint.with("33", "  its provision no longer stands") } else { String::new() };
    let resolved = one
        .resolved
        .as_ref()
        .map_or_else(String::new, |by| paint.with("32", &format!("  resolved by {}", by.by)));
    output::line(format!("#{:<4} {}{gone}{resolved}", one.number, paint.bold(&place(&one.provision))));
    if !one.words.is_empty() {
        let words = one.words.iter().map(|words| match words.stands {
            true => words.text.clone(),
            false => paint.struck(&words.text),
        });
        output::line(format!("      “{}”", words.collect::<String>()));
    }
    output::line(format!("      {}: {}", paint.delegation(&one.by), indented(&one.text)));
    for reply in &one.replies {
        output::line(format!("        {}: {}", paint.delegation(&reply.by), indented(&reply.text)));
    }
}

fn indented(text: &str) -> String {
    text.replace('\n', "\n        ")
}
