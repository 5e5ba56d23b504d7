//! Which documents are open, and which of them go to rest when there are many.

use crate::document::Handle;
use codraft_protocol::id::DocumentId;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// The open documents.
#[derive(Debug, Default)]
pub(super) struct OpenDocuments {
    slots: HashMap<DocumentId, Slot>,
    uses: u64,
}

#[derive(Debug)]
struct Slot {
    /// A cell, so that many who open one at once wait for one loading.
    cell: Arc<OnceCell<Handle>>,
    /// When it was last used, in uses.
    used: u64,
}

impl OpenDocuments {
    /// The cell of a document that is opened now, or is open.
    pub(super) fn cell(&mut self, id: DocumentId) -> Arc<OnceCell<Handle>> {
        self.uses += 1;
        let used = self.uses;
        // A document whose task has ended is opened anew.
        if self.slots.get(&id).and_then(|slot| slot.cell.get()).is_some_and(Handle::is_closed) {
            self.slots.remove(&id);
        }
        let slot = self.slots.entry(id).or_insert_with(|| Slot { cell: Arc::default(), used });
        slot.used = used;
        Arc::clone(&slot.cell)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether a document is open, or being opened.
    pub(super) fn is_open(&self, id: DocumentId) -> bool {
        self.slots.get(&id).is_some_and(|slot| slot.cell.get().is_none_or(|handle| !handle.is_closed()))
    }

    /// All that are open.
    pub(super) fn all(&self) -> Vec<(DocumentId, Handle)> {
        let all = self.slots.iter().filter_map(|(id, slot)| Some((*id, slot.cell.get()?.clone())));
        all.filter(|(_, handle)| !handle.is_closed()).collect()
    }

    /// Takes out as many as there are beyond `most`, of those that are at rest, the longest unused first. Nobody else
    /// has a handle on them.
    pub(super) fn take_resting(&mut self, most: usize) -> Vec<(DocumentId, Handle)> {
        let beyond = self.slots.len().saturating_sub(most);
        if beyond == 0 {
            return Vec::new();
        }
        let at_rest = |slot: &Slot| {
            let over = |handle: &Handle| handle.is_closed() || handle.is_at_rest();
            Arc::strong_count(&slot.cell) == 1 && slot.cell.get().is_some_and(over)
        };
        let resting = self.slots.iter().filter(|(_, slot)| at_rest(slot));
        let mut resting: Vec<(u64, DocumentId)> = resting.map(|(id, slot)| (slot.used, *id)).collect();
        resting.sort_unstable();
        let taken = resting.into_iter().take(beyond).filter_map(|(_, id)| {
            let cell = Arc::into_inner(self.slots.remove(&id)?.cell)?;
            Some((id, cell.into_inner()?))
        });
        taken.collect()
    }
}
