//! Run ids and replication ids in JSON: forty hexadecimal digits, as Valkey writes them.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::sentinel::Id;

/// An id that serde knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HexId(pub Id);

impl Serialize for HexId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for HexId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_digits_and_nothing_else() {
        let text = "\"0123456789abcdef0123456789abcdef01234567\"";
        let id: HexId = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), text);
        let wrong = serde_json::from_str::<HexId>("\"0123\"").unwrap_err().to_string();
        assert!(wrong.starts_with("expected 40 hexadecimal digits"), "{wrong}");
        assert!(serde_json::from_str::<HexId>("7").is_err());
    }
}
