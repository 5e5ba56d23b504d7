//! The stored records and their keys. Each value begins with a version byte, so that a later format can be
//! told from this one.

use codraft_protocol::id::{DelegationCode, DocumentId, Role};
use codraft_protocol::time::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The format of every record now.
const VERSION: u8 = 1;

/// A value that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Written by a newer server.
    #[error(
        "a {what} is stored in format {version}, which this server does not read; use the version of codraft-server that wrote it"
    )]
    Version {
        /// What kind of record.
        what: &'static str,
        /// Its format.
        version: u8,
    },
    /// Not such a record.
    #[error("a {what} cannot be read: {why}")]
    Malformed {
        /// What kind of record.
        what: &'static str,
        /// Why not.
        why: String,
    },
}

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    // Serialising plain data into memory has no way to fail.
    let mut stored = Vec::with_capacity(256);
    stored.push(VERSION);
    postcard::to_extend(value, stored).unwrap_or_default()
}

fn decode<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, RecordError> {
    decode_as(what, VERSION, bytes)
}

fn decode_as<T: DeserializeOwned>(what: &'static str, format: u8, bytes: &[u8]) -> Result<T, RecordError> {
    let malformed = |why: String| RecordError::Malformed { what, why };
    let (version, body) = bytes.split_first().ok_or_else(|| malformed("it is empty".to_owned()))?;
    if *version != format {
        return Err(RecordError::Version { what, version: *version });
    }
    let (value, rest) = postcard::take_from_bytes(body).map_err(|error| malformed(error.to_string()))?;
    if rest.is_empty() { Ok(value) } else { Err(malformed(format!("{} bytes too many", rest.len()))) }
}

/// Times as milliseconds: records are for machines.
mod millis {
    use codraft_protocol::time::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, s: S) -> Result<S::Ok, S::Error> {
        at.0.serialize(s)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(d).map(Timestamp)
    }

    pub(super) mod option {
        use codraft_protocol::time::Timestamp;
        use serde::{Deserialize, Deserializer, Serialize, Serializer};

        pub(in super::super) fn serialize<S: Serializer>(
            at: &Option<Timestamp>,
            s: S,
        ) -> Result<S::Ok, S::Error> {
            at.map(|at| at.0).serialize(s)
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            d: D,
        ) -> Result<Option<Timestamp>, D::Error> {
            Ok(Option::<i64>::deserialize(d)?.map(Timestamp))
        }
    }
}

/// Document ids as their sixteen bytes.
mod id {
    use codraft_protocol::id::DocumentId;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(id: &DocumentId, s: S) -> Result<S::Ok, S::Error> {
        id.as_bytes().serialize(s)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<DocumentId, D::Error> {
        <[u8; 16]>::deserialize(d).map(DocumentId::from_bytes)
    }

    pub(super) mod option {
        use codraft_protocol::id::DocumentId;
        use serde::{Deserialize, Deserializer, Serialize, Serializer};

        pub(in super::super) fn serialize<S: Serializer>(
            id: &Option<DocumentId>,
            s: S,
        ) -> Result<S::Ok, S::Error> {
            id.as_ref().map(DocumentId::as_bytes).serialize(s)
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            d: D,
        ) -> Result<Option<DocumentId>, D::Error> {
            Ok(Option::<[u8; 16]>::deserialize(d)?.map(DocumentId::from_bytes))
        }
    }
}

macro_rules! record {
    ($what:literal, $(#[$doc:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }

        impl $name {
            /// Its stored form.
            pub fn encode(&self) -> Vec<u8> {
                encode(self)
            }

            /// From its stored form.
            ///
            /// # Errors
            /// [`RecordError`]
            pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
                decode($what, bytes)
            }
        }
    };
}

record!("document record",
/// What a document is, beside its log.
DocumentRecord {
    /// Its id.
    #[serde(with = "id")]
    id: DocumentId,
    /// Its symbol; may be empty.
    symbol: String,
    /// When it was imported.
    #[serde(with = "millis")]
    created: Timestamp,
    /// The account that imported it.
    created_by: String,
    /// The heads whose history is the baseline.
    baseline: Vec<[u8; 32]>,
    /// 0 for the text as imported.
    revision: u32,
});

record!("change",
/// One change of a document's log.
ChangeRecord {
    /// When it came in.
    #[serde(with = "millis")]
    received: Timestamp,
    /// The account that sent it.
    account: String,
    /// Whose it is.
    delegation: DelegationCode,
    /// The change as it came: an Automerge chunk.
    #[serde(with = "serde_bytes")]
    raw: Vec<u8>,
});

record!("quarantined change",
/// A refused change.
QuarantineRecord {
    /// When it came in.
    #[serde(with = "millis")]
    at: Timestamp,
    /// The account that sent it.
    account: String,
    /// That account's delegation.
    delegation: Option<DelegationCode>,
    /// The reason's code.
    code: String,
    /// The reason in words.
    reason: String,
    /// The bytes as they came.
    #[serde(with = "serde_bytes")]
    raw: Vec<u8>,
});

record!("delegation",
/// A delegation.
DelegationRecord {
    /// Its code.
    code: DelegationCode,
    /// Its name.
    name: String,
    /// When it was added.
    #[serde(with = "millis")]
    created: Timestamp,
});

/// One who can come in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRecord {
    /// Its id.
    pub id: String,
    /// What it may do.
    pub role: Role,
    /// In whose name.
    pub delegation: Option<DelegationCode>,
    /// SHA-256 of its token.
    pub token_hash: [u8; 32],
    /// When it was invited.
    #[serde(with = "millis")]
    pub created: Timestamp,
    /// When its token was revoked.
    #[serde(with = "millis::option")]
    pub revoked: Option<Timestamp>,
    /// When its token expires.
    #[serde(with = "millis::option")]
    pub expires: Option<Timestamp>,
}

/// An account as format 1 has it: without an end.
#[derive(Serialize, Deserialize)]
struct Account1 {
    id: String,
    role: Role,
    delegation: Option<DelegationCode>,
    token_hash: [u8; 32],
    #[serde(with = "millis")]
    created: Timestamp,
    #[serde(with = "millis::option")]
    revoked: Option<Timestamp>,
}

/// The format of accounts now.
const ACCOUNT: u8 = 2;

impl AccountRecord {
    /// Its stored form.
    pub fn encode(&self) -> Vec<u8> {
        // As in `encode`.
        postcard::to_extend(self, vec![ACCOUNT]).unwrap_or_default()
    }

    /// From its stored form, this one or the one before.
    ///
    /// # Errors
    /// [`RecordError`]
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.first() == Some(&VERSION) {
            let Account1 { id, role, delegation, token_hash, created, revoked } = decode("account", bytes)?;
            return Ok(Self { id, role, delegation, token_hash, created, revoked, expires: None });
        }
        decode_as("account", ACCOUNT, bytes)
    }
}

record!("entry of the access log",
/// Who came in, was refused, took data out.
AccessRecord {
    /// When.
    #[serde(with = "millis")]
    at: Timestamp,
    /// What happened: a code.
    kind: String,
    /// Who did it.
    account: Option<String>,
    /// With which ticket.
    ticket: Option<String>,
    /// The account or ticket that a refused token named.
    claimed: Option<String>,
    /// From where.
    address: String,
    /// More, in words.
    detail: String,
    /// Refusals before this one that were not noted, since there were too many.
    left_out: u64,
});

record!("ticket",
/// A ticket.
TicketRecord {
    /// Its id.
    id: String,
    /// Whose it is.
    account: String,
    /// SHA-256 of the ticket.
    secret_hash: [u8; 32],
    /// The only document it opens.
    #[serde(with = "id::option")]
    document: Option<DocumentId>,
    /// Whether it only reads.
    read_only: bool,
    /// When it was made.
    #[serde(with = "millis")]
    created: Timestamp,
    /// When it expires.
    #[serde(with = "millis")]
    expires: Timestamp,
    /// When it was revoked.
    #[serde(with = "millis::option")]
    revoked: Option<Timestamp>,
});

record!("view",
/// What can be told of a document without opening it.
ViewRecord {
    /// The version of the server that made it: another one may see the same log otherwise.
    version: String,
    /// How many changes its log had.
    changes: u64,
    /// How many entries its ledger had.
    entries: u64,
    /// The document in a listing, as JSON.
    document: Vec<u8>,
    /// The text as it stands.
    text: String,
});

record!("private draft",
/// A delegation's private draft: a document of its own, for its own people.
DraftRecord {
    /// Its own document.
    #[serde(with = "id")]
    id: DocumentId,
    /// The common document.
    #[serde(with = "id")]
    of: DocumentId,
    /// Whose it is.
    delegation: DelegationCode,
    /// Who began it.
    account: String,
    /// When.
    #[serde(with = "millis")]
    created: Timestamp,
    /// The heads of the common document that it began at.
    began_at: Vec<[u8; 32]>,
    /// When it was tabled: it is closed then.
    #[serde(with = "millis::option")]
    tabled: Option<Timestamp>,
});

/// Entries of the ledger, as JSON: an audit shows them as they are stored.
pub mod ledger {
    use super::{RecordError, VERSION};
    use codraft_protocol::round::Entry;

    const WHAT: &str = "ledger entry";

    /// Its stored form.
    pub fn encode(entry: &Entry) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        // Serialising plain data into memory has no way to fail.
        bytes.extend(serde_json::to_vec(entry).unwrap_or_default());
        bytes
    }

    /// From its stored form.
    ///
    /// # Errors
    /// [`RecordError`]
    pub fn decode(bytes: &[u8]) -> Result<Entry, RecordError> {
        let malformed = |why: String| RecordError::Malformed { what: WHAT, why };
        match bytes.split_first() {
            Some((&VERSION, json)) => {
                serde_json::from_slice(json).map_err(|error| malformed(error.to_string()))
            }
            Some((version, _)) => Err(RecordError::Version { what: WHAT, version: *version }),
            None => Err(malformed("it is empty".to_owned())),
        }
    }
}

/// Keys: a document's id, and within a document a number.
pub mod key {
    use codraft_protocol::id::DocumentId;

    /// The key of a document, and the prefix of all that belongs to it.
    pub fn document(id: &DocumentId) -> Vec<u8> {
        id.as_bytes().to_vec()
    }

    /// The key of something numbered in a document: the id, then the number, big-endian, so that keys sort.
    pub fn numbered(id: &DocumentId, number: u64) -> Vec<u8> {
        let mut key = document(id);
        key.extend_from_slice(&number.to_be_bytes());
        key
    }

    /// The number in such a key; 0 where it is none.
    pub fn number(key: &[u8]) -> u64 {
        key.last_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document_id() -> DocumentId {
        DocumentId::from_bytes([7; 16])
    }

    /// The bytes are on disks: a change of format must be a new version, not an accident.
    #[test]
    fn the_format_is_fixed() {
        let change = ChangeRecord {
            received: Timestamp(1_700_000_000_123),
            account: "can-1".into(),
            delegation: "CAN".parse().unwrap(),
            raw: vec![1, 2, 3],
        };
        assert_eq!(hex::encode(change.encode()), "01f6a1abfef9620563616e2d310343414e03010203");
        let document = DocumentRecord {
            id: document_id(),
            symbol: "C/1".into(),
            created: Timestamp(5),
            created_by: "s".into(),
            baseline: vec![[9; 32]],
            revision: 2,
        };
        let expected = format!("01{}03432f310a017301{}02", "07".repeat(16), "09".repeat(32));
        assert_eq!(hex::encode(document.encode()), expected);
        let ticket = TicketRecord {
            id: "t".into(),
            account: "a".into(),
            secret_hash: [1; 32],
            document: Some(document_id()),
            read_only: true,
            created: Timestamp(1),
            expires: Timestamp(2),
            revoked: None,
        };
        let expected = format!("0101740161{}01{}01020400", "01".repeat(32), "07".repeat(16));
        assert_eq!(hex::encode(ticket.encode()), expected);
        assert_eq!(TicketRecord::decode(&ticket.encode()), Ok(ticket));
        assert_eq!(DocumentRecord::decode(&document.encode()), Ok(document));
        assert_eq!(ChangeRecord::decode(&change.encode()), Ok(change));
    }

    #[test]
    fn other_formats_and_damage_are_told() {
        let record =
            DelegationRecord { code: "CAN".parse().unwrap(), name: "Canada".into(), created: Timestamp(3) };
        let mut bytes = record.encode();
        bytes.push(0);
        assert!(matches!(DelegationRecord::decode(&bytes), Err(RecordError::Malformed { .. })));
        bytes[0] = 2;
        let newer = DelegationRecord::decode(&bytes).unwrap_err();
        assert_eq!(newer, RecordError::Version { what: "delegation", version: 2 });
        for length in 0..record.encode().len() {
            assert!(DelegationRecord::decode(&record.encode()[..length]).is_err());
        }
    }

    #[test]
    fn accounts_of_format_1_are_read_and_written_anew() {
        let first = Account1 {
            id: "can-1".into(),
            role: Role::Delegate,
            delegation: "CAN".parse().ok(),
            token_hash: [7; 32],
            created: Timestamp(5),
            revoked: None,
        };
        let stored = encode(&first);
        let expected = format!("010563616e2d3102010343414e{}0a00", "07".repeat(32));
        assert_eq!(hex::encode(&stored), expected);
        let read = AccountRecord::decode(&stored).unwrap();
        assert_eq!((read.id.as_str(), read.expires), ("can-1", None));
        let ending = AccountRecord { expires: Some(Timestamp(9)), ..read };
        assert_eq!(ending.encode()[0], 2);
        assert_eq!(AccountRecord::decode(&ending.encode()), Ok(ending));
        assert!(matches!(AccountRecord::decode(&[3]), Err(RecordError::Version { version: 3, .. })));
    }

    #[test]
    fn keys_sort_as_numbers() {
        let id = document_id();
        assert!(key::numbered(&id, 255) < key::numbered(&id, 256));
        assert!(key::numbered(&id, 7).starts_with(&key::document(&id)));
        assert_eq!(key::number(&key::numbered(&id, 4711)), 4711);
    }
}
