//! RESP2: requests as a server reads them, replies as it writes them.

/// A request's words.
pub type Words = Vec<String>;

/// The next whole request of what has arrived, and how many bytes it took. `Err` for what is none.
pub fn request(bytes: &[u8]) -> Result<Option<(Words, usize)>, ()> {
    let Some((count, mut at)) = header(bytes, 0, b'*')? else { return Ok(None) };
    let mut words = Vec::with_capacity(count);
    for _ in 0..count {
        let Some((length, start)) = header(bytes, at, b'$')? else { return Ok(None) };
        let Some(word) = bytes.get(start..start + length) else { return Ok(None) };
        if bytes.len() < start + length + 2 {
            return Ok(None);
        }
        words.push(String::from_utf8_lossy(word).into_owned());
        at = start + length + 2;
    }
    Ok(Some((words, at)))
}

/// A number after its mark, and where the line after it begins.
fn header(bytes: &[u8], at: usize, mark: u8) -> Result<Option<(usize, usize)>, ()> {
    let Some(line) = bytes.get(at..) else { return Ok(None) };
    let Some(end) = line.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
    let digits = line.get(1..end.saturating_sub(1)).unwrap_or_default();
    let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    match number {
        Some(number) if line[0] == mark => Ok(Some((number, at + end + 1))),
        _ => Err(()),
    }
}

/// How many bytes a command takes when it is written.
pub fn length(words: &[&str]) -> u64 {
    let digits = |number: usize| number.to_string().len();
    let word = |word: &&str| 1 + digits(word.len()) + 2 + word.len() + 2;
    let total = 1 + digits(words.len()) + 2 + words.iter().map(word).sum::<usize>();
    u64::try_from(total).unwrap()
}

/// A reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Simple(&'static str),
    Error(String),
    Number(i64),
    Bulk(String),
    Nothing,
    List(Vec<Reply>),
}

impl Reply {
    pub const OK: Self = Self::Simple("OK");

    pub fn error(text: &str) -> Self {
        Self::Error(text.to_owned())
    }

    pub fn count(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap())
    }

    pub fn bulks<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::List(texts.into_iter().map(|text| Self::Bulk(text.into())).collect())
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        let line = |out: &mut Vec<u8>, mark: u8, text: &str| {
            out.push(mark);
            out.extend_from_slice(text.as_bytes());
            out.extend_from_slice(b"\r\n");
        };
        match self {
            Self::Simple(text) => line(out, b'+', text),
            Self::Error(text) => line(out, b'-', text),
            Self::Number(number) => line(out, b':', &number.to_string()),
            Self::Bulk(text) => {
                line(out, b'$', &text.len().to_string());
                out.extend_from_slice(text.as_bytes());
                out.extend_from_slice(b"\r\n");
            }
            Self::Nothing => out.extend_from_slice(b"$-1\r\n"),
            Self::List(replies) => {
                line(out, b'*', &replies.len().to_string());
                for reply in replies {
                    reply.write(out);
                }
            }
        }
    }
}
