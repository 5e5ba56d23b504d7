//! What the hub remembers of one connection.
//!
//! A websocket is ordered and reliable, so after the first exchange a peer has everything up to the durable
//! end of the log: no set of sent hashes is kept, and every peer that has started gets the same message.

use super::{Budgets, ConnectionId, Effect, Member};
use automerge::ChangeHash;
use codraft_protocol::time::Timestamp;
use codraft_protocol::wire::SharedFrame;
use std::collections::HashMap;

/// Sessions of ephemeral messages that are remembered per connection.
const SESSIONS: usize = 64;

/// What becomes of a wish to start over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reset {
    Granted,
    /// It was made before the answer to an earlier one arrived.
    UnderWay,
    TooOften,
}

#[derive(Debug)]
pub(super) struct Peer {
    pub(super) member: Member,
    /// Whether the first exchange was answered: from then on it has all that is durable.
    pub(super) started: bool,
    /// Its heads when we last asked it for what we lack, so that we ask once.
    pub(super) asked: Vec<ChangeHash>,
    /// How many sync messages we sent it.
    sent: u32,
    /// How many of its wishes to start over may still be from before our answer to the last.
    overtaken: u32,
    resets_left: u32,
    refusals_left: u32,
    whispers: u32,
    whispers_at: Timestamp,
    sessions: HashMap<String, u64>,
}

impl Peer {
    pub(super) fn new(member: Member, now: Timestamp, budgets: &Budgets) -> Self {
        Self {
            member,
            started: false,
            asked: Vec::new(),
            sent: 0,
            overtaken: 0,
            resets_left: budgets.resets,
            refusals_left: budgets.refusals,
            whispers: budgets.ephemeral_rate.saturating_mul(2),
            whispers_at: now,
            sessions: HashMap::new(),
        }
    }

    /// Counts refusals. Returns whether that was one too many.
    pub(super) fn refuse(&mut self, count: u32) -> bool {
        let exhausted = count > self.refusals_left;
        self.refusals_left = self.refusals_left.saturating_sub(count);
        exhausted
    }

    /// Sends it a sync message.
    pub(super) fn send(&mut self, to: ConnectionId, frame: SharedFrame) -> Effect {
        self.sent = self.sent.saturating_add(1);
        Effect::Send { to, frame }
    }

    /// It goes on: what it says from now on, it says with our answer in hand.
    pub(super) fn goes_on(&mut self) {
        self.overtaken = 0;
    }

    /// Takes in its wish to start over. A client that lacks one of our heads says so to each message that names
    /// it, also to those that are on the way while it waits for the answer: that is one wish.
    pub(super) fn reset(&mut self) -> Reset {
        if let Some(left) = self.overtaken.checked_sub(1) {
            self.overtaken = left;
            return Reset::UnderWay;
        }
        let Some(left) = self.resets_left.checked_sub(1) else { return Reset::TooOften };
        self.resets_left = left;
        self.overtaken = self.sent;
        Reset::Granted
    }

    /// Whether an ephemeral message is new in its session and within the rate (a token bucket).
    pub(super) fn may_whisper(
        &mut self,
        session: &str,
        count: u64,
        now: Timestamp,
        budgets: &Budgets,
    ) -> bool {
        let passed = u64::try_from(now.0.saturating_sub(self.whispers_at.0)).unwrap_or(0);
        let gained = passed.saturating_mul(u64::from(budgets.ephemeral_rate)) / 1000;
        if gained > 0 {
            let full = budgets.ephemeral_rate.saturating_mul(2);
            self.whispers = self.whispers.saturating_add(u32::try_from(gained).unwrap_or(full)).min(full);
            self.whispers_at = now;
        }
        if self.whispers == 0 {
            return false;
        }
        self.whispers -= 1;
        if let Some(last) = self.sessions.get_mut(session) {
            let newer = count > *last;
            *last = count.max(*last);
            return newer;
        }
        if self.sessions.len() >= SESSIONS {
            self.sessions.clear();
        }
        self.sessions.insert(session.to_owned(), count);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codraft_protocol::id::Role;

    fn peer(budgets: &Budgets) -> Peer {
        let member = Member { peer: "p".into(), account: "a".into(), role: Role::Observer, delegation: None };
        Peer::new(member, Timestamp(0), budgets)
    }

    #[test]
    fn a_flood_of_whispers_is_held_to_its_rate() {
        let budgets = Budgets { ephemeral_rate: 10, ..Budgets::default() };
        let mut peer = peer(&budgets);
        let passed = (0..10_000_u32)
            .filter(|ms| peer.may_whisper("s", u64::from(*ms) + 1, Timestamp(i64::from(*ms)), &budgets))
            .count();
        assert!((100..=120).contains(&passed), "{passed} in ten seconds at ten a second");
    }

    #[test]
    fn old_numbers_of_a_session_are_dropped() {
        let budgets = Budgets::default();
        let mut peer = peer(&budgets);
        let mut say = |session: &str, count| peer.may_whisper(session, count, Timestamp(0), &budgets);
        assert!(say("s", 1) && say("s", 3) && say("t", 1));
        assert!(!say("s", 3) && !say("s", 2) && !say("t", 0));
    }
}
