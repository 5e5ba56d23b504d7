//! What the hub remembers of refused changes: each is kept once, none is ever asked for, and whoever sent it is told
//! once it is durably in quarantine, since they may throw their copy of it away then.

use super::{Closing, ConnectionId, Refused};
use automerge::ChangeHash;
use codraft_protocol::api::DocumentEvent;
use codraft_protocol::authorship::chunk;
use std::collections::{HashMap, HashSet, VecDeque};

/// A document's quarantine.
#[derive(Clone, Debug, Default)]
pub struct Quarantine {
    refused: HashSet<ChangeHash>,
    /// Bytes of each account.
    bytes: HashMap<String, usize>,
    /// How many refused changes have been given out to be kept, and how many of them are durable.
    given_out: u64,
    kept: u64,
    /// Each with the refused change up to which (that one included) all must be durable before it is said.
    unsaid: VecDeque<(u64, Said)>,
}

/// What becomes of a refused change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is to be kept.
    New,
    /// It is in quarantine already.
    Known,
    /// Its account has no room left.
    NoRoom,
}

/// What is said of refused changes.
#[derive(Clone, Debug)]
pub(super) enum Said {
    /// To who sent them.
    Sender { to: ConnectionId, message: String, ending: Option<Ending> },
    /// To everybody who watches.
    All(DocumentEvent),
}

/// Why that was the connection's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It has sent too many refused changes.
    TooMany,
    /// There is no room for its refused changes.
    Full,
}

impl Ending {
    pub(super) fn closing(self) -> Closing {
        let reason = match self {
            Self::TooMany => {
                "too many refused changes on this connection; reset your copy, your words are kept in quarantine"
            }
            Self::Full => {
                "there is no room left in quarantine for your refused changes: they are NOT kept here. Keep your \
                 copy, and ask the secretariat"
            }
        };
        Closing { code: 4403, reason: reason.to_owned() }
    }
}

impl Quarantine {
    /// A refused change that an account sent earlier is in quarantine.
    pub fn holds(&mut self, account: &str, raw: &[u8]) {
        // What is no change has no hash, and is refused by its looks.
        self.refused.extend(chunk::hash(raw));
        let bytes = self.bytes.entry(account.to_owned()).or_default();
        *bytes = bytes.saturating_add(raw.len());
    }

    /// Whether a change is in quarantine.
    pub(super) fn has(&self, hash: &ChangeHash) -> bool {
        self.refused.contains(hash)
    }

    /// Takes in a refused change, to be kept; nothing of it where that were too many bytes of its account.
    pub(super) fn take(&mut self, refused: &Refused, budget: usize) -> Taken {
        if chunk::hash(&refused.raw).is_some_and(|hash| self.has(&hash)) {
            return Taken::Known;
        }
        let used = self.bytes.get(&refused.member.account).copied().unwrap_or(0);
        if used.saturating_add(refused.raw.len()) > budget {
            return Taken::NoRoom;
        }
        self.holds(&refused.member.account, &refused.raw);
        self.given_out += 1;
        Taken::New
    }

    /// So many of those that were given out are durable.
    pub(super) fn kept(&mut self, refused: u64) {
        self.kept = self.kept.max(refused);
    }

    /// Says something once all that was given out is durable.
    pub(super) fn say_once_kept(&mut self, said: Said) {
        self.unsaid.push_back((self.given_out, said));
    }

    /// What can be said now.
    pub(super) fn next_to_say(&mut self) -> Option<Said> {
        self.unsaid.front().filter(|(upto, _)| *upto <= self.kept)?;
        self.unsaid.pop_front().map(|(_, said)| said)
    }
}
