//! `codraft-server`: see `codraft-server help`.

use clap::{CommandFactory, Parser, Subcommand};
use codraft_server::commands::{self, EXIT_CODES, Failure, backup, demo, doctor, init, serve, upgrade};
use codraft_server::config::Config;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// The server where delegations draft a resolution together
#[derive(Parser)]
#[command(name = "codraft-server", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Try it: a server with a sample resolution, three delegations and a chair; nothing stays
    #[command(after_help = "Example:\n  codraft-server demo")]
    Demo {
        #[command(flatten)]
        settings: Settings,
    },
    /// Make a store; prints the secretariat's token, this once
    #[command(after_help = "Example:\n  SECRETARIAT=$(codraft-server init --data-dir data)")]
    Init {
        #[command(flatten)]
        settings: Settings,
    },
    /// Serve a store
    #[command(
        after_help = "Example:\n  codraft-server serve --data-dir data --listen 127.0.0.1:4280\n\nIt prints one line to standard output once it listens: listening on http://ADDRESS, or https:// with a certificate"
    )]
    Serve {
        #[command(flatten)]
        settings: Settings,
    },
    /// Back up a store that no server has open (of a running server: codraft backup)
    #[command(after_help = "Example:\n  codraft-server backup --data-dir data monday.backup")]
    Backup {
        /// The file to write
        file: PathBuf,
        #[command(flatten)]
        settings: Settings,
    },
    /// Make a store of a backup, in an empty directory
    #[command(after_help = "Example:\n  codraft-server restore monday.backup --data-dir restored")]
    Restore {
        /// The backup
        file: PathBuf,
        #[command(flatten)]
        settings: Settings,
    },
    /// Verify a store's directory or a backup's file
    #[command(after_help = "Examples:\n  codraft-server verify data\n  codraft-server verify monday.backup")]
    Verify {
        /// The directory or file
        path: PathBuf,
    },
    /// Look an installation over: store, disk, certificate, address
    #[command(after_help = "Example:\n  codraft-server doctor --config-file /etc/codraft.toml")]
    Doctor {
        #[command(flatten)]
        settings: Settings,
    },
    /// Make a store in today's format of one in an older format, by copy, and compare them
    #[command(after_help = "Example:\n  codraft-server upgrade data --data-dir data-new")]
    Upgrade {
        /// The old store's directory, which no server has open
        from: PathBuf,
        #[command(flatten)]
        settings: Settings,
    },
    /// Completions for a shell
    #[command(
        after_help = "Example:\n  codraft-server completions bash > /etc/bash_completion.d/codraft-server"
    )]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

#[derive(clap::Args)]
struct Settings {
    #[command(flatten)]
    config: Config,
    /// Configuration file in TOML; flags and CODRAFT_… variables come before it
    #[arg(long, env = "CODRAFT_CONFIG", value_name = "FILE")]
    config_file: Option<PathBuf>,
}

impl Settings {
    fn read(self) -> Result<Config, Failure> {
        Ok(self.config.with_file(self.config_file.as_deref())?)
    }
}

/// Standard output belongs to whoever asked; where nobody reads it any more there is nothing to do about it.
fn say(words: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{words}").and_then(|()| out.flush());
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Demo { settings } => {
            let config = settings.read()?;
            commands::log(&config, "warn")?;
            commands::run_to_end(demo::demo(&config, say))
        }
        Command::Init { settings } => {
            let config = settings.read()?;
            let (_, token) = init::init(config.data_dir()?)?;
            say(&token);
            Ok(())
        }
        Command::Serve { settings } => {
            let config = settings.read()?;
            commands::log(&config, "info")?;
            let ready = |server: &codraft_server::server::Server| {
                say(&format!("listening on {}", server.url()));
            };
            commands::run_to_end(serve::serve(&config, ready))
        }
        Command::Backup { file, settings } => {
            say(&backup::back_up(settings.read()?.data_dir()?, &file)?);
            Ok(())
        }
        Command::Restore { file, settings } => {
            say(&backup::restore(&file, settings.read()?.data_dir()?)?);
            Ok(())
        }
        Command::Verify { path } => {
            say(&backup::verify(&path)?);
            Ok(())
        }
        Command::Doctor { settings } => doctor::doctor(&settings.read()?, &say),
        Command::Upgrade { from, settings } => {
            say(&upgrade::upgrade(&from, settings.read()?.data_dir()?)?);
            Ok(())
        }
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "codraft-server", &mut std::io::stdout());
            Ok(())
        }
    }
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // As above.
            let _ = writeln!(std::io::stderr(), "codraft-server: {failure}");
            failure.code()
        }
    }
}
