//! What a client is told, in either version of RESP.
//!
//! Scalars go through the codec. The heads of lists and maps are written here, because the codec's
//! map has no order, and the fields of an instance are told in Sentinel's.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};
use redis_protocol::error::RedisProtocolError;
use redis_protocol::resp2::encode::extend_encode_borrowed as encode_resp2;
use redis_protocol::resp2::types::BorrowedFrame as Resp2;
use redis_protocol::resp3::encode::complete::extend_encode_borrowed as encode_resp3;
use redis_protocol::resp3::types::{BorrowedFrame as Resp3, VerbatimStringFormat};

/// The version of RESP a client speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Protocol {
    #[default]
    Resp2,
    Resp3,
}

impl Protocol {
    pub(super) const fn number(self) -> i64 {
        match self {
            Self::Resp2 => 2,
            Self::Resp3 => 3,
        }
    }

    /// The first byte of what a client did not ask for: RESP2 knows only lists.
    pub(super) const fn push(self) -> u8 {
        match self {
            Self::Resp2 => b'*',
            Self::Resp3 => b'>',
        }
    }
}

/// A reply, whatever the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Simple(Cow<'static, str>),
    Error(Cow<'static, str>),
    Integer(i64),
    Text(Cow<'static, [u8]>),
    /// A text that people read as it is.
    Verbatim(String),
    Null,
    /// No list: RESP2 tells it from no text.
    NullList,
    List(Vec<Reply>),
    Map(Vec<(Reply, Reply)>),
    Set(Vec<Reply>),
    /// Something a client did not ask for, as to the protocol.
    Push(Vec<Reply>),
    /// Several replies to one request, or none.
    Several(Vec<Reply>),
}

impl Reply {
    pub(super) const OK: Self = Self::simple("OK");

    pub(super) const fn simple(word: &'static str) -> Self {
        Self::Simple(Cow::Borrowed(word))
    }

    pub(super) fn error(message: impl Into<Cow<'static, str>>) -> Self {
        Self::Error(message.into())
    }

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(Cow::Owned(text.into().into_bytes()))
    }

    pub(super) const fn word(word: &'static str) -> Self {
        Self::Text(Cow::Borrowed(word.as_bytes()))
    }

    pub(super) fn bytes(bytes: &[u8]) -> Self {
        Self::Text(Cow::Owned(bytes.to_vec()))
    }

    /// Whether it is something a client did not ask for.
    pub(super) fn is_push(&self) -> bool {
        match self {
            Self::Push(_) => true,
            Self::Several(replies) => replies.iter().any(Self::is_push),
            _ => false,
        }
    }
}

/// Appends `reply` to `out`.
///
/// # Errors
///
/// When the codec refuses it, which it never does with what is passed to it here.
pub(super) fn write(
    reply: &Reply,
    protocol: Protocol,
    out: &mut BytesMut,
) -> Result<(), RedisProtocolError> {
    let resp3 = protocol == Protocol::Resp3;
    match reply {
        Reply::Simple(text) => encode(&Resp2::SimpleString(one_line(text).as_bytes()), out),
        Reply::Error(message) => encode(&Resp2::Error(&one_line(message)), out),
        Reply::Integer(number) => encode(&Resp2::Integer(*number), out),
        Reply::Text(text) => encode(&Resp2::BulkString(text), out),
        Reply::Verbatim(text) if resp3 => {
            let (data, format) = (text.as_bytes(), VerbatimStringFormat::Text);
            encode_resp3(out, &Resp3::VerbatimString { data, format, attributes: None }, false)?;
            Ok(())
        }
        Reply::Verbatim(text) => encode(&Resp2::BulkString(text.as_bytes()), out),
        Reply::Null | Reply::NullList if resp3 => {
            encode_resp3(out, &Resp3::Null, false)?;
            Ok(())
        }
        Reply::Null => encode(&Resp2::Null, out),
        Reply::NullList => {
            out.put_slice(b"*-1\r\n");
            Ok(())
        }
        Reply::List(items) => list(b'*', items, protocol, out),
        Reply::Set(items) => list(if resp3 { b'~' } else { b'*' }, items, protocol, out),
        Reply::Push(items) => list(protocol.push(), items, protocol, out),
        Reply::Map(pairs) => {
            if resp3 {
                head(b'%', pairs.len(), out);
            } else {
                head(b'*', pairs.len() * 2, out);
            }
            pairs.iter().try_for_each(|(key, value)| {
                write(key, protocol, out)?;
                write(value, protocol, out)
            })
        }
        Reply::Several(replies) => replies.iter().try_for_each(|reply| write(reply, protocol, out)),
    }
}

/// Scalars are the same in both versions.
fn encode(frame: &Resp2<'_>, out: &mut BytesMut) -> Result<(), RedisProtocolError> {
    encode_resp2(out, frame, false).map(|_| ())
}

fn list(
    kind: u8,
    items: &[Reply],
    protocol: Protocol,
    out: &mut BytesMut,
) -> Result<(), RedisProtocolError> {
    head(kind, items.len(), out);
    items.iter().try_for_each(|item| write(item, protocol, out))
}

fn head(kind: u8, count: usize, out: &mut BytesMut) {
    out.put_u8(kind);
    out.put_slice(count.to_string().as_bytes());
    out.put_slice(b"\r\n");
}

/// What ends at its line must not end earlier, whatever a client sent.
fn one_line(message: &str) -> Cow<'_, str> {
    if message.contains(['\r', '\n']) {
        Cow::Owned(message.replace(['\r', '\n'], " "))
    } else {
        Cow::Borrowed(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_differ_by_protocol_where_they_must() {
        let pair = || vec![(Reply::word("a"), Reply::Integer(-1))];
        for (reply, resp2, resp3) in [
            (Reply::OK, "+OK\r\n", "+OK\r\n"),
            (Reply::error("ERR a\r\nb"), "-ERR a  b\r\n", "-ERR a  b\r\n"),
            (Reply::Integer(7), ":7\r\n", ":7\r\n"),
            (Reply::word(""), "$0\r\n\r\n", "$0\r\n\r\n"),
            (Reply::Verbatim("x\n".into()), "$2\r\nx\n\r\n", "=6\r\ntxt:x\n\r\n"),
            (Reply::Null, "$-1\r\n", "_\r\n"),
            (Reply::NullList, "*-1\r\n", "_\r\n"),
            (Reply::List(vec![]), "*0\r\n", "*0\r\n"),
            (Reply::Set(vec![Reply::OK]), "*1\r\n+OK\r\n", "~1\r\n+OK\r\n"),
            (Reply::Push(vec![Reply::OK]), "*1\r\n+OK\r\n", ">1\r\n+OK\r\n"),
            (Reply::Map(pair()), "*2\r\n$1\r\na\r\n:-1\r\n", "%1\r\n$1\r\na\r\n:-1\r\n"),
            (Reply::Several(vec![Reply::OK, Reply::OK]), "+OK\r\n+OK\r\n", "+OK\r\n+OK\r\n"),
        ] {
            for (protocol, expected) in [(Protocol::Resp2, resp2), (Protocol::Resp3, resp3)] {
                let mut out = BytesMut::from("before");
                write(&reply, protocol, &mut out).unwrap();
                assert_eq!(out, format!("before{expected}"), "{reply:?}");
            }
        }
    }
}
