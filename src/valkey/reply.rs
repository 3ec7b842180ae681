//! Values of a server, read as what they should be.

use redis::Value;

/// A server answered with something else than its command promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {wanted}, and the server answered with {found}")]
pub struct ReplyError {
    /// What the command promises.
    pub wanted: &'static str,
    /// What kind of value came.
    pub found: &'static str,
}

impl ReplyError {
    pub(super) fn new(wanted: &'static str, value: &Value) -> Self {
        let found = match value {
            Value::Nil => "nil",
            Value::Int(_) => "an integer",
            Value::BulkString(_) | Value::SimpleString(_) => "a text",
            Value::Okay => "`OK`",
            Value::Array(_) => "an array",
            Value::ServerError(_) => "an error",
            _ => "a value of RESP3",
        };
        Self { wanted, found }
    }
}

/// The bytes of a text.
///
/// # Errors
/// [`ReplyError`] for anything else.
pub fn bytes<'a>(wanted: &'static str, value: &'a Value) -> Result<&'a [u8], ReplyError> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        Value::SimpleString(text) => Ok(text.as_bytes()),
        Value::Okay => Ok(b"OK"),
        other => Err(ReplyError::new(wanted, other)),
    }
}

/// The text of an `INFO`; what is none reads as an empty one, which lacks everything.
#[must_use]
pub fn info_bytes(value: &Value) -> &[u8] {
    bytes("INFO", value).unwrap_or_default()
}

/// A text of UTF-8.
pub(super) fn text<'a>(wanted: &'static str, value: &'a Value) -> Result<&'a str, ReplyError> {
    let bytes = bytes(wanted, value)?;
    std::str::from_utf8(bytes).map_err(|_| ReplyError { wanted, found: "bytes that are no UTF-8" })
}

/// An integer, also one that is written as a text.
pub(super) fn integer(wanted: &'static str, value: &Value) -> Result<i64, ReplyError> {
    match value {
        Value::Int(number) => Ok(*number),
        other => text(wanted, other)?
            .parse()
            .map_err(|_| ReplyError { wanted, found: "a text that is no number" }),
    }
}

/// The values of an array.
pub(super) fn array<'a>(wanted: &'static str, value: &'a Value) -> Result<&'a [Value], ReplyError> {
    match value {
        Value::Array(values) => Ok(values),
        other => Err(ReplyError::new(wanted, other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_kind_is_named() {
        let nil = text("a name", &Value::Nil).unwrap_err();
        assert_eq!(nil.to_string(), "expected a name, and the server answered with nil");
        assert!(integer("an offset", &Value::BulkString(b"x".to_vec())).is_err());
        assert!(text("a name", &Value::BulkString(b"\xff".to_vec())).is_err());
        assert!(array("a list", &Value::Okay).is_err());
    }

    #[test]
    fn numbers_and_texts_come_in_two_forms() {
        assert_eq!(integer("a port", &Value::Int(1)), Ok(1));
        assert_eq!(integer("a port", &Value::BulkString(b"-1".to_vec())), Ok(-1));
        assert_eq!(text("a word", &Value::Okay), Ok("OK"));
        assert_eq!(bytes("a word", &Value::SimpleString("a".to_owned())), Ok(&b"a"[..]));
    }
}
