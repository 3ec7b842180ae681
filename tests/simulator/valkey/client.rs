//! A client of a server: words there, a value back, in virtual time.

use std::io;
use std::net::SocketAddr;

use gungnir::valkey::{Network, Pipe};
use redis::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A connection of an application. It sets no deadline: that is for who asks.
#[derive(Debug)]
pub struct Client {
    pipe: Box<dyn Pipe>,
    received: Vec<u8>,
}

impl Client {
    /// Connects over a network that is none of TCP.
    pub async fn connect(network: &Network, to: SocketAddr) -> io::Result<Self> {
        let Network::Other(way) = network else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        Ok(Self { pipe: way.connect(to).await?, received: Vec::new() })
    }

    /// One command and its answer; an error reply is an answer.
    pub async fn ask(&mut self, words: &[&str]) -> io::Result<Value> {
        self.send(words).await?;
        self.answer().await
    }

    pub async fn send(&mut self, words: &[&str]) -> io::Result<()> {
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(*word);
        }
        self.pipe.write_all(&command.get_packed_command()).await
    }

    /// The next answer.
    pub async fn answer(&mut self) -> io::Result<Value> {
        loop {
            if let Some(length) = reply_bytes(&self.received, 0) {
                let value = redis::parse_redis_value(&self.received[..length]);
                self.received.drain(..length);
                return value.map_err(|error| io::Error::other(error.to_string()));
            }
            if self.pipe.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// Where the reply that begins at a place ends, once all of it is there.
pub fn reply_bytes(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let end = at + rest.iter().position(|byte| *byte == b'\n')? + 1;
    let number = || std::str::from_utf8(&bytes[at + 1..end - 2]).ok()?.parse::<i64>().ok();
    match bytes[at] {
        b'$' => {
            let Ok(length) = usize::try_from(number()?) else { return Some(end) };
            (bytes.len() >= end + length + 2).then_some(end + length + 2)
        }
        b'*' => (0..number()?).try_fold(end, |at, _| reply_bytes(bytes, at)),
        _ => Some(end),
    }
}

/// An answer in one line, as people read it: lists in brackets, errors with their code.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Nil => "nil".to_owned(),
        Value::Okay => "OK".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::SimpleString(text) => text.clone(),
        Value::BulkString(text) => String::from_utf8_lossy(text).into_owned(),
        Value::Array(values) => {
            format!("[{}]", values.iter().map(shown).collect::<Vec<_>>().join(" "))
        }
        Value::ServerError(error) => {
            format!("{} {}", error.code(), error.details().unwrap_or_default())
        }
        other => format!("{other:?}"),
    }
}
