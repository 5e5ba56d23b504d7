//! What happens in a run: a list of steps, each a kind and a number that says the rest. A seed gives the list;
//! any part of it is a run too, which is how failing runs are made short.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::fmt::Write as _;

/// A kind of step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A message reaches the server.
    Up,
    /// A message reaches a client.
    Down,
    /// Somebody edits.
    Edit,
    /// A client connects.
    Connect,
    /// A client closes its connection; what it has sent still arrives.
    Leave,
    /// A connection breaks; what is on its way is lost.
    Break,
    /// The server notices that a connection is gone.
    Notice,
    /// The committer commits what waits.
    Commit,
    /// The document's task hears what is stored.
    Stored,
    /// Messages to and from a client are held, or flow again.
    Partition,
    /// A presence message, or an echo of one.
    Whisper,
    /// The hostile client does something.
    Attack,
    /// The server's process is killed, or its power goes, at a later effect.
    Crash,
    /// The server starts.
    Boot,
    /// A client's process ends.
    ClientCrash,
    /// The disk fails, fills up, or is cleared.
    Disk,
    /// Time passes.
    Clock,
    /// Everything is checked in the middle of the run.
    Audit,
    /// Somebody decides something: about a round, a proposal, a comment.
    Act,
    /// Somebody asks what there is.
    Ask,
    /// Nobody has written for a moment.
    Quiet,
    /// A delegation begins or tables a private draft, or what it has begun goes on.
    Draft,
    /// Somebody asks for a draft that is another delegation's.
    Pry,
}

/// One step.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Its place in the whole list.
    pub number: usize,
    /// What happens.
    pub kind: Kind,
    /// What says to whom and how.
    pub nonce: u64,
}

impl Step {
    /// The numbers that it draws.
    pub fn rng(&self) -> StdRng {
        StdRng::seed_from_u64(self.nonce)
    }
}

/// How often each kind comes, in a calm run.
const CALM: [(Kind, u32); 18] = [
    (Kind::Up, 200),
    (Kind::Down, 220),
    (Kind::Edit, 120),
    (Kind::Connect, 60),
    (Kind::Leave, 6),
    (Kind::Break, 6),
    (Kind::Notice, 15),
    (Kind::Commit, 110),
    (Kind::Stored, 110),
    (Kind::Partition, 6),
    (Kind::Whisper, 12),
    (Kind::Attack, 25),
    (Kind::Crash, 3),
    (Kind::Boot, 25),
    (Kind::ClientCrash, 3),
    (Kind::Disk, 3),
    (Kind::Clock, 10),
    (Kind::Audit, 2),
];

/// What may go wrong more often in a run.
const STORMS: [&[Kind]; 6] = [
    &[Kind::Crash, Kind::Boot],
    &[Kind::Break, Kind::Leave, Kind::Connect, Kind::Notice],
    &[Kind::Disk, Kind::Crash, Kind::Commit],
    &[Kind::Attack],
    &[Kind::Partition, Kind::Edit],
    &[Kind::ClientCrash, Kind::Whisper],
];

/// The same of what has to do with decisions.
const HOUSE: [(Kind, u32); 3] = [(Kind::Act, 10), (Kind::Ask, 2), (Kind::Quiet, 3)];

/// The same of what has to do with private drafts.
const DRAFTS: [(Kind, u32); 2] = [(Kind::Draft, 10), (Kind::Pry, 1)];

/// The steps of a seed.
pub fn steps(seed: u64) -> Vec<Step> {
    let mut rng = StdRng::seed_from_u64(seed ^ 0x000a_c75e);
    // In some runs nothing is decided, in some more than is edited.
    let decided = mixed(edits(seed), &HOUSE, [0.0, 0.0, 0.06, 0.06, 0.15, 0.3], &mut rng);
    let mut rng = StdRng::seed_from_u64(seed ^ 0x00d2_af75);
    // In half of the runs there are no drafts.
    let all = mixed(decided, &DRAFTS, [0.0, 0.0, 0.0, 0.05, 0.1, 0.2], &mut rng);
    (0..).zip(all).map(|(number, (kind, nonce))| Step { number, kind, nonce }).collect()
}

/// What happens, each with its nonce, and among it what has one of these weights, as often as one of the shares says.
fn mixed(
    steps: Vec<(Kind, u64)>,
    weights: &[(Kind, u32)],
    shares: [f64; 6],
    rng: &mut StdRng,
) -> Vec<(Kind, u64)> {
    let share = shares[rng.random_range(0..6)];
    let mut all = Vec::new();
    for step in steps {
        while rng.random_bool(share) {
            all.push((one_of(weights, rng), rng.random()));
        }
        all.push(step);
    }
    all
}

fn one_of(weights: &[(Kind, u32)], rng: &mut StdRng) -> Kind {
    let total: u32 = weights.iter().map(|(_, weight)| weight).sum();
    let mut pick = rng.random_range(0..total);
    let kind = weights.iter().find(|(_, weight)| {
        let here = pick < *weight;
        pick = pick.saturating_sub(*weight);
        here
    });
    kind.expect("within the total").0
}

/// What happens in a run beside decisions, each with its nonce.
fn edits(seed: u64) -> Vec<(Kind, u64)> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut weights = CALM;
    for storm in STORMS {
        if rng.random_bool(0.3) {
            for (kind, weight) in &mut weights {
                if storm.contains(kind) {
                    *weight *= 4;
                }
            }
        }
    }
    let count = rng.random_range(60..420);
    (0..count).map(|_| (one_of(&weights, &mut rng), rng.random())).collect()
}

/// A part of the steps, as it is given to a replay: `0-4,7,9-12`.
pub fn written(steps: &[Step]) -> String {
    let mut out = String::new();
    let mut at = 0;
    while at < steps.len() {
        let first = steps[at].number;
        let mut last = first;
        while steps.get(at + 1).is_some_and(|next| next.number == last + 1) {
            at += 1;
            last += 1;
        }
        at += 1;
        let comma = if out.is_empty() { "" } else { "," };
        let _ =
            if first == last { write!(out, "{comma}{first}") } else { write!(out, "{comma}{first}-{last}") };
    }
    if out.is_empty() { "none".to_owned() } else { out }
}

/// The steps of a seed that are written so.
pub fn chosen(seed: u64, written: &str) -> Vec<Step> {
    let ranges: Vec<(usize, usize)> = written
        .split(',')
        .filter_map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            Some((first.parse().ok()?, last.parse().ok()?))
        })
        .collect();
    let wanted = |step: &Step| ranges.iter().any(|(first, last)| (*first..=*last).contains(&step.number));
    steps(seed).into_iter().filter(wanted).collect()
}

/// Leaves out as many steps as it can while `fails` still holds, within so many tries.
pub fn shrunk(mut steps: Vec<Step>, mut tries: usize, fails: impl Fn(&[Step]) -> bool) -> Vec<Step> {
    let mut size = steps.len().div_ceil(2).max(1);
    loop {
        let mut at = 0;
        let mut shorter = false;
        while at < steps.len() {
            if tries == 0 {
                return steps;
            }
            tries -= 1;
            let mut fewer = steps.clone();
            fewer.drain(at..(at + size).min(steps.len()));
            if fails(&fewer) {
                steps = fewer;
                shorter = true;
            } else {
                at += size;
            }
        }
        if size == 1 && !shorter {
            return steps;
        }
        size = (size / 2).max(1);
    }
}
