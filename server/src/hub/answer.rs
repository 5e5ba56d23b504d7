//! What the hub answers to a sync message, from the log and the change graph alone: Automerge's own document
//! is not needed to bring a peer up to date.

use super::peer::Reset;
use super::{Closing, ConnectionId, Effect, Hub};
use automerge::ChangeHash;
use codraft_protocol::authorship::ChangeIx;
use codraft_protocol::sync::SyncMessage;
use codraft_protocol::wire::SharedFrame;

impl Hub {
    /// Answers `message`, of whose changes `accepted` were new: those are acknowledged once they are durable.
    pub(super) fn answer(
        &mut self,
        connection: ConnectionId,
        message: &SyncMessage,
        accepted: usize,
        effects: &mut Vec<Effect>,
    ) {
        let unknown: Vec<ChangeHash> = message
            .heads
            .iter()
            .filter(|head| self.proceedings.index.position(head).is_none() && !self.quarantine.has(head))
            .copied()
            .collect();
        // What they believe to share with us, we may have lost (a restored backup): then they must start over.
        let shared = || message.have.iter().flat_map(|have| &have.last_sync);
        let lost = shared().any(|hash| self.proceedings.index.position(hash).is_none());
        let Some(peer) = self.peers.get_mut(&connection) else { return };
        let first = !peer.started;
        let start_over = first || message.asks_for_everything();
        if lost || (start_over && !first) {
            match peer.reset() {
                Reset::Granted => {}
                Reset::UnderWay => return,
                Reset::TooOften => {
                    let reason = "this client asks for the whole document again and again; reload your copy"
                        .to_owned();
                    effects.push(Effect::Close { connection, closing: Closing { code: 4429, reason } });
                    return;
                }
            }
        } else if !first {
            peer.goes_on();
        }
        let asked_before = peer.asked == message.heads;
        if !unknown.is_empty() {
            peer.asked.clone_from(&message.heads);
        }
        peer.started |= !lost;

        let frame = if lost {
            self.frame(&SyncMessage::reset(self.heads()))
        } else if start_over && message.has_nothing() {
            self.everything()
        } else if start_over {
            let missing = self.missing(message);
            self.compose(unknown, missing)
        } else if !message.need.is_empty() {
            let wanted = message.need.iter().filter_map(|hash| self.durable_position(hash)).collect();
            self.compose(unknown, wanted)
        } else if message.changes.is_empty() && (message.begins() || (!unknown.is_empty() && !asked_before)) {
            // Who begins anew waits for an answer, also where it has nothing that we lack.
            self.compose(unknown, Vec::new())
        } else if accepted == 0 && !message.changes.is_empty() {
            // All of it was known or refused: a client that waits for an answer waits no longer.
            self.frame(&SyncMessage::acknowledging(self.heads()))
        } else {
            return;
        };
        effects.extend(self.peers.get_mut(&connection).map(|peer| peer.send(connection, frame)));
    }

    /// The position of a change, if it is durable.
    fn durable_position(&self, hash: &ChangeHash) -> Option<u32> {
        self.proceedings.index.position(hash).map(|ix| ix.0).filter(|number| *number < self.durable)
    }

    /// Everything durable that the sender of `message` lacks, by its own account, in order.
    fn missing(&self, message: &SyncMessage) -> Vec<u32> {
        let mut theirs = message.heads.clone();
        theirs.sort_unstable();
        if theirs == self.heads() {
            return Vec::new();
        }
        let shared = message.have.iter().flat_map(|have| &have.last_sync);
        let known = shared.chain(&message.heads).filter_map(|hash| self.durable_position(hash));
        let known = self.ancestors(known);
        let has = |hash: &ChangeHash| {
            !message.have.is_empty() && message.have.iter().all(|have| have.bloom.contains_hash(hash))
        };
        // The log is in dependency order: whoever lacks a change lacks all that is built on it, also where a
        // Bloom filter wrongly says otherwise.
        let mut lacks = vec![false; self.durable as usize];
        let mut missing = Vec::new();
        for number in 0..self.durable {
            let at = number as usize;
            if known.get(at).copied().unwrap_or(false) {
                continue;
            }
            let deps = self.proceedings.index.deps_at(ChangeIx(number));
            let built_on_missing = deps.iter().any(|dep| lacks.get(dep.0 as usize).copied().unwrap_or(false));
            if built_on_missing
                || self.proceedings.index.hash_at(ChangeIx(number)).is_some_and(|hash| !has(&hash))
            {
                if let Some(flag) = lacks.get_mut(at) {
                    *flag = true;
                }
                missing.push(number);
            }
        }
        missing
    }

    /// Which durable changes are in the history of `heads`, those included.
    fn ancestors(&self, heads: impl Iterator<Item = u32>) -> Vec<bool> {
        let mut seen = vec![false; self.durable as usize];
        let mut stack: Vec<u32> = heads.collect();
        while let Some(number) = stack.pop() {
            if let Some(flag @ false) = seen.get_mut(number as usize) {
                *flag = true;
                stack.extend(self.proceedings.index.deps_at(ChangeIx(number)).iter().map(|dep| dep.0));
            }
        }
        seen
    }

    /// A message with those changes, that asks for the unknown ones. After it they have all that we have, so
    /// what we lack is what they have beyond our heads: exactly that, and no Bloom filter that would now and
    /// then hold back a change on which others build.
    fn compose(&self, unknown: Vec<ChangeHash>, changes: Vec<u32>) -> SharedFrame {
        let message = SyncMessage { need: unknown, ..SyncMessage::acknowledging(self.heads()) };
        self.frame_with(&message, changes.into_iter())
    }
}
