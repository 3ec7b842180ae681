//! What a master writes into its history, entry by entry, and the data that comes of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::resp::length;

/// A key, or a value.
pub type Text = Arc<str>;
/// All keys of database 0. Snapshots share it until the next write.
pub type Data = Arc<BTreeMap<Text, Text>>;

/// One entry of a history, and how many bytes of it it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub bytes: u64,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Ping,
    /// Which database the next writes are for; there is only one.
    Select,
    GetAck,
    /// Where a transaction begins or ends.
    Bracket,
    Write(Write),
}

/// What changes data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    Set(Text, Text),
    Delete(Text),
    FlushAll,
}

impl Entry {
    pub fn ping() -> Self {
        Self { bytes: length(&["PING"]), what: What::Ping }
    }

    pub fn select() -> Self {
        Self { bytes: length(&["SELECT", "0"]), what: What::Select }
    }

    pub fn get_ack() -> Self {
        Self { bytes: length(&["REPLCONF", "GETACK", "*"]), what: What::GetAck }
    }

    /// `MULTI` and `EXEC` around several writes.
    pub fn brackets() -> [Self; 2] {
        ["MULTI", "EXEC"].map(|word| Self { bytes: length(&[word]), what: What::Bracket })
    }

    /// A write that was given in these words.
    pub fn write(words: &[String], write: Write) -> Self {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Self { bytes: length(&words), what: What::Write(write) }
    }
}

impl Write {
    pub fn apply(&self, data: &mut BTreeMap<Text, Text>) {
        match self {
            Self::Set(key, value) => {
                data.insert(Arc::clone(key), Arc::clone(value));
            }
            Self::Delete(key) => {
                data.remove(key);
            }
            Self::FlushAll => data.clear(),
        }
    }
}
