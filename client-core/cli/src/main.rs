//! `codraft`: see `codraft help`.

mod commands;
mod context;
mod failure;
mod output;

use clap::{CommandFactory, Parser};
use commands::Command;
use context::Context;
use std::process::ExitCode;

/// Draft a resolution together: a text file that you edit with any editor, synced with the delegations
#[derive(Parser)]
#[command(
    name = "codraft",
    version,
    after_help = format!("{}\n{}", concat!(
        "A delegate's day:\n",
        "  export CODRAFT_SERVER=http://127.0.0.1:4280 CODRAFT_TOKEN=cdt_…\n",
        "  codraft documents\n",
        "  codraft clone 3pyVQo9hZMHFAkZm7R9hUkTnfv1L canada && cd canada\n",
        "  $EDITOR resolution.txt\n",
        "  codraft diff && codraft sync && codraft proposals\n",
    ), failure::EXIT_CODES),
)]
struct Cli {
    #[command(flatten)]
    context: Context,
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command.run(&cli.context, &mut Cli::command()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::note(format!("codraft: {failure}"));
            failure.code()
        }
    }
}
