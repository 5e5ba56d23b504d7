//! `codraft-server upgrade`: a store in another format becomes one in this format, by copy.

use super::{Failure, backup};
use crate::document::now;
use crate::storage::upgrade::{self, UpgradeError};
use std::path::Path;

/// Answers what to say.
///
/// # Errors
/// [`Failure`]
pub fn upgrade(from: &Path, to: &Path) -> Result<String, Failure> {
    let whole = upgrade::upgrade(from, to, now())?;
    let (from, to) = (from.display(), to.display());
    let words = backup::words(&whole);
    Ok(format!(
        "{to} holds what {from} does, in format {}, compared value by value: {words}\nserve {to} from now on, and keep {from} until that has proven itself",
        char::from(upgrade::FORMAT)
    ))
}

impl From<UpgradeError> for Failure {
    fn from(error: UpgradeError) -> Self {
        match error {
            UpgradeError::Storage(error) => error.into(),
            UpgradeError::Unknown { .. } => Self::new(1, error),
            UpgradeError::Differs(_) => Self::new(5, error),
        }
    }
}
