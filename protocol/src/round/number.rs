//! A proposal's number: given once, never again.

use crate::id::{DelegationCode, InvalidId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// `CAN/3`: the third proposal that Canada put on record in this document.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Number {
    /// The delegation that leads it.
    pub delegation: DelegationCode,
    /// Counted from 1.
    pub running: u32,
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.delegation, self.running)
    }
}

impl FromStr for Number {
    type Err = InvalidId;

    /// Accepts `CAN/3` and, for addresses, `CAN-3`.
    fn from_str(s: &str) -> Result<Self, InvalidId> {
        let invalid = || {
            InvalidId::new("proposal number", s, "write it as 'codraft proposals' shows it, such as CAN/3")
        };
        let (code, running) = s.rsplit_once(['/', '-']).ok_or_else(invalid)?;
        let running =
            running.parse().ok().filter(|n| *n > 0 && !running.starts_with('+')).ok_or_else(invalid)?;
        Ok(Self { delegation: code.parse().map_err(|_| invalid())?, running })
    }
}

impl TryFrom<String> for Number {
    type Error = InvalidId;

    fn try_from(s: String) -> Result<Self, InvalidId> {
        s.parse()
    }
}

impl From<Number> for String {
    fn from(number: Number) -> Self {
        number.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_written_and_as_in_addresses() {
        for (text, shown) in
            [("CAN/3", "CAN/3"), ("CAN-3", "CAN/3"), ("EU-27-12", "EU-27/12"), ("EU-27/12", "EU-27/12")]
        {
            assert_eq!(text.parse::<Number>().unwrap().to_string(), shown);
        }
        for bad in ["", "CAN", "CAN/0", "can/1", "CAN/+1", "/1", "CAN/x", "p-3f9a0c21b7"] {
            assert!(bad.parse::<Number>().is_err(), "{bad}");
        }
    }
}
