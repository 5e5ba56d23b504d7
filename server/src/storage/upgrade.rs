//! A store in another format becomes one in this format, by copy: the old one is only read, and the new one
//! counts only once it was compared with it.

use super::chain::{End, Whole};
use super::record::{
    AccessRecord, AccountRecord, ChangeRecord, DelegationRecord, DocumentRecord, QuarantineRecord,
    RecordError, TicketRecord,
};
use super::sled_store::{Options, SledStorage};
use super::{Reader, Storage as _, StorageError, Tree, Write};
use codraft_protocol::time::Timestamp;
use std::path::Path;

/// Writes of one commit.
const GROUP: usize = 512;

/// The format of stores now: the digit in `HEAD`.
pub const FORMAT: u8 = b'1';

/// Why there is no new store.
#[derive(Debug, thiserror::Error)]
pub enum UpgradeError {
    /// The store.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A format that this program does not know.
    #[error(
        "the store in {dir} has format {format}, and this program knows format {known} only; use the version of codraft-server that wrote it, or a newer one",
        known = char::from(FORMAT)
    )]
    Unknown {
        /// The old directory.
        dir: String,
        /// Its format.
        format: char,
    },
    /// What was written is not what was read.
    #[error("the new store is not what the old one was: {0}; the old one is as it was, remove the new one")]
    Differs(String),
}

/// A value in this format.
fn converted(tree: Tree, value: Vec<u8>) -> Result<Vec<u8>, RecordError> {
    #[allow(
        unreachable_patterns,
        reason = "trees whose values have one format so far are copied as they are"
    )]
    Ok(match tree {
        Tree::Documents => DocumentRecord::decode(&value)?.encode(),
        Tree::Changes => ChangeRecord::decode(&value)?.encode(),
        Tree::Quarantine => QuarantineRecord::decode(&value)?.encode(),
        Tree::Delegations => DelegationRecord::decode(&value)?.encode(),
        Tree::Accounts => AccountRecord::decode(&value)?.encode(),
        Tree::Tickets => TicketRecord::decode(&value)?.encode(),
        Tree::AccessLog => AccessRecord::decode(&value)?.encode(),
        _ => value,
    })
}

/// The format that a directory's HEAD names, where it names one.
fn format(dir: &Path) -> Option<u8> {
    let head = std::fs::read(dir.join("HEAD")).ok()?;
    // Each of its two slots names it; one of them may be torn.
    [0, 4096].into_iter().find_map(|at| head.get(at..at + 8)?.strip_prefix(b"codraft")?.first().copied())
}

/// Makes a store in this format, in a directory that is empty or not there yet, of the one in `from`, which no
/// server may have open. It keeps its name, so that clients go on where they were.
///
/// # Errors
/// [`UpgradeError`]
pub fn upgrade(from: &Path, to: &Path, at: Timestamp) -> Result<Whole, UpgradeError> {
    if let Some(format) = format(from).filter(|format| *format != FORMAT) {
        let (dir, format) = (from.display().to_string(), char::from(format));
        return Err(UpgradeError::Unknown { dir, format });
    }
    let old = SledStorage::open(from, &Options { reserve: Some(0), ..Options::default() })?;
    let End { database, .. } = old.end();
    let reader = old.reader();
    let mut new = SledStorage::init(to, database, &[], at)?;
    let mut group = Vec::new();
    for tree in Tree::ALL {
        for entry in reader.scan(tree, &[]) {
            let (key, value) = entry?;
            let value = converted(tree, value).map_err(StorageError::from)?;
            group.push(Write { tree, key, value: Some(value) });
            if group.len() == GROUP {
                new.commit(&group, at)?;
                group.clear();
            }
        }
    }
    new.commit(&group, at)?;
    drop(new);
    // Opened anew, which verifies it against its own chain, and then compared value by value.
    let new = SledStorage::open(to, &Options { reserve: Some(0), ..Options::default() })?;
    compare(&*reader, &*new.reader())?;
    Ok(new.opened_with())
}

fn compare(old: &dyn Reader, new: &dyn Reader) -> Result<(), UpgradeError> {
    for tree in Tree::ALL {
        let mut written = new.scan(tree, &[]);
        for entry in old.scan(tree, &[]) {
            let (key, value) = entry?;
            let expected = (key, converted(tree, value).map_err(StorageError::from)?);
            match written.next().transpose()? {
                Some(found) if found == expected => {}
                _ => return Err(UpgradeError::Differs(format!("in {}", tree.name()))),
            }
        }
        if written.next().is_some() {
            return Err(UpgradeError::Differs(format!("{} holds more", tree.name())));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use codraft_protocol::id::Role;

    const AT: Timestamp = Timestamp(1);

    fn account(id: &str) -> AccountRecord {
        AccountRecord {
            id: id.into(),
            role: Role::Chair,
            delegation: None,
            token_hash: [3; 32],
            created: AT,
            revoked: None,
            expires: None,
        }
    }

    #[test]
    fn a_store_is_copied_converted_and_compared() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("old"), dir.path().join("new"));
        let id = codraft_protocol::id::DocumentId::from_bytes([7; 16]);
        let mut writes = Vec::new();
        for n in 0..1_500_u64 {
            let raw = vec![n as u8; 100 + n as usize * 5];
            let change =
                ChangeRecord { received: AT, account: "a".into(), delegation: "CAN".parse().unwrap(), raw };
            let key = super::super::record::key::numbered(&id, n);
            writes.push(Write { tree: Tree::Changes, key, value: Some(change.encode()) });
        }
        // An account in format 1: format 2 without its last byte, which says that it has no end.
        let mut first = account("old").encode();
        first[0] = 1;
        first.pop();
        writes.push(Write { tree: Tree::Accounts, key: b"old".to_vec(), value: Some(first.clone()) });
        drop(SledStorage::init(&from, [6; 16], &writes, AT).unwrap());
        let whole = upgrade(&from, &to, AT).unwrap();
        assert_eq!((whole.values, whole.end.database), (1_501, [6; 16]));
        let new = SledStorage::open(&to, &Options { reserve: Some(0), ..Options::default() }).unwrap();
        let stored = new.reader().get(Tree::Accounts, b"old").unwrap().unwrap();
        assert_eq!((stored[0], AccountRecord::decode(&stored)), (2, Ok(account("old"))));
        drop(new);
        // The old one is as it was, and a second time there is no place.
        let old = SledStorage::open(&from, &Options { reserve: Some(0), ..Options::default() }).unwrap();
        assert_eq!(old.reader().get(Tree::Accounts, b"old").unwrap(), Some(first));
        drop(old);
        assert!(matches!(upgrade(&from, &to, AT), Err(UpgradeError::Storage(StorageError::NotEmpty { .. }))));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("old"), dir.path().join("new"));
        let newer = vec![Write { tree: Tree::Tickets, key: b"t".to_vec(), value: Some(vec![9, 9]) }];
        drop(SledStorage::init(&from, [6; 16], &newer, AT).unwrap());
        let refused = upgrade(&from, &to, AT).unwrap_err().to_string();
        assert!(refused.contains("format 9"), "{refused}");
        let other = dir.path().join("other");
        drop(SledStorage::init(&other, [6; 16], &[], AT).unwrap());
        let mut head = std::fs::read(other.join("HEAD")).unwrap();
        head[7] = b'2';
        head[4096 + 7] = b'2';
        std::fs::write(other.join("HEAD"), head).unwrap();
        let refused = upgrade(&other, &dir.path().join("never"), AT).unwrap_err();
        assert!(matches!(refused, UpgradeError::Unknown { format: '2', .. }), "{refused}");
        assert!(!dir.path().join("never").exists());
        assert!(matches!(
            upgrade(&dir.path().join("nowhere"), &to, AT),
            Err(UpgradeError::Storage(StorageError::NotInitialised { .. }))
        ));
    }
}
