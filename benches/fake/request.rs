//! Requests as clients send them.

/// The first complete request, and its length in bytes.
pub fn first(bytes: &[u8]) -> Option<(Vec<String>, usize)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut at = 0;
    let mut line = || {
        let end = text[at..].find("\r\n")? + at;
        let found = &text[at..end];
        at = end + 2;
        Some(found)
    };
    let count: usize = line()?.strip_prefix('*')?.parse().ok()?;
    let mut words = Vec::new();
    for _ in 0..count {
        line()?;
        words.push(line()?.to_owned());
    }
    Some((words, at))
}
