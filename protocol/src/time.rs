//! Points in time as data. Nobody here reads a clock: whoever has one passes the time in.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Milliseconds since 1970-01-01T00:00:00Z; in JSON an RFC 3339 string in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = "date-time"))]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// From whole seconds, as Automerge changes carry them.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC. A claim beyond the years that it can write shows as the nearest one it can.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (jiff::Timestamp::MIN, jiff::Timestamp::MAX);
        let shown =
            jiff::Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 { first } else { last });
        fmt::Display::fmt(&shown, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        let read = text.parse::<jiff::Timestamp>().map_err(serde::de::Error::custom)?;
        Ok(Self(read.as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339_and_read_back() {
        for (ms, text) in [(0, "1970-01-01T00:00:00Z"), (951_782_400_250, "2000-02-29T00:00:00.25Z")] {
            assert_eq!(Timestamp(ms).to_string(), text);
            assert_eq!(serde_json::from_str::<Timestamp>(&format!("{text:?}")).unwrap(), Timestamp(ms));
        }
    }

    #[test]
    fn absurd_claims_can_be_shown() {
        assert!(Timestamp::from_seconds(i64::MAX).to_string().starts_with("9999-"));
        assert!(Timestamp(i64::MIN).to_string().starts_with("-009999-"));
    }
}
