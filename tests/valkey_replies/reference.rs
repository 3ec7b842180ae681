//! Replies as trees, and a second reader of them, written for clearness alone.

use gungnir::valkey::{Answer, ErrorReply, MAX_REPLY_BYTES, MAX_REPLY_DEPTH, MAX_REPLY_VALUES};
use redis::Value;

use crate::seed::Seed;

/// A reply of RESP2.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    Status(String),
    Error(String),
    Integer(i64),
    Text(Vec<u8>),
    Nil,
    Array(Vec<Tree>),
}

/// What bytes are, to a reader that has all that will ever come.
#[derive(Debug, PartialEq)]
pub enum Reading {
    /// A whole reply of so many bytes.
    Whole(Tree, usize),
    /// The end is missing.
    Half,
    /// No reply.
    Bad,
    /// Beyond a bound.
    Large,
}

impl Tree {
    /// A reply that a server might send, of at most `size` values or so.
    pub fn random(seed: &mut Seed, size: usize, depth: usize) -> Self {
        const STATUSES: &[&str] = &["OK", "PONG", "QUEUED", "", "a\rb", "ä ö", "Background saving"];
        const ERRORS: &[&str] = &[
            "ERR unknown command 'X', with args beginning with: 'a' ",
            "LOADING Valkey is loading the dataset in memory",
            "NOAUTH Authentication required.",
            "WRONGPASS",
            "",
            " a",
            "MISCONF ä",
        ];
        match seed.below(if size > 1 && depth > 0 { 10 } else { 7 }) {
            0 => Self::Status(seed.pick(STATUSES).to_owned()),
            1 => Self::Error(seed.pick(ERRORS).to_owned()),
            2 => Self::Integer(i64::from_ne_bytes(seed.next().to_ne_bytes()) >> seed.below(64)),
            3 => Self::Nil,
            4 if seed.once_in(200) => Self::Text(vec![seed.byte(); seed.below(60_000)]),
            4 => Self::Text(b"\r\n$-1\r\n*1\r\n"[..seed.below(12)].to_vec()),
            5 | 6 => {
                let length = seed.below(40);
                Self::Text((0..length).map(|_| seed.byte()).collect())
            }
            _ => {
                let length = seed.below(size.min(6));
                let each = size / length.max(1);
                Self::Array((0..length).map(|_| Self::random(seed, each, depth - 1)).collect())
            }
        }
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Status(line) => write_line(out, b'+', line),
            Self::Error(line) => write_line(out, b'-', line),
            Self::Integer(number) => write_line(out, b':', &number.to_string()),
            Self::Nil => out.extend(b"$-1\r\n"),
            Self::Text(bytes) => {
                write_line(out, b'$', &bytes.len().to_string());
                out.extend(bytes);
                out.extend(b"\r\n");
            }
            Self::Array(values) => {
                write_line(out, b'*', &values.len().to_string());
                for value in values {
                    value.write(out);
                }
            }
        }
    }

    /// Whether this is what the connection made of it.
    pub fn is(&self, answer: &Answer) -> bool {
        match (self, answer) {
            (Self::Error(line), Err(error)) => {
                let parsed = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
                matches!(parsed, Value::ServerError(parsed) if ErrorReply::new(&parsed) == *error)
            }
            (tree, Ok(value)) => !matches!(tree, Self::Error(_)) && tree.is_value(value),
            (_, Err(_)) => false,
        }
    }

    fn is_value(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Status(line), Value::Okay) => line == "OK",
            (Self::Status(line), Value::SimpleString(text)) => line == text && line != "OK",
            (Self::Integer(number), Value::Int(value)) => number == value,
            (Self::Text(bytes), Value::BulkString(value)) => bytes == value,
            (Self::Nil, Value::Nil) => true,
            (Self::Array(trees), Value::Array(values)) => {
                let pairs = trees.iter().zip(values);
                trees.len() == values.len()
                    && pairs.fold(true, |same, (a, b)| same && a.is_value(b))
            }
            (Self::Error(line), Value::ServerError(error)) => {
                let (code, detail) = match line.split_once(' ') {
                    Some((code, detail)) => (code, Some(detail)),
                    None => (line.as_str(), None),
                };
                error.code() == code && error.details() == detail
            }
            _ => false,
        }
    }
}

fn write_line(out: &mut Vec<u8>, kind: u8, line: &str) {
    out.push(kind);
    out.extend(line.as_bytes());
    out.extend(b"\r\n");
}

/// Reads one reply, as the bounds of one request have it.
pub fn read(bytes: &[u8]) -> Reading {
    let mut reader = Reader { bytes, at: 0, values: 0 };
    match reader.value(0) {
        Ok(_) if reader.at > MAX_REPLY_BYTES => Reading::Large,
        Ok(tree) => Reading::Whole(tree, reader.at),
        Err(Reading::Half) if bytes.len() >= MAX_REPLY_BYTES => Reading::Large,
        Err(other) => other,
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    values: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Tree, Reading> {
        let kind = *self.bytes.get(self.at).ok_or(Reading::Half)?;
        if !b"+-:$*".contains(&kind) {
            return Err(Reading::Bad);
        }
        self.at += 1;
        let rest = &self.bytes[self.at..];
        let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") else {
            let numeric = b":$*".contains(&kind) && rest.len() > 21;
            return Err(if numeric { Reading::Bad } else { Reading::Half });
        };
        self.at += end + 2;
        let line = std::str::from_utf8(&rest[..end]).map_err(|_| Reading::Bad)?;
        let tree = match kind {
            b'+' => Tree::Status(line.to_owned()),
            b'-' => Tree::Error(line.to_owned()),
            b':' => Tree::Integer(number(line)?),
            _ => match number(line)? {
                -1 => Tree::Nil,
                length if length < 0 => return Err(Reading::Bad),
                length if kind == b'$' => return self.text(usize::try_from(length).unwrap()),
                length => return self.array(usize::try_from(length).unwrap(), depth),
            },
        };
        self.count()?;
        Ok(tree)
    }

    fn text(&mut self, length: usize) -> Result<Tree, Reading> {
        if self.at.saturating_add(length).saturating_add(2) > MAX_REPLY_BYTES {
            return Err(Reading::Large);
        }
        let text = self.bytes.get(self.at..self.at + length + 2).ok_or(Reading::Half)?;
        let text = text.strip_suffix(b"\r\n").ok_or(Reading::Bad)?;
        self.at += length + 2;
        self.count()?;
        Ok(Tree::Text(text.to_vec()))
    }

    fn array(&mut self, length: usize, depth: usize) -> Result<Tree, Reading> {
        self.count()?;
        if length > MAX_REPLY_VALUES - self.values || (length > 0 && depth == MAX_REPLY_DEPTH) {
            return Err(Reading::Large);
        }
        (0..length).map(|_| self.value(depth + 1)).collect::<Result<_, _>>().map(Tree::Array)
    }

    fn count(&mut self) -> Result<(), Reading> {
        self.values += 1;
        if self.values > MAX_REPLY_VALUES { Err(Reading::Large) } else { Ok(()) }
    }
}

/// An integer as servers write it: no plus, no blank, at most 20 characters.
fn number(line: &str) -> Result<i64, Reading> {
    let plain = line.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let number = line.parse().ok().filter(|_| plain && line.len() <= 20);
    number.ok_or(Reading::Bad)
}
