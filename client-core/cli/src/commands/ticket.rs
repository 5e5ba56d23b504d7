//! `codraft ticket`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output;
use codraft_protocol::api::NewTicket;

#[derive(clap::Subcommand)]
pub(crate) enum Ticket {
    /// Get a ticket in your name; prints it, this once
    #[command(
        after_help = "Example:\n  TICKET=$(codraft ticket create --document 3pyVQo9hZMHFAkZm7R9hUkTnfv1L --hours 8)\n  # then connect to ws://SERVER/sync?ticket=$TICKET"
    )]
    Create {
        /// It opens only this document
        #[arg(long, value_name = "ID")]
        document: Option<String>,
        /// How long it lasts
        #[arg(long, default_value_t = 12)]
        hours: u32,
        /// It only reads
        #[arg(long)]
        read_only: bool,
        /// Print the server's whole answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Take a ticket back and close its connections
    #[command(after_help = "Example:\n  codraft ticket revoke t-0f1e2d3c4b5a")]
    Revoke {
        /// The ticket's id
        id: String,
    },
}

impl Ticket {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let api = context.api()?;
        match self {
            Self::Create { document, hours, read_only, json } => {
                let document = document.map(|named| Context::document(Some(&named))).transpose()?;
                let ttl_seconds = Some(hours.saturating_mul(3600));
                let ticket = api.ticket(&NewTicket { document, ttl_seconds, read_only })?;
                if json {
                    output::json(&ticket);
                } else {
                    output::note(format!(
                        "{}, until {}; this ticket is shown only now:",
                        ticket.id, ticket.expires
                    ));
                    output::line(&ticket.ticket);
                }
            }
            Self::Revoke { id } => {
                api.revoke_ticket(&id)?;
                output::note(format!("revoked {id}"));
            }
        }
        Ok(())
    }
}
