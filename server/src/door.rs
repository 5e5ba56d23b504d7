//! Everybody comes in here: rates against guessing and flooding, who it is, and the access log.
//!
//! Tokens are 256 random bits, so no rate is needed to keep them from being guessed; rates keep guessing from
//! costing anything. A token that is right comes in however many wrong ones came from the same address, since
//! a whole conference may share one; only guesses at one account from one address are not even looked at.

use crate::access::Access;
use crate::access_log::{AccessLog, Kind, Note};
use crate::address::Source;
use crate::directory::token::Token;
use crate::directory::{Caller, Stranger};
use crate::document::now;
use crate::places::{Full, Places, Seat};
use crate::throttle::{Buckets, Rate};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Rates.
#[derive(Clone, Debug, PartialEq)]
pub struct Rates {
    /// Failed logins from one address.
    pub strangers: Rate,
    /// Failed logins as one account from one address.
    pub guesses: Rate,
    /// API requests of one account.
    pub requests: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            strangers: Rate { per_second: 1.0, burst: 100.0 },
            guesses: Rate { per_second: 0.1, burst: 10.0 },
            requests: Rate { per_second: 100.0, burst: 500.0 },
        }
    }
}

/// Why somebody does not come in. `Display` says it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Turned {
    /// Who is it?
    #[error(transparent)]
    Stranger(#[from] Stranger),
    /// Too many wrong tokens.
    #[error("too many wrong tokens came from your address; try again in {} s", seconds(.0))]
    Guessing(Duration),
    /// Too many requests.
    #[error("this account asks too often; try again in {} s", seconds(.0))]
    Asking(Duration),
    /// No place.
    #[error(transparent)]
    Full(#[from] Full),
}

/// Whole seconds, for `Retry-After`: never too early.
pub fn seconds(wait: &Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// The door; cheap to clone.
#[derive(Clone, Debug)]
pub struct Door {
    access: Access,
    log: AccessLog,
    places: Places,
    throttle: Arc<Mutex<Throttle>>,
}

#[derive(Debug)]
struct Throttle {
    strangers: Buckets<Source>,
    guesses: Buckets<(Source, String)>,
    requests: Buckets<String>,
}

impl Door {
    /// With these rates.
    pub fn new(access: Access, log: AccessLog, places: Places, rates: &Rates) -> Self {
        let throttle = Throttle {
            strangers: Buckets::new(rates.strangers),
            guesses: Buckets::new(rates.guesses),
            requests: Buckets::new(rates.requests),
        };
        Self { access, log, places, throttle: Arc::new(Mutex::new(throttle)) }
    }

    /// The access log.
    pub fn log(&self) -> &AccessLog {
        &self.log
    }

    /// Who comes with these credentials, from there.
    ///
    /// # Errors
    /// [`Turned`]
    pub fn come_in(&self, from: Source, credentials: Option<&str>) -> Result<Caller, Turned> {
        let account = credentials.and_then(Token::parse).map(|token| token.id.to_owned());
        let at = now();
        let guess = account.clone().map(|account| (from, account));
        if let Some(guess) = &guess
            && let Some(wait) = self.throttle(|throttle| throttle.guesses.wait(guess, at))
        {
            return Err(self.turn(from, account, Turned::Guessing(wait)));
        }
        let stranger = match self.access.authenticate(credentials) {
            Ok(caller) => {
                self.log.seen(from, &caller);
                return Ok(caller);
            }
            Err(stranger) => stranger,
        };
        if stranger == Stranger::Missing {
            // Nobody's secret was guessed at.
            return Err(stranger.into());
        }
        let counted = self.throttle(|throttle| {
            if let Some(guess) = guess {
                // The wait has been asked for above.
                let _ = throttle.guesses.take(guess, at);
            }
            throttle.strangers.take(from, at)
        });
        let turned = counted.map_or_else(Turned::Guessing, |()| stranger.into());
        Err(self.turn(from, account, turned))
    }

    /// Lets a request of the caller's pass, at its account's rate.
    ///
    /// # Errors
    /// [`Turned::Asking`]
    pub fn may_ask(&self, caller: &Caller) -> Result<(), Turned> {
        let taken = self.throttle(|throttle| throttle.requests.take(caller.account.clone(), now()));
        taken.map_err(|wait| {
            metrics::counter!("codraft_throttled_requests_total").increment(1);
            Turned::Asking(wait)
        })
    }

    /// A place for a websocket or an event stream of the caller's.
    ///
    /// # Errors
    /// [`Turned::Full`]
    pub fn stay(&self, from: Source, caller: &Caller) -> Result<Seat, Turned> {
        self.places.account(&caller.account).map_err(|full| {
            let note = Note::new(Kind::Refused, from, full.to_string()).by(caller);
            self.log.write(note);
            Turned::Full(full)
        })
    }

    fn turn(&self, from: Source, account: Option<String>, turned: Turned) -> Turned {
        metrics::counter!("codraft_failed_logins_total").increment(1);
        let mut note = Note::new(Kind::LoginRefused, from, turned.to_string());
        // Whatever stood there was not proven to be the account's.
        note.claimed = account;
        self.log.write(note);
        turned
    }

    fn throttle<T>(&self, question: impl FnOnce(&mut Throttle) -> T) -> T {
        question(&mut self.throttle.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{Directory, DirectoryError};
    use crate::places::Bounds;
    use crate::storage::committer::Committer;
    use crate::storage::memory::MemoryStorage;
    use codraft_protocol::api;
    use std::net::IpAddr;

    #[tokio::test]
    async fn a_hundred_thousand_guesses() {
        let committer = Committer::start(MemoryStorage::default()).unwrap();
        let access = Access::load(&*committer.reader(), committer.handle()).unwrap();
        let first = access.decide(|_, now, seed| Ok::<_, DirectoryError>(Directory::bootstrap(now, seed)));
        let pen = first.await.unwrap();
        let canada = api::NewDelegation { code: "CAN".parse().unwrap(), name: "Canada".into() };
        let can = access.decide(|directory, now, seed| directory.add_delegation(&canada, now, seed));
        let can = can.await.unwrap();
        let log = AccessLog::load(committer.reader(), committer.handle()).unwrap();
        let door = Door::new(access, log.clone(), Places::new(Bounds::default()), &Rates::default());
        let [here, elsewhere] = [1, 2].map(|n| Source::of(IpAddr::from([192, 0, 2, n])));
        let started = std::time::Instant::now();
        let (mut looked_at, mut waited) = (0.0, 0);
        for n in 0..100_000 {
            let guess = format!("cdt_{}_{n:064x}", can.account.id);
            match door.come_in(here, Some(&guess)) {
                Err(Turned::Stranger(Stranger::Unknown)) => looked_at += 1.0,
                Err(Turned::Guessing(_)) => waited += 1,
                other => panic!("{other:?}"),
            }
        }
        let allowed = 11.0 + started.elapsed().as_secs_f64() * Rates::default().guesses.per_second;
        assert!(looked_at <= allowed && waited > 99_000, "{looked_at} of {allowed}, {waited}");
        // From there not even the right one, from anywhere else it; and from there everybody else's.
        assert!(matches!(door.come_in(here, Some(&can.token)), Err(Turned::Guessing(_))));
        assert_eq!(door.come_in(elsewhere, Some(&can.token)).unwrap().account, can.account.id);
        assert!(door.come_in(here, Some(&pen)).is_ok());
        committer.handle().look(|_, _| ()).await.unwrap();
        let entries = log.read(u64::MAX, 200_000).unwrap();
        assert!((10..2_000).contains(&entries.len()), "{} entries", entries.len());
        committer.stop();
    }
}
