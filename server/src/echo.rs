//! What a reader says most often: “I have exactly what you sent me last.” The connection recognises it by its
//! bytes, and nobody else needs to be woken for it.

/// Where a sync message's heads end: they are its version byte, a count, and 32 bytes each.
fn heads(message: &[u8]) -> Option<&[u8]> {
    let (mut at, mut count, mut shift) = (1, 0_usize, 0_u32);
    loop {
        let byte = *message.get(at)?;
        at += 1;
        count |= usize::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            break;
        }
    }
    message.get(1..at.checked_add(count.checked_mul(32)?)?)
}

/// The heads that were sent last on a connection about its only document.
#[derive(Debug, Default)]
pub(crate) struct Echo {
    /// The document, as its frames name it; empty: there is none, or it is not the only one.
    document: String,
    /// A copy: a slice would keep the whole message alive, a newcomer's document too.
    sent: Vec<u8>,
}

impl Echo {
    /// For a connection with this document alone.
    pub(crate) fn of(document: &str) -> Self {
        Self { document: document.to_owned(), sent: Vec::new() }
    }

    /// Takes note of a sync message that is sent.
    pub(crate) fn sent(&mut self, message: &[u8]) {
        self.sent.clear();
        self.sent.extend_from_slice(heads(message).unwrap_or_default());
    }

    /// Whether a sync message says nothing but that its sender has, and shares, just what was sent last: the
    /// same heads, no need, one `have` with the same heads and whatever filter, no changes.
    pub(crate) fn is_echo(&self, document: &str, message: &[u8]) -> bool {
        let sent: &[u8] = &self.sent;
        if sent.len() < 33 || self.document != document {
            return false;
        }
        let rest = message.get(1..).and_then(|rest| rest.strip_prefix(sent));
        let rest = rest.and_then(|rest| rest.strip_prefix(&[0, 1])).and_then(|rest| rest.strip_prefix(sent));
        // A filter of fewer than 128 bytes, then the count of changes.
        let Some((filter, rest)) = rest.and_then(<[u8]>::split_first) else { return false };
        *filter < 0x80 && rest.get(usize::from(*filter)) == Some(&0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use automerge::ChangeHash;
    use automerge::sync::BloomFilter;
    use bytes::Bytes;
    use codraft_protocol::sync::{Have, SyncMessage};

    #[test]
    fn only_the_very_acknowledgement_is_an_echo() {
        let hashes = |n: u8| (0..n).map(|n| ChangeHash([n; 32])).collect::<Vec<_>>();
        let mut echo = Echo::of("d");
        for heads in [1, 2, 200] {
            let sent = SyncMessage {
                changes: vec![Bytes::from_static(b"x")],
                ..SyncMessage::acknowledging(hashes(heads))
            };
            echo.sent(&sent.encode());
            let answer = SyncMessage::acknowledging(hashes(heads));
            assert!(echo.is_echo("d", &answer.encode()) && echo.is_echo("d", &answer.encode_with_flags()));
            let own = BloomFilter::from_hashes(hashes(3).iter());
            let have = vec![Have { last_sync: hashes(heads), bloom: own }];
            assert!(echo.is_echo("d", &SyncMessage { have, ..answer.clone() }.encode()));
            for other in [
                SyncMessage::acknowledging(hashes(heads + 1)),
                SyncMessage { need: hashes(1), ..answer.clone() },
                SyncMessage { changes: vec![Bytes::from_static(b"y")], ..answer.clone() },
                SyncMessage { have: vec![Have::default()], ..answer.clone() },
                SyncMessage { have: Vec::new(), ..answer.clone() },
                SyncMessage::reset(hashes(heads)),
            ] {
                assert!(!echo.is_echo("d", &other.encode()), "{other:?}");
            }
            assert!((0..answer.encode().len()).all(|cut| !echo.is_echo("d", &answer.encode()[..cut])));
            assert!(!echo.is_echo("e", &answer.encode()));
        }
        // A document without changes has no heads, and everybody has nothing of it.
        echo.sent(&SyncMessage::default().encode());
        assert!(!echo.is_echo("d", &SyncMessage::default().encode()));
    }
}
