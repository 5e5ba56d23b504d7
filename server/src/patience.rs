//! How long a silent client is waited for: for three pings, and for as long as it may need to take in what it was
//! sent. A client that merges a large document answers nothing meanwhile, and would be dropped in the middle of it,
//! again and again.

use std::time::Duration;
use tokio::time::Instant;

/// Bytes of changes that the slowest clients merge in a second: a browser on an old laptop.
const MERGED_PER_SECOND: u64 = 250_000;

/// The patience with one client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    heard: Instant,
    /// Until when it may be merging. What it says meanwhile may be from before.
    merging: Instant,
}

impl Patience {
    pub(crate) fn new(now: Instant) -> Self {
        Self { heard: now, merging: now }
    }

    /// It gave a sign of life.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// It was sent something. Nobody listened to it for the time that this took.
    pub(crate) fn sent(&mut self, bytes: usize, took: Duration) {
        let merges = Duration::from_millis(bytes as u64 * 1000 / MERGED_PER_SECOND);
        self.merging = self.merging.max(self.heard) + took + merges;
    }

    /// Whether it has been silent for too long.
    pub(crate) fn is_over(&self, now: Instant, ping_interval: Duration) -> bool {
        now.saturating_duration_since(self.merging.max(self.heard)) > ping_interval * 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: Duration = Duration::from_secs(15);

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn three_pings_and_what_it_has_to_merge() {
        let start = Instant::now();
        let mut patience = Patience::new(start);
        assert!(!patience.is_over(start + seconds(45), PING));
        assert!(patience.is_over(start + seconds(46), PING));
        // Small messages buy nobody time.
        (0..100).for_each(|_| patience.sent(50, Duration::ZERO));
        assert!(patience.is_over(start + seconds(46), PING));
        patience.sent(100_000_000, seconds(20));
        assert!(!patience.is_over(start + seconds(45 + 20 + 400), PING));
        assert!(patience.is_over(start + seconds(45 + 20 + 401), PING));
        // It had said that before it began to merge.
        patience.heard(start + seconds(1));
        assert!(!patience.is_over(start + seconds(45 + 20 + 400), PING));
        patience.heard(start + seconds(500));
        assert!(!patience.is_over(start + seconds(545), PING));
        assert!(patience.is_over(start + seconds(546), PING));
    }
}
