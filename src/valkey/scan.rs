//! Finds where a reply ends, before anything is made of it.
//!
//! A parser that trusts a declared length can be told to reserve the whole memory, and one that
//! descends as deep as it is told overflows its stack. So every byte passes here first: only a
//! reply that is complete, shallow and short is handed on. RESP2 only, which is all we ask for.

/// The most that all replies to one request may be, in bytes.
pub const MAX_REPLY_BYTES: usize = 1 << 20;
/// The most values that all replies to one request may hold, arrays counted too.
pub const MAX_REPLY_VALUES: usize = 1 << 15;
/// The most arrays one inside the other. `EXEC` of `ACL GETUSER` has 4.
pub const MAX_REPLY_DEPTH: usize = 16;
/// The longest number on a line: a sign and 19 digits.
const MAX_NUMBER_BYTES: usize = 20;

/// Why bytes are no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// No reply starts with this byte.
    #[error("no reply starts with byte `{0:#04x}`")]
    Type(u8),
    /// An alert or handshake of TLS.
    #[error("the server speaks TLS; give a certificate authority to speak it too")]
    Tls,
    /// A length or an integer is not one.
    #[error("a number of the reply is none")]
    Number,
    /// A length below -1.
    #[error("a length of the reply is negative")]
    Length,
    /// A text does not end where its length says.
    #[error("a text of the reply does not end where it says")]
    End,
    /// A line is not UTF-8.
    #[error("a line of the reply is not UTF-8")]
    Text,
}

/// Which bound a reply is beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    /// [`MAX_REPLY_BYTES`].
    #[error("more than {MAX_REPLY_BYTES} bytes")]
    Bytes,
    /// [`MAX_REPLY_VALUES`].
    #[error("more than {MAX_REPLY_VALUES} values")]
    Values,
    /// [`MAX_REPLY_DEPTH`].
    #[error("more than {MAX_REPLY_DEPTH} arrays one inside the other")]
    Depth,
}

/// Why a scan stops for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScanError {
    Malformed(Malformed),
    TooLarge(TooLarge),
}

impl From<Malformed> for ScanError {
    fn from(fault: Malformed) -> Self {
        Self::Malformed(fault)
    }
}

impl From<TooLarge> for ScanError {
    fn from(bound: TooLarge) -> Self {
        Self::TooLarge(bound)
    }
}

/// Walks over the replies to one request as their bytes arrive; no byte is looked at twice, but for
/// a header that is not complete.
#[derive(Debug)]
pub(super) struct Scanner {
    /// Where the next value starts, from the reply's first byte.
    at: usize,
    /// No line ends before this.
    searched: usize,
    /// How many values each open array still waits for, the outermost first.
    open: [usize; MAX_REPLY_DEPTH],
    depth: usize,
    /// What is left of the bounds for this request.
    bytes_left: usize,
    values_left: usize,
}

impl Scanner {
    /// For the replies to one request.
    pub(super) fn new() -> Self {
        Self {
            at: 0,
            searched: 0,
            open: [0; MAX_REPLY_DEPTH],
            depth: 0,
            bytes_left: MAX_REPLY_BYTES,
            values_left: MAX_REPLY_VALUES,
        }
    }

    /// The length of the first reply in `bytes`, or `None` while it is not complete.
    ///
    /// The caller takes so many bytes off the front, and the scan goes on with the next reply.
    pub(super) fn reply_bytes(&mut self, bytes: &[u8]) -> Result<Option<usize>, ScanError> {
        loop {
            match self.value_end(bytes)? {
                None if bytes.len() >= self.bytes_left => return Err(TooLarge::Bytes.into()),
                None => return Ok(None),
                Some(end) => {
                    self.at = end;
                    self.searched = end;
                }
            }
            if self.depth == 0 {
                let taken = std::mem::take(&mut self.at);
                self.searched = 0;
                self.bytes_left = self.bytes_left.checked_sub(taken).ok_or(TooLarge::Bytes)?;
                return Ok(Some(taken));
            }
        }
    }

    /// The end of the value that starts at `at`; of an array, the end of its header, unless it is
    /// empty. Closes the arrays that the value completes.
    fn value_end(&mut self, bytes: &[u8]) -> Result<Option<usize>, ScanError> {
        let Some(&kind) = bytes.get(self.at) else { return Ok(None) };
        let numeric = match kind {
            b'+' | b'-' => false,
            b':' | b'$' | b'*' => true,
            0x15 | 0x16 => return Err(Malformed::Tls.into()),
            other => return Err(Malformed::Type(other).into()),
        };
        let Some(line_end) = self.line_end(bytes) else {
            // After the type's byte there may be the number and the CR.
            let long = bytes.len() - self.at > 1 + MAX_NUMBER_BYTES + 1;
            return if numeric && long { Err(Malformed::Number.into()) } else { Ok(None) };
        };
        let line = &bytes[self.at + 1..line_end];
        let after = line_end + 2;
        let end = match kind {
            b'+' | b'-' => {
                std::str::from_utf8(line).map_err(|_| Malformed::Text)?;
                after
            }
            b':' => {
                number(line)?;
                after
            }
            b'$' => match length(line)? {
                None => after,
                Some(size) => {
                    let room = self.bytes_left.saturating_sub(after + 2);
                    let size = usize::try_from(size).map_err(|_| TooLarge::Bytes)?;
                    if size > room {
                        return Err(TooLarge::Bytes.into());
                    }
                    let text_end = after + size;
                    match bytes.get(text_end..text_end + 2) {
                        None => return Ok(None),
                        Some(b"\r\n") => text_end + 2,
                        Some(_) => return Err(Malformed::End.into()),
                    }
                }
            },
            _ => match length(line)? {
                None | Some(0) => after,
                Some(count) => {
                    let count = usize::try_from(count).map_err(|_| TooLarge::Values)?;
                    self.count_value()?;
                    if count > self.values_left {
                        return Err(TooLarge::Values.into());
                    }
                    let slot = self.open.get_mut(self.depth).ok_or(TooLarge::Depth)?;
                    *slot = count;
                    self.depth += 1;
                    return Ok(Some(after));
                }
            },
        };
        self.count_value()?;
        self.close();
        Ok(Some(end))
    }

    fn count_value(&mut self) -> Result<(), TooLarge> {
        self.values_left = self.values_left.checked_sub(1).ok_or(TooLarge::Values)?;
        Ok(())
    }

    /// One value is complete, and with it perhaps the arrays around it.
    fn close(&mut self) {
        while let Some(waiting) = self.depth.checked_sub(1).and_then(|at| self.open.get_mut(at)) {
            *waiting -= 1;
            if *waiting > 0 {
                return;
            }
            self.depth -= 1;
        }
    }

    /// Where the line that starts at `at` ends, before its CR LF.
    fn line_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let from = self.searched.max(self.at + 1);
        let found = bytes.get(from..)?.windows(2).position(|pair| pair == b"\r\n");
        if found.is_none() {
            // The last byte may be the CR.
            self.searched = bytes.len().saturating_sub(1).max(from);
        }
        found.map(|distance| from + distance)
    }
}

fn number(line: &[u8]) -> Result<i64, Malformed> {
    let digits = line.strip_prefix(b"-").unwrap_or(line);
    let too_long = line.len() > MAX_NUMBER_BYTES;
    if digits.is_empty() || too_long || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Malformed::Number);
    }
    std::str::from_utf8(line).ok().and_then(|text| text.parse().ok()).ok_or(Malformed::Number)
}

/// A declared length; `None` for -1, which is nil.
fn length(line: &[u8]) -> Result<Option<u64>, Malformed> {
    match number(line)? {
        -1 => Ok(None),
        length => u64::try_from(length).map(Some).map_err(|_| Malformed::Length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a scan says of these bytes, however they are cut.
    fn scan(bytes: &[u8]) -> Result<Option<usize>, ScanError> {
        let whole = Scanner::new().reply_bytes(bytes);
        for cut in 1..bytes.len() {
            let mut scanner = Scanner::new();
            let early = scanner.reply_bytes(&bytes[..cut]);
            let both = if early == Ok(None) { scanner.reply_bytes(bytes) } else { early };
            assert_eq!(both, whole, "cut at {cut}: {}", String::from_utf8_lossy(bytes));
        }
        whole
    }

    #[test]
    fn a_reply_ends_where_it_says() {
        for reply in [
            "+OK\r\n",
            "+\r\n",
            "-ERR x\r\n",
            ":0\r\n",
            ":-9223372036854775808\r\n",
            "$0\r\n\r\n",
            "$-1\r\n",
            "$4\r\n\r\n\r\n\r\n",
            "*0\r\n",
            "*-1\r\n",
            "*2\r\n+a\rb\r\n:1\r\n",
            "*2\r\n*1\r\n*0\r\n$1\r\nx\r\n",
            "*1\r\n*1\r\n*1\r\n:1\r\n",
        ] {
            assert_eq!(scan(reply.as_bytes()), Ok(Some(reply.len())), "{reply:?}");
            let followed = format!("{reply}+next\r\n");
            assert_eq!(
                Scanner::new().reply_bytes(followed.as_bytes()),
                Ok(Some(reply.len())),
                "{reply:?}"
            );
            for cut in 0..reply.len() {
                assert_eq!(Scanner::new().reply_bytes(&reply.as_bytes()[..cut]), Ok(None));
            }
        }
    }

    #[test]
    fn what_is_no_reply_is_refused_as_soon_as_it_shows() {
        for (reply, fault) in [
            (&b"HTTP/1.1 400"[..], Malformed::Type(b'H')),
            (b"%1\r\n+a\r\n+b\r\n", Malformed::Type(b'%')),
            (b"\x15\x03\x03", Malformed::Tls),
            (b"*2\r\n+a\r\n\0", Malformed::Type(0)),
            (b":\r\n", Malformed::Number),
            (b":-\r\n", Malformed::Number),
            (b":+1\r\n", Malformed::Number),
            (b": 1\r\n", Malformed::Number),
            (b":9223372036854775808\r\n", Malformed::Number),
            (b"$x\r\n", Malformed::Number),
            (b"$111111111111111111111111111", Malformed::Number),
            (b":0000000000000000000000000001\r\n", Malformed::Number),
            (b"$-2\r\n", Malformed::Length),
            (b"*-2\r\n", Malformed::Length),
            (b"$1\r\nabc", Malformed::End),
            (b"+\xff\r\n", Malformed::Text),
        ] {
            assert_eq!(scan(reply), Err(ScanError::Malformed(fault)), "{reply:?}");
        }
    }

    #[test]
    fn what_is_too_large_is_refused_by_its_header() {
        for (reply, bound) in [
            ("$9223372036854775807\r\n".to_owned(), TooLarge::Bytes),
            (format!("${MAX_REPLY_BYTES}\r\n"), TooLarge::Bytes),
            ("*9223372036854775807\r\n".to_owned(), TooLarge::Values),
            ("*1000000000\r\n".to_owned(), TooLarge::Values),
            (format!("*{MAX_REPLY_VALUES}\r\n"), TooLarge::Values),
            ("*1\r\n".repeat(MAX_REPLY_DEPTH + 1), TooLarge::Depth),
            // Each within the bound, and more in sum.
            (
                format!("*2\r\n*{0}\r\n{1}*{0}\r\n", 20_000, ":1\r\n".repeat(20_000)),
                TooLarge::Values,
            ),
        ] {
            let scanned = Scanner::new().reply_bytes(reply.as_bytes());
            assert_eq!(scanned, Err(ScanError::TooLarge(bound)), "{reply:.40}");
        }
        let deepest = "*1\r\n".repeat(MAX_REPLY_DEPTH) + ":1\r\n";
        assert_eq!(scan(deepest.as_bytes()), Ok(Some(deepest.len())));
        let widest =
            format!("*{}\r\n", MAX_REPLY_VALUES - 1) + &":1\r\n".repeat(MAX_REPLY_VALUES - 1);
        assert_eq!(Scanner::new().reply_bytes(widest.as_bytes()), Ok(Some(widest.len())));
    }

    #[test]
    fn a_line_that_never_ends_is_refused_at_the_bound() {
        let mut scanner = Scanner::new();
        let endless = vec![b'+'; MAX_REPLY_BYTES];
        assert_eq!(scanner.reply_bytes(&endless[..MAX_REPLY_BYTES - 1]), Ok(None));
        assert_eq!(scanner.reply_bytes(&endless), Err(ScanError::TooLarge(TooLarge::Bytes)));
    }

    #[test]
    fn the_bounds_hold_for_all_replies_of_a_request() {
        let text = "x".repeat(1000);
        let reply = format!("$1000\r\n{text}\r\n");
        let mut scanner = Scanner::new();
        let fitting = MAX_REPLY_BYTES / reply.len();
        for _ in 0..fitting {
            assert_eq!(scanner.reply_bytes(reply.as_bytes()), Ok(Some(reply.len())));
        }
        let beyond = scanner.reply_bytes(reply.as_bytes());
        assert_eq!(beyond, Err(ScanError::TooLarge(TooLarge::Bytes)));
    }
}
