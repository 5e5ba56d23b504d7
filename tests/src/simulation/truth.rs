//! What the simulator itself knows to be true: who really wrote each change, and whether it may pass.

use super::Violation;
use automerge::ChangeHash;
use codraft_protocol::id::{DelegationCode, DocumentId};
use std::collections::BTreeMap;

/// Where a change comes from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Who wrote it.
    pub author: DelegationCode,
    /// Why it must not pass; none: it must.
    pub bad: Option<&'static str>,
    /// In which document it was written.
    pub place: DocumentId,
}

/// Every change that was ever made.
#[derive(Debug)]
pub struct Truth {
    origins: BTreeMap<ChangeHash, Origin>,
    /// Of two changes with one number of one actor, either may pass, but not both.
    rivals: Vec<(ChangeHash, ChangeHash)>,
    /// In which document changes are written now.
    place: DocumentId,
}

impl Truth {
    /// Nobody has written anything in this document.
    pub fn new(place: DocumentId) -> Self {
        Self { origins: BTreeMap::new(), rivals: Vec::new(), place }
    }

    /// What is written from now on is written in this document.
    pub fn turns_to(&mut self, place: DocumentId) {
        self.place = place;
    }

    /// Notes a change that must pass, unless a reason is given.
    pub fn wrote(&mut self, author: &DelegationCode, hash: ChangeHash, bad: Option<&'static str>) {
        self.origins.entry(hash).or_insert(Origin { author: author.clone(), bad, place: self.place });
    }

    /// Notes two changes of which only one may pass.
    pub fn rivals(&mut self, one: ChangeHash, other: ChangeHash) {
        self.rivals.push((one, other));
    }

    /// The other one of two of which only one may pass.
    pub fn rival(&self, hash: &ChangeHash) -> Option<ChangeHash> {
        self.rivals.iter().find_map(|(a, b)| match hash {
            _ if a == hash => Some(*b),
            _ if b == hash => Some(*a),
            _ => None,
        })
    }

    /// Where a change comes from.
    pub fn of(&self, hash: &ChangeHash) -> Option<&Origin> {
        self.origins.get(hash)
    }

    /// Who wrote a change.
    ///
    /// # Errors
    /// Nobody did.
    pub fn author(&self, hash: &ChangeHash) -> Result<&DelegationCode, Violation> {
        let origin = self.of(hash).ok_or_else(|| Violation::new("origin", format!("nobody made {hash}")))?;
        Ok(&origin.author)
    }
}
