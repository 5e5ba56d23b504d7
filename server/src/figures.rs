//! The figures for Prometheus: their one recorder, and each of them at nought from the start. What first shows
//! with its first event has no increase that an alert could see.

use crate::hub::MALFORMED_SYNC;
use codraft_protocol::authorship::Refusal;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;

/// What is counted, but refused changes, which are counted by code.
const COUNTERS: [&str; 10] = [
    "codraft_changes_total",
    "codraft_sealed_values_total",
    "codraft_snapshots_used_total",
    "codraft_unkept_changes_total",
    "codraft_refused_connections_total",
    "codraft_failed_logins_total",
    "codraft_throttled_requests_total",
    "codraft_failed_handshakes_total",
    "codraft_certificate_errors_total",
    "codraft_slow_readers_total",
];

/// Upper ends of what is measured in seconds.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// The same of what is measured in writes.
const WRITES: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// The process's one recorder.
///
/// # Errors
/// Why it does not start.
pub(crate) fn recorder() -> Result<PrometheusHandle, String> {
    static RECORDER: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();
    RECORDER.get_or_init(|| install().map_err(|error| error.to_string())).clone()
}

fn install() -> Result<PrometheusHandle, metrics_exporter_prometheus::BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_writes".to_owned()), &WRITES)?
        .install_recorder()?;
    for name in COUNTERS {
        metrics::counter!(name).increment(0);
    }
    for code in Refusal::CODES.into_iter().chain([MALFORMED_SYNC]) {
        metrics::counter!("codraft_refused_changes_total", "code" => code).increment(0);
    }
    for name in ["codraft_connections", "codraft_open_documents"] {
        metrics::gauge!(name).set(0.0);
    }
    Ok(handle)
}
