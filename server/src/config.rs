//! Settings: flags, then `CODRAFT_…` variables, then a TOML file, then what is built in.

pub mod limits;

use crate::registry;
use crate::server;
use crate::storage::sled_store;
use crate::tls::Files;
use clap::Args;
use limits::Limits;
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file says something that cannot be.
    #[error("the configuration file {}: {source}", path.display())]
    Parse {
        /// Which.
        path: PathBuf,
        /// What.
        source: Box<toml::de::Error>,
    },
    /// No directory was named.
    #[error(
        "name the data directory: --data-dir DIR, CODRAFT_DATA_DIR, or data_dir in the configuration file"
    )]
    NoDataDir,
    /// One of the two TLS files alone.
    #[error(
        "TLS needs both files: --tls-cert FILE and --tls-key FILE (CODRAFT_TLS_CERT, CODRAFT_TLS_KEY; tls_cert, tls_key)"
    )]
    HalfTls,
}

/// What can be set, everywhere under the same name.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Directory of the store
    #[arg(long, env = "CODRAFT_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1:4280]
    #[arg(long, env = "CODRAFT_LISTEN", value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Listen without encryption beyond this machine
    #[arg(long, env = "CODRAFT_ALLOW_PLAINTEXT", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    pub allow_plaintext: Option<bool>,
    /// The server's certificate and those up to its issuer, in PEM: the server speaks TLS
    #[arg(long, env = "CODRAFT_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM
    #[arg(long, env = "CODRAFT_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// A proxy in front of this server, whose X-Forwarded-For is believed (may be repeated)
    #[arg(long = "proxy", env = "CODRAFT_PROXIES", value_name = "ADDR", value_delimiter = ',')]
    pub proxies: Option<Vec<IpAddr>>,
    /// Pages of this origin may connect, such as https://drafting.example.org (may be repeated)
    #[arg(long = "origin", env = "CODRAFT_ORIGINS", value_name = "ORIGIN", value_delimiter = ',')]
    pub origins: Option<Vec<String>>,
    /// Connections at a time [default: 10000]
    #[arg(long, env = "CODRAFT_CONNECTIONS", value_name = "N")]
    pub connections: Option<usize>,
    /// Largest websocket message, in bytes [default: 1048576]
    #[arg(long, env = "CODRAFT_FRAME_BYTES", value_name = "BYTES")]
    pub frame_bytes: Option<usize>,
    /// Megabytes of the disk that stay free [default: a fifth of it, at most 1024]
    #[arg(long, env = "CODRAFT_RESERVE_MB", value_name = "MB")]
    pub reserve_mb: Option<u64>,
    /// Megabytes of the store that are kept in memory [default: 1024]
    #[arg(long, env = "CODRAFT_CACHE_MB", value_name = "MB", value_parser = clap::value_parser!(u32).range(1..))]
    pub cache_mb: Option<u32>,
    /// Seconds that storing a change may take; then the server ends, since it can acknowledge nothing
    /// [default: 30]
    #[arg(long, env = "CODRAFT_STORE_PATIENCE_S", value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub store_patience_s: Option<u32>,
    /// What is logged to standard error, such as info or codraft_server=debug [default: info]
    #[arg(long, env = "CODRAFT_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// How it is logged: text or json [default: text]
    #[arg(long, env = "CODRAFT_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Limits on what others can make grow
    #[command(flatten)]
    pub limits: Limits,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: one JSON object a line.
    Json,
}

impl Config {
    /// What the file adds where neither flag nor variable said anything.
    ///
    /// # Errors
    /// [`ConfigError`]
    pub fn with_file(self, path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = path else { return Ok(self) };
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let file: Self = toml::from_str(&text)
            .map_err(|source| ConfigError::Parse { path: path.to_owned(), source: Box::new(source) })?;
        Ok(Self {
            data_dir: self.data_dir.or(file.data_dir),
            listen: self.listen.or(file.listen),
            allow_plaintext: self.allow_plaintext.or(file.allow_plaintext),
            tls_cert: self.tls_cert.or(file.tls_cert),
            tls_key: self.tls_key.or(file.tls_key),
            proxies: self.proxies.or(file.proxies),
            origins: self.origins.or(file.origins),
            connections: self.connections.or(file.connections),
            frame_bytes: self.frame_bytes.or(file.frame_bytes),
            reserve_mb: self.reserve_mb.or(file.reserve_mb),
            cache_mb: self.cache_mb.or(file.cache_mb),
            store_patience_s: self.store_patience_s.or(file.store_patience_s),
            log: self.log.or(file.log),
            log_format: self.log_format.or(file.log_format),
            limits: self.limits.or(file.limits),
        })
    }

    /// The data directory.
    ///
    /// # Errors
    /// [`ConfigError::NoDataDir`]
    pub fn data_dir(&self) -> Result<&Path, ConfigError> {
        self.data_dir.as_deref().ok_or(ConfigError::NoDataDir)
    }

    /// How the store is opened.
    pub fn store(&self) -> sled_store::Options {
        let built_in = sled_store::Options::default();
        let cache = self.cache_mb.map_or(built_in.cache, |mb| u64::from(mb.max(1)) << 20);
        sled_store::Options {
            reserve: self.reserve_mb.map(|mb| mb << 20),
            cache,
            ..sled_store::Options::default()
        }
    }

    /// The certificate's files, where the server is to speak TLS.
    ///
    /// # Errors
    /// [`ConfigError::HalfTls`]
    pub fn tls(&self) -> Result<Option<Files>, ConfigError> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => {
                Ok(Some(Files { certificate: certificate.clone(), key: key.clone() }))
            }
            (None, None) => Ok(None),
            _ => Err(ConfigError::HalfTls),
        }
    }

    /// How the server is started.
    ///
    /// # Errors
    /// [`ConfigError`]
    pub fn server(&self) -> Result<server::Settings, ConfigError> {
        let connection = self.limits.connection(self.frame_bytes);
        Ok(server::Settings {
            listen: self.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 4280))),
            allow_plaintext: self.allow_plaintext.unwrap_or(false),
            origins: self.origins.clone().unwrap_or_default(),
            tls: self.tls()?,
            proxies: self.proxies.clone().unwrap_or_default(),
            places: self.limits.bounds(self.connections.unwrap_or(10_000)),
            rates: self.limits.rates(),
            head: self.limits.head(),
            store_patience: Duration::from_secs(self.store_patience_s.unwrap_or(30).max(1).into()),
            body: self.limits.body(),
            registry: registry::Settings {
                connection,
                budgets: self.limits.budgets(),
                gate: self.limits.gate(),
                open_documents: self
                    .limits
                    .open_documents
                    .unwrap_or(registry::Settings::default().open_documents),
                ..registry::Settings::default()
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_come_before_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("codraft.toml");
        std::fs::write(&path, "listen = \"127.0.0.1:1\"\nreserve_mb = 5\norigins = [\"https://a.example\"]\nlog_format = \"json\"\n[limits]\nrefusals = 3\n").unwrap();
        let flags = Config { listen: "127.0.0.1:2".parse().ok(), ..Config::default() };
        let config = flags.with_file(Some(&path)).unwrap();
        assert_eq!(config.server().unwrap().listen.port(), 2);
        assert_eq!(config.server().unwrap().origins, ["https://a.example"]);
        assert_eq!((config.store().reserve, config.log_format), (Some(5 << 20), Some(LogFormat::Json)));
        assert_eq!(config.limits.refusals, Some(3));
        std::fs::write(&path, "lisen = \"127.0.0.1:1\"\n").unwrap();
        let error = Config::default().with_file(Some(&path)).unwrap_err().to_string();
        assert!(error.contains("lisen") && error.contains("listen"), "{error}");
        assert!(Config::default().data_dir().is_err());
        let half = Config { tls_cert: Some("cert.pem".into()), ..Config::default() };
        assert!(matches!(half.server(), Err(ConfigError::HalfTls)));
    }
}
