//! The check that each incoming change must pass before it touches the document.
//!
//! In this order, dearest last: size, kind of chunk, number of operations before anything is parsed, parsing
//! and decoding where a panic is caught, canonical encoding, authorship, and then every operation against the
//! index. What passes will apply in Automerge.

use super::index::Index;
use super::index::operation::Resolved;
use super::resolve::{Rules, resolve};
use super::{ChangeIx, chunk};
use crate::id::{DelegationCode, Role};
use automerge::{Change, ChangeHash, ExpandedChange};
use bytes::Bytes;
use hashbrown::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Bounds on what a change may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one change, inflated.
    pub change_bytes: usize,
    /// Operations in one change.
    pub change_ops: u64,
    /// Provisions a document may ever have, removed ones included.
    pub provisions: usize,
    /// Characters one text may ever have, struck ones included.
    pub text_chars: usize,
}

impl Limits {
    /// For what has passed before.
    pub(crate) const UNBOUNDED: Self = Self {
        change_bytes: usize::MAX,
        change_ops: u64::MAX,
        provisions: usize::MAX,
        text_chars: usize::MAX,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self { change_bytes: 1 << 20, change_ops: 100_000, provisions: 10_000, text_chars: 1_000_000 }
    }
}

/// Who a connection is authenticated as.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// Its role.
    pub role: Role,
    /// Its delegation: `None` for chair and observers.
    pub delegation: Option<&'a DelegationCode>,
}

/// Why a change is not let in. `Display` says it in words, to the person whose change it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // Each variant's words are its documentation.
pub enum Refusal {
    #[error("these bytes are not an Automerge change")]
    NotAChunk,
    #[error(
        "whole-document chunks are not accepted, since nobody can check their authors one change at a time; send changes"
    )]
    DocumentChunk,
    #[error("bundles are not accepted; send single changes")]
    BundleChunk,
    #[error("this change has more than {limit} bytes; make smaller changes")]
    ChangeTooLarge { limit: usize },
    #[error("this change has more than {limit} operations; make smaller changes")]
    TooManyOperations { limit: u64 },
    #[error("this change cannot be read")]
    Unreadable,
    #[error(
        "this change is not encoded as Automerge encodes it; a document with it could not be loaded again"
    )]
    NotCanonical,
    #[error("this role may read but not write")]
    RoleMayNotWrite { role: Role },
    #[error("this change is written by an actor of {owner}, but the connection is {sender}'s")]
    ForeignActor { owner: DelegationCode, sender: DelegationCode },
    #[error("this change is labelled as written by “{label}”, but the connection is {sender}'s")]
    ForgedLabel { label: String, sender: DelegationCode },
    #[error("only an actor's first change may carry an author label")]
    LateLabel,
    #[error(
        "this actor has already made another change of the same number; two copies share one actor, or it is forged"
    )]
    Equivocation,
    #[error("this change is number {given} of its actor, but number {expected} is missing")]
    SeqGap { given: u64, expected: u64 },
    #[error("this change builds on changes that this server does not have")]
    MissingDependencies,
    #[error(
        "this change builds on a change that was refused; reset your copy to go on (your words are kept in quarantine)"
    )]
    DependsOnRefused,
    #[error("this change does not build on its own actor's changes before it")]
    NotOnOwnHistory,
    #[error("the operation numbers of this change are out of range")]
    CounterOutOfRange,
    #[error("this change names an actor that this server does not know")]
    UnknownActor,
    #[error("this change edits an object that does not exist")]
    UnknownObject,
    #[error("this change names a place in a text or list that does not exist")]
    UnknownElement,
    #[error("this change replaces a value that does not exist")]
    UnknownPredecessor,
    #[error("this change uses a map's key in a list or a list's place in a map")]
    WrongKey,
    #[error("marks are not part of a resolution; send plain text")]
    Mark,
    #[error("counters are not part of a resolution")]
    Counter,
    #[error("a text takes single characters only")]
    NotACharacter,
    #[error(
        "a provision is one line: it takes no line breaks or control characters; add a provision instead"
    )]
    ControlCharacter,
    #[error("only provisions can be edited, not the document's own settings")]
    OutsideProvisions,
    #[error("a resolution has no place for “{key}” as this change writes it (see docs/schema.md)")]
    OutsideSchema { key: String },
    #[error(
        "this change replaces a provision's whole text object, which would lose who wrote what; edit inside it (splice or updateText)"
    )]
    TextReplaced,
    #[error("this change edits inside a field that another change wrote; assign the field anew instead")]
    FieldTextEdited,
    #[error("this change suppresses a provision in the name of “{named}”, but the connection is {sender}'s")]
    SuppressedForAnother { named: String, sender: DelegationCode },
    #[error("a document has at most {limit} {what}")]
    DocumentTooLarge { what: &'static str, limit: usize },
    #[error(
        "this draft was tabled, and what is written in it now would never be tabled; begin a new draft, or write in the common document"
    )]
    DraftTabled,
}

impl Refusal {
    /// Every code, for whoever counts them.
    pub const CODES: [&'static str; 33] = [
        "not-a-chunk",
        "document-chunk",
        "bundle-chunk",
        "change-too-large",
        "too-many-operations",
        "unreadable",
        "not-canonical",
        "role-may-not-write",
        "foreign-actor",
        "forged-label",
        "late-label",
        "equivocation",
        "seq-gap",
        "missing-dependencies",
        "depends-on-refused",
        "not-on-own-history",
        "counter-out-of-range",
        "unknown-actor",
        "unknown-object",
        "unknown-element",
        "unknown-predecessor",
        "wrong-key",
        "mark",
        "counter",
        "not-a-character",
        "control-character",
        "outside-provisions",
        "outside-schema",
        "text-replaced",
        "field-text-edited",
        "suppressed-for-another",
        "document-too-large",
        "draft-tabled",
    ];

    /// A stable code, such as `foreign-actor`, for logs, metrics and clients.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAChunk => "not-a-chunk",
            Self::DocumentChunk => "document-chunk",
            Self::BundleChunk => "bundle-chunk",
            Self::ChangeTooLarge { .. } => "change-too-large",
            Self::TooManyOperations { .. } => "too-many-operations",
            Self::Unreadable => "unreadable",
            Self::NotCanonical => "not-canonical",
            Self::RoleMayNotWrite { .. } => "role-may-not-write",
            Self::ForeignActor { .. } => "foreign-actor",
            Self::ForgedLabel { .. } => "forged-label",
            Self::LateLabel => "late-label",
            Self::Equivocation => "equivocation",
            Self::SeqGap { .. } => "seq-gap",
            Self::MissingDependencies => "missing-dependencies",
            Self::DependsOnRefused => "depends-on-refused",
            Self::NotOnOwnHistory => "not-on-own-history",
            Self::CounterOutOfRange => "counter-out-of-range",
            Self::UnknownActor => "unknown-actor",
            Self::UnknownObject => "unknown-object",
            Self::UnknownElement => "unknown-element",
            Self::UnknownPredecessor => "unknown-predecessor",
            Self::WrongKey => "wrong-key",
            Self::Mark => "mark",
            Self::Counter => "counter",
            Self::NotACharacter => "not-a-character",
            Self::ControlCharacter => "control-character",
            Self::OutsideProvisions => "outside-provisions",
            Self::OutsideSchema { .. } => "outside-schema",
            Self::TextReplaced => "text-replaced",
            Self::FieldTextEdited => "field-text-edited",
            Self::SuppressedForAnother { .. } => "suppressed-for-another",
            Self::DocumentTooLarge { .. } => "document-too-large",
            Self::DraftTabled => "draft-tabled",
        }
    }
}

/// A change that passed: parsed, decoded, checked, ready to be folded.
#[derive(Debug)]
pub struct Passed {
    /// Whose it is.
    pub delegation: DelegationCode,
    pub(crate) resolved: Resolved,
}

/// A change that was let in.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The uncompressed chunk.
    pub raw: Bytes,
    /// Its hash.
    pub hash: ChangeHash,
    /// Its number in the index.
    pub ix: ChangeIx,
    /// Whose it is.
    pub delegation: DelegationCode,
}

/// A change that was not.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The uncompressed chunk.
    pub raw: Bytes,
    /// Its hash, where it could be read.
    pub hash: Option<ChangeHash>,
    /// Why.
    pub refusal: Refusal,
}

/// What became of one message's changes.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    /// Let in and folded, in order.
    pub accepted: Vec<Accepted>,
    /// Refused.
    pub refused: Vec<Refused>,
    /// How many were known before.
    pub known: usize,
}

/// The gate.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    /// Its limits.
    pub limits: Limits,
}

/// A change that can be read.
struct Parsed {
    raw: Bytes,
    change: Change,
    expanded: ExpandedChange,
}

impl Gate {
    /// Checks one uncompressed change chunk against the document as it is.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn check(&self, index: &Index, sender: Sender<'_>, raw: &[u8]) -> Result<Passed, Refusal> {
        let parsed = self.parse(&Bytes::copy_from_slice(raw), &mut self.limits.change_ops.clone())?;
        self.judge(index, sender, &parsed)
    }

    /// Takes the change chunks of one message in any order: skips known ones, lets the good ones in after what
    /// they build on, refuses the bad and all that build on those. Nothing is queued.
    pub fn admit(&self, index: &mut Index, sender: Sender<'_>, chunks: Vec<Bytes>) -> Admission {
        let mut admission = Admission::default();
        let mut parsed: Vec<Option<Parsed>> = Vec::with_capacity(chunks.len());
        let mut places: HashMap<ChangeHash, usize> = HashMap::with_capacity(chunks.len());
        // An operation costs the same whether it was written out or is one of a run that takes a few bytes: a
        // message full of runs would cost hours. Inserted characters take a byte each at least.
        let bytes: usize = chunks.iter().map(Bytes::len).sum();
        let mut operations = self.limits.change_ops.saturating_add(bytes as u64);
        for raw in chunks {
            match chunk::hash(&raw) {
                Some(hash) if index.position(&hash).is_some() || places.contains_key(&hash) => {
                    admission.known += 1
                }
                hash => match self.parse(&raw, &mut operations) {
                    Ok(one) => {
                        places.insert(one.change.hash(), parsed.len());
                        parsed.push(Some(one));
                    }
                    Err(refusal) => admission.refused.push(Refused { raw, hash, refusal }),
                },
            }
        }
        let mut refused: HashSet<ChangeHash> = admission.refused.iter().filter_map(|one| one.hash).collect();
        // How many of each change's dependencies need not be waited for any more: they are never looked at twice.
        let mut settled = vec![0_usize; parsed.len()];
        // Depth first over the dependencies within the message, without recursion.
        for start in 0..parsed.len() {
            let mut stack = vec![start];
            while let Some(at) = stack.last().copied() {
                let Some(Some(one)) = parsed.get(at) else {
                    stack.pop();
                    continue;
                };
                let before = settled.get(at).copied().unwrap_or_default();
                let deps = one.change.deps().iter().enumerate().skip(before);
                let mut pending = deps.filter_map(|(n, dep)| {
                    let other = places.get(dep).copied()?;
                    parsed.get(other).is_some_and(Option::is_some).then_some((n, other))
                });
                let waits_for = pending.next().map(|(n, other)| {
                    if let Some(settled) = settled.get_mut(at) {
                        *settled = n;
                    }
                    other
                });
                // A hash cannot depend on itself, so this ends; whoever is on the stack already cannot come again.
                if let Some(other) = waits_for.filter(|other| !stack.contains(other)) {
                    stack.push(other);
                    continue;
                }
                stack.pop();
                let Some(one) = parsed.get_mut(at).and_then(Option::take) else { continue };
                let hash = one.change.hash();
                let verdict = if one.change.deps().iter().any(|dep| refused.contains(dep)) {
                    Err(Refusal::DependsOnRefused)
                } else {
                    self.judge(index, sender, &one)
                };
                match verdict {
                    Ok(passed) => {
                        let delegation = passed.delegation.clone();
                        let ix = index.fold(passed);
                        admission.accepted.push(Accepted { raw: one.raw, hash, ix, delegation });
                    }
                    Err(refusal) => {
                        refused.insert(hash);
                        admission.refused.push(Refused { raw: one.raw, hash: Some(hash), refusal });
                    }
                }
            }
        }
        admission
    }

    /// Reads a chunk, within bounds and with panics caught. Its operations are taken off those that are `left`
    /// for its message.
    fn parse(&self, raw: &Bytes, left: &mut u64) -> Result<Parsed, Refusal> {
        if raw.len() > self.limits.change_bytes {
            return Err(Refusal::ChangeTooLarge { limit: self.limits.change_bytes });
        }
        let limit = self.limits.change_ops;
        let count = chunk::count_operations(raw, limit)?;
        *left = left.checked_sub(count).ok_or(Refusal::TooManyOperations { limit })?;
        // Automerge does not look at the checksum here, but clients do when they take the chunk in.
        let hash = chunk::hash(raw).ok_or(Refusal::Unreadable)?;
        let read = catch_unwind(AssertUnwindSafe(|| {
            let change = Change::from_bytes(raw.to_vec()).ok()?;
            let expanded = change.decode();
            let canonical = change.hash() == hash && Change::from(expanded.clone()).hash() == hash;
            Some((change, expanded, canonical))
        }));
        match read {
            Ok(Some((change, expanded, true))) => Ok(Parsed { raw: raw.clone(), change, expanded }),
            Ok(Some(_)) => Err(Refusal::NotCanonical),
            Ok(None) | Err(_) => Err(Refusal::Unreadable),
        }
    }

    /// Authorship first, then every operation.
    fn judge(&self, index: &Index, sender: Sender<'_>, parsed: &Parsed) -> Result<Passed, Refusal> {
        let change = &parsed.change;
        let delegation = match sender.delegation {
            Some(delegation) if sender.role.may_edit() => delegation,
            _ => return Err(Refusal::RoleMayNotWrite { role: sender.role }),
        };
        if let Some(label) = change.author() {
            if change.seq() != 1 {
                return Err(Refusal::LateLabel);
            }
            if label.as_bytes() != delegation.as_str().as_bytes() {
                let label = String::from_utf8_lossy(label.as_bytes()).chars().take(40).collect();
                return Err(Refusal::ForgedLabel { label, sender: delegation.clone() });
            }
        }
        // Signed authorship will go here: a proof that travels with the change may stand in for the connection.
        if let Some(owner) = index.roster().owner(change.actor_id())
            && owner != delegation
        {
            return Err(Refusal::ForeignActor { owner: owner.clone(), sender: delegation.clone() });
        }
        let rules = Rules { writer: Some(delegation), limits: &self.limits };
        let resolved = resolve(index, change, &parsed.expanded, rules)?;
        Ok(Passed { delegation: delegation.clone(), resolved })
    }
}
