//! What the system says of a process and of the machine, and what is made of many measurements.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Clock ticks a second in `/proc`: the same on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

fn seconds(ticks: &str) -> f64 {
    ticks.parse::<f64>().unwrap_or(0.0) / TICKS
}

/// CPU seconds that a process has used.
pub fn cpu(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name, which may hold anything, ends at the last parenthesis.
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
    [11, 12].iter().filter_map(|at| fields.get(*at)).map(|ticks| seconds(ticks)).sum()
}

/// CPU seconds of the whole machine: those used by anybody, and all there were.
pub fn machine() -> (f64, f64) {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields: Vec<f64> =
        stat.lines().next().unwrap_or("").split_whitespace().skip(1).take(8).map(seconds).collect();
    let all: f64 = fields.iter().sum();
    let idle: f64 = [3, 4].iter().filter_map(|at| fields.get(*at)).sum();
    (all - idle, all)
}

fn status(pid: u32, key: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(key));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0.0)
}

/// Memory that a process holds now, in KB.
pub fn memory(pid: u32) -> f64 {
    status(pid, "VmRSS:")
}

/// The most memory that a process has held, in KB.
pub fn peak(pid: u32) -> f64 {
    status(pid, "VmHWM:")
}

/// Bytes that a process has handed to the disk.
pub fn written(pid: u32) -> f64 {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
    let line = io.lines().find(|line| line.starts_with("write_bytes:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0.0)
}

/// Bytes of all files in a folder.
pub fn folder(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => folder(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

/// Who used the machine between two moments.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    server: f64,
    driver: f64,
    busy: f64,
    at: Instant,
}

/// CPU seconds in a stretch of time.
#[derive(Clone, Copy, Debug)]
pub struct Used {
    /// The server's.
    pub server: f64,
    /// The driver's.
    pub driver: f64,
    /// Everybody else's.
    pub others: f64,
    /// Seconds that passed.
    pub passed: f64,
}

impl Usage {
    /// Up to now.
    pub fn now(server: u32) -> Self {
        Self { server: cpu(server), driver: cpu(std::process::id()), busy: machine().0, at: Instant::now() }
    }

    /// Since then.
    pub fn since(self, then: Self) -> Used {
        let (server, driver) = (self.server - then.server, self.driver - then.driver);
        let others = (self.busy - then.busy - server - driver).max(0.0);
        Used { server, driver, others, passed: (self.at - then.at).as_secs_f64() }
    }
}

/// The value below which `share` of the sorted values lie; -1 where there are none.
pub fn percentile(sorted: &[u64], share: f64) -> f64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let at = (sorted.len() as f64 * share).ceil() as usize;
    at.clamp(1, sorted.len().max(1)).checked_sub(1).and_then(|at| sorted.get(at)).map_or(-1.0, |v| *v as f64)
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The exponent of the power law that fits (size, cost) best: 0 where cost does not grow with size.
pub fn exponent(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.max(1e-9).ln())).collect();
    let (sx, sy) = logs.iter().fold((0.0, 0.0), |(sx, sy), (x, y)| (sx + x, sy + y));
    let (sxx, sxy) = logs.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x * x, b + x * y));
    (n * sxy - sx * sy) / (n * sxx - sx * sx)
}

/// Milliseconds.
pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_and_exponents() {
        let values: Vec<u64> = (1..=200).collect();
        assert_eq!(
            [percentile(&values, 0.5), percentile(&values, 0.99), percentile(&values, 1.0)],
            [100.0, 198.0, 200.0]
        );
        assert_eq!(percentile(&[], 0.5), -1.0);
        let square: Vec<(f64, f64)> = [1.0, 10.0, 100.0].iter().map(|x| (*x, 3.0 * x * x)).collect();
        assert!((exponent(&square) - 2.0).abs() < 1e-9);
        let flat = [(1.0, 5.0), (1000.0, 5.0)];
        assert!(exponent(&flat).abs() < 1e-9);
    }

    #[test]
    fn this_process_has_used_something() {
        let pid = std::process::id();
        assert!(memory(pid) > 100.0 && peak(pid) >= memory(pid) * 0.5);
        let (busy, all) = machine();
        assert!(busy > 0.0 && busy < all);
    }
}
