//! The frames of sync messages, with their changes written into them straight from the log.

use super::Hub;
use codraft_protocol::sync::SyncMessage;
use codraft_protocol::wire::SharedFrame;

impl Hub {
    pub(super) fn frame(&self, message: &SyncMessage) -> SharedFrame {
        SharedFrame::sync(&self.server, &self.document_text, &message.encode())
    }

    /// The frame of a message with these changes of the log.
    pub(super) fn frame_with(
        &self,
        message: &SyncMessage,
        changes: impl ExactSizeIterator<Item = u32>,
    ) -> SharedFrame {
        // With their lengths; where it is not all of them, about.
        let whole = self.log.bytes() as usize + 3 * self.log.len() as usize;
        let capacity = if changes.len() == self.log.len() as usize { whole } else { changes.len() * 192 };
        let frame = SharedFrame::sync_with(&self.server, &self.document_text, capacity, |out| {
            let index = &self.proceedings.index;
            let each = |number| move |out: &mut Vec<u8>| self.log.write(number, index, out);
            message.encode_with(out, changes.map(each))
        });
        // All of the log can be read. Were it not so, whoever asks would learn what there is, and ask again.
        frame.unwrap_or_else(|| self.frame(message))
    }

    /// What somebody who has nothing is sent.
    pub(super) fn everything(&mut self) -> SharedFrame {
        if let Some(frame) = &self.everything {
            return frame.clone();
        }
        let frame = self.frame_with(&SyncMessage::acknowledging(self.heads()), 0..self.durable);
        self.everything.insert(frame).clone()
    }

    /// Whether it holds bytes that it can do without once nobody comes for a while.
    pub fn has_to_spare(&self) -> bool {
        self.everything.is_some()
    }
}
