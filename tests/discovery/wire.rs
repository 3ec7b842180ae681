//! A client of its own making: it must not share the codec of what it checks.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a reply may take.
const REPLY_LIMIT: Duration = Duration::from_secs(10);

/// One value of RESP.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// `+`
    Simple(String),
    /// `-`
    Error(String),
    /// `:`
    Integer(i64),
    /// `$`
    Text(String),
    /// `=`, with its format
    Verbatim(String),
    /// `$-1` or `_`
    Null,
    /// `*-1`
    NullList,
    /// `*`
    List(Vec<Value>),
    /// `~`
    Set(Vec<Value>),
    /// `>`
    Push(Vec<Value>),
    /// `%`
    Map(Vec<(Value, Value)>),
    /// The connection has ended.
    End,
}

impl fmt::Debug for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simple(text) => write!(formatter, "+{text:?}"),
            Self::Error(text) => write!(formatter, "-{text:?}"),
            Self::Integer(number) => write!(formatter, ":{number}"),
            Self::Text(text) => write!(formatter, "{text:?}"),
            Self::Verbatim(text) => write!(formatter, "={text:?}"),
            Self::Null => write!(formatter, "null"),
            Self::NullList => write!(formatter, "null list"),
            Self::List(items) => items.fmt(formatter),
            Self::Set(items) => {
                write!(formatter, "~")?;
                items.fmt(formatter)
            }
            Self::Push(items) => {
                write!(formatter, ">")?;
                items.fmt(formatter)
            }
            Self::Map(pairs) => formatter.debug_map().entries(pairs.iter().cloned()).finish(),
            Self::End => write!(formatter, "end"),
        }
    }
}

/// A connection that asks and reads.
pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    /// Connects.
    pub fn connect(port: u16) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let stream = TcpStream::connect_timeout(&address, REPLY_LIMIT).unwrap();
        stream.set_read_timeout(Some(REPLY_LIMIT)).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) {
        // Who has closed already may not take them; the read tells.
        let _ = self.stream.get_mut().write_all(bytes);
    }

    /// Sends a request, its words apart by spaces.
    pub fn request(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        self.words(&words);
    }

    /// Sends a request.
    pub fn words(&mut self, words: &[&str]) {
        self.send(request(words).as_bytes());
    }

    /// Sends a request and reads its reply.
    pub fn ask(&mut self, line: &str) -> Value {
        self.request(line);
        self.read()
    }

    /// Reads one value.
    ///
    /// # Panics
    /// When none comes in time, or no RESP.
    pub fn read(&mut self) -> Value {
        let mut line = Vec::new();
        match self.stream.read_until(b'\n', &mut line) {
            Ok(0) => return Value::End,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                return Value::End;
            }
            Err(error) => panic!("no reply: {error}"),
            Ok(_) => {}
        }
        let line = String::from_utf8(line).unwrap();
        let line = line.strip_suffix("\r\n").unwrap_or_else(|| panic!("half a line: {line:?}"));
        let (kind, rest) = line.split_at(1);
        match kind {
            "+" => Value::Simple(rest.into()),
            "-" => Value::Error(rest.into()),
            ":" => Value::Integer(rest.parse().unwrap()),
            "_" => Value::Null,
            "$" if rest == "-1" => Value::Null,
            "$" => Value::Text(self.text(rest)),
            "=" => Value::Verbatim(self.text(rest)),
            "*" if rest == "-1" => Value::NullList,
            "*" => Value::List(self.items(rest)),
            "~" => Value::Set(self.items(rest)),
            ">" => Value::Push(self.items(rest)),
            "%" => {
                let count: usize = rest.parse().unwrap();
                Value::Map((0..count).map(|_| (self.read(), self.read())).collect())
            }
            _ => panic!("no RESP: {line:?}"),
        }
    }

    fn items(&mut self, count: &str) -> Vec<Value> {
        let count: usize = count.parse().unwrap();
        (0..count).map(|_| self.read()).collect()
    }

    fn text(&mut self, length: &str) -> String {
        let mut text = vec![0; length.parse::<usize>().unwrap() + 2];
        self.stream.read_exact(&mut text).unwrap();
        assert!(text.ends_with(b"\r\n"), "a text is longer than it says");
        text.truncate(text.len() - 2);
        String::from_utf8(text).unwrap()
    }
}

/// A request of these words.
pub fn request(words: &[&str]) -> String {
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request.extend(["$", &word.len().to_string(), "\r\n", word, "\r\n"]);
    }
    request
}

impl Value {
    /// The fields of a map, or of a list that is one in RESP2.
    pub fn fields(&self) -> Vec<(String, String)> {
        let text = |value: &Self| match value {
            Self::Text(text) => text.clone(),
            other => panic!("no text: {other:?}"),
        };
        match self {
            Self::Map(pairs) => pairs.iter().map(|(key, value)| (text(key), text(value))).collect(),
            Self::List(items) => {
                items.chunks(2).map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
            }
            other => panic!("no fields: {other:?}"),
        }
    }

    /// One field.
    pub fn field(&self, name: &str) -> Option<String> {
        self.fields().into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The items of a list.
    pub fn list(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            other => panic!("no list: {other:?}"),
        }
    }
}
