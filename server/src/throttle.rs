//! Rates: token buckets by key. Pure: time is handed in.

use codraft_protocol::time::Timestamp;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// Keys that are remembered at a time. Past it, those whose bucket is full again are forgotten, which changes
/// nothing; where that is not enough, all are: who sends from so many addresses is not held by a rate.
const KEYS: usize = 100_000;

/// How much there may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// A second, in the long run.
    pub per_second: f64,
    /// At once.
    pub burst: f64,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Timestamp,
}

/// A bucket for each key.
#[derive(Debug)]
pub struct Buckets<K> {
    rate: Rate,
    buckets: HashMap<K, Bucket>,
}

impl<K: Hash + Eq> Buckets<K> {
    /// All full.
    pub fn new(rate: Rate) -> Self {
        Self { rate, buckets: HashMap::new() }
    }

    fn now(&self, bucket: Bucket, now: Timestamp) -> f64 {
        // A clock that is set back gives nothing and takes nothing.
        let passed = now.0.saturating_sub(bucket.at.0).max(0);
        #[allow(clippy::cast_precision_loss)]
        let gained = passed as f64 / 1000.0 * self.rate.per_second;
        (bucket.left + gained).min(self.rate.burst)
    }

    /// How long until there is one for this key; `None` where there is one now.
    pub fn wait(&self, key: &K, now: Timestamp) -> Option<Duration> {
        let left = self.buckets.get(key).map_or(self.rate.burst, |bucket| self.now(*bucket, now));
        if left >= 1.0 {
            return None;
        }
        // A rate of nothing is a wait of a day.
        let seconds = (1.0 - left) / self.rate.per_second;
        Some(Duration::from_secs_f64(if seconds.is_finite() { seconds.min(86_400.0) } else { 86_400.0 }))
    }

    /// Takes one.
    ///
    /// # Errors
    /// How long until there is one; nothing is taken then.
    pub fn take(&mut self, key: K, now: Timestamp) -> Result<(), Duration> {
        if let Some(wait) = self.wait(&key, now) {
            return Err(wait);
        }
        if self.buckets.len() >= KEYS {
            let rate = self.rate;
            let empty = Self { rate, buckets: HashMap::new() };
            self.buckets.retain(|_, bucket| empty.now(*bucket, now) < rate.burst);
            if self.buckets.len() >= KEYS {
                self.buckets.clear();
            }
        }
        let left = self.buckets.get(&key).map_or(self.rate.burst, |bucket| self.now(*bucket, now));
        self.buckets.insert(key, Bucket { left: left - 1.0, at: now });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 2.0, burst: 5.0 };

    #[test]
    fn a_burst_then_the_rate_each_key_for_itself() {
        let mut buckets = Buckets::new(RATE);
        let mut passed = |key: &'static str, at| buckets.take(key, Timestamp(at)).is_ok();
        assert_eq!((0..10).filter(|_| passed("a", 0)).count(), 5);
        assert!(passed("b", 0));
        assert_eq!((0..10_000).filter(|ms| passed("a", *ms)).count(), 19);
        // Long silence fills it, and no more than that.
        assert_eq!((0..10).filter(|_| passed("a", 10_000_000)).count(), 5);
        // A clock set back.
        assert!(!passed("a", 0));
    }

    #[test]
    fn the_wait_is_what_it_says() {
        let mut buckets = Buckets::new(RATE);
        (0..5).for_each(|_| buckets.take("a", Timestamp(0)).unwrap());
        let wait = buckets.take("a", Timestamp(0)).unwrap_err();
        assert_eq!(wait, Duration::from_millis(500));
        assert!(buckets.take("a", Timestamp(499)).is_err());
        assert!(buckets.take("a", Timestamp(500)).is_ok());
        let mut never = Buckets::new(Rate { per_second: 0.0, burst: 0.0 });
        assert_eq!(never.take("a", Timestamp(0)), Err(Duration::from_secs(86_400)));
    }

    #[test]
    fn memory_is_bounded() {
        let mut buckets = Buckets::new(RATE);
        for key in 0..3 * KEYS {
            buckets.take(key, Timestamp(0)).unwrap();
            assert!(buckets.buckets.len() <= KEYS);
        }
    }
}
