//! `codraft-server serve`: serves a store until it is told to stop.

use super::Failure;
use crate::config::Config;
use crate::notify::Supervisor;
use crate::server::Server;
use crate::storage::sled_store::SledStorage;
use tokio::signal::unix::{SignalKind, signal};

/// Serves; `ready` is called once it listens.
///
/// # Errors
/// [`Failure`]
pub async fn serve(config: &Config, ready: impl FnOnce(&Server)) -> Result<(), Failure> {
    let dir = config.data_dir()?.to_owned();
    let options = config.store();
    let started = std::time::Instant::now();
    let opening = tokio::task::spawn_blocking(move || SledStorage::open(&dir, &options));
    let storage = opening.await.map_err(|error| Failure::new(1, error))??;
    let whole = storage.opened_with();
    tracing::info!(
        commits = whole.end.sequence,
        values = whole.values,
        megabytes = whole.bytes >> 20,
        ms = started.elapsed().as_millis() as u64,
        "the store is whole"
    );
    // Without a certificate there is nothing to read again, and a hang-up must not end a server.
    if let Ok(mut hangup) = signal(SignalKind::hangup()) {
        tokio::spawn(async move { while hangup.recv().await.is_some() {} });
    }
    run(storage, config, ready).await
}

/// Serves an open store until a signal comes or the store fails.
///
/// # Errors
/// [`Failure`]
pub async fn run(storage: SledStorage, config: &Config, ready: impl FnOnce(&Server)) -> Result<(), Failure> {
    let no_signals = |error| Failure::new(1, format!("cannot listen for signals: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let server = Server::start(storage, config.server()?).await?;
    ready(&server);
    let supervisor = Supervisor::from_environment();
    let tell = |words: &str| supervisor.iter().for_each(|supervisor| supervisor.tell(words));
    tell(&format!("READY=1\nSTATUS=serving {}", server.url()));
    let failed = tokio::select! {
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
        reason = server.failed() => Some(reason),
        () = live(&server, supervisor.as_ref()) => None,
    };
    tell("STOPPING=1\nSTATUS=telling connections, storing what was taken in");
    tracing::info!("stopping: connections are told, what was taken in is stored");
    tokio::select! {
        () = server.stop() => {}
        _ = interrupt.recv() => return Err(Failure::new(1, "stopped at once; what was acknowledged is stored")),
    }
    match failed {
        None => Ok(()),
        Some(reason) => Err(Failure::new(1, format!("the store has failed: {reason}"))),
    }
}

/// Signs of life, as long as the store answers: a server that cannot acknowledge is started anew.
async fn live(server: &Server, supervisor: Option<&Supervisor>) {
    let Some((supervisor, pulse)) = supervisor.and_then(|one| Some((one, one.pulse()?))) else {
        return std::future::pending().await;
    };
    let mut beats = tokio::time::interval(pulse);
    loop {
        beats.tick().await;
        if server.answers().await {
            supervisor.tell("WATCHDOG=1");
        }
    }
}
