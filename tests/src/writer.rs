//! A client that writes as fast as it is answered, until its server is gone; and what it was promised by then.

use crate::peer::{Peer, Replica};
use automerge::{Change, ChangeHash};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// Writes until the connection breaks. Returns the replica, which knows what the server has acknowledged.
pub async fn write(
    url: String,
    token: String,
    document: String,
    code: &'static str,
    actor: [u8; 16],
) -> Replica {
    let mut replica = Replica::new(&document, code, actor);
    let Ok(mut peer) = Peer::connect(&url, &token, &format!("{code}-{}", actor[0])).await else {
        return replica;
    };
    peer.send(&peer.joining()).await;
    replica.begin(&mut peer).await;
    let mut ready = false;
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    loop {
        tokio::select! {
            _ = ticks.tick(), if ready => {
                replica.splice(3 + usize::from(actor[1]), 0, 0, "x");
                replica.push(&mut peer).await;
            }
            frame = peer.next() => match frame {
                Ok(frame) => {
                    replica.take(&mut peer, frame).await;
                    ready = ready || replica.in_sync();
                }
                Err(_) => return replica,
            },
        }
    }
}

/// The changes that the server has acknowledged to this replica: those in the history of the heads that it
/// named, which are durable before it names them. There may be no such heads yet.
pub fn acknowledged_of(replica: &Replica) -> HashSet<ChangeHash> {
    let theirs = replica.state.their_heads.clone().unwrap_or_default();
    let changes = replica.doc.get_changes(&[]);
    let by_hash: HashMap<ChangeHash, &Change> =
        changes.iter().map(|change| (change.hash(), change)).collect();
    let mut known = HashSet::new();
    let mut waiting = theirs;
    while let Some(hash) = waiting.pop() {
        // Heads that are not here yet are somebody else's, who counts them.
        if let Some(change) = by_hash.get(&hash)
            && known.insert(hash)
        {
            waiting.extend(change.deps());
        }
    }
    known
}
