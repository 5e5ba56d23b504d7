//! Tokens and tickets: 256 random bits behind an id. Only their SHA-256 is ever stored.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What a token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `cdt_…`: an account's own token.
    Account,
    /// `cdk_…`: a ticket.
    Ticket,
}

impl Kind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Account => "cdt_",
            Self::Ticket => "cdk_",
        }
    }
}

/// Randomness for one new id and its secret. No `Debug`: it is the secret.
#[derive(Clone)]
pub struct Seed {
    /// For the id.
    pub id: [u8; 6],
    /// For the secret.
    pub secret: [u8; 32],
}

impl Seed {
    /// The id that the new token has: `can-0f1e2d3c4b5a`.
    pub fn id(&self, prefix: &str) -> String {
        format!("{prefix}-{}", hex::encode(self.id))
    }

    /// The new token: `cdt_can-0f1e2d3c4b5a_` and 64 hexadecimal digits.
    pub fn token(&self, kind: Kind, prefix: &str) -> String {
        format!("{}{}_{}", kind.prefix(), self.id(prefix), hex::encode(self.secret))
    }
}

/// What of a token is stored.
pub fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// A token that somebody shows.
pub struct Token<'a> {
    /// What it claims to open.
    pub kind: Kind,
    /// The id of the account or ticket.
    pub id: &'a str,
    whole: &'a str,
}

impl<'a> Token<'a> {
    /// `None` where it is nothing that a server gives out.
    pub fn parse(shown: &'a str) -> Option<Self> {
        let whole = shown.trim();
        let with = |kind: Kind| whole.strip_prefix(kind.prefix()).map(|rest| (kind, rest));
        let (kind, rest) = with(Kind::Account).or_else(|| with(Kind::Ticket))?;
        let (id, secret) = rest.rsplit_once('_')?;
        (secret.len() == 64 && !id.is_empty() && id.len() <= 80).then_some(Self { kind, id, whole })
    }

    /// Whether it is the one that was hashed; takes the same time whatever differs.
    pub fn proves(&self, stored: &[u8; 32]) -> bool {
        hash(self.whole).ct_eq(stored).into()
    }
}
