//! `codraft-server init`: makes a store and the secretariat's account.

use super::Failure;
use crate::access;
use crate::directory::{Change, Directory};
use crate::document::now;
use crate::storage::sled_store::SledStorage;
use std::path::Path;

/// Makes the store; answers it with the secretariat's token, which is shown this once.
///
/// # Errors
/// [`Failure`]
pub fn init(dir: &Path) -> Result<(SledStorage, String), Failure> {
    let seed = access::seed().map_err(|error| Failure::new(1, error))?;
    let first = Directory::bootstrap(now(), &seed);
    let writes: Vec<_> = first.changes.iter().map(Change::write).collect();
    let database = *uuid::Uuid::new_v4().as_bytes();
    let storage = SledStorage::init(dir, database, &writes, now())?;
    Ok((storage, first.answer))
}
