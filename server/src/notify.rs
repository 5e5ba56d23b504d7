//! What the service manager (systemd) is told: ready, stopping, alive. Without one, nothing.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// The service manager that has started this process.
#[derive(Debug)]
pub struct Supervisor {
    socket: UnixDatagram,
    address: SocketAddr,
    /// How often it wants a sign of life.
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// The one that the environment names, if any.
    pub fn from_environment() -> Option<Self> {
        let named = std::env::var("NOTIFY_SOCKET").ok()?;
        // A watchdog for another process of the service is none for this one.
        let ours = std::env::var("WATCHDOG_PID").map_or(true, |pid| pid == std::process::id().to_string());
        let interval = std::env::var("WATCHDOG_USEC").ok().filter(|_| ours);
        let watchdog = interval.and_then(|usec| usec.parse().ok()).map(Duration::from_micros);
        Self::at(&named, watchdog)
    }

    fn at(named: &str, watchdog: Option<Duration>) -> Option<Self> {
        let address = match named.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(named),
        };
        Some(Self { socket: UnixDatagram::unbound().ok()?, address: address.ok()?, watchdog })
    }

    /// Tells it something, such as `READY=1`.
    pub fn tell(&self, words: &str) {
        if let Err(error) = self.socket.send_to_addr(words.as_bytes(), &self.address) {
            tracing::warn!(%error, "the service manager does not listen");
        }
    }

    /// How often to give a sign of life, so that one that comes late is still in time.
    pub fn pulse(&self) -> Option<Duration> {
        self.watchdog.map(|interval| interval / 3).filter(|pulse| !pulse.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_hears_what_it_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let supervisor = Supervisor::at(path.to_str().unwrap(), Some(Duration::from_secs(30))).unwrap();
        supervisor.tell("READY=1");
        let mut heard = [0; 64];
        let length = manager.recv(&mut heard).unwrap();
        assert_eq!(&heard[..length], b"READY=1");
        assert_eq!(supervisor.pulse(), Some(Duration::from_secs(10)));
        assert_eq!(Supervisor::at("", None).and_then(|one| one.pulse()), None);
    }
}
