//! The servers' protocol, as much of it as a client of a test speaks: RESP2, without pushes.

use std::fmt::Write as _;
use std::io;

use tokio::io::AsyncBufRead;
use tokio::io::AsyncBufReadExt as _;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;

/// A longer text or list is a fault of the test.
const MOST: usize = 1 << 20;

/// A reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A text, be it a status.
    Text(String),
    /// A number.
    Number(i64),
    /// A refusal.
    Error(String),
    /// A list.
    List(Vec<Reply>),
    /// Nothing.
    Null,
}

impl Reply {
    /// The texts of a list; a text alone is a list of one.
    pub fn texts(&self) -> Vec<String> {
        match self {
            Self::List(items) => items.iter().flat_map(Self::texts).collect(),
            Self::Text(text) => vec![text.clone()],
            Self::Number(number) => vec![number.to_string()],
            Self::Error(_) | Self::Null => Vec::new(),
        }
    }

    /// The first word of a refusal.
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Error(text) => text.split(' ').next(),
            _ => None,
        }
    }
}

/// Appends a request.
pub fn add_request(bytes: &mut String, words: &[&str]) {
    let _ = write!(bytes, "*{}\r\n", words.len());
    for word in words {
        let _ = write!(bytes, "${}\r\n{word}\r\n", word.len());
    }
}

/// Reads one reply.
///
/// # Errors
/// That the connection ended, or says what no server says.
pub async fn read_reply(stream: &mut (impl AsyncBufRead + Send + Unpin)) -> io::Result<Reply> {
    // Lists within lists are read without recursion: who is not full yet waits below.
    let mut open: Vec<(usize, Vec<Reply>)> = Vec::new();
    loop {
        let mut reply = match read_line(stream).await? {
            Line::Whole(reply) => reply,
            Line::Text(length) => read_text(stream, length).await?,
            Line::List(length) => {
                open.push((length, Vec::new()));
                if length > 0 {
                    continue;
                }
                Reply::Null
            }
        };
        // The reply belongs to the innermost list, and may complete several.
        loop {
            let Some((length, mut items)) = open.pop() else {
                return Ok(reply);
            };
            if length > 0 {
                items.push(reply);
            }
            if items.len() < length {
                open.push((length, items));
                break;
            }
            reply = Reply::List(items);
        }
    }
}

/// Reads one request: its words, and what was read.
///
/// # Errors
/// That the connection ended, or says what no client says.
pub async fn read_request(
    stream: &mut (impl AsyncBufRead + Send + Unpin),
) -> io::Result<(Vec<String>, Vec<u8>)> {
    let Line::List(length) = read_line(stream).await? else {
        return Err(io::Error::other("a request is a list"));
    };
    let mut bytes = format!("*{length}\r\n").into_bytes();
    let mut words = Vec::new();
    for _ in 0..length {
        let Line::Text(length) = read_line(stream).await? else {
            return Err(io::Error::other("a word is a text"));
        };
        bytes.extend(format!("${length}\r\n").into_bytes());
        let mut word = vec![0; length + 2];
        stream.read_exact(&mut word).await?;
        bytes.extend(&word);
        word.truncate(length);
        words.push(String::from_utf8_lossy(&word).into_owned());
    }
    Ok((words, bytes))
}

enum Line {
    Whole(Reply),
    Text(usize),
    List(usize),
}

async fn read_line(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Line> {
    let mut line = Vec::with_capacity(16);
    stream.read_until(b'\n', &mut line).await?;
    let text = String::from_utf8_lossy(&line);
    let Some(text) = text.strip_suffix("\r\n") else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let strange = || io::Error::other(format!("the reply {text:?}"));
    let (kind, rest) = text.split_at_checked(1).ok_or_else(strange)?;
    let number = || rest.parse::<i64>().map_err(|_| strange());
    let length = |number: i64| usize::try_from(number).ok().filter(|length| *length <= MOST);
    Ok(match kind {
        "+" => Line::Whole(Reply::Text(rest.to_owned())),
        "-" => Line::Whole(Reply::Error(rest.to_owned())),
        ":" => Line::Whole(Reply::Number(number()?)),
        "$" | "*" if rest == "-1" => Line::Whole(Reply::Null),
        "$" => Line::Text(length(number()?).ok_or_else(strange)?),
        "*" => Line::List(length(number()?).ok_or_else(strange)?),
        _ => return Err(strange()),
    })
}

async fn read_text(stream: &mut (impl AsyncRead + Unpin), length: usize) -> io::Result<Reply> {
    let mut bytes = vec![0; length + 2];
    stream.read_exact(&mut bytes).await?;
    bytes.truncate(length);
    Ok(Reply::Text(String::from_utf8_lossy(&bytes).into_owned()))
}

#[tokio::test]
async fn requests_are_read_as_they_were_sent() {
    let mut sent = String::new();
    add_request(&mut sent, &["REPLICAOF", "NO", "ONE"]);
    let one = sent.clone();
    add_request(&mut sent, &["SET", "a\r\n", ""]);
    let mut stream = sent.as_bytes();
    let (words, bytes) = read_request(&mut stream).await.expect("a request");
    assert_eq!((words.join(" ").as_str(), &*bytes), ("REPLICAOF NO ONE", one.as_bytes()));
    let (words, bytes) = read_request(&mut stream).await.expect("a request");
    assert_eq!(words, ["SET", "a\r\n", ""]);
    assert_eq!([one.into_bytes(), bytes].concat(), sent.as_bytes());
    for bytes in ["", "*1\r\n", "*1\r\n:1\r\n", "PING\r\n"] {
        assert!(read_request(&mut bytes.as_bytes()).await.is_err(), "{bytes:?}");
    }
}

#[tokio::test]
async fn replies_are_read_whole_and_one_by_one() {
    let text = |text: &str| Reply::Text(text.into());
    let list = Reply::List;
    for (bytes, expected) in [
        ("+OK\r\n", text("OK")),
        (":-12\r\n", Reply::Number(-12)),
        ("-ERR no\r\n", Reply::Error("ERR no".into())),
        ("$5\r\na\r\nbc\r\n", text("a\r\nbc")),
        ("$0\r\n\r\n", text("")),
        ("$-1\r\n", Reply::Null),
        ("*-1\r\n", Reply::Null),
        ("*0\r\n", list(vec![])),
        ("*2\r\n$1\r\na\r\n:1\r\n", list(vec![text("a"), Reply::Number(1)])),
        (
            "*3\r\n*0\r\n*1\r\n*1\r\n+a\r\n+b\r\n",
            list(vec![list(vec![]), list(vec![list(vec![text("a")])]), text("b")]),
        ),
    ] {
        let twice = bytes.repeat(2);
        let mut stream = twice.as_bytes();
        for _ in 0..2 {
            let reply = read_reply(&mut stream).await.expect("a reply");
            assert_eq!(reply, expected, "{bytes:?}");
        }
        assert!(read_reply(&mut stream).await.is_err(), "{bytes:?}");
        let half = &bytes.as_bytes()[..bytes.len() - 1];
        assert!(read_reply(&mut &*half).await.is_err(), "half of {bytes:?}");
    }
    for bytes in ["?\r\n", "\r\n", "$x\r\n", "*99999999999\r\n", ":1.5\r\n"] {
        assert!(read_reply(&mut bytes.as_bytes()).await.is_err(), "{bytes:?}");
    }
}
