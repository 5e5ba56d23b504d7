//! Names of things: documents, peers, provisions, delegations, roles.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// A name that does not have the form it must have; the text says which form that is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} “{given}” is not valid: {must}")]
pub struct InvalidId {
    what: &'static str,
    given: String,
    must: &'static str,
}

impl InvalidId {
    pub(crate) fn new(what: &'static str, given: &str, must: &'static str) -> Self {
        // What a stranger sent is quoted shortened, so that an error never carries a megabyte.
        Self { what, given: given.chars().take(64).collect(), must }
    }
}

/// A document's id: 16 bytes (a UUID v4), written as bs58check, as automerge-repo writes it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentId([u8; 16]);

impl DocumentId {
    /// From the 16 bytes of a UUID v4 (older clients refuse other versions).
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bs58::encode(self.0).with_check().into_string())
    }
}

impl fmt::Debug for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DocumentId({self})")
    }
}

impl FromStr for DocumentId {
    type Err = InvalidId;

    /// Accepts the bare id and the URL that automerge-repo prints (`automerge:…`).
    fn from_str(s: &str) -> Result<Self, InvalidId> {
        const MUST: &str =
            "a document id is 16 bytes in base 58 with a checksum, as `codraft import` prints it";
        let bare = s.strip_prefix("automerge:").unwrap_or(s);
        if bare.len() > 64 {
            return Err(InvalidId::new("document id", s, MUST));
        }
        let bytes = bs58::decode(bare)
            .with_check(None)
            .into_vec()
            .map_err(|_| InvalidId::new("document id", s, MUST))?;
        bytes.try_into().map(Self).map_err(|_| InvalidId::new("document id", s, MUST))
    }
}

/// A delegation's short code, such as `CAN`: one to sixteen of `A`–`Z`, `0`–`9` and `-`, a letter first.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, example = "CAN"))]
pub struct DelegationCode(String);

impl DelegationCode {
    /// Under this code the secretariat's own edits (imports, editorial corrections) are recorded.
    pub const SECRETARIAT: &'static str = "SECRETARIAT";

    /// The secretariat's code.
    pub fn secretariat() -> Self {
        Self(Self::SECRETARIAT.to_owned())
    }

    /// Whether this is the secretariat's code, which no delegation may take.
    pub fn is_secretariat(&self) -> bool {
        self.0 == Self::SECRETARIAT
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DelegationCode {
    type Err = InvalidId;

    fn from_str(s: &str) -> Result<Self, InvalidId> {
        let shape = s.len() <= 16
            && s.starts_with(|c: char| c.is_ascii_uppercase())
            && s.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-');
        if shape {
            Ok(Self(s.to_owned()))
        } else {
            Err(InvalidId::new(
                "delegation code",
                s,
                "use 1 to 16 capital letters, digits or hyphens, a letter first, such as CAN",
            ))
        }
    }
}

impl TryFrom<String> for DelegationCode {
    type Error = InvalidId;

    fn try_from(s: String) -> Result<Self, InvalidId> {
        s.parse()
    }
}

impl From<DelegationCode> for String {
    fn from(code: DelegationCode) -> Self {
        code.0
    }
}

impl fmt::Display for DelegationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A provision's identity: its list element's object id, written `counter@actor` as Automerge writes it.
/// Renumbering and moving text never change it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, example = "17@5c0b…"))]
pub struct ProvisionId(pub String);

impl fmt::Display for ProvisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A derived proposal's id. Until it is put on record with a number, it is computed from what it is about,
/// so that every replica names it alike: document, provision and first sponsor.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, example = "p-3f9a0c21b7"))]
pub struct ProposalId(pub String);

impl ProposalId {
    /// The id of the proposal whose first sponsor is `lead`, on `provision` of `document`.
    pub fn derive(document: &DocumentId, provision: &ProvisionId, lead: &DelegationCode) -> Self {
        let mut hash = Sha256::new();
        hash.update(document.as_bytes());
        hash.update(provision.0.as_bytes());
        hash.update([0]);
        hash.update(lead.as_str().as_bytes());
        let digest = hash.finalize();
        Self(format!("p-{}", hex::encode(digest.get(..5).unwrap_or_default())))
    }
}

impl fmt::Display for ProposalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Role {
    /// Holds the pen: creates documents, delegations and rounds, makes editorial corrections.
    Secretariat,
    /// Rules on proposals; does not edit.
    Chair,
    /// Edits in its delegation's name.
    Delegate,
    /// Reads.
    Observer,
}

impl Role {
    /// Whether this role may change a document's text.
    pub const fn may_edit(self) -> bool {
        matches!(self, Self::Secretariat | Self::Delegate)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secretariat => "secretariat",
            Self::Chair => "chair",
            Self::Delegate => "delegate",
            Self::Observer => "observer",
        })
    }
}

impl FromStr for Role {
    type Err = InvalidId;

    fn from_str(s: &str) -> Result<Self, InvalidId> {
        match s {
            "secretariat" => Ok(Self::Secretariat),
            "chair" => Ok(Self::Chair),
            "delegate" => Ok(Self::Delegate),
            "observer" => Ok(Self::Observer),
            _ => Err(InvalidId::new("role", s, "use secretariat, chair, delegate or observer")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn document_ids_round_trip_and_refuse_damage() {
        let id = DocumentId::from_bytes([7; 16]);
        assert_eq!(id.to_string().parse::<DocumentId>().unwrap(), id);
        assert_eq!(format!("automerge:{id}").parse::<DocumentId>().unwrap(), id);
        let mut damaged = id.to_string();
        damaged.pop();
        assert!(damaged.parse::<DocumentId>().is_err());
        for hostile in ["", "../../etc", "a\0b", &"1".repeat(1 << 20)] {
            assert!(hostile.parse::<DocumentId>().is_err());
        }
    }

    #[test]
    fn delegation_codes_have_one_form() {
        for good in ["CAN", "USA", "X", "EU-27", "A123456789012345"] {
            assert_eq!(good.parse::<DelegationCode>().unwrap().as_str(), good);
        }
        for bad in ["", "can", "7A", "C N", "A1234567890123456", "É", "CAN\n"] {
            assert!(bad.parse::<DelegationCode>().is_err(), "{bad:?}");
        }
    }
}
