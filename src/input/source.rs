//! The text of one input: a file, or what came in by a pipe.

use super::diagnostic::Diagnostic;
use super::document::Documents;
use super::limits::{DocumentLimits, MAX_INPUT_BYTES, OF_A_FILE};
use super::pieces::lines;
use super::place::Place;
use super::syntax::byte_count;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A named text, checked to be one: UTF-8, without control bytes, not too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    name: String,
    text: String,
    limits: &'static DocumentLimits,
}

impl Source {
    /// Takes `bytes` that were read from the file called `name` in messages.
    ///
    /// A UTF-8 byte order mark is dropped, as `kubectl` drops it. A reader that must
    /// bound its memory takes one byte more than [`MAX_INPUT_BYTES`] and no further:
    /// that byte gives the error.
    ///
    /// # Errors
    ///
    /// One diagnostic: too long, UTF-16, not UTF-8, or a byte that no YAML text has.
    pub fn new(name: impl Into<String>, bytes: Vec<u8>) -> Result<Self, Box<Diagnostic>> {
        Self::within(&OF_A_FILE, name, bytes)
    }

    /// The same with other limits for each document.
    ///
    /// # Errors
    ///
    /// Those of [`Source::new`].
    pub fn within(
        limits: &'static DocumentLimits,
        name: impl Into<String>,
        bytes: Vec<u8>,
    ) -> Result<Self, Box<Diagnostic>> {
        let name = name.into();
        let refuse = |place, message: String, hint: &str| {
            Err(Box::new(Diagnostic::of_file(&name, place, message, hint)))
        };
        if bytes.len() > MAX_INPUT_BYTES {
            let message = format!("the input is longer than {}", byte_count(MAX_INPUT_BYTES));
            return refuse(Place::START, message, limits.input_cure);
        }
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return refuse(Place::START, "the text is UTF-16".into(), "save the file as UTF-8");
        }
        let mut text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let found = error.as_bytes().get(valid).copied().unwrap_or_default();
                // The part before is valid, so nothing of it is lost here.
                let before = String::from_utf8_lossy(&error.as_bytes()[..valid]);
                let message = format!("the byte 0x{found:02x} is not UTF-8 text");
                return refuse(
                    end_of(&before),
                    message,
                    "save the file as UTF-8; binary data belongs in base64",
                );
            }
        };
        if text.starts_with(BYTE_ORDER_MARK) {
            text.drain(..BYTE_ORDER_MARK.len());
        }
        if let Some((at, found)) = text.bytes().enumerate().find(|&(_, byte)| is_control(byte)) {
            let message = format!("the control character 0x{found:02x} is not text");
            return refuse(
                end_of(&text[..at]),
                message,
                "is this a YAML file? In a quoted string such a character is written `\\x..`",
            );
        }
        Ok(Self { name, text, limits })
    }

    /// The name in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn limits(&self) -> &'static DocumentLimits {
        self.limits
    }

    /// The documents, one at a time and each only when it is asked for.
    #[must_use]
    pub fn documents(&self) -> Documents<'_> {
        Documents::of(self)
    }
}

/// Control bytes that no text file holds; tabs and line breaks are fine.
fn is_control(byte: u8) -> bool {
    (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')) || byte == 0x7f
}

/// The place just behind `text`.
fn end_of(text: &str) -> Place {
    let (mut line, mut last) = (0_usize, "");
    for next in lines(text) {
        line += 1;
        last = next;
    }
    let (line, column) = if last.is_empty() || last.ends_with(['\n', '\r']) {
        (line + 1, 1)
    } else {
        (line, last.chars().count() + 1)
    };
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Place { line: count(line), column: count(column) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(bytes: &[u8]) -> String {
        let error = Source::new("f.yaml", bytes.to_vec()).unwrap_err();
        format!("{}:{}: {}", error.place.line, error.place.column, error.message)
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_place() {
        for (bytes, expected) in [
            (&b"\xff\xfea\0"[..], "1:1: the text is UTF-16"),
            (b"\xfe\xff\0a", "1:1: the text is UTF-16"),
            (b"a: b\nc: \xc3(", "2:4: the byte 0xc3 is not UTF-8 text"),
            ("ä: ö\r\n\u{0}".as_bytes(), "2:1: the control character 0x00 is not text"),
            (b"\x7fELF\x02", "1:1: the control character 0x7f is not text"),
            (b"\x1f\x8b\x08", "1:2: the byte 0x8b is not UTF-8 text"),
            (b"a: \x1b[31m", "1:4: the control character 0x1b is not text"),
        ] {
            assert_eq!(refusal(bytes), expected);
        }
        let long = refusal(&vec![b'a'; MAX_INPUT_BYTES + 1]);
        assert_eq!(long, "1:1: the input is longer than 16 MiB");
    }

    #[test]
    fn a_utf_8_mark_is_dropped() {
        let source = Source::new("f", b"\xef\xbb\xbfa: 1".to_vec()).unwrap();
        assert_eq!(source.text(), "a: 1");
        assert_eq!(Source::new("f", Vec::new()).unwrap().documents().count(), 0);
    }
}
