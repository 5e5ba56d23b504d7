//! `load`: what codraft and others do under load. See `load --help`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

use clap::{Args, Parser, Subcommand};
use codraft_tests::load::contender::Contender;
use codraft_tests::load::report::{Row, table};
use codraft_tests::load::scenarios::{Scenario, Settings};
use codraft_tests::load::{limit, samod_server};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Drives codraft, and the servers that others would take instead, with the same edits, side by side
///
/// A run counts only if nothing is missing and every reader's text is equal at the end. Everything listens on
/// 127.0.0.1 alone. The servers in Node need their packages once: npm ci in tests/load.
#[derive(Parser)]
#[command(name = "load", after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  load run                                              every scenario on every server
  load run --scenarios s1,s2 --servers codraft,limit    two of them
  load run --scenarios s1 --repeat 5 --json s1.jsonl    five runs each; the middle one is shown
  load run --scenarios soak --minutes 20                twenty minutes of clients that come and go";

#[derive(Subcommand)]
enum Command {
    /// Run scenarios, each on each server in turn
    Run(Run),
    /// Serve as one of the servers that are measured (used by run)
    #[command(hide = true)]
    Serve(Serve),
}

#[derive(Args)]
struct Run {
    /// Which scenarios
    #[arg(long, value_delimiter = ',', value_enum, default_values_t = [Scenario::S1, Scenario::S2, Scenario::S3, Scenario::Readers, Scenario::S4, Scenario::S5, Scenario::S6])]
    scenarios: Vec<Scenario>,
    /// Which servers
    #[arg(long, value_delimiter = ',', value_enum, default_values_t = [Contender::Limit, Contender::DurableLimit, Contender::Codraft, Contender::Hocuspocus, Contender::Samod, Contender::AutomergeRepo])]
    servers: Vec<Contender>,
    /// Runs of each scenario on each server, the middle one of which is shown (s1, s2 and s5 only)
    #[arg(long, default_value_t = 1)]
    repeat: usize,
    /// How long soak takes
    #[arg(long, default_value_t = 20.0)]
    minutes: f64,
    /// The histories of open and growth, in operations
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000, 100_000, 1_000_000])]
    operations: Vec<usize>,
    /// Parts in which open brings its history; after each the store is left alone until it has sealed what it can
    #[arg(long, default_value_t = 0)]
    pauses: usize,
    /// Append every row to this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Args)]
struct Serve {
    /// Which
    #[arg(value_enum)]
    contender: Contender,
    /// On which port of 127.0.0.1; 0: any
    #[arg(long)]
    port: u16,
    /// Where it stores
    #[arg(long)]
    data: PathBuf,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async {
        match cli.command {
            // A task of the runtime may block in place; the main thread's own may not.
            Command::Run(run) => tokio::spawn(all(run)).await.expect("the run goes to its end"),
            Command::Serve(serve) => {
                let served = match serve.contender {
                    Contender::Limit => limit::serve(serve.port, None).await,
                    Contender::DurableLimit => limit::serve(serve.port, Some(&serve.data)).await,
                    Contender::Samod => samod_server::serve(serve.port, &serve.data).await,
                    _ => Err(std::io::Error::other("this server is a program of its own")),
                };
                eprintln!("{served:?}");
                ExitCode::FAILURE
            }
        }
    })
}

async fn all(run: Run) -> ExitCode {
    if let Some(once) = run.scenarios.iter().find(|one| run.repeat > 1 && !one.repeats()) {
        eprintln!("--repeat works with s1, s2 and s5 only: leave out {}, or --repeat", once.name());
        return ExitCode::from(2);
    }
    let settings = Settings {
        repeat: run.repeat.max(1),
        minutes: run.minutes,
        operations: run.operations,
        pauses: run.pauses,
    };
    let mut own = true;
    for scenario in run.scenarios {
        println!("\n## {}: {}\n", scenario.name(), scenario.words());
        let mut rows: Vec<Row> = Vec::new();
        for contender in run.servers.iter().copied().filter(|one| scenario.is_for(*one)) {
            for row in scenario.run(contender, &settings).await {
                let line = serde_json::to_string(&row).expect("plain data");
                eprintln!("{line}");
                if let Some(path) = &run.json {
                    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
                    let written = file.and_then(|mut file| writeln!(file, "{line}"));
                    written.unwrap_or_else(|error| eprintln!("{}: {error}", path.display()));
                }
                // That others fail is a result; that codraft or a limit does is an error.
                own &= row.counts
                    || !matches!(contender, Contender::Codraft | Contender::Limit | Contender::DurableLimit);
                rows.push(row);
            }
        }
        println!("{}", table(&rows));
    }
    if own { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
