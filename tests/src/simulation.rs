//! Hub, store and clients in one thread under a simulated network, clock and disk. A seed says everything that
//! happens, so a run that breaks a law can be run again, and made short.
//!
//! Real are the hubs, the gate and everything below it, rounds and ledger, what is decided about private drafts, the committer's queue, the stored records
//! with their chain and HEAD, what waits until it is durable, the working copy's replica, and Automerge in the stock
//! clients. Simulated are the sockets, the tasks that perform the hubs' effects, the disk, and the people.

pub mod client;
pub mod copy;
pub mod disk;
pub mod errands;
pub mod hostile;
pub mod house;
pub mod laws;
pub mod oracle;
pub mod plan;
pub mod server;
pub mod settlement;
pub mod stock;
pub mod truth;
pub mod world;

pub use plan::{Step, chosen, shrunk, steps, written};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A law that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub law: &'static str,
    /// How.
    pub how: String,
}

impl Violation {
    /// A law, and how it was broken.
    pub fn new(law: &'static str, how: String) -> Self {
        Self { law, how }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.law, self.how)
    }
}

/// Where a process ends in the middle of something: it burns once a number of moments have passed.
#[derive(Debug)]
pub struct Fuse(Option<u32>);

impl Fuse {
    /// One that never burns.
    pub fn none() -> Self {
        Self(None)
    }

    /// Whether it ends at this moment.
    pub fn burns(&mut self) -> bool {
        match &mut self.0 {
            Some(0) => {
                self.0 = None;
                true
            }
            Some(n) => {
                *n -= 1;
                false
            }
            None => false,
        }
    }
}

/// What happened in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Changes in the log at the end.
    pub changes: u64,
    /// Changes that were refused.
    pub refused: u64,
    /// Times the server ended without warning.
    pub crashes: u64,
    /// Other faults: of the disk, of connections, of clients.
    pub faults: u64,
    /// Whether the disk had lied about flushes, and the server refused to serve what was left.
    pub closed: u64,
    /// Snapshots that were kept.
    pub snapshots: u64,
    /// Acts that were entered in the ledger.
    pub acts: u64,
    /// Revisions at the end, beyond the imported text.
    pub revisions: u64,
    /// Comments at the end.
    pub comments: u64,
    /// Proposals at the end.
    pub proposals: u64,
    /// Those with more than one sponsor.
    pub joint: u64,
    /// Those that collide.
    pub colliding: u64,
    /// Private drafts that were begun.
    pub drafts: u64,
    /// Those that were tabled.
    pub tabled: u64,
    /// Clients whose draft took nothing any more from them.
    pub shut_out: u64,
    /// Times that somebody asked for another delegation's draft.
    pub pried: u64,
}

/// A run's result, and, where asked for, what happened in it.
pub type Outcome = (Result<Tally, Violation>, Vec<String>);

/// Runs those steps of a seed.
pub fn run(seed: u64, steps: &[Step], told: bool) -> Outcome {
    let mut world = world::World::new(seed, told);
    let ran = catch_unwind(AssertUnwindSafe(|| world.run(steps)));
    let outcome = ran.unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<&str>().map(|words| (*words).to_owned());
        let words = words.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(Violation::new("no panic", words.unwrap_or_else(|| "a panic without words".to_owned())))
    });
    (outcome, world.story())
}
