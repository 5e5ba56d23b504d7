//! The commands: one file each.

mod access_log;
mod audit;
mod backup;
mod clone;
mod collisions;
mod comment;
mod consolidate;
mod correct;
mod delegation;
mod diff;
mod documents;
mod draft;
mod import;
mod log;
mod preview;
mod proposals;
mod quarantine;
mod replay;
mod reset;
mod restore;
mod round;
mod rule;
mod show;
mod sponsor;
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
    /// Rounds: how they stand; open, close, conclude; the agreed texts
    #[command(
        after_help = "Examples:\n  codraft round\n  codraft round open --deadline 3d\n  codraft round close"
    )]
    Round(round::Round),
    /// Rule on proposals (chair)
    #[command(
        after_help = "Examples:\n  codraft rule adopt CAN/3 USA/1 --reason 'agreed in the group'\n  codraft rule --consensual\n  codraft rule reject CAN/3 --revisit"
    )]
    Rule(rule::Rule),
    /// What was ruled, and why
    #[command(after_help = "Example:\n  codraft rulings --json")]
    Rulings(rule::Rulings),
    /// Stand behind another delegation's proposal
    #[command(after_help = "Example:\n  codraft sponsor CAN/3")]
    Sponsor(sponsor::Sponsor),
    /// Withdraw from a proposal; when its last sponsor does, it falls
    #[command(after_help = "Example:\n  codraft withdraw CAN/3")]
    Withdraw(sponsor::Sponsor),
    /// Say why your delegation proposes something
    #[command(after_help = "Example:\n  codraft reason CAN/3 'to reflect the outcome of the Conference'")]
    Reason(sponsor::Reason),
    /// Comment on a provision or on words of it; reply, resolve
    #[command(subcommand)]
    Comment(comment::Comment),
    /// Who said what about which words; works offline
    #[command(after_help = "Examples:\n  codraft comments\n  codraft comments --all --json")]
    Comments(comment::Comments),
    /// The agreed text with chosen proposals adopted, before anybody rules
    #[command(after_help = "Examples:\n  codraft preview CAN/3 USA/1\n  codraft preview --consensual")]
    Preview(preview::Preview),
    /// What cannot be adopted together, and sentences that nobody wrote
    #[command(after_help = "Example:\n  codraft collisions")]
    Collisions(collisions::Collisions),
    /// All proposals inline in one text, and the table of them
    #[command(
        after_help = "Examples:\n  codraft consolidate\n  codraft consolidate --format csv > table.csv"
    )]
    Consolidate(consolidate::Consolidate),
    /// Number the provisions anew (secretariat)
    #[command(after_help = "Example:\n  codraft renumber")]
    Renumber(correct::Renumber),
    /// Move a provision, with all that is proposed about it (secretariat)
    #[command(after_help = "Example:\n  codraft move 17@5c0b… --behind 9@5c0b…")]
    Move(correct::Move),
    /// Private drafts of your delegation
    #[command(subcommand)]
    Draft(draft::Draft),
    /// The trail of everything: export it, check it without a server
    #[command(subcommand)]
    Audit(audit::Audit),
    /// The text and the proposals as they stood at any moment
    #[command(
        after_help = "Examples:\n  codraft replay --at 2026-11-25T15:00:00Z\n  codraft replay --file round-1.audit.json --proposals"
    )]
    Replay(replay::Replay),
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
            Self::Round(command) => command.run(context),
            Self::Rule(command) => command.run(context),
            Self::Rulings(command) => command.run(context),
            Self::Sponsor(command) => command.join(context),
            Self::Withdraw(command) => command.withdraw(context),
            Self::Reason(command) => command.run(context),
            Self::Comment(command) => command.run(context),
            Self::Comments(command) => command.run(context),
            Self::Preview(command) => command.run(context),
            Self::Collisions(command) => command.run(context),
            Self::Consolidate(command) => command.run(context),
            Self::Renumber(command) => command.run(context),
            Self::Move(command) => command.run(context),
            Self::Draft(command) => command.run(context),
            Self::Audit(command) => command.run(context),
            Self::Replay(command) => command.run(context),
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
