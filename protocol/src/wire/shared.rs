//! A frame that goes to many: encoded once, addressed to each.

use super::Writer;
use bytes::Bytes;
use minicbor::Encoder;

/// A frame that goes to many peers: all of it but the addressee, encoded once. The addressee comes last in the
/// map, so that each connection only appends its own few bytes when it writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedFrame {
    bytes: Bytes,
    /// Of a sync message: where in `bytes` it is.
    data: Bytes,
}

/// The bytes that address a frame to one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target(Bytes);

impl Target {
    /// Addresses frames to the peer of that id.
    pub fn new(peer: &str) -> Self {
        let mut e = Writer::new();
        e.pair("targetId", peer);
        Self(e.finish())
    }

    /// What comes behind a [`SharedFrame::bytes`] to address it.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }
}

impl SharedFrame {
    /// A `sync` message of `sender` about `document`.
    pub fn sync(sender: &str, document: &str, data: &[u8]) -> Self {
        Self::sync_like("sync", sender, document, data)
    }

    /// A `sync` message that `write` appends to what it is given, of some `capacity` bytes: one that is large is in
    /// memory once. `None` where `write` says so.
    pub fn sync_with(
        sender: &str,
        document: &str,
        capacity: usize,
        write: impl FnOnce(&mut Vec<u8>) -> Option<()>,
    ) -> Option<Self> {
        let mut e = Writer::with_capacity(capacity + 160);
        e.sync_head("sync", sender, document);
        let mut bytes = e.0.into_writer();
        // How long the message is stands in front of it, in up to so many bytes: those that it does not take are left
        // out in front of all.
        let (head, room) = (bytes.len(), 9);
        bytes.resize(head + room, 0);
        write(&mut bytes)?;
        let mut length = Encoder::new(Vec::with_capacity(room));
        let _ = length.bytes_len((bytes.len() - head - room) as u64);
        let length = length.into_writer();
        let left = room - length.len();
        bytes.copy_within(..head, left);
        bytes.get_mut(head + left..head + room)?.copy_from_slice(&length);
        let bytes = Bytes::from(bytes).slice(left..);
        let data = bytes.slice(head + length.len()..);
        Some(Self { bytes, data })
    }

    pub(super) fn sync_like(kind: &str, sender: &str, document: &str, data: &[u8]) -> Self {
        let mut e = Writer::with_capacity(data.len() + 160);
        e.sync_head(kind, sender, document);
        let _ = e.0.bytes(data);
        let bytes = e.finish();
        // It was written last.
        let data = bytes.slice(bytes.len() - data.len()..);
        Self { bytes, data }
    }

    /// A relayed `ephemeral` message of `sender`.
    pub fn ephemeral(sender: &str, document: &str, session: &str, count: u64, data: &[u8]) -> Self {
        let mut e = Writer::with_capacity(data.len() + 200);
        e.map(7).pair("type", "ephemeral").pair("senderId", sender).pair("documentId", document);
        e.pair("sessionId", session).count(count).data(data);
        Self { bytes: e.finish(), data: Bytes::new() }
    }

    /// Its length before it is addressed, in bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// All of it but the addressee.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The sync message that it carries; empty for other frames.
    pub fn data(&self) -> &Bytes {
        &self.data
    }

    /// Never: a frame has at least its type.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The whole frame for one peer.
    pub fn addressed_to(&self, target: &Target) -> Bytes {
        let mut frame = Vec::with_capacity(self.bytes.len() + target.0.len());
        frame.extend_from_slice(&self.bytes);
        frame.extend_from_slice(&target.0);
        frame.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_written_into_its_frame_makes_the_same_frame() {
        for len in [0, 23, 24, 255, 256, 65_535, 65_536, 100_000] {
            let data: Vec<u8> = (0..len).map(|n: usize| n as u8).collect();
            let write = |out: &mut Vec<u8>| {
                out.extend_from_slice(&data);
                Some(())
            };
            let frame = SharedFrame::sync_with("server", "document", 10, write).unwrap();
            assert_eq!(frame, SharedFrame::sync("server", "document", &data));
            assert_eq!(frame.data(), &data);
        }
        assert_eq!(SharedFrame::sync_with("server", "document", 0, |_| None), None);
    }
}
