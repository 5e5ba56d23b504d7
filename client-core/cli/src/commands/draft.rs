//! `codraft draft`: private drafts of one's own delegation.

use crate::context::Context;
use crate::failure::Failure;
use crate::output;

#[derive(clap::Subcommand)]
pub(crate) enum Draft {
    /// Begin a draft that only your delegation sees; prints its id, to be cloned
    #[command(after_help = "Example:\n  codraft clone $(codraft draft begin) ../our-draft")]
    Begin {
        /// Of this document, instead of the working copy's
        #[arg(long, value_name = "ID")]
        document: Option<String>,
    },
    /// List your delegation's drafts
    #[command(after_help = "Example:\n  codraft draft list")]
    List {
        /// Of this document, instead of the working copy's
        #[arg(long, value_name = "ID")]
        document: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Table a draft: publish what it changes, as one proposal a provision; how you got there stays private
    #[command(
        after_help = "Example:\n  codraft sync && codraft draft table      # in the draft's working copy"
    )]
    Table {
        /// Which draft, instead of the working copy's own
        draft: Option<String>,
    },
}

impl Draft {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Begin { document } => {
                let document = Context::document(document.as_ref())?;
                output::line(context.api()?.begin_draft(&document)?.id);
            }
            Self::List { document, json } => {
                let document = Context::document(document.as_ref())?;
                let drafts = context.api()?.drafts(&document)?;
                if json {
                    output::json(&drafts);
                } else if drafts.drafts.is_empty() {
                    output::note(
                        "your delegation has no drafts of this document; 'codraft draft begin' begins one",
                    );
                } else {
                    for one in drafts.drafts {
                        let state =
                            one.tabled.map_or_else(|| "private".to_owned(), |at| format!("tabled {at}"));
                        output::line(format!("{}  begun {}  {state}", one.id, one.created));
                    }
                }
            }
            Self::Table { draft } => {
                let draft = Context::document(draft.as_ref())?;
                let tabled = context.api()?.table_draft(&draft)?;
                output::line(format!(
                    "tabled; see it with: codraft proposals --document {}",
                    tabled.draft.document
                ));
            }
        }
        Ok(())
    }
}
