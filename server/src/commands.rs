//! What the program can be told to do: one file a command.

pub mod backup;
pub mod demo;
pub mod doctor;
pub mod init;
pub mod serve;
pub mod upgrade;

use crate::config::{Config, ConfigError};
use crate::server::StartError;
use crate::storage::StorageError;
use crate::storage::backup::BackupError;
use std::fmt;
use std::process::ExitCode;

/// Why a command ended badly: what to say, and the exit code.
#[derive(Debug)]
pub struct Failure {
    message: String,
    code: u8,
}

/// The exit codes, for the help.
pub const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 usage or settings, 3 no such store, 4 the store or the port is in use, \
    5 refusing to serve damaged data, 6 the disk is full";

impl Failure {
    /// A failure with a code of [`EXIT_CODES`].
    pub fn new(code: u8, message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), code }
    }

    /// The exit code.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        let code = match error {
            StorageError::NotInitialised { .. } | StorageError::HalfInitialised { .. } => 3,
            StorageError::InUse { .. } => 4,
            StorageError::BehindHead { .. } | StorageError::Damaged { .. } => 5,
            StorageError::DiskFull { .. } => 6,
            StorageError::NotEmpty { .. }
            | StorageError::Io { .. }
            | StorageError::Failed(_)
            | StorageError::Record(_) => 1,
        };
        Self::new(code, error)
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Storage(error) => error.into(),
            StartError::PortInUse(_) => Self::new(4, error),
            StartError::Plaintext(_) | StartError::Tls(_) => Self::new(2, error),
            StartError::Registry(_) | StartError::Listen { .. } | StartError::Metrics(_) => {
                Self::new(1, error)
            }
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(2, error)
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Storage(error) => error.into(),
            BackupError::Damaged(_) => Self::new(5, error),
            BackupError::Io(_) => Self::new(1, error),
        }
    }
}

/// Logs to standard error from now on.
///
/// # Errors
/// A filter that cannot be read.
pub fn log(config: &Config, default: &str) -> Result<(), Failure> {
    use crate::config::LogFormat;
    use std::io::IsTerminal;
    use tracing_subscriber::filter::filter_fn;
    use tracing_subscriber::{Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _};
    let filter = config.log.as_deref().unwrap_or(default);
    let filter = tracing_subscriber::EnvFilter::try_new(filter)
        .map_err(|error| Failure::new(2, format!("the log filter '{filter}': {error}; try info")))?;
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    // What lies below logs, under that, the bytes that it reads and writes: tokens and text.
    let discreet = filter_fn(|metadata| {
        metadata.target().starts_with("codraft") || *metadata.level() <= tracing::Level::INFO
    });
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let layer = match config.log_format.unwrap_or_default() {
        LogFormat::Text => layer.with_ansi(colour).with_target(false).boxed(),
        LogFormat::Json => layer.json().boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(discreet)).with(filter).init();
    Ok(())
}

/// Serves to the end. What is still at work then (a connection, a write that never ends) is not waited for.
///
/// # Errors
/// Where the system gives no threads, and what `serving` has met.
pub fn run_to_end(serving: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(1, format!("cannot start: {error}")))?;
    let outcome = runtime.block_on(serving);
    runtime.shutdown_background();
    outcome
}
