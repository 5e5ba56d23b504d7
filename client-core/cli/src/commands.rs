//! The commands: one file each.

mod access_log;
mod backup;
mod clone;
mod delegation;
mod diff;
mod documents;
mod import;
mod log;
mod proposals;
mod quarantine;
mod reset;
mod restore;
mod show;
mod status;
mod sync;
mod ticket;

use crate::context::Context;
use crate::failure::Failure;
use clap::Subcommand;

/// What can be done.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a document of a resolution's text; prints its id (secretariat)
    #[command(after_help = "Example:\n  DOCUMENT=$(codraft import resolution-1332.txt --symbol C19/DT/3)")]
    Import(import::Import),
    /// Delegations and their people (secretariat)
    #[command(subcommand)]
    Delegation(delegation::Delegation),
    /// List the documents you may open
    #[command(after_help = "Example:\n  codraft documents --json")]
    Documents(documents::Documents),
    /// Make a working copy: a folder with resolution.txt
    #[command(after_help = "Example:\n  codraft clone 3pyVQo9hZMHFAkZm7R9hUkTnfv1L canada")]
    Clone(clone::Clone),
    /// How your working copy stands; works offline
    #[command(after_help = "Example:\n  codraft status")]
    Status(status::Status),
    /// What you changed in resolution.txt since it was last synced; works offline
    #[command(after_help = "Example:\n  codraft diff")]
    Diff(diff::Diff),
    /// Record your edits, send them, fetch the others', merge
    #[command(after_help = "Examples:\n  codraft sync\n  codraft sync --watch      # live, until Ctrl-C")]
    Sync(sync::Sync),
    /// Who changed something, and when; works offline
    #[command(after_help = "Example:\n  codraft log")]
    Log(log::Log),
    /// Who proposes what, and what collides
    #[command(
        after_help = "Examples:\n  codraft proposals\n  codraft proposals --json --document 3pyVQo9hZMHFAkZm7R9hUkTnfv1L"
    )]
    Proposals(proposals::Proposals),
    /// The text: as it stands, the baseline, one delegation's, or with everybody's marks; works offline
    #[command(after_help = "Examples:\n  codraft show --view marked\n  codraft show --view delegation:CAN")]
    Show(show::Show),
    /// What the server refused, and why (secretariat, chair)
    #[command(after_help = "Example:\n  codraft quarantine --document 3pyVQo9hZMHFAkZm7R9hUkTnfv1L")]
    Quarantine(quarantine::Quarantine),
    /// Tickets, for clients that can only be given a URL
    #[command(subcommand)]
    Ticket(ticket::Ticket),
    /// After a refusal: start from the server's document, and keep your text as edits anew
    #[command(after_help = "Example:\n  codraft reset && codraft diff && codraft sync")]
    Reset(reset::Reset),
    /// Write resolution.txt again where it is missing
    #[command(after_help = "Example:\n  codraft restore")]
    Restore(restore::Restore),
    /// Back up the whole running server into a file (secretariat)
    #[command(after_help = "Example:\n  codraft backup monday.backup && codraft-server verify monday.backup")]
    Backup(backup::Backup),
    /// Who came in, was refused, took data out (secretariat)
    #[command(after_help = "Examples:\n  codraft access-log\n  codraft access-log --limit 1000 --json")]
    AccessLog(access_log::AccessLog),
    /// Completions for a shell
    #[command(
        after_help = "Example:\n  codraft completions bash > ~/.local/share/bash-completion/completions/codraft"
    )]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

impl Command {
    pub(crate) fn run(self, context: &Context, cli: &mut clap::Command) -> Result<(), Failure> {
        match self {
            Self::Import(command) => command.run(context),
            Self::Delegation(command) => command.run(context),
            Self::Documents(command) => command.run(context),
            Self::Clone(command) => command.run(context),
            Self::Status(command) => command.run(),
            Self::Diff(command) => command.run(),
            Self::Sync(command) => command.run(context),
            Self::Log(command) => command.run(),
            Self::Proposals(command) => command.run(context),
            Self::Show(command) => command.run(context),
            Self::Quarantine(command) => command.run(context),
            Self::Ticket(command) => command.run(context),
            Self::Reset(command) => command.run(context),
            Self::Restore(command) => command.run(),
            Self::Backup(command) => command.run(context),
            Self::AccessLog(command) => command.run(context),
            Self::Completions { shell } => {
                clap_complete::generate(shell, cli, "codraft", &mut std::io::stdout());
                Ok(())
            }
        }
    }
}
