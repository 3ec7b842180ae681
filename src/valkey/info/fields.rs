//! The lines of an `INFO`: names, values, numbers.

use crate::valkey::id::Id;

use super::InfoError;

/// The longest word that is kept of a server's text, in bytes.
const MAX_WORD_BYTES: usize = 253;

/// `name:value`, line by line; headings and blanks are passed over.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    text.split(|byte| *byte == b'\n').filter_map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        split(line, b':')
    })
}

/// `name=value`, separated by commas.
pub(super) fn parts(value: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    value.split(|byte| *byte == b',').filter_map(|part| split(part, b'='))
}

fn split(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == at)?;
    Some((&text[..at], &text[at + 1..]))
}

/// A field by its name, and its value once a line had it.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    name: &'static str,
    value: Option<&'a [u8]>,
}

impl<'a> Field<'a> {
    pub(super) fn named(name: &'static str) -> Self {
        Self { name, value: None }
    }

    pub(super) fn set(&mut self, value: &'a [u8]) {
        self.value = Some(value);
    }

    pub(super) fn is_there(&self) -> bool {
        self.value.is_some()
    }

    pub(super) fn is(&self, value: &[u8]) -> bool {
        self.value == Some(value)
    }

    pub(super) fn malformed(&self) -> InfoError {
        InfoError::Malformed { field: self.name }
    }

    pub(super) fn bytes(&self) -> Result<&'a [u8], InfoError> {
        self.value.ok_or(InfoError::Missing { field: self.name })
    }

    /// A host or a version: printable, without blanks, not empty.
    pub(super) fn word(&self) -> Result<&'a str, InfoError> {
        let bytes = self.bytes()?;
        let fits = (1..=MAX_WORD_BYTES).contains(&bytes.len());
        if !fits || !bytes.iter().all(u8::is_ascii_graphic) {
            return Err(self.malformed());
        }
        std::str::from_utf8(bytes).map_err(|_| self.malformed())
    }

    pub(super) fn number<T: std::str::FromStr>(&self) -> Result<T, InfoError> {
        let text = std::str::from_utf8(self.bytes()?).map_err(|_| self.malformed())?;
        text.parse().map_err(|_| self.malformed())
    }

    /// A number, or `None` for one below 0: servers write -1 where there is none.
    pub(super) fn natural(&self) -> Result<Option<u64>, InfoError> {
        Ok(u64::try_from(self.number::<i64>()?).ok())
    }

    /// `0` or `1`.
    pub(super) fn flag(&self) -> Result<bool, InfoError> {
        match self.bytes()? {
            b"0" => Ok(false),
            b"1" => Ok(true),
            _ => Err(self.malformed()),
        }
    }

    /// `ok`, or another word for what failed.
    pub(super) fn ok(&self) -> Result<bool, InfoError> {
        Ok(self.bytes()? == b"ok")
    }

    pub(super) fn id(&self) -> Result<Id, InfoError> {
        Id::from_hex(self.bytes()?).map_err(|_| self.malformed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_at_the_first_colon() {
        let text = b"# Server\r\na:1\nb:x:y\r\n\r\nno value\nc:";
        let found: Vec<_> = lines(text).collect();
        let expected: [(&[u8], &[u8]); 3] = [(b"a", b"1"), (b"b", b"x:y"), (b"c", b"")];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_value_is_what_it_should_be_or_named() {
        let field = |value: &'static [u8]| {
            let mut field = Field::named("x");
            field.set(value);
            field
        };
        let malformed = InfoError::Malformed { field: "x" };
        assert_eq!(Field::named("x").bytes(), Err(InfoError::Missing { field: "x" }));
        assert_eq!(field(b"7").number::<u16>(), Ok(7));
        assert_eq!(field(b"70000").number::<u16>(), Err(malformed));
        assert_eq!((field(b"-1").natural(), field(b"3").natural()), (Ok(None), Ok(Some(3))));
        assert_eq!((field(b"1").flag(), field(b"2").flag()), (Ok(true), Err(malformed)));
        for bad in [&b""[..], b"a b", b"a\x07", b"\xff", &[b'a'; 254]] {
            let mut field = Field::named("x");
            field.set(bad);
            assert_eq!(field.word(), Err(malformed), "{bad:?}");
        }
    }
}
