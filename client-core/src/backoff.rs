//! How long to wait before the next attempt to connect.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(60);

/// Doubles with every failure, up to a minute, and scatters, so that a hundred laptops do not come back at
/// the same moment after a restart.
#[derive(Clone, Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure; `luck` is a random number.
    pub fn failed(&mut self, luck: u64) -> Duration {
        let whole = FIRST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        // Between half of it and all of it.
        let half = whole / 2;
        half + Duration::from_millis(luck % (u64::try_from(half.as_millis()).unwrap_or(u64::MAX) + 1))
    }

    /// It worked: the next failure is a first one.
    pub fn worked(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_scatters_and_starts_anew() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..12).map(|_| backoff.failed(u64::MAX)).collect();
        assert!(
            waits
                .windows(2)
                .all(|pair| pair[1] + Duration::from_millis(400) >= pair[0] || pair[1] > LONGEST / 2)
        );
        assert!(waits.iter().all(|wait| *wait <= LONGEST && *wait >= FIRST / 2));
        assert!(*waits.last().unwrap() >= LONGEST / 2);
        backoff.worked();
        assert_eq!(backoff.failed(0), FIRST / 2);
        assert_ne!(backoff.failed(1), backoff.failed(77));
    }
}
