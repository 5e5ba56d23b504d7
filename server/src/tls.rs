//! The server's certificate and key: read from PEM files, checked before they are used, read again when they
//! change or on SIGHUP. A new pair that cannot be used is told and the old one stays: a server must not stop
//! speaking because a renewal went wrong.

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(5);
/// How long a client may take for its part of the handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate's file.
    #[error(
        "the certificate file {}: {why}; it holds the server's certificate and those up to its issuer, in PEM",
        path.display()
    )]
    Certificate {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The key's file.
    #[error("the key file {}: {why}; it holds the certificate's private key, in PEM", path.display())]
    Key {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// They do not fit each other, or are of a kind that is not taken.
    #[error("the certificate and the key cannot be used together: {0}")]
    Pair(rustls::Error),
}

/// The two files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The certificate, and those up to its issuer.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Files {
    /// Reads and checks them.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn load(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let certificate = |why: String| TlsError::Certificate { path: self.certificate.clone(), why };
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| certificate(error.to_string()))?;
        if chain.is_empty() {
            return Err(certificate("there is no certificate in it".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| TlsError::Key { path: self.key.clone(), why: error.to_string() })?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Pair)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(TlsError::Pair)?;
        Ok(Arc::new(config))
    }

    /// When each was last written, and how long it is: what changes when one is replaced.
    fn marks(&self) -> [Option<(SystemTime, u64)>; 2] {
        [&self.certificate, &self.key].map(|path| mark(path))
    }
}

fn mark(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// The certificate in use; cheap to clone.
#[derive(Clone)]
pub struct Tls {
    files: Files,
    current: Arc<RwLock<Arc<ServerConfig>>>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Tls {
    /// Takes the files into use.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn new(files: Files) -> Result<Self, TlsError> {
        let current = Arc::new(RwLock::new(files.load()?));
        Ok(Self { files, current })
    }

    /// Reads the files again; connections that are there keep what they have.
    ///
    /// # Errors
    /// [`TlsError`]; then the old pair stays in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        let new = self.files.load()?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// The server's side of the handshake, within its time.
    ///
    /// # Errors
    /// What the client did wrong, or that it took too long.
    pub async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let current = Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner));
        let shaken = tokio::time::timeout(HANDSHAKE, TlsAcceptor::from(current).accept(stream)).await;
        shaken.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
    }

    /// Reads the files again whenever they change, and on SIGHUP, until the server stops.
    pub async fn keep_current(self, mut stopping: watch::Receiver<bool>) {
        // Where the system gives no signals, the files are looked at all the same.
        let mut hangup = signal(SignalKind::hangup()).ok();
        let mut seen = self.files.marks();
        let mut looks = tokio::time::interval(LOOK);
        loop {
            let told = tokio::select! {
                _ = looks.tick() => false,
                () = next(&mut hangup) => true,
                _ = stopping.wait_for(|stopping| *stopping) => return,
            };
            let marks = self.files.marks();
            if !told && marks == seen {
                continue;
            }
            seen = marks;
            match self.reload() {
                Ok(()) => tracing::info!("the certificate was read again"),
                Err(error) => {
                    metrics::counter!("codraft_certificate_errors_total").increment(1);
                    tracing::error!(%error, "the new certificate cannot be used; the old one stays");
                }
            }
        }
    }
}

async fn next(signal: &mut Option<tokio::signal::unix::Signal>) {
    if let Some(signal) = signal
        && signal.recv().await.is_some()
    {
        return;
    }
    std::future::pending().await
}
