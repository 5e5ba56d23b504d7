//! The documents that are open, each behind its task; what HTTP and websockets talk to.

use crate::directory::Caller;
use codraft_protocol::amendment::View;
use codraft_protocol::api;
use codraft_protocol::id::DocumentId;
use tokio::sync::broadcast;

/// Why a request about a document cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// There is no such document (or the caller may not know of it).
    #[error("there is no document {0} here; `GET /api/v1/documents` lists those there are")]
    UnknownDocument(DocumentId),
    /// The text cannot be imported.
    #[error("{0}")]
    Text(#[from] codraft_protocol::resolution::text_form::TextFormError),
    /// The store does not take writes now.
    #[error("{0}")]
    Storage(String),
    /// The server is shutting down.
    #[error("the server is shutting down; try again in a moment")]
    Closing,
}

/// A handle on all documents; cheap to clone.
#[derive(Clone, Debug)]
pub struct Registry {}

impl Registry {
    /// Creates a document from a resolution's text, durably.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn create(&self, by: &Caller, new: api::NewDocument) -> Result<api::Imported, RegistryError> {
        let _ = (by, new);
        unimplemented!()
    }
    /// All documents that the caller may open.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn documents(&self, by: &Caller) -> Result<Vec<api::Document>, RegistryError> {
        let _ = by;
        unimplemented!()
    }
    /// One document.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn document(&self, id: DocumentId) -> Result<api::Document, RegistryError> {
        let _ = id;
        unimplemented!()
    }
    /// A view of its text.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn text(&self, id: DocumentId, view: View) -> Result<String, RegistryError> {
        let _ = (id, view);
        unimplemented!()
    }
    /// Its proposals.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn proposals(&self, id: DocumentId) -> Result<api::Proposals, RegistryError> {
        let _ = id;
        unimplemented!()
    }
    /// Who wrote every word of it.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn attribution(&self, id: DocumentId) -> Result<api::Attribution, RegistryError> {
        let _ = id;
        unimplemented!()
    }
    /// Its quarantine.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn quarantine(&self, id: DocumentId) -> Result<api::Quarantine, RegistryError> {
        let _ = id;
        unimplemented!()
    }
    /// Its events from now on.
    ///
    /// # Errors
    /// [`RegistryError`]
    pub async fn subscribe(
        &self,
        id: DocumentId,
    ) -> Result<broadcast::Receiver<api::DocumentEvent>, RegistryError> {
        let _ = id;
        unimplemented!()
    }
}
