//! How many connections there may be: in all, from one address, of one account. Who leaves makes room.

use crate::address::Source;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// The bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// In all.
    pub all: usize,
    /// From one address. Where it is not set, this machine itself (a proxy, a test) has no such bound.
    pub address: Option<usize>,
    /// Websockets and event streams of one account.
    pub account: usize,
}

/// From one address, where nothing is set: a whole conference may come through one.
pub const PER_ADDRESS: usize = 2_500;

impl Default for Bounds {
    fn default() -> Self {
        Self { all: 10_000, address: None, account: 1_000 }
    }
}

/// Why there is no place. `Display` says it to whoever has to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// Too many in all.
    #[error("this server has as many connections as it takes; try again later")]
    All,
    /// Too many from one address.
    #[error("there are {0} connections from your address already; close some, or ask the operator")]
    Address(usize),
    /// Too many of one account.
    #[error("this account has {0} connections already; close some, or give each person an account")]
    Account(usize),
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    addresses: HashMap<Source, usize>,
    accounts: HashMap<String, usize>,
}

/// The places of a server; cheap to clone.
#[derive(Clone, Debug)]
pub struct Places {
    bounds: Bounds,
    taken: Arc<Mutex<Taken>>,
}

/// A connection's place; given back when it is dropped.
#[derive(Debug)]
pub struct Seat {
    whose: Whose,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug)]
enum Whose {
    Address(Source),
    Account(String),
}

fn take<K: Hash + Eq + Clone>(counts: &mut HashMap<K, usize>, key: &K, bound: usize) -> bool {
    let count = counts.get(key).copied().unwrap_or(0);
    if count >= bound {
        return false;
    }
    counts.insert(key.clone(), count + 1);
    true
}

fn give_back<K: Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

impl Places {
    /// As many as that.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, taken: Arc::default() }
    }

    fn seat(&self, whose: Whose) -> Seat {
        Seat { whose, taken: Arc::clone(&self.taken) }
    }

    /// A place for a TCP connection.
    ///
    /// # Errors
    /// [`Full`]
    pub fn connection(&self, from: Source, is_proxy: bool) -> Result<Seat, Full> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.bounds.all {
            return Err(Full::All);
        }
        let unbounded = is_proxy || (self.bounds.address.is_none() && from.is_loopback());
        let bound = if unbounded { usize::MAX } else { self.bounds.address.unwrap_or(PER_ADDRESS) };
        if !take(&mut taken.addresses, &from, bound) {
            return Err(Full::Address(bound));
        }
        taken.all += 1;
        Ok(self.seat(Whose::Address(from)))
    }

    /// A place for an account's websocket or event stream.
    ///
    /// # Errors
    /// [`Full::Account`]
    pub fn account(&self, account: &str) -> Result<Seat, Full> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let bound = self.bounds.account;
        if !take(&mut taken.accounts, &account.to_owned(), bound) {
            return Err(Full::Account(bound));
        }
        Ok(self.seat(Whose::Account(account.to_owned())))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match &self.whose {
            Whose::Address(source) => {
                taken.all -= 1;
                give_back(&mut taken.addresses, source);
            }
            Whose::Account(account) => give_back(&mut taken.accounts, account),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(address: &str) -> Source {
        Source::of(address.parse().unwrap())
    }

    #[test]
    fn each_bound_holds_and_who_leaves_makes_room() {
        let places = Places::new(Bounds { all: 3, address: Some(2), account: 1 });
        let (a, b) = (source("192.0.2.1"), source("192.0.2.2"));
        let first = places.connection(a, false).unwrap();
        let second = places.connection(a, false).unwrap();
        assert_eq!(places.connection(a, false).unwrap_err(), Full::Address(2));
        let third = places.connection(b, false).unwrap();
        assert_eq!(places.connection(b, false).unwrap_err(), Full::All);
        drop(first);
        drop(places.connection(a, false).unwrap());
        drop((second, third));
        let pen = places.account("pen").unwrap();
        assert_eq!(places.account("pen").unwrap_err(), Full::Account(1));
        drop(places.account("other").unwrap());
        drop(pen);
        drop(places.account("pen").unwrap());
        let taken = places.taken.lock().unwrap();
        assert!(taken.all == 0 && taken.addresses.is_empty() && taken.accounts.is_empty());
    }

    #[test]
    fn this_machine_and_proxies_are_not_bounded_by_address() {
        let places = Places::new(Bounds { all: 4_000, ..Bounds::default() });
        let local: Vec<_> = (0..3_000).map(|_| places.connection(source("127.0.0.1"), false)).collect();
        assert!(local.iter().all(Result::is_ok));
        let places = Places::new(Bounds { all: 9, address: Some(1), account: 1 });
        let proxied: Vec<_> = (0..3).map(|_| places.connection(source("192.0.2.9"), true)).collect();
        assert!(proxied.iter().all(Result::is_ok));
    }
}
