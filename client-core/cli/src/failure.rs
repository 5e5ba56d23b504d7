//! Why a command ended badly: words, what to do, and the exit code.

use codraft_client_core::api::ApiError;
use codraft_client_core::link::LinkError;
use codraft_client_core::replica::ReplicaError;
use codraft_client_core::sync::SyncError;
use codraft_client_core::working_copy::CopyError;
use std::fmt;
use std::process::ExitCode;

/// The exit codes, for the help.
pub(crate) const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 usage, 3 offline (edits are recorded, not yet sent), \
    4 refused by the server, 5 not authorised, 6 no such thing (document, account, working copy), 7 the text cannot be used";

/// A failure with its exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    pub(crate) const FAILED: u8 = 1;
    pub(crate) const USAGE: u8 = 2;
    pub(crate) const OFFLINE: u8 = 3;
    pub(crate) const REFUSED: u8 = 4;
    const UNAUTHORISED: u8 = 5;
    pub(crate) const MISSING: u8 = 6;
    pub(crate) const TEXT: u8 = 7;

    pub(crate) fn new(code: u8, message: impl fmt::Display) -> Self {
        Self { code, message: message.to_string() }
    }

    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }

    /// Whether it came of nobody answering.
    pub(crate) fn is_offline(&self) -> bool {
        self.code == Self::OFFLINE
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let code = match &error {
            ApiError::Offline { .. } => Self::OFFLINE,
            ApiError::Problem(problem) => match problem.status {
                401 | 403 => Self::UNAUTHORISED,
                404 => Self::MISSING,
                400 | 413 | 422 => Self::TEXT,
                _ => Self::REFUSED,
            },
            ApiError::Strange { .. } => Self::FAILED,
            ApiError::BadServer(_) => Self::USAGE,
        };
        Self::new(code, error)
    }
}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Self {
        let code = match &error {
            LinkError::Offline(_) => Self::OFFLINE,
            LinkError::Unauthorised(_) => Self::UNAUTHORISED,
            LinkError::Unavailable(_) => Self::MISSING,
            LinkError::Closed(_) => Self::REFUSED,
        };
        Self::new(code, error)
    }
}

impl From<CopyError> for Failure {
    fn from(error: CopyError) -> Self {
        let code = match &error {
            CopyError::NoCopy(_) => Self::MISSING,
            CopyError::NoFile | CopyError::Replica(ReplicaError::Text(_) | ReplicaError::TooLarge(_)) => {
                Self::TEXT
            }
            CopyError::ReadOnly(_) => Self::UNAUTHORISED,
            CopyError::NotEmpty(_)
            | CopyError::NotAFolder(_)
            | CopyError::Busy(_)
            | CopyError::Io { .. }
            | CopyError::Config { .. }
            | CopyError::Store(_)
            | CopyError::Replica(_)
            | CopyError::Randomness(_) => Self::FAILED,
        };
        let message = match &error {
            CopyError::Replica(ReplicaError::Text(why)) => {
                format!(
                    "resolution.txt cannot be taken in: {why}. The file is as you left it; nothing was recorded or sent"
                )
            }
            _ => error.to_string(),
        };
        Self::new(code, message)
    }
}

impl From<ReplicaError> for Failure {
    fn from(error: ReplicaError) -> Self {
        CopyError::from(error).into()
    }
}

impl From<SyncError> for Failure {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Link(error) => error.into(),
            SyncError::Api(error) => error.into(),
            SyncError::Copy(error) => error.into(),
        }
    }
}
