use super::super::Entry;
use super::super::memory::MemoryStorage;
use super::trees::{PART, numbered};
use super::*;
use rand::rngs::StdRng;
use rand::{Rng as _, RngCore as _, SeedableRng as _};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::FileExt as _;
use std::process::{Command, Stdio};

const AT: Timestamp = Timestamp(1);

fn no_reserve() -> Options {
    Options { reserve: Some(0), block: BLOCK, ..Options::default() }
}

/// Small, so that much is sealed.
const BLOCK: u64 = 8;

fn new_store(dir: &Path) -> SledStorage {
    let mut store = SledStorage::init(dir, [6; 16], &[], AT).unwrap();
    store.reserve = Some(0);
    store.sealing.block = BLOCK;
    store
}

/// Seals what there is to seal.
fn tidied(store: &mut SledStorage) -> usize {
    (0..).take_while(|_| store.tidy().unwrap()).count()
}

fn reopened(dir: &Path) -> SledStorage {
    SledStorage::open(dir, &no_reserve()).unwrap()
}

#[test]
fn a_lock_that_is_just_being_let_go_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Some(new_store(dir.path()));
    let mut pauses = 0;
    let locked = lock_with(dir.path(), || {
        pauses += 1;
        if pauses == 3 {
            store = None;
        }
    });
    drop(locked.unwrap());
    assert!(pauses >= 3, "{pauses}");
    let _held = new_store(&dir.path().join("another"));
    let refused = lock_with(&dir.path().join("another"), || ());
    assert!(matches!(refused, Err(StorageError::InUse { .. })));
}

/// sled's own lock outlives a store by a moment now and then; that is no damage.
#[test]
fn so_is_sleds_own() {
    let dir = tempfile::tempdir().unwrap();
    drop(new_store(dir.path()));
    let db = dir.path().join("db");
    let held = || {
        let file = File::open(db.join("db")).unwrap();
        file.lock().unwrap();
        file
    };
    let mut holder = Some(held());
    let mut pauses = 0;
    let opened = open_sled_with(&db, 1 << 20, || {
        pauses += 1;
        if pauses == 3 {
            holder = None;
        }
    });
    drop(opened.unwrap());
    assert!(pauses >= 3, "{pauses}");
    let _holder = held();
    let refused = SledStorage::open(dir.path(), &no_reserve());
    assert!(matches!(refused, Err(StorageError::InUse { .. })), "{refused:?}");
    let copies = fs::read_dir(dir.path()).unwrap().filter_map(Result::ok);
    let copies = copies.filter(|entry| entry.file_name().to_string_lossy().contains("damaged"));
    assert_eq!(copies.count(), 0);
}

/// Values that no packing makes smaller.
fn change(n: u64, len: usize) -> Write {
    let mut value = vec![0; len];
    StdRng::seed_from_u64(n).fill_bytes(&mut value);
    Write { tree: Tree::Changes, key: n.to_be_bytes().to_vec(), value: Some(value) }
}

fn ticket(n: u8, value: Option<u8>) -> Write {
    Write { tree: Tree::Tickets, key: vec![n], value: value.map(|v| vec![v; 40]) }
}

fn everything(reader: &dyn Reader) -> Vec<(Tree, Entry)> {
    let all = Tree::ALL.into_iter();
    all.flat_map(|tree| reader.scan(tree, &[]).map(move |entry| (tree, entry.unwrap()))).collect()
}

fn sample(dir: &Path) {
    let mut store = new_store(dir);
    for n in 0..60 {
        store
            .commit(
                &[change(n, 100 + 300 * n as usize), ticket(n as u8 % 7, (n % 4 > 0).then_some(n as u8))],
                AT,
            )
            .unwrap();
        store.tidy().unwrap();
    }
    assert!(store.trees.blocks.len() > 6);
}

/// Both tell the same, in every way in which they can be asked.
fn assert_same(one: &dyn Reader, other: &dyn Reader, rng: &mut StdRng) {
    let all = everything(one);
    assert!(all == everything(other));
    let commits = |reader: &dyn Reader, from| reader.commits(from).map(Result::unwrap).collect::<Vec<_>>();
    let count = commits(one, 1).len() as u64;
    for from in [1, rng.random_range(1..=count + 1)] {
        assert!(commits(one, from) == commits(other, from), "commits from {from}");
    }
    for tree in Tree::ALL {
        assert_eq!(one.last(tree, &[]).unwrap(), other.last(tree, &[]).unwrap());
    }
    for _ in 0..20 {
        let document = rng.random_range(0..DOCUMENTS + 1);
        let key = of(document, rng.random_range(0..400));
        assert_eq!(one.get(Tree::Changes, &key).unwrap(), other.get(Tree::Changes, &key).unwrap());
        let prefix = [document; 16];
        let from = |reader: &dyn Reader| {
            reader.scan_from(Tree::Changes, &prefix, &key).map(Result::unwrap).collect::<Vec<_>>()
        };
        assert!(from(one) == from(other));
        let log =
            |reader: &dyn Reader| reader.scan(Tree::Changes, &prefix).map(Result::unwrap).collect::<Vec<_>>();
        assert!(log(one) == log(other));
    }
}

const DOCUMENTS: u8 = 4;

/// The key of a change.
fn of(document: u8, number: u64) -> Vec<u8> {
    numbered(&[document; 16], number)
}

#[test]
fn what_is_committed_is_there_after_reopening_as_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("data");
    let mut memory = MemoryStorage::empty(End::start([6; 16]));
    let mut rng = StdRng::seed_from_u64(3);
    drop(new_store(&dir));
    memory.commit(&[], AT).unwrap();
    let mut next = [0_u64; DOCUMENTS as usize];
    let mut steps = 0;
    for _ in 0..8 {
        let mut store = reopened(&dir);
        for n in 0..40_u32 {
            let size = [1, 100, PART, PART + 1, 3 * PART, 200_000][rng.random_range(0..6)];
            let value = rng.random_bool(0.7).then_some(n as u8);
            let mut writes = vec![ticket(rng.random_range(0..5), value)];
            for _ in 0..rng.random_range(0..4) {
                let document = rng.random_range(0..DOCUMENTS);
                let number = &mut next[usize::from(document)];
                let value = Some(vec![n as u8; size]);
                writes.push(Write { tree: Tree::Changes, key: of(document, *number), value });
                *number += 1;
            }
            store.commit(&writes, AT).unwrap();
            memory.commit(&writes, AT).unwrap();
            for _ in 0..rng.random_range(0..3) {
                steps += usize::from(store.tidy().unwrap());
            }
        }
        assert_same(&*store.reader(), &*memory.reader(), &mut rng);
    }
    let mut store = reopened(&dir);
    assert_same(&*store.reader(), &*memory.reader(), &mut rng);
    steps += tidied(&mut store);
    assert_same(&*store.reader(), &*memory.reader(), &mut rng);
    assert!(steps > 60, "{steps} steps");
    // A value that was sealed is as final as one that was not.
    let again = Write { tree: Tree::Changes, key: of(1, 2), value: Some(vec![1]) };
    assert!(matches!(store.commit(&[again], AT), Err(StorageError::Failed(_))));
    let single = store.trees.of(Tree::Changes).unwrap();
    assert!(
        single.len() as u64 <= u64::from(DOCUMENTS) * 2 * BLOCK + WAITING,
        "{} stand by themselves",
        single.len()
    );
    // A large value's parts go with it.
    for part in store.trees.parts.iter().keys().map(Result::unwrap) {
        let (of, key) = (part[0], &part[1..part.len() - 4]);
        assert!(of != Tree::Changes as u8 || single.contains_key(key).unwrap(), "a part is left behind");
    }
    drop(store);
    assert_eq!(fs::read_dir(dir.join("db/blobs")).map_or(0, Iterator::count), 0, "sled made blob files");
}

/// Values of the blocks that wait to be synced.
const WAITING: u64 = 16 * BLOCK;

/// What a crash may leave: a block that was written, whose values still stand by themselves, all or some.
#[test]
fn what_is_sealed_and_single_at_once_is_told_once_and_tidied() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut memory = MemoryStorage::empty(End::start([6; 16]));
    memory.commit(&[], AT).unwrap();
    let mut store = new_store(&data);
    for n in 0..4 * BLOCK {
        let write = Write { tree: Tree::Changes, key: of(1, n), value: Some(vec![n as u8; 10]) };
        store.commit(std::slice::from_ref(&write), AT).unwrap();
        memory.commit(&[write], AT).unwrap();
    }
    let mut rng = StdRng::seed_from_u64(5);
    assert!(store.tidy().unwrap() && store.trees.blocks.len() == 1);
    assert_same(&*store.reader(), &*memory.reader(), &mut rng);
    // As long as nothing was synced, more may be sealed, but nothing goes.
    let singles =
        |store: &SledStorage| store.trees.commits.len() + store.trees.of(Tree::Changes).unwrap().len();
    let all = singles(&store);
    tidied(&mut store);
    assert_eq!(singles(&store), all);
    assert_same(&*store.reader(), &*memory.reader(), &mut rng);
    let blocks = store.trees.blocks.len();
    assert_eq!(blocks, 6);
    drop(store);
    let mut store = reopened(&data);
    assert_eq!(store.trees.blocks.len(), blocks);
    let before = singles(&store);
    assert!(store.tidy().unwrap() && singles(&store) == before - BLOCK as usize, "its values go first");
    assert_same(&*store.reader(), &*memory.reader(), &mut rng);
    tidied(&mut store);
    assert_same(&*store.reader(), &*memory.reader(), &mut rng);
    assert!(!store.tidy().unwrap());
}

#[test]
fn a_value_that_is_not_what_its_block_says_does_not_go() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = new_store(&dir.path().join("data"));
    let change = |n| Write { tree: Tree::Changes, key: of(1, n), value: Some(vec![n as u8; 10]) };
    store.commit(&(0..2 * BLOCK).map(change).collect::<Vec<_>>(), AT).unwrap();
    assert!(store.tidy().unwrap() && store.trees.blocks.len() == 1);
    let single = store.trees.of(Tree::Changes).unwrap();
    let stored = single.get(of(1, 3)).unwrap().unwrap();
    single.insert(of(1, 3), [&stored[..stored.len() - 1], &[9]].concat()).unwrap();
    // This syncs the block.
    store.commit(&[change(2 * BLOCK)], AT).unwrap();
    assert!(matches!(store.tidy(), Err(StorageError::Failed(why)) if why.contains("something else")));
    assert_eq!(store.trees.of(Tree::Changes).unwrap().len() as u64, 2 * BLOCK + 1);
    assert!(store.commit(&[change(2 * BLOCK + 1)], AT).is_err());
}

#[test]
fn whoever_reads_while_it_is_sealed_misses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = new_store(&dir.path().join("data"));
    let count = 150 * BLOCK;
    let writes = (0..count).map(|n| Write {
        tree: Tree::Changes,
        key: of((n / 400) as u8, n % 400),
        value: Some(vec![n as u8; if n % 50 == 0 { 9000 } else { 30 }]),
    });
    store.commit(&writes.collect::<Vec<_>>(), AT).unwrap();
    for _ in 0..count {
        store.commit(&[], AT).unwrap();
    }
    let reader = store.reader();
    std::thread::scope(|scope| {
        let sealing = scope.spawn(|| tidied(&mut store));
        let mut scans = 0;
        while !sealing.is_finished() || scans == 0 {
            assert_eq!(everything(&*reader).len() as u64, count);
            let commits = reader.commits(1).map(|commit| commit.unwrap().0).collect::<Vec<_>>();
            assert!(commits.iter().copied().eq(1..=count + 2));
            assert!((0..400).all(|n| reader.get(Tree::Changes, &of(1, n)).unwrap().is_some()));
            scans += 1;
        }
        assert!(sealing.join().unwrap() > 100);
    });
}

#[test]
fn directories_that_are_no_store_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let open = |dir: &Path| SledStorage::open(dir, &no_reserve()).unwrap_err();
    assert!(matches!(open(&data), StorageError::NotInitialised { .. }));
    let store = new_store(&data);
    assert!(matches!(open(&data), StorageError::InUse { .. }));
    drop(store);
    let again = SledStorage::init(&data, [7; 16], &[], AT).unwrap_err();
    assert!(matches!(again, StorageError::NotEmpty { .. }));
    fs::rename(data.join("HEAD"), data.join("HEAD.new")).unwrap();
    assert!(matches!(open(&data), StorageError::HalfInitialised { .. }));
    // HEAD of another database.
    Head::create(&data.join("HEAD"), &End::start([9; 16])).unwrap();
    assert!(matches!(open(&data), StorageError::Damaged { .. }));
}

#[test]
fn the_log_is_append_only() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = new_store(&dir.path().join("data"));
    store.commit(&[change(1, 10)], AT).unwrap();
    assert!(matches!(store.commit(&[change(1, 11)], AT), Err(StorageError::Failed(_))));
    // That was final.
    assert!(matches!(store.commit(&[change(2, 10)], AT), Err(StorageError::Failed(_))));
}

#[test]
fn a_full_disk_is_not_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = new_store(&dir.path().join("data"));
    store.reserve = Some(u64::MAX);
    let error = store.commit(&[change(1, 10)], AT).unwrap_err();
    assert!(matches!(&error, StorageError::DiskFull { .. }) && !error.is_final());
    assert_eq!(everything(&*store.reader()), []);
    store.reserve = Some(0);
    store.commit(&[change(1, 10)], AT).unwrap();
}

#[test]
fn half_written_snapshots_are_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    sample(&data);
    fs::write(data.join("db/snap.0000000000FFFFFF.generating"), b"half").unwrap();
    let store = reopened(&data);
    assert_eq!(store.opened_with().end.sequence, 61);
    assert!(!data.join("db/snap.0000000000FFFFFF.generating").exists());
}

#[test]
fn a_truncated_database_is_refused_with_instructions() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    sample(&data);
    let mut rng = StdRng::seed_from_u64(11);
    let size = fs::metadata(data.join("db/db")).unwrap().len();
    let mut refused = 0;
    for round in 0..20 {
        let copy = dir.path().join(format!("cut-{round}"));
        copy_dir(&data, &copy).unwrap();
        let file = OpenOptions::new().write(true).open(copy.join("db/db")).unwrap();
        let cut = rng.random_range(0..size);
        file.set_len(cut).unwrap();
        match SledStorage::open(&copy, &no_reserve()) {
            Err(error @ (StorageError::BehindHead { .. } | StorageError::Damaged { .. })) => {
                assert!(error.to_string().contains("Restore the newest backup"));
                refused += 1;
            }
            Err(other) => panic!("{other}"),
            // The end of sled's file may be empty space.
            Ok(store) => assert_eq!(
                store.opened_with().values,
                everything(&*store.reader()).len() as u64,
                "cut at {cut}"
            ),
        }
    }
    assert!(refused >= 10, "{refused} of 20");
}

/// `CODRAFT_DAMAGES` says how many bits, one by one, and `CODRAFT_SEED` which.
#[test]
fn a_flipped_bit_is_found_or_harmless() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    sample(&data);
    let before = everything(&*reopened(&data).reader());
    let setting = |name| std::env::var(name).ok().and_then(|n| n.parse().ok());
    let mut rng = StdRng::seed_from_u64(setting("CODRAFT_SEED").unwrap_or(12));
    // The end of its file is empty.
    let used = fs::read(data.join("db/db")).unwrap().iter().rposition(|byte| *byte != 0).unwrap() as u64;
    let (flips, mut found) = (setting("CODRAFT_DAMAGES").unwrap_or(200), 0);
    let copy = dir.path().join("flipped");
    for _ in 0..flips {
        let _ = fs::remove_dir_all(&copy);
        copy_dir(&data, &copy).unwrap();
        let file = OpenOptions::new().read(true).write(true).open(copy.join("db/db")).unwrap();
        let at = rng.random_range(0..used);
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ (1 << rng.random_range(0..8))], at).unwrap();
        match SledStorage::open(&copy, &no_reserve()) {
            Err(StorageError::BehindHead { .. } | StorageError::Damaged { .. }) => found += 1,
            Err(other) => panic!("flipped at {at}: {other}"),
            Ok(store) => assert!(everything(&*store.reader()) == before, "flipped at {at}"),
        }
    }
    println!("{flips} flipped bits, {found} found");
    assert!(found > 0);
}

/// Not a test of its own: the process that the next one kills.
#[test]
fn writer_to_be_killed() {
    let Some(dir) = std::env::var_os("CODRAFT_TEST_WRITER") else { return };
    let mut store = SledStorage::open(Path::new(&dir), &no_reserve()).unwrap();
    let mut n = everything(&*store.reader()).len() as u64;
    loop {
        let size = if n.is_multiple_of(10) { 20_000 } else { 300 };
        store.commit(&[change(n, size)], AT).unwrap();
        n += 1;
        println!("acknowledged {n}");
        store.tidy().unwrap();
    }
}

/// `CODRAFT_KILLS` says how often.
#[test]
fn nothing_acknowledged_is_lost_by_kill_9() {
    let kills = std::env::var("CODRAFT_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(15);
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    drop(new_store(&data));
    let mut rng = StdRng::seed_from_u64(13);
    let mut acknowledged = 0;
    for _ in 0..kills {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "storage::sled_store::tests::writer_to_be_killed", "--nocapture"])
            .env("CODRAFT_TEST_WRITER", &data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let wanted = acknowledged + rng.random_range(1..120);
        let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        for line in lines.map_while(Result::ok) {
            if let Some((_, n)) = line.split_once("acknowledged ") {
                acknowledged = n.parse().unwrap();
                if acknowledged == wanted {
                    // What it still says before it dies is read, too.
                    writer.kill().unwrap();
                }
            }
        }
        writer.wait().unwrap();
        let store = reopened(&data);
        let there = everything(&*store.reader());
        assert!(there.len() as u64 >= acknowledged, "{acknowledged} acknowledged, {} there", there.len());
        for (n, (_, (key, _))) in there.iter().enumerate() {
            assert_eq!(*key, (n as u64).to_be_bytes());
        }
        acknowledged = there.len() as u64;
    }
    println!("{kills} kills, {acknowledged} changes");
}
