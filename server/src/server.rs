//! A running server: store, documents and HTTP put together, from start to shutdown.

use crate::access::Access;
use crate::access_log::AccessLog;
use crate::address::Source;
use crate::door::{Door, Rates};
use crate::figures;
use crate::http::{BodyBounds, House, router};
use crate::places::{Bounds, Full, Places, Seat};
use crate::registry::{self, Registry, Snapshots};
use crate::storage::StorageError;
use crate::storage::committer::Committer;
use crate::storage::sled_store::SledStorage;
use crate::stream::Stream;
use crate::tls::{Files, Tls, TlsError};
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use metrics_exporter_prometheus::PrometheusHandle;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

/// How long connections have to say goodbye at shutdown.
const GOODBYE: Duration = Duration::from_secs(10);
/// A stream may stall a little longer than a websocket's own write, which then says why it is closed.
const GRACE: Duration = Duration::from_secs(1);

/// Where and how to listen.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address.
    pub listen: SocketAddr,
    /// Whether to listen without TLS beyond this machine.
    pub allow_plaintext: bool,
    /// Pages that may connect from elsewhere.
    pub origins: Vec<String>,
    /// The certificate's files; without, the server speaks in the clear.
    pub tls: Option<Files>,
    /// Our own proxies.
    pub proxies: Vec<IpAddr>,
    /// How many connections there may be.
    pub places: Bounds,
    /// Rates of logins and requests.
    pub rates: Rates,
    /// How long a request's head may take to arrive.
    pub head: Duration,
    /// How long one commit may take.
    pub store_patience: Duration,
    /// What a request's body may be.
    pub body: BodyBounds,
    /// What documents and connections may do.
    pub registry: registry::Settings,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The documents' catalogue.
    #[error(transparent)]
    Registry(#[from] registry::RegistryError),
    /// Somebody listens there.
    #[error("port {} of {} is in use by another program; stop that one, or choose another with --listen", .0.port(), .0.ip())]
    PortInUse(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another address with --listen")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// Tokens and drafts would travel in the clear.
    #[error(
        "{0} can be reached from other machines, and this server speaks without encryption: tokens and drafts would travel in the clear. Give it a certificate (--tls-cert FILE --tls-key FILE), listen on 127.0.0.1 behind a proxy that does TLS, or, in a network you trust, add --allow-plaintext"
    )]
    Plaintext(SocketAddr),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The figures' recorder.
    #[error("the metrics recorder does not start: {0}")]
    Metrics(String),
}

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    is_encrypted: bool,
    registry: Registry,
    access: Access,
    committer: Committer,
    store_patience: Duration,
    stop: watch::Sender<bool>,
    alive: mpsc::Receiver<()>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Starts serving a store.
    ///
    /// # Errors
    /// [`StartError`]
    pub async fn start(storage: SledStorage, settings: Settings) -> Result<Self, StartError> {
        let address = settings.listen;
        let tls = settings.tls.map(Tls::new).transpose()?;
        if tls.is_none() && !address.ip().is_loopback() && !settings.allow_plaintext {
            return Err(StartError::Plaintext(address));
        }
        let metrics = figures::recorder().map_err(StartError::Metrics)?;
        let listener = TcpListener::bind(address).await.map_err(|source| match source.kind() {
            std::io::ErrorKind::AddrInUse => StartError::PortInUse(address),
            _ => StartError::Listen { address, source },
        })?;
        let address = listener.local_addr().map_err(|source| StartError::Listen { address, source })?;
        let (storage_id, snapshots) = (storage.storage_id(), Snapshots::beside(&storage)?);
        let committer = Committer::start(storage)?;
        let registry =
            Registry::new(settings.registry, storage_id, committer.handle(), committer.reader(), snapshots)?;
        let access = Access::load(&*committer.reader(), committer.handle())?;
        let places = Places::new(settings.places);
        let log = AccessLog::load(committer.reader(), committer.handle())?;
        let door = Door::new(access.clone(), log, places.clone(), &settings.rates);
        let patience = registry.settings().connection.write_timeout + GRACE;
        let (stop, stopping) = watch::channel(false);
        let (breath, alive) = mpsc::channel(1);
        let house = House {
            registry: registry.clone(),
            access: access.clone(),
            door,
            body: settings.body,
            committer: committer.handle(),
            reader: committer.reader(),
            health: committer.health(),
            metrics: metrics.clone(),
            origins: settings.origins.into(),
            screens: crate::http::screen::Screens::default(),
            stopping: stopping.clone(),
        };
        tokio::spawn(upkeep(metrics, stopping.clone()));
        if let Some(tls) = tls.clone() {
            tokio::spawn(tls.keep_current(stopping.clone()));
        }
        let is_encrypted = tls.is_some();
        let entrance =
            Arc::new(Entrance { places, proxies: settings.proxies, tls, head: settings.head, patience });
        let accepting = tokio::spawn(accept(listener, router(house), entrance, stopping, breath));
        let store_patience = settings.store_patience;
        Ok(Self {
            address,
            is_encrypted,
            registry,
            access,
            committer,
            store_patience,
            stop,
            alive,
            accepting,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address as a URL.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.is_encrypted { "https" } else { "http" }, self.address)
    }

    /// Its documents.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Who may come in.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Whether the store's thread answers; waits for it.
    pub async fn answers(&self) -> bool {
        self.committer.handle().look(|_, _| ()).await.is_ok()
    }

    /// Resolves once the store has failed for good, or does not answer: there is no use in serving on.
    pub async fn failed(&self) -> String {
        use crate::storage::committer::Health;
        let mut health = self.committer.health();
        let failed = tokio::select! {
            failed = health.wait_for(|health| matches!(health, Health::Failed(_))) => failed,
            () = self.stalled() => {
                let seconds = self.store_patience.as_secs();
                return format!("it has not stored a change within {seconds} s (--store-patience-s); look at the disk");
            }
        };
        match failed.as_deref() {
            Ok(Health::Failed(reason)) => reason.clone(),
            _ => "the committer has stopped".to_owned(),
        }
    }

    fn stalled(&self) -> impl Future<Output = ()> + use<> {
        let (committer, patience) = (self.committer.handle(), self.store_patience);
        async move { committer.stalled(patience).await }
    }

    /// Stops: no new connections, a goodbye to those there are, everything committed, the store closed. A store
    /// that does not answer is not waited for; what was acknowledged is on the disk.
    pub async fn stop(mut self) {
        let stalled = self.stalled();
        self.stop.send_replace(true);
        // The accepting task waits for no one, so this takes no time.
        let _ = self.accepting.await;
        let gone = tokio::time::timeout(GOODBYE, async { while self.alive.recv().await.is_some() {} });
        if gone.await.is_err() {
            tracing::warn!("some connections did not close in time");
        }
        let close = async {
            self.registry.rest_all().await;
            let committer = self.committer;
            // Blocks until the last commit is on the disk.
            let _ = tokio::task::spawn_blocking(move || committer.stop()).await;
        };
        tokio::select! {
            () = close => {}
            () = stalled => tracing::error!("the store does not answer: it is left as it is"),
        }
    }
}

/// The recorder wants to be looked after now and then.
async fn upkeep(metrics: PrometheusHandle, mut stopping: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    loop {
        tokio::select! {
            _ = ticks.tick() => metrics.run_upkeep(),
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
    }
}

/// A connection's place among those there may be. A websocket takes it along from its HTTP connection.
#[derive(Clone)]
pub struct Place(#[allow(dead_code, reason = "held, not read")] Arc<(Seat, mpsc::Sender<()>)>);

/// How connections come in.
struct Entrance {
    places: Places,
    proxies: Vec<IpAddr>,
    tls: Option<Tls>,
    head: Duration,
    patience: Duration,
}

/// What somebody is told for whom there is no room.
fn full(why: Full) -> String {
    let status = if why == Full::All { "503 Service Unavailable" } else { "429 Too Many Requests" };
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\nretry-after: 10\r\ncontent-type: text/plain\r\n\r\n{why}\n"
    )
}

async fn accept(
    listener: TcpListener,
    router: axum::Router,
    entrance: Arc<Entrance>,
    stopping: watch::Receiver<bool>,
    alive: mpsc::Sender<()>,
) {
    let mut ending = stopping.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = ending.wait_for(|stopping| *stopping) => return,
        };
        let (stream, peer) = match accepted {
            Ok((stream, peer)) => (stream, peer.ip()),
            Err(error) => {
                // Out of file descriptors, most likely: those who leave make room.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let is_proxy = entrance.proxies.contains(&peer.to_canonical());
        let seat = match entrance.places.connection(Source::of(peer), is_proxy) {
            Ok(seat) => seat,
            Err(why) => {
                metrics::counter!("codraft_refused_connections_total").increment(1);
                if entrance.tls.is_none() {
                    // Whoever does not read it is turned away all the same.
                    let _ = stream.try_write(full(why).as_bytes());
                }
                continue;
            }
        };
        let place = Place(Arc::new((seat, alive.clone())));
        let (router, entrance, stopping) = (router.clone(), Arc::clone(&entrance), stopping.clone());
        tokio::spawn(async move {
            // Small messages, each awaited by somebody.
            let _ = stream.set_nodelay(true);
            let stream = match &entrance.tls {
                None => Stream::plain(stream, entrance.patience),
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => Stream::tls(stream, entrance.patience),
                    Err(error) => {
                        metrics::counter!("codraft_failed_handshakes_total").increment(1);
                        tracing::debug!(%error, "a TLS handshake failed");
                        return;
                    }
                },
            };
            converse(stream, peer, &entrance, router, stopping, place).await;
        });
    }
}

/// One HTTP connection; a websocket leaves it by its upgrade.
async fn converse(
    stream: Stream,
    peer: IpAddr,
    entrance: &Entrance,
    router: axum::Router,
    mut stopping: watch::Receiver<bool>,
    place: Place,
) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(place.clone());
        let source = Source::of_request(peer, request.headers(), &entrance.proxies);
        request.extensions_mut().insert(source);
        router.call(request)
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(entrance.head)
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let asked = async { stopping.wait_for(|stopping| *stopping).await.is_ok() };
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        _ = asked => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "an HTTP connection broke off");
    }
}
