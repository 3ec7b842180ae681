//! Forty hexadecimal digits: how Valkey names a process (`run_id`) and a history (`master_replid`);
//! and how a place where processes run is told from the one before it.

use std::fmt;
use std::str::FromStr;

/// A run id or replication id, packed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub [u8; 20]);

/// Where the processes of a node run: the incarnation of its pod (the pod's uid). One process after
/// the other runs in a home, so whoever answers there proves that all before it have ended. Of
/// processes in another home that says nothing: a pod that was deleted by force may still run.
/// Plain servers have one home for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Home(pub u128);

/// The text is not forty hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnId;

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Id {
    /// The first eight digits: enough to tell two apart when people read a trace.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for NotAnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected 40 hexadecimal digits")
    }
}

impl std::error::Error for NotAnId {}

impl FromStr for Id {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let digits = text.as_bytes();
        if digits.len() != 40 {
            return Err(NotAnId);
        }
        let mut bytes = [0; 20];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

fn digit(character: u8) -> Result<u8, NotAnId> {
    match character {
        b'0'..=b'9' => Ok(character - b'0'),
        b'a'..=b'f' => Ok(character - b'a' + 10),
        b'A'..=b'F' => Ok(character - b'A' + 10),
        _ => Err(NotAnId),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let text = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(text.parse::<Id>().unwrap().to_string(), text);
        assert_eq!(text.to_uppercase().parse::<Id>().unwrap().to_string(), text);
        for wrong in ["", "0", "g123456789abcdef0123456789abcdef01234567", &text[1..]] {
            assert_eq!(wrong.parse::<Id>(), Err(NotAnId), "{wrong}");
        }
    }
}
