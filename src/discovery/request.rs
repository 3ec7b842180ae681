//! Requests, from bytes: a guard that bounds them, then the codec.
//!
//! The codec alone believes every length it reads, and its lists nest. What the guard lets through
//! is one list of texts, whole and short.

use std::ops::RangeInclusive;

use bytes::{Buf, Bytes, BytesMut};
use redis_protocol::codec::Resp2;
use redis_protocol::resp2::types::BytesFrame;
use tokio_util::codec::Decoder;

use super::inline;
use super::limits::{MAX_ARGUMENTS, MAX_REQUEST_BYTES, MAX_REQUEST_BYTES_BEFORE_AUTH};

/// The most bytes of a head, as `*3\r\n`: more than any number in bounds takes.
const MAX_HEAD_BYTES: usize = 24;

/// The most words before a client has signed in, as Valkey has it.
const MAX_ARGUMENTS_BEFORE_AUTH: usize = 10;

/// Why bytes are no request. The connection is closed after it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RequestError {
    #[error("too big inline request")]
    LongLine,
    #[error("unbalanced quotes in request")]
    Quotes,
    #[error("too big mbulk count string")]
    LongCount,
    #[error("invalid multibulk length")]
    Count,
    #[error("unauthenticated multibulk length")]
    CountBeforeAuth,
    #[error("expected '$', got '{}'", char::from(*.0).escape_default())]
    Kind(u8),
    #[error("too big bulk count string")]
    LongLength,
    #[error("invalid bulk length")]
    Length,
    #[error("unauthenticated bulk length")]
    LengthBeforeAuth,
    #[error("invalid CRLF in request")]
    LineEnd,
    /// The codec saw something else than the guard.
    #[error("invalid request")]
    Codec,
}

/// A request's words; the first is the command. Empty lines and lists are none.
pub(super) type Request = Vec<Bytes>;

/// Takes the first whole request from `input`.
///
/// `None`: there is none yet; what has arrived of it is shorter than its limit. `authenticated`
/// chooses the limit.
///
/// # Errors
///
/// What is wrong with it. It is known at the first byte that is.
pub(super) fn take(
    input: &mut BytesMut,
    authenticated: bool,
) -> Result<Option<Request>, RequestError> {
    let limits = Limits { authenticated };
    while let Some(first) = input.first() {
        let request = if *first == b'*' {
            let Some(bytes) = limits.list(input)? else { return Ok(None) };
            decode(input.split_to(bytes))?
        } else {
            let Some(bytes) = limits.line(input)? else { return Ok(None) };
            let line = input.split_to(bytes);
            input.advance(1);
            let words = inline::words(&line).ok_or(RequestError::Quotes)?;
            if words.len() > limits.arguments() {
                return Err(limits.count());
            }
            words
        };
        if !request.is_empty() {
            return Ok(Some(request));
        }
    }
    Ok(None)
}

fn decode(mut bytes: BytesMut) -> Result<Request, RequestError> {
    // Lists of no words, and of fewer, are no request; the codec would refuse their length.
    if bytes.starts_with(b"*-") {
        return Ok(Request::new());
    }
    let Ok(Some(BytesFrame::Array(frames))) = Resp2::default().decode(&mut bytes) else {
        return Err(RequestError::Codec);
    };
    let words = frames.into_iter().map(|frame| match frame {
        BytesFrame::BulkString(word) => Ok(word),
        _ => Err(RequestError::Codec),
    });
    words.collect()
}

struct Limits {
    authenticated: bool,
}

impl Limits {
    const fn bytes(&self) -> usize {
        if self.authenticated { MAX_REQUEST_BYTES } else { MAX_REQUEST_BYTES_BEFORE_AUTH }
    }

    const fn arguments(&self) -> usize {
        if self.authenticated { MAX_ARGUMENTS } else { MAX_ARGUMENTS_BEFORE_AUTH }
    }

    const fn count(&self) -> RequestError {
        if self.authenticated { RequestError::Count } else { RequestError::CountBeforeAuth }
    }

    const fn length(&self) -> RequestError {
        if self.authenticated { RequestError::Length } else { RequestError::LengthBeforeAuth }
    }

    /// The length of the first line without its `\n`, if all of it is there.
    fn line(&self, input: &[u8]) -> Result<Option<usize>, RequestError> {
        let within = &input[..input.len().min(self.bytes())];
        match within.iter().position(|byte| *byte == b'\n') {
            Some(end) => Ok(Some(end)),
            None if within.len() < self.bytes() => Ok(None),
            None => Err(RequestError::LongLine),
        }
    }

    /// The length of the list at the start of `input`, if all of it is there.
    fn list(&self, input: &[u8]) -> Result<Option<usize>, RequestError> {
        let Some((count, mut at)) = head(input, RequestError::LongCount)? else { return Ok(None) };
        let count = number(count).ok_or(RequestError::Count)?;
        let count = usize::try_from(count).unwrap_or(0);
        if count > self.arguments() {
            return Err(self.count());
        }
        for _ in 0..count {
            match input.get(at) {
                None => return Ok(None),
                Some(b'$') => {}
                Some(other) => return Err(RequestError::Kind(*other)),
            }
            let Some((length, used)) = head(&input[at..], RequestError::LongLength)? else {
                return Ok(None);
            };
            let length = number(length).ok_or(RequestError::Length)?;
            let length = usize::try_from(length).map_err(|_| RequestError::Length)?;
            at += used;
            if length > self.bytes() - at.min(self.bytes()) {
                return Err(self.length());
            }
            at += length;
            match input.get(at..at + 2) {
                Some(b"\r\n") => at += 2,
                Some(_) => return Err(RequestError::LineEnd),
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }
}

/// What stands between the first byte and `\r\n`, and the bytes of all three.
fn head(input: &[u8], long: RequestError) -> Result<Option<(&[u8], usize)>, RequestError> {
    let within = &input[..input.len().min(MAX_HEAD_BYTES)];
    match within.iter().position(|byte| *byte == b'\r') {
        Some(end) => match input.get(end + 1) {
            Some(b'\n') => Ok(Some((&input[1..end], end + 2))),
            Some(_) => Err(RequestError::LineEnd),
            None => Ok(None),
        },
        None if within.len() < MAX_HEAD_BYTES => Ok(None),
        None => Err(long),
    }
}

/// A decimal number in its one spelling: no `+`, no leading zero.
fn number(digits: &[u8]) -> Option<i64> {
    const FIRST: RangeInclusive<u8> = b'1'..=b'9';
    let positive = digits.strip_prefix(b"-").unwrap_or(digits);
    let plain = match positive {
        b"0" => positive.len() == digits.len(),
        [first, rest @ ..] => FIRST.contains(first) && rest.iter().all(u8::is_ascii_digit),
        [] => false,
    };
    plain.then_some(())?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(input: &str, authenticated: bool) -> Result<Option<Vec<String>>, String> {
        let words = take(&mut BytesMut::from(input), authenticated).map_err(|e| e.to_string())?;
        let text = |word: Bytes| String::from_utf8(word.to_vec()).unwrap();
        Ok(words.map(|words| words.into_iter().map(text).collect()))
    }

    #[test]
    fn requests_are_taken_whole() {
        for (input, expected) in [
            ("", None),
            ("*", None),
            ("*2\r", None),
            ("*2\r\n$4\r\nPING\r\n", None),
            ("*2\r\n$4\r\nPING\r\n$0\r\n\r\n", Some(vec!["PING", ""])),
            ("*0\r\n*-1\r\n\r\n*1\r\n$1\r\na\r\n", Some(vec!["a"])),
            ("*0\r\n", None),
            ("PING", None),
            ("PING\n", Some(vec!["PING"])),
            ("PING a\r\n", Some(vec!["PING", "a"])),
        ] {
            let expected = expected.map(|words| words.into_iter().map(str::to_owned).collect());
            assert_eq!(taken(input, true), Ok(expected), "{input:?}");
        }
    }

    #[test]
    fn what_is_no_request_is_said() {
        let long = |bytes: usize| format!("*1\r\n${bytes}\r\n");
        for (input, authenticated, expected) in [
            ("*x\r\n", true, "invalid multibulk length"),
            ("*+1\r\n", true, "invalid multibulk length"),
            ("*01\r\n", true, "invalid multibulk length"),
            ("*65\r\n", true, "invalid multibulk length"),
            ("*11\r\n", false, "unauthenticated multibulk length"),
            ("*99999999999999999999\r\n", true, "invalid multibulk length"),
            (&"*1".repeat(20), true, "too big mbulk count string"),
            ("*1\r\n+", true, "expected '$', got '+'"),
            ("*1\r\n\n", true, "expected '$', got '\\n'"),
            ("*1\r\n*1\r\n", true, "expected '$', got '*'"),
            ("*1\r\n$-1\r\n", true, "invalid bulk length"),
            (&long(MAX_REQUEST_BYTES), true, "invalid bulk length"),
            (&long(MAX_REQUEST_BYTES_BEFORE_AUTH), false, "unauthenticated bulk length"),
            ("*1\r\n$4\r\nPINGxx", true, "invalid CRLF in request"),
            ("*1\rx", true, "invalid CRLF in request"),
            ("'a\r\n", true, "unbalanced quotes in request"),
            (&"a".repeat(MAX_REQUEST_BYTES), true, "too big inline request"),
            (&"a".repeat(MAX_REQUEST_BYTES_BEFORE_AUTH), false, "too big inline request"),
            (&("a ".repeat(65) + "\n"), true, "invalid multibulk length"),
        ] {
            assert_eq!(taken(input, authenticated), Err(expected.to_owned()), "{input:?}");
        }
    }

    #[test]
    fn the_longest_request_is_taken() {
        let word = "a".repeat(MAX_REQUEST_BYTES - 14);
        let request = format!("*1\r\n${}\r\n{word}\r\n", word.len());
        assert_eq!(taken(&request, true), Ok(Some(vec![word])));
    }
}
