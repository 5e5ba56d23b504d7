//! Bytes of others, mutated: nothing panics, hangs, or passes that should not. `CODRAFT_FUZZ_SECONDS` says how
//! long each target runs (3 by default), `CODRAFT_SEED` with which mutations; `CODRAFT_FUZZ_KEEP=1` keeps what
//! got a new answer under `tests/fuzz/`, where what broke something is kept always.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use codraft_tests::fuzz::targets::named;
use std::time::Duration;

fn fuzz(name: &str) {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let (seconds, seed) = (number("CODRAFT_FUZZ_SECONDS").unwrap_or(3), number("CODRAFT_SEED").unwrap_or(1));
    let outcome = named(name).fuzz(Duration::from_secs(seconds), seed);
    println!(
        "{name}: {} inputs in {seconds} s, {} different answers, the slowest took {:?}, memory grew by at most {} MB",
        outcome.inputs,
        outcome.answers,
        outcome.slowest,
        outcome.memory >> 10
    );
    assert!(outcome.inputs > 100 && outcome.answers > 2, "{outcome:?}");
}

macro_rules! targets {
    ($($name:ident),+) => { $(#[test] fn $name() { fuzz(stringify!($name)); })+ };
}

targets!(frame, sync, gate, text, record, snapshot, block, backup, body);
