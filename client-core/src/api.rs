//! The server's HTTP API, as far as clients need it. Blocking: one request at a time.

mod rounds;

pub use rounds::Ledger;

use codraft_protocol::api;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use std::time::Duration;
use url::Url;

/// Largest answer that is read, in bytes.
const ANSWER: u64 = 256 << 20;

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Nobody answers.
    #[error("{server} does not answer: {why}")]
    Offline {
        /// The address.
        server: String,
        /// What happened.
        why: String,
    },
    /// The server knows the request and refuses it.
    #[error("{}", .0.detail)]
    Problem(api::Problem),
    /// Something answers, but not a codraft server.
    #[error("{server} does not answer like a codraft server: {why}; check the address")]
    Strange {
        /// The address.
        server: String,
        /// What is strange.
        why: String,
    },
    /// The address is none.
    #[error("'{0}' is not a server's address; it looks like http://127.0.0.1:4280")]
    BadServer(String),
}

/// A server, and who is asking.
#[derive(Clone, Debug)]
pub struct Api {
    agent: ureq::Agent,
    server: String,
    token: String,
}

/// The address of a server without what does not belong to it.
///
/// # Errors
/// [`ApiError::BadServer`]
pub fn server(written: &str) -> Result<String, ApiError> {
    let bad = || ApiError::BadServer(written.to_owned());
    let url = Url::parse(written).map_err(|_| bad())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(bad());
    }
    Ok(written.trim_end_matches('/').to_owned())
}

impl Api {
    /// For this server and token.
    ///
    /// # Errors
    /// [`ApiError::BadServer`]
    pub fn new(written: &str, token: &str) -> Result<Self, ApiError> {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(5)))
            .timeout_global(Some(Duration::from_secs(120)))
            .build();
        Ok(Self { agent: config.into(), server: server(written)?, token: token.to_owned() })
    }

    /// The server's address.
    pub fn server(&self) -> &str {
        &self.server
    }

    fn strange(&self, why: impl ToString) -> ApiError {
        ApiError::Strange { server: self.server.clone(), why: why.to_string() }
    }

    fn answer(
        &self,
        answered: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<ureq::Body, ApiError> {
        let response = answered
            .map_err(|error| ApiError::Offline { server: self.server.clone(), why: error.to_string() })?;
        let status = response.status();
        let mut body = response.into_body();
        if status.is_success() {
            return Ok(body);
        }
        let text = body.read_to_string().unwrap_or_default();
        Err(match serde_json::from_str::<api::Problem>(&text) {
            Ok(problem) => ApiError::Problem(problem),
            Err(_) => self.strange(format_args!("HTTP status {status}")),
        })
    }

    fn json<T: DeserializeOwned>(&self, body: ureq::Body) -> Result<T, ApiError> {
        let reader = body.into_with_config().limit(ANSWER).reader();
        serde_json::from_reader(reader).map_err(|error| self.strange(error))
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/v1{path}", self.server)
    }

    fn open(&self, path: &str) -> Result<ureq::Body, ApiError> {
        let bearer = format!("Bearer {}", self.token);
        self.answer(self.agent.get(self.url(path)).header("authorization", bearer).call())
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        self.json(self.open(path)?)
    }

    fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ApiError> {
        let bearer = format!("Bearer {}", self.token);
        let answered = self.agent.post(self.url(path)).header("authorization", bearer).send_json(body);
        self.json(self.answer(answered)?)
    }

    fn put<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ApiError> {
        let bearer = format!("Bearer {}", self.token);
        let answered = self.agent.put(self.url(path)).header("authorization", bearer).send_json(body);
        self.json(self.answer(answered)?)
    }

    fn words(&self, path: &str) -> Result<String, ApiError> {
        let text = self.open(path)?.into_with_config().limit(ANSWER).read_to_string();
        text.map_err(|error| self.strange(error))
    }

    fn delete(&self, path: &str) -> Result<ureq::Body, ApiError> {
        let bearer = format!("Bearer {}", self.token);
        self.answer(self.agent.delete(self.url(path)).header("authorization", bearer).call())
    }

    /// Who the token belongs to.
    ///
    /// # Errors
    /// [`ApiError`], like all of these
    pub fn me(&self) -> Result<api::Me, ApiError> {
        self.get("/me")
    }

    /// The documents.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn documents(&self) -> Result<api::Documents, ApiError> {
        self.get("/documents")
    }

    /// One document.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn document(&self, id: &str) -> Result<api::Document, ApiError> {
        self.get(&format!("/documents/{}", segment(id)))
    }

    /// Makes a document of a text.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn import(&self, new: &api::NewDocument) -> Result<api::Imported, ApiError> {
        self.post("/documents", new)
    }

    /// A view of a document's text.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn text(&self, id: &str, view: &str) -> Result<String, ApiError> {
        self.words(&format!("/documents/{}/text?view={}", segment(id), segment(view)))
    }

    /// A document's proposals.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn proposals(&self, id: &str) -> Result<api::Proposals, ApiError> {
        self.get(&format!("/documents/{}/proposals", segment(id)))
    }

    /// Everything that is shown of a document; what of it has changed since an edition, where the server still knows that.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn overview(&self, id: &str, since: Option<&str>) -> Result<api::Overview, ApiError> {
        let since = since.map(|since| format!("?since={}", segment(since))).unwrap_or_default();
        self.get(&format!("/documents/{}/overview{since}", segment(id)))
    }

    /// Who wrote every word of a document.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn attribution(&self, id: &str) -> Result<api::Attribution, ApiError> {
        self.get(&format!("/documents/{}/attribution", segment(id)))
    }

    /// What was refused.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn quarantine(&self, id: &str) -> Result<api::Quarantine, ApiError> {
        self.get(&format!("/documents/{}/quarantine", segment(id)))
    }

    /// The delegations, and the accounts that the caller may see.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn delegations(&self) -> Result<api::Delegations, ApiError> {
        self.get("/delegations")
    }

    /// Adds a delegation and invites its first delegate.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn add_delegation(&self, new: &api::NewDelegation) -> Result<api::Invitation, ApiError> {
        self.post("/delegations", new)
    }

    /// Invites one more person.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn invite(&self, new: &api::NewInvitation) -> Result<api::Invitation, ApiError> {
        self.post("/invitations", new)
    }

    /// Takes an account's token away.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn revoke(&self, account: &str) -> Result<api::Account, ApiError> {
        let body = self.delete(&format!("/accounts/{}", segment(account)))?;
        self.json(body)
    }

    /// Sets when an account's token ends.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn expire(&self, account: &str, new: &api::NewExpiry) -> Result<api::Account, ApiError> {
        self.put(&format!("/accounts/{}/expiry", segment(account)), new)
    }

    /// The last `limit` entries of the access log, before number `before` where there is one.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn access_log(&self, before: Option<u64>, limit: u64) -> Result<api::AccessEntries, ApiError> {
        let before = before.map_or_else(String::new, |before| format!("&before={before}"));
        self.get(&format!("/access-log?limit={limit}{before}"))
    }

    /// A ticket.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn ticket(&self, new: &api::NewTicket) -> Result<api::Ticket, ApiError> {
        self.post("/tickets", new)
    }

    /// Takes a ticket back.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn revoke_ticket(&self, id: &str) -> Result<(), ApiError> {
        self.delete(&format!("/tickets/{}", segment(id))).map(|_| ())
    }

    /// A backup of the whole server, as it comes.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn backup(&self) -> Result<impl io::Read + use<>, ApiError> {
        Ok(self.open("/backup")?.into_with_config().limit(u64::MAX).reader())
    }
}

/// A value as part of a URL.
fn segment(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(server("http://127.0.0.1:4280/").unwrap(), "http://127.0.0.1:4280");
        for bad in ["", "127.0.0.1:4280", "ftp://a", "http://"] {
            assert!(matches!(server(bad), Err(ApiError::BadServer(_))), "{bad}");
        }
        assert_eq!(segment("../a b?c"), "..%2Fa%20b%3Fc");
    }

    #[test]
    fn nobody_there_is_offline() {
        let api = Api::new("http://127.0.0.1:9", "t").unwrap();
        assert!(matches!(api.me(), Err(ApiError::Offline { .. })));
    }
}
