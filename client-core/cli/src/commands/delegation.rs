//! `codraft delegation`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Paint};
use codraft_protocol::api::{NewDelegation, NewExpiry, NewInvitation};
use codraft_protocol::id::{DelegationCode, Role};

#[derive(clap::Subcommand)]
pub(crate) enum Delegation {
    /// Add a delegation; prints an invitation token for its first delegate, this once
    #[command(after_help = "Example:\n  CAN=$(codraft delegation add CAN --name Canada)")]
    Add {
        /// Its code: capital letters, digits or hyphens
        code: DelegationCode,
        /// Its name
        #[arg(long)]
        name: String,
    },
    /// List delegations and accounts
    #[command(after_help = "Example:\n  codraft delegation list --json")]
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Invite one more person; prints the token, this once
    #[command(
        after_help = "Examples:\n  codraft delegation invite CAN\n  codraft delegation invite CAN --role observer\n  codraft delegation invite --role chair"
    )]
    Invite {
        /// For which delegation (delegates and a delegation's observers)
        code: Option<DelegationCode>,
        /// secretariat, chair, delegate or observer
        #[arg(long, default_value = "delegate")]
        role: Role,
    },
    /// Set when an account's token ends
    #[command(
        after_help = "Examples:\n  codraft delegation expire can-0f1e2d3c4b5a --days 30\n  codraft delegation expire can-0f1e2d3c4b5a        # never"
    )]
    Expire {
        /// The account's id, as list shows it
        account: String,
        /// So many days from now; without: never
        #[arg(long)]
        days: Option<u32>,
    },
    /// Take an account's token and tickets away, and close its connections
    #[command(after_help = "Example:\n  codraft delegation revoke can-0f1e2d3c4b5a")]
    Revoke {
        /// The account's id, as list shows it
        account: String,
    },
}

impl Delegation {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let api = context.api()?;
        match self {
            Self::Add { code, name } => {
                let invitation = api.add_delegation(&NewDelegation { code, name })?;
                output::note(format!("invited {}; this token is shown only now:", invitation.account.id));
                output::line(invitation.token);
            }
            Self::Invite { code, role } => {
                let invitation = api.invite(&NewInvitation { role, delegation: code })?;
                output::note(format!("invited {}; this token is shown only now:", invitation.account.id));
                output::line(invitation.token);
            }
            Self::Expire { account, days } => {
                let ending = api.expire(&account, &NewExpiry { days })?;
                let end =
                    ending.expires.map_or_else(|| "does not expire".to_owned(), |at| format!("expires {at}"));
                output::note(format!("the token of {} {end}", ending.id));
            }
            Self::Revoke { account } => {
                let revoked = api.revoke(&account)?;
                output::note(format!("revoked {}: its token and tickets open nothing any more", revoked.id));
            }
            Self::List { json } => {
                let listing = api.delegations()?;
                if json {
                    output::json(&listing);
                    return Ok(());
                }
                let paint = Paint::stdout();
                for one in &listing.delegations {
                    output::line(format!("{}  {}", paint.delegation(one.code.as_str()), one.name));
                }
                if !listing.accounts.is_empty() {
                    output::line(format!("\n{}", paint.bold("accounts")));
                }
                for one in &listing.accounts {
                    let revoked = if one.revoked { "  revoked" } else { "" };
                    let expires = one.expires.map_or_else(String::new, |at| format!("  until {at}"));
                    output::line(format!(
                        "{:<32} {:<12} since {}{expires}{revoked}",
                        one.id,
                        one.role.to_string(),
                        one.created
                    ));
                }
            }
        }
        Ok(())
    }
}
