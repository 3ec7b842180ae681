//! Whether a server's `CONFIG GET` says what a line of `valkey.conf` says.

/// Whether `answer` is the value that a line with these arguments sets.
pub fn same_value(name: &str, arguments: &str, answer: &str) -> bool {
    let words = split(arguments);
    let wanted = words.join(" ");
    match name {
        // The server writes the flags in its own order.
        "notify-keyspace-events" => sorted(&wanted) == sorted(answer),
        // The server answers all classes, of which the line names some.
        "client-output-buffer-limit" => {
            let wanted: Vec<String> = words.iter().map(|word| in_bytes(word)).collect();
            let answer: Vec<&str> = answer.split(' ').collect();
            wanted.chunks(4).all(|class| {
                answer.chunks(4).any(|other| {
                    (other[0] == class[0] || (other[0], &*class[0]) == ("slave", "replica"))
                        && other[1..] == class[1..]
                })
            })
        }
        _ => wanted.eq_ignore_ascii_case(answer) || in_bytes(&wanted) == in_bytes(answer),
    }
}

/// The words of a line, as the server splits it.
pub fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.chars().peekable();
    while let Some(&first) = rest.peek() {
        if first.is_whitespace() {
            rest.next();
            continue;
        }
        let quote = Some(first).filter(|c| matches!(c, '"' | '\''));
        if quote.is_some() {
            rest.next();
        }
        let mut word = String::new();
        while let Some(c) = rest.next() {
            match (quote, c) {
                (Some(end), c) if c == end => break,
                (None, c) if c.is_whitespace() => break,
                (Some(_), '\\') => word.extend(rest.next()),
                (_, c) => word.push(c),
            }
        }
        words.push(word);
    }
    words
}

fn sorted(text: &str) -> Vec<char> {
    let mut letters: Vec<char> = text.chars().collect();
    letters.sort_unstable();
    letters
}

/// An amount of memory as a number of bytes; anything else as it is.
fn in_bytes(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    let digits = lower.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit: u64 = match &lower[digits.len()..] {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return lower,
    };
    digits.parse::<u64>().map_or(lower.clone(), |number| (number * unit).to_string())
}

#[test]
fn values_are_the_same_in_the_servers_spelling_only() {
    for (name, arguments, answer, same) in [
        ("maxmemory", "100mb", "104857600", true),
        ("maxmemory", "100m", "104857600", false),
        ("save", "\"\"", "", true),
        ("save", "3600 1 300 100", "3600 1 300 100", true),
        ("appendfsync", "EverySec", "everysec", true),
        ("notify-keyspace-events", "Ex", "xE", true),
        ("notify-keyspace-events", "Ex", "xK", false),
        (
            "client-output-buffer-limit",
            "replica 256mb 64mb 60",
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
            true,
        ),
        ("client-output-buffer-limit", "normal 1 1 1", "normal 0 0 0 slave 1 1 1", false),
        ("proc-title-template", r#""{title} a\"b""#, "{title} a\"b", true),
        ("port", "6379", "0", false),
    ] {
        assert_eq!(same_value(name, arguments, answer), same, "{name} {arguments}: {answer}");
    }
}
