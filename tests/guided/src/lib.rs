//! The targets of `codraft_tests::fuzz`, with libFuzzer in the place of its loop: it sees which code an input reaches,
//! and goes on from what reached something new. What it mutates has its lengths and checksums made to agree again, as
//! there.

use codraft_tests::fuzz::Target;
use codraft_tests::fuzz::targets::named;
use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use std::cell::RefCell;
use std::path::Path;
use std::{fs, io};

pub use libfuzzer_sys;

thread_local! {
    static TARGET: RefCell<Option<Target>> = const { RefCell::new(None) };
}

fn with<T>(name: &str, act: impl FnOnce(&mut Target) -> T) -> T {
    TARGET.with_borrow_mut(|target| act(target.get_or_insert_with(|| named(name))))
}

/// Runs one input: a broken promise is a panic, which libFuzzer keeps.
pub fn run(name: &str, input: &[u8]) {
    with(name, |target| (target.run)(input));
}

/// Mutates the first `size` bytes, within `largest`. Returns how many there are then.
pub fn mutate(name: &str, data: &mut [u8], size: usize, largest: usize, seed: u32) -> usize {
    let size = libfuzzer_sys::fuzzer_mutate(data, size, largest);
    let mut input = data[..size].to_vec();
    with(name, |target| (target.mend)(&mut input, &mut SmallRng::seed_from_u64(seed.into())));
    input.truncate(largest);
    data[..input.len()].copy_from_slice(&input);
    input.len()
}

/// Makes the target, which is no input's doing, and writes what it begins with into a folder, if one is named.
///
/// # Errors
/// The folder cannot be written.
pub fn begin(name: &str, folder: Option<&Path>) -> io::Result<()> {
    // libFuzzer's own hook ends the process at a panic of Automerge that the gate catches, as it is to.
    drop(std::panic::take_hook());
    let seeds = with(name, |target| target.seeds.clone());
    let Some(folder) = folder else { return Ok(()) };
    fs::create_dir_all(folder)?;
    seeds.iter().enumerate().try_for_each(|(n, seed)| fs::write(folder.join(format!("seed-{n}")), seed))
}

/// A fuzz target by its name. `CODRAFT_SEEDS_TO` names a folder that it writes its seeds to before it begins.
#[macro_export]
macro_rules! guided {
    ($name:literal) => {
        use $crate::libfuzzer_sys::{fuzz_mutator, fuzz_target};

        fuzz_target!(
            init: {
                let folder = std::env::var_os("CODRAFT_SEEDS_TO");
                $crate::begin($name, folder.as_ref().map(|folder| folder.as_ref()))
                    .expect("the seeds are written");
            },
            |input: &[u8]| $crate::run($name, input)
        );

        fuzz_mutator!(|data: &mut [u8], size: usize, largest: usize, seed: u32| {
            $crate::mutate($name, data, size, largest, seed)
        });
    };
}
