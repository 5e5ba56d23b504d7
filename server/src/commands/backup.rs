//! `codraft-server backup`, `restore` and `verify`, for a store that no server has open. (A running server's
//! backup is `codraft backup`, or `GET /api/v1/backup`.)

use super::Failure;
use crate::document::now;
use crate::storage::Storage;
use crate::storage::backup::{self, Backup};
use crate::storage::chain::Whole;
use crate::storage::sled_store::{Options, SledStorage};
use std::fs::{self, File};
use std::path::Path;

/// What a store or backup holds, in words.
pub(super) fn words(whole: &Whole) -> String {
    let chain = hex::encode(whole.end.chain.get(..8).unwrap_or_default());
    format!("{} values, {} bytes, {} commits, chain {chain}…", whole.values, whole.bytes, whole.end.sequence)
}

/// Writes a backup of a store into a new file. Answers what to say.
///
/// # Errors
/// [`Failure`]
pub fn back_up(dir: &Path, file: &Path) -> Result<String, Failure> {
    let storage = SledStorage::open(dir, &Options::default())?;
    let reader = storage.reader();
    let frozen = backup::freeze(storage.end(), &*reader)?;
    // Under its name only once it is whole.
    let mut partial = file.as_os_str().to_owned();
    partial.push(".partial");
    let partial = Path::new(&partial);
    let io = |error| Failure::new(1, format!("{}: {error}", file.display()));
    if file.exists() {
        return Err(Failure::new(1, format!("{} exists; give the backup a name of its own", file.display())));
    }
    let out = File::create(partial).map_err(io)?;
    backup::write(frozen, &*reader, now(), &out)?;
    out.sync_all().map_err(io)?;
    Backup::read(File::open(partial).map_err(io)?)?;
    fs::rename(partial, file).map_err(io)?;
    Ok(format!("backed up and verified: {}", words(&storage.opened_with())))
}

fn read(file: &Path) -> Result<Backup, Failure> {
    let open = File::open(file).map_err(|error| Failure::new(1, format!("{}: {error}", file.display())))?;
    Ok(Backup::read(open)?)
}

/// Makes a store of a backup. Answers what to say.
///
/// # Errors
/// [`Failure`]
pub fn restore(file: &Path, dir: &Path) -> Result<String, Failure> {
    let backup = read(file)?;
    let database = *uuid::Uuid::new_v4().as_bytes();
    let whole = backup.restore(dir, database, now())?;
    let (made, dir) = (backup.made(), dir.display());
    Ok(format!("restored the backup of {made} into {dir} and verified it: {}", words(&whole)))
}

/// Verifies a store's directory, or a backup's file. Answers what to say.
///
/// # Errors
/// [`Failure`]
pub fn verify(path: &Path) -> Result<String, Failure> {
    if path.is_dir() {
        let storage = SledStorage::open(path, &Options::default())?;
        return Ok(format!("the store is whole: {}", words(&storage.opened_with())));
    }
    let backup = read(path)?;
    Ok(format!("the backup of {} is whole: {}", backup.made(), words(&backup.whole())))
}
