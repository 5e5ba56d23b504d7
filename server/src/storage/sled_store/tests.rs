use super::super::memory::MemoryStorage;
use super::*;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::FileExt as _;
use std::process::{Command, Stdio};

const AT: Timestamp = Timestamp(1);

fn no_reserve() -> Options {
    Options { reserve: Some(0), ..Options::default() }
}

fn new_store(dir: &Path) -> SledStorage {
    let mut store = SledStorage::init(dir, [6; 16], &[], AT).unwrap();
    store.reserve = Some(0);
    store
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

fn change(n: u32, len: usize) -> Write {
    Write { tree: Tree::Changes, key: n.to_be_bytes().to_vec(), value: Some(vec![n as u8; len]) }
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
    }
}

#[test]
fn what_is_committed_is_there_after_reopening_as_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("data");
    let mut memory = MemoryStorage::default();
    let mut rng = StdRng::seed_from_u64(3);
    drop(new_store(&dir));
    for round in 0..6_u32 {
        let mut store = reopened(&dir);
        for n in 0..20 {
            let size = [1, 100, PART, PART + 1, 3 * PART, 200_000][rng.random_range(0..6)];
            let value = rng.random_bool(0.7).then_some(n as u8);
            let writes = [change(round * 100 + n, size), ticket(rng.random_range(0..5), value)];
            store.commit(&writes, AT).unwrap();
            memory.commit(&writes, AT).unwrap();
        }
        assert_eq!(everything(&*store.reader()), everything(&*memory.reader()));
    }
    let store = reopened(&dir);
    assert_eq!(everything(&*store.reader()), everything(&*memory.reader()));
    assert_eq!(store.end.sequence, 121);
    assert_eq!(fs::read_dir(dir.join("db/blobs")).map_or(0, Iterator::count), 0, "sled made blob files");
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

#[test]
fn a_flipped_bit_is_found_or_harmless() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    sample(&data);
    let before = everything(&*reopened(&data).reader());
    let mut rng = StdRng::seed_from_u64(12);
    let size = fs::metadata(data.join("db/db")).unwrap().len();
    let mut found = 0;
    for round in 0..20 {
        let copy = dir.path().join(format!("flip-{round}"));
        copy_dir(&data, &copy).unwrap();
        let file = OpenOptions::new().read(true).write(true).open(copy.join("db/db")).unwrap();
        // sled writes from the start of its file; most of a fresh one is empty.
        let at = rng.random_range(0..size.min(600_000));
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ (1 << rng.random_range(0..8))], at).unwrap();
        match SledStorage::open(&copy, &no_reserve()) {
            Err(StorageError::BehindHead { .. } | StorageError::Damaged { .. }) => found += 1,
            Err(other) => panic!("{other}"),
            Ok(store) => assert_eq!(everything(&*store.reader()), before, "flipped at {at}"),
        }
    }
    assert!(found > 0);
}

/// Not a test of its own: the process that the next one kills.
#[test]
fn writer_to_be_killed() {
    let Some(dir) = std::env::var_os("CODRAFT_TEST_WRITER") else { return };
    let mut store = SledStorage::open(Path::new(&dir), &no_reserve()).unwrap();
    let mut n = everything(&*store.reader()).len() as u32;
    loop {
        let size = if n.is_multiple_of(10) { 20_000 } else { 300 };
        store.commit(&[change(n, size)], AT).unwrap();
        n += 1;
        println!("acknowledged {n}");
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
        assert!(there.len() as u32 >= acknowledged, "{acknowledged} acknowledged, {} there", there.len());
        for (n, (_, (key, _))) in there.iter().enumerate() {
            assert_eq!(*key, (n as u32).to_be_bytes());
        }
        acknowledged = there.len() as u32;
    }
    println!("{kills} kills, {acknowledged} changes");
}
