//! The disk by itself: whether it stood still while a server was measured, which would say nothing of that server.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The name of the figure.
pub const SLOWEST: &str = "disk's slowest sync ms";

/// How long the disk is left alone between two looks: less than one in a hundred of what a server asks of it.
const PAUSE: Duration = Duration::from_millis(100);

/// Bytes that are written at a time.
const PAGE: usize = 4096;

/// Writes and syncs a page of its own now and then, where servers have their folders.
#[derive(Debug)]
pub struct Probe {
    stop: Sender<()>,
    thread: JoinHandle<Duration>,
}

impl Probe {
    /// Begins.
    ///
    /// # Errors
    /// Where there is no file, or no thread, to be had.
    pub fn start() -> io::Result<Self> {
        let file = tempfile::tempfile()?;
        sync(&file)?;
        let (stop, stopped) = channel();
        let watch = move || {
            let mut slowest = Duration::ZERO;
            loop {
                let begun = Instant::now();
                // A disk that fails is the server's to tell.
                let _ = sync(&file);
                slowest = slowest.max(begun.elapsed());
                if stopped.recv_timeout(PAUSE) != Err(RecvTimeoutError::Timeout) {
                    return slowest;
                }
            }
        };
        Ok(Self { stop, thread: std::thread::Builder::new().spawn(watch)? })
    }

    /// Ends, and says how long the slowest sync took.
    pub fn slowest(self) -> Duration {
        drop(self.stop);
        self.thread.join().unwrap_or_default()
    }
}

/// Always the same page: the file does not grow, so that nothing but it is written.
fn sync(file: &File) -> io::Result<()> {
    file.write_all_at(&[7; PAGE], 0)?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_long_a_sync_took() {
        assert!(Probe::start().unwrap().slowest() > Duration::ZERO);
    }
}
