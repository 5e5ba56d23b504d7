//! What happens to a document, and what is to be done: the hub's way in and its way out.

use super::Snapshot;
use automerge::ActorId;
use bytes::Bytes;
use codraft_protocol::api::DocumentEvent;
use codraft_protocol::id::{DelegationCode, Role};
use codraft_protocol::round::Entry;
use codraft_protocol::wire::SharedFrame;

/// One websocket, numbered by the server for as long as it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// Who is at the other end of a connection, as far as a document is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The peer id it joined with.
    pub peer: String,
    /// Its account.
    pub account: String,
    /// What it may do.
    pub role: Role,
    /// In whose name.
    pub delegation: Option<DelegationCode>,
}

/// What one connection may cost before it is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// How often it may ask for the whole document again.
    pub resets: u32,
    /// How many refused changes or unreadable messages it may send.
    pub refusals: u32,
    /// Bytes of one ephemeral message.
    pub ephemeral_bytes: usize,
    /// Ephemeral messages a second, after a burst of twice as many.
    pub ephemeral_rate: u32,
    /// Bytes of changes that a document may have, of all connections together.
    pub document_bytes: u64,
    /// Bytes that one account may have in a document's quarantine, so that nobody fills the disk with what nobody
    /// wants: past it nothing more is taken, and its connections are told so and closed.
    pub quarantine_bytes: usize,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            quarantine_bytes: 64 << 20,
            resets: 8,
            refusals: 200,
            ephemeral_bytes: 16 << 10,
            ephemeral_rate: 30,
            document_bytes: 256 << 20,
        }
    }
}

/// What happens to a document.
#[derive(Clone, Debug)]
pub enum Event {
    /// A connection opens the document.
    Open {
        /// Which.
        connection: ConnectionId,
        /// Who.
        member: Member,
    },
    /// A sync message arrives.
    Sync {
        /// From which connection.
        connection: ConnectionId,
        /// The message, as it came.
        data: Bytes,
    },
    /// An ephemeral message arrives.
    Ephemeral {
        /// From which connection.
        connection: ConnectionId,
        /// Its author's session.
        session: String,
        /// Its number in the session.
        count: u64,
        /// Its content.
        data: Bytes,
    },
    /// A connection is gone.
    Closed {
        /// Which.
        connection: ConnectionId,
    },
    /// Everything up to (not including) this change is durable.
    Stored {
        /// The number of durable changes.
        durable: u32,
    },
    /// So many of the refused changes that this hub has given out are durably in quarantine.
    Kept {
        /// How many.
        refused: u64,
    },
    /// Nobody has written for a moment: what can wait is done now.
    Quiet,
}

/// A change to be stored durably.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewChange {
    /// Its place in the document's log.
    pub number: u32,
    /// Whose it is.
    pub delegation: DelegationCode,
    /// The account that sent it.
    pub account: String,
    /// The uncompressed chunk.
    pub raw: Bytes,
}

/// What a private draft publishes.
#[derive(Clone, Debug)]
pub struct NetChange {
    /// Who writes it: an actor of the draft's own, made of its id, which is random. So the common log itself says
    /// that a draft is tabled, whatever was lost of all that was noted beside it, and cannot take it twice.
    pub actor: ActorId,
    /// Its changes.
    pub changes: Vec<Bytes>,
}

/// An entry of the ledger, to be stored durably together with the change that the server's hand wrote for it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEntry {
    /// The entry.
    pub entry: Entry,
    /// The hand's change, if it wrote one.
    pub change: Option<NewChange>,
    /// What is to be published once it is durable.
    pub events: Vec<DocumentEvent>,
}

/// A change to be kept in quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Who sent it.
    pub member: Member,
    /// Why it was refused.
    pub code: &'static str,
    /// Why, in words.
    pub reason: String,
    /// The bytes.
    pub raw: Bytes,
}

/// Why a connection is closed: a websocket close code of the private range, and words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The close code.
    pub code: u16,
    /// What happened and what to do.
    pub reason: String,
}

/// What is to be done. Effects are performed in order.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Send a frame.
    Send {
        /// To which connection.
        to: ConnectionId,
        /// What; shared by all who get the same.
        frame: SharedFrame,
    },
    /// Tell a connection in words that something was refused.
    Tell {
        /// Which connection.
        to: ConnectionId,
        /// What.
        message: String,
    },
    /// Close a connection.
    Close {
        /// Which.
        connection: ConnectionId,
        /// Why.
        closing: Closing,
    },
    /// Store changes, in this order, and answer with [`Event::Stored`].
    Store(Vec<NewChange>),
    /// Store an entry of the ledger with its change, both or neither, after all that was to be stored before it;
    /// answer with [`Event::Stored`] where it has a change.
    Enter(Box<NewEntry>),
    /// Keep a refused change, and answer with [`Event::Kept`].
    Quarantine(Refused),
    /// Count a refused change for which quarantine has no room: whoever sent it has the only copy.
    Unkept(Refused),
    /// Publish on the document's event stream.
    Publish(DocumentEvent),
    /// Keep a snapshot for the next opening of the document; it is only there to be quick.
    KeepSnapshot(Snapshot),
}
