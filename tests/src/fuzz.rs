//! Fuzzing on stable Rust: a loop that mutates kept inputs, knows the shapes of what it mutates, and keeps what
//! gets an answer that was not seen before.
//!
//! A target is a function from bytes to a word for what became of them; it panics where a promise is broken.
//! Every input that ever broke one is kept under `tests/fuzz/TARGET/` and runs first, for ever.

pub mod targets;

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long one input may take before it counts as a hang.
const SLOW: Duration = Duration::from_secs(20);
/// Largest input, in bytes: a frame's limit and a little more.
const LARGEST: usize = (1 << 20) + 4096;
/// Inputs that are mutated further.
const KEPT: usize = 4_000;

/// Takes an input and says what became of it.
pub type Run = Box<dyn FnMut(&[u8]) -> String>;

/// What is fuzzed.
pub struct Target {
    /// Its name, and that of its folder.
    pub name: &'static str,
    /// Where it begins.
    pub seeds: Vec<Vec<u8>>,
    /// Makes lengths and checksums agree again after a mutation, most of the time.
    pub mend: fn(&mut Vec<u8>, &mut SmallRng),
    /// What becomes of an input.
    pub run: Run,
}

/// What a run has seen.
#[derive(Debug)]
pub struct Outcome {
    /// Inputs.
    pub inputs: u64,
    /// Different answers.
    pub answers: usize,
    /// The slowest one.
    pub slowest: Duration,
    /// The highest memory of the process during the run, in kilobytes above where it began.
    pub memory: u64,
}

/// The folder of a target's kept inputs.
pub fn folder(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(target)
}

fn kept(target: &str) -> Vec<Vec<u8>> {
    let Ok(entries) = std::fs::read_dir(folder(target)) else { return Vec::new() };
    let mut paths: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    paths.into_iter().map(|path| std::fs::read(path).expect("a kept input")).collect()
}

/// A line of this process's `/proc/self/status`, in kilobytes.
pub fn kilobytes(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = status.lines().find_map(|one| one.strip_prefix(line)?.strip_prefix(':'));
    found.and_then(|value| value.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// Forgets the highest memory so far.
pub fn forget_peak() {
    // Where the system does not let us, the peak is that of the whole process.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

const INTERESTING: [u8; 12] = [0, 1, 2, 0x7f, 0x80, 0x81, 0xff, 0xfe, 0x1b, 0x3b, 0x5b, 0xbf];
const LENGTHS: [&[u8]; 8] = [
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    &[0x80, 0x80, 0x80, 0x80, 0x08],
    &[0x80, 0x80, 0x04],
    &[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0x5a, 0x7f, 0xff, 0xff, 0xff],
    &[0x9a, 0x00, 0x0f, 0xff, 0xff],
    &[0x80, 0x00],
];

/// One mutation.
fn mutate(bytes: &mut Vec<u8>, other: &[u8], rng: &mut SmallRng) {
    let place = |rng: &mut SmallRng, len: usize| if len == 0 { 0 } else { rng.random_range(0..len) };
    let at = place(rng, bytes.len());
    match rng.random_range(0..11) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << rng.random_range(0..8),
        1 if !bytes.is_empty() => bytes[at] = rng.random(),
        2 if !bytes.is_empty() => bytes[at] = *INTERESTING.choose(rng).unwrap_or(&0),
        3 => bytes.insert(at, rng.random()),
        4 if !bytes.is_empty() => drop(bytes.remove(at)),
        5 if !bytes.is_empty() => {
            let end = (at + rng.random_range(1..=32)).min(bytes.len());
            bytes.drain(at..end);
        }
        6 if !bytes.is_empty() => {
            // A piece of it again, now and then many times over.
            let piece = bytes[at..(at + rng.random_range(1..=64)).min(bytes.len())].to_vec();
            let times = if rng.random_bool(0.02) { rng.random_range(100..5_000) } else { 1 };
            let to = place(rng, bytes.len());
            bytes.splice(to..to, piece.iter().copied().cycle().take(piece.len() * times));
        }
        7 => {
            let number = LENGTHS.choose(rng).copied().unwrap_or_default();
            let end = (at + if rng.random_bool(0.5) { 1 } else { number.len() }).min(bytes.len());
            bytes.splice(at..end, number.iter().copied());
        }
        8 if !other.is_empty() => {
            let from = place(rng, other.len());
            let piece = &other[from..(from + rng.random_range(1..=200)).min(other.len())];
            bytes.splice(at..at, piece.iter().copied());
        }
        9 if !other.is_empty() => {
            bytes.truncate(at);
            bytes.extend_from_slice(&other[place(rng, other.len())..]);
        }
        _ => bytes.truncate(at),
    }
    bytes.truncate(LARGEST);
}

impl Target {
    fn try_one(&mut self, input: &[u8]) -> Result<String, String> {
        let run = &mut self.run;
        catch_unwind(AssertUnwindSafe(|| run(input))).map_err(|panic| {
            let words = panic.downcast_ref::<&str>().map(|words| (*words).to_owned());
            words.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
        })
    }

    fn keep(&self, what: &str, input: &[u8]) -> PathBuf {
        let folder = folder(self.name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join(format!("{what}-{:016x}", fingerprint(input)));
        std::fs::write(&path, input).expect("the input is kept");
        path
    }

    /// Runs one input, under the watchdog's eyes. Returns its answer and how long it took.
    ///
    /// # Panics
    /// Where a promise is broken, or it takes too long; the input is kept.
    fn timed(&mut self, watchdog: &Watchdog, input: &[u8]) -> (String, Duration) {
        watchdog.watch(input);
        let started = Instant::now();
        let answer = self.try_one(input);
        let took = started.elapsed();
        watchdog.rest();
        match answer {
            Err(why) => {
                let path = self.keep("crash", input);
                panic!("{} is broken by {} (kept): {why}", self.name, path.display());
            }
            Ok(_) if took > SLOW => {
                let path = self.keep("slow", input);
                panic!("{} takes {took:?} for {} (kept)", self.name, path.display());
            }
            Ok(answer) => (answer, took),
        }
    }

    /// Runs everything that is kept, then mutations for so long.
    ///
    /// # Panics
    /// Where a promise is broken; the input is kept.
    pub fn fuzz(mut self, time: Duration, seed: u64) -> Outcome {
        let watchdog = Watchdog::new(self.name);
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut population: Vec<Vec<u8>> = kept(self.name);
        population.extend(self.seeds.clone());
        let mut seen: HashSet<String> = HashSet::new();
        for input in &population {
            seen.insert(self.timed(&watchdog, input).0);
        }
        forget_peak();
        let memory = kilobytes("VmRSS");
        let end = Instant::now() + time;
        let (mut inputs, mut slowest) = (0, Duration::ZERO);
        while Instant::now() < end {
            let mut input = population.choose(&mut rng).cloned().unwrap_or_default();
            let other = population.choose(&mut rng).cloned().unwrap_or_default();
            for _ in 0..rng.random_range(1..=6) {
                mutate(&mut input, &other, &mut rng);
            }
            (self.mend)(&mut input, &mut rng);
            let (answer, took) = self.timed(&watchdog, &input);
            inputs += 1;
            slowest = slowest.max(took);
            // The same answer to an input of another size is another one.
            if seen.insert(format!("{answer}/{}", input.len().max(1).ilog2())) {
                if std::env::var_os("CODRAFT_FUZZ_KEEP").is_some() {
                    self.keep("seed", &input);
                }
                if population.len() < KEPT {
                    population.push(input);
                }
            }
        }
        Outcome { inputs, answers: seen.len(), slowest, memory: kilobytes("VmHWM").saturating_sub(memory) }
    }
}

/// Ends the process where an input hangs, and keeps it.
struct Watchdog(Arc<Mutex<Running>>);

/// The input that runs now, and since when.
type Running = Option<(Instant, Vec<u8>)>;

impl Watchdog {
    fn new(name: &'static str) -> Self {
        let current: Arc<Mutex<Running>> = Arc::default();
        let watched = Arc::downgrade(&current);
        std::thread::spawn(move || {
            while let Some(current) = watched.upgrade() {
                if let Ok(running) = current.lock()
                    && let Some((since, input)) = running.as_ref()
                    && since.elapsed() > SLOW * 6
                {
                    let path = folder(name).join("hang");
                    let _ = std::fs::create_dir_all(folder(name));
                    let _ = std::fs::write(&path, input);
                    eprintln!("{name} hangs; the input is kept as {}", path.display());
                    std::process::abort();
                }
                drop(current);
                std::thread::sleep(Duration::from_millis(500));
            }
        });
        Self(current)
    }

    fn watch(&self, input: &[u8]) {
        *self.0.lock().expect("no panic holds it") = Some((Instant::now(), input.to_vec()));
    }

    fn rest(&self) {
        *self.0.lock().expect("no panic holds it") = None;
    }
}

fn fingerprint(bytes: &[u8]) -> u64 {
    // FNV-1a: a name, nothing more.
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
