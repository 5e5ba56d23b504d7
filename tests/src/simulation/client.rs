//! A client: who it is, what program it runs, and its connection.

use super::copy::Copy;
use super::stock::Stock;
use super::truth::Truth;
use super::{Fuse, Violation};
use automerge::ChangeHash;
use bytes::Bytes;
use codraft_protocol::id::{DelegationCode, DocumentId, Role};
use codraft_protocol::time::Timestamp;
use codraft_server::hub::Member;
use rand::rngs::StdRng;

/// What it runs.
#[derive(Debug)]
pub enum Program {
    /// codraft's own.
    Copy(Box<Copy>),
    /// Another one, on automerge-repo's terms.
    Stock(Box<Stock>),
}

/// A client.
#[derive(Debug)]
pub struct Client {
    /// In which document it works.
    pub document: DocumentId,
    /// Who it is, and the peer id of its connection.
    pub member: Member,
    /// In whose name it writes; of observers, nobody's.
    pub code: DelegationCode,
    /// What it runs.
    pub program: Program,
    /// The connection that it believes to have.
    pub link: Option<u64>,
    /// Whether it means harm.
    pub hostile: bool,
    /// What it works in is a draft that was tabled, and takes nothing from it any more: it has left for good.
    pub shut_out: bool,
    /// Nothing reaches it, and nothing of it arrives.
    pub cut_off: bool,
    /// Connections that it has opened.
    pub connections: u32,
}

impl Client {
    /// Whether its changes may pass at all.
    pub fn may_write(&self) -> bool {
        self.member.role == Role::Delegate
    }

    /// Whether its process runs.
    pub fn is_alive(&self) -> bool {
        let runs = match &self.program {
            Program::Copy(copy) => copy.replica().is_some(),
            Program::Stock(stock) => stock.alive,
        };
        runs && !self.shut_out
    }

    /// Its process ends.
    pub fn crash(&mut self) {
        match &mut self.program {
            Program::Copy(copy) => copy.crash(),
            Program::Stock(stock) => stock.crash(),
        }
    }

    /// Its process starts.
    ///
    /// # Errors
    /// [`Violation`]
    pub fn boot(&mut self, truth: &Truth) -> Result<(), Violation> {
        match &mut self.program {
            _ if self.shut_out => Ok(()),
            Program::Copy(copy) => copy.boot(),
            Program::Stock(stock) => {
                stock.boot(truth);
                Ok(())
            }
        }
    }

    /// Begins a conversation.
    ///
    /// # Errors
    /// [`Violation`]
    pub fn connect(&mut self, rng: &mut StdRng) -> Result<Vec<Bytes>, Violation> {
        match &mut self.program {
            Program::Copy(copy) => copy.connect(),
            Program::Stock(stock) => Ok(stock.connect(rng)),
        }
    }

    /// Takes in a message.
    ///
    /// # Errors
    /// [`Violation`]
    pub fn receive(&mut self, data: &[u8], now: Timestamp, fuse: &mut Fuse) -> Result<Vec<Bytes>, Violation> {
        match &mut self.program {
            Program::Copy(copy) => copy.receive(data, now, fuse),
            Program::Stock(stock) => stock.receive(data),
        }
    }

    /// The heads of what it has, ascending.
    pub fn heads(&self) -> Vec<ChangeHash> {
        let mut heads: Vec<ChangeHash> = match &self.program {
            Program::Copy(copy) => {
                copy.replica().map(|r| r.heads().into_iter().map(ChangeHash).collect()).unwrap_or_default()
            }
            Program::Stock(stock) => stock.doc.get_heads(),
        };
        heads.sort_unstable();
        heads
    }

    /// All changes that it has.
    pub fn changes(&self) -> Vec<automerge::Change> {
        match &self.program {
            Program::Copy(copy) => copy.replica().map(|replica| replica.changes()).unwrap_or_default(),
            Program::Stock(stock) => stock.doc.get_changes(&[]),
        }
    }
}
