//! Run ids and replication ids: 40 hexadecimal digits.

use std::fmt;
use std::str::FromStr;

/// A run id (of a process) or a replication id (of a history): 20 bytes, written as 40 digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 20]);

/// Why a text is no [`Id`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is 40 hexadecimal digits")]
pub struct IdError;

impl Id {
    /// The id of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// The bytes, two digits each.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// Reads 40 digits, small or capital.
    ///
    /// # Errors
    /// [`IdError`] for anything else.
    pub fn from_hex(text: &[u8]) -> Result<Self, IdError> {
        let digits: &[u8; 40] = text.try_into().map_err(|_| IdError)?;
        let mut bytes = [0; 20];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(bytes))
    }

    /// Whether every digit is 0: how a server writes that there is none.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0 == [0; 20]
    }
}

fn digit(character: u8) -> Result<u8, IdError> {
    match character {
        b'0'..=b'9' => Ok(character - b'0'),
        b'a'..=b'f' => Ok(character - b'a' + 10),
        b'A'..=b'F' => Ok(character - b'A' + 10),
        _ => Err(IdError),
    }
}

impl FromStr for Id {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::from_hex(text.as_bytes())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_it_is_written() {
        let text = "dc4d8d287dae787738c3f97d394ed6fcf60a2f78";
        let id: Id = text.parse().unwrap();
        assert_eq!((id.to_string(), format!("{id:?}")), (text.to_owned(), text.to_owned()));
        assert_eq!(text.to_uppercase().parse(), Ok(id));
        assert!(!id.is_zero() && "0".repeat(40).parse::<Id>().unwrap().is_zero());
    }

    #[test]
    fn ids_sort_as_their_text_does() {
        let texts = ["0f".repeat(20), "10".repeat(20), "f0".repeat(20)];
        let ids: Vec<Id> = texts.iter().map(|text| text.parse().unwrap()).collect();
        assert!(ids.is_sorted() && texts.is_sorted());
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [String::new(), "a".repeat(39), "a".repeat(41), "g".repeat(40), "ä".repeat(20)]
        {
            assert_eq!(text.parse::<Id>(), Err(IdError), "{text}");
        }
    }
}
