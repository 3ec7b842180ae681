//! What values a directive takes, and what is wrong with one that it does not take.
//!
//! **Invariant.** Nothing is refused that one of the supported versions takes. The only exceptions
//! are spellings that Valkey reads as something else than they say (`maxmemory gb` means 0 there).

use std::fmt;
use std::slice;

use super::words;

/// What values a directive takes, over all supported versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// `yes` or `no`.
    YesNo,
    /// A whole number within these two.
    Integer {
        /// The least that some version takes.
        least: i64,
        /// The most that some version takes.
        most: i64,
    },
    /// An amount of memory, of at least so many bytes; a least amount of -1 allows `-1`.
    Memory {
        /// In bytes.
        least: i64,
    },
    /// An amount of memory, or a percentage of `maxmemory`.
    MemoryOrPercent,
    /// A number of 0 to 100, which may have a fraction.
    Percentile,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Any of these letters, or none.
    Letters(&'static str),
    /// Any one word; with blanks only in quotes.
    Word,
    /// Whatever can be read.
    Words,
    /// These in turn, so many times, in one word or in many; and how to say that to people.
    Turns(&'static [Takes], Times, &'static str),
}

/// How many times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Exactly one time.
    Once,
    /// One time or more.
    Some,
    /// One time or more; or none, written `""`.
    Any,
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueFault {
    /// The cause, as the end of a sentence that begins with the value's place.
    pub message: String,
    /// The cure, if it can be guessed.
    pub help: Option<String>,
}

impl Takes {
    /// What is wrong with these arguments of the directive `name`, as written in `valkey.conf`.
    pub(super) fn fault(&self, name: &str, arguments: &str) -> Option<ValueFault> {
        let words = match words::split(arguments) {
            Ok(words) => words,
            Err(cause) => return Some(ValueFault { message: cause.to_owned(), help: None }),
        };
        let misfit = self.check(&words).err()?;
        let shown = misfit.as_deref().unwrap_or(arguments.trim()).escape_debug();
        let near = misfit.as_deref().and_then(|word| self.near(word));
        Some(ValueFault {
            message: format!("`{shown}` is not a value of `{name}`: expected {self}"),
            help: near.map(|near| format!("did you mean `{near}`?")),
        })
    }

    /// Fails with the word that does not fit, or with `None` when they are too many or too few.
    fn check(&self, words: &[String]) -> Result<(), Option<String>> {
        let inner;
        let (turn, times, words) = match (self, words) {
            (Self::Words, _) => return Ok(()),
            (Self::Turns(_, Times::Any, _), [one]) if one.is_empty() => return Ok(()),
            // All of them may stand in one word.
            (Self::Turns(turn, times, _), [one]) => {
                inner = words::split(one).map_err(|_| None)?;
                (*turn, *times, inner.as_slice())
            }
            (Self::Turns(turn, times, _), _) => (*turn, *times, words),
            _ => (slice::from_ref(self), Times::Once, words),
        };
        let fits = match times {
            Times::Once => words.len() == turn.len(),
            Times::Some | Times::Any => words.len().is_multiple_of(turn.len()),
        };
        if !fits {
            return Err(None);
        }
        let mut pairs = words.iter().zip(turn.iter().cycle());
        match pairs.find(|(word, takes)| !takes.takes_word(word)) {
            Some((word, _)) => Err(Some(word.clone())),
            None => Ok(()),
        }
    }

    fn takes_word(&self, word: &str) -> bool {
        match self {
            Self::YesNo => ["yes", "no"].iter().any(|known| word.eq_ignore_ascii_case(known)),
            Self::OneOf(known) => known.iter().any(|known| word.eq_ignore_ascii_case(known)),
            Self::Integer { least, most } => {
                whole_number(word).is_some_and(|number| (*least..=*most).contains(&number))
            }
            Self::Memory { least: -1 } if word == "-1" => true,
            Self::Memory { least } => {
                memory_bytes(word).is_some_and(|bytes| i128::from(bytes) >= i128::from(*least))
            }
            Self::MemoryOrPercent => match word.strip_suffix('%') {
                Some(percent) => {
                    whole_number(percent).is_some_and(|percent| (0..=100).contains(&percent))
                }
                None => memory_bytes(word).is_some(),
            },
            Self::Percentile => {
                word.parse::<f64>().is_ok_and(|number| (0.0..=100.0).contains(&number))
            }
            Self::Letters(known) => word.chars().all(|letter| known.contains(letter)),
            Self::Word | Self::Words => true,
            Self::Turns(..) => false,
        }
    }

    /// What was probably meant by a word that is not taken.
    fn near(&self, word: &str) -> Option<String> {
        let word = word.to_ascii_lowercase();
        match self {
            Self::YesNo => match word.as_str() {
                "true" | "on" | "1" | "enable" | "enabled" | "y" => Some("yes".to_owned()),
                "false" | "off" | "0" | "disable" | "disabled" | "n" => Some("no".to_owned()),
                _ => None,
            },
            Self::OneOf(known) => {
                let near = similar::get_close_matches(word.as_str(), known, 1, 0.6);
                near.first().map(|near| (*near).to_owned())
            }
            // Kubernetes' `Mi` is Valkey's `mb`.
            Self::Memory { .. } | Self::MemoryOrPercent => {
                let amount = word.strip_suffix("ib").or_else(|| word.strip_suffix('i'))?;
                let near = format!("{amount}b");
                (amount.ends_with(['k', 'm', 'g']) && self.takes_word(&near)).then_some(near)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Takes {
    /// Says what is expected, to people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::YesNo => f.write_str("`yes` or `no`"),
            Self::Integer { least: i64::MIN, most: i64::MAX } => f.write_str("a whole number"),
            Self::Integer { least, most: i64::MAX } => {
                write!(f, "a whole number of at least {least}")
            }
            Self::Integer { least, most } => write!(f, "a whole number within {least} to {most}"),
            Self::Memory { least: -1 } => {
                f.write_str("an amount of memory such as `512mb`, or `-1`")
            }
            Self::Memory { least: 0 } => f.write_str("an amount of memory such as `512mb`"),
            Self::Memory { least: 1 } => {
                f.write_str("an amount of memory such as `512mb`, more than 0")
            }
            Self::Memory { least } => {
                write!(f, "an amount of memory such as `512mb`, at least {least} bytes")
            }
            Self::MemoryOrPercent => {
                f.write_str("an amount of memory such as `512mb`, or a percentage such as `5%`")
            }
            Self::Percentile => f.write_str("a number within 0 to 100"),
            Self::OneOf(known) => write!(f, "one of `{}`", known.join("`, `")),
            Self::Letters(known) => write!(f, "letters of `{known}`"),
            Self::Word => f.write_str("one word, or text in quotes"),
            Self::Words => f.write_str("words"),
            Self::Turns(_, _, text) => f.write_str(text),
        }
    }
}

/// A whole number as Valkey writes them: no `+`, no leading zeros.
fn whole_number(word: &str) -> Option<i64> {
    word.parse::<i64>().ok().filter(|number| number.to_string() == word)
}

/// An amount of memory, in bytes. As in Valkey, `k`, `m` and `g` are powers of 1000, and `kb`, `mb`
/// and `gb` powers of 1024, in any case.
pub(in crate::cluster) fn memory_bytes(word: &str) -> Option<u64> {
    let (digits, unit) =
        word.split_at(word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len()));
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::super::find;
    use super::*;

    fn fault(name: &str, value: &str) -> Option<ValueFault> {
        find(name).unwrap().value_fault(value)
    }

    #[test]
    fn what_valkey_takes_is_taken() {
        for (name, values) in [
            ("activedefrag", &["yes", "NO", "\"yes\"", "'no'"][..]),
            ("appendfsync", &["everysec", "Always", "\"no\""]),
            ("loglevel", &["nothing"]),
            ("sanitize-dump-payload", &["clients"]),
            ("timeout", &["0", "2147483647", "\"5\"", "\"\\x35\""]),
            ("io-threads", &["1", "256"]),
            ("maxmemory-samples", &["2147483647"]),
            ("list-max-ziplist-size", &["-2", "-2147483648"]),
            ("slowlog-log-slower-than", &["-1", "9223372036854775807"]),
            ("cluster-blacklist-ttl", &["-9223372036854775808"]),
            ("maxmemory", &["0", "1GB", "1k", "2b", "007", "18446744073709551615"]),
            ("maxmemory-clients", &["0", "0%", "100%", "1gb"]),
            ("repl-backlog-size", &["1"]),
            ("slot-migration-max-failover-repl-bytes", &["-1", "0", "1mb"]),
            ("notify-keyspace-events", &["\"\"", "KEA", "Ag$lshzxeKEtmdn"]),
            ("latency-tracking-info-percentiles", &["\"\"", "50 99.9", "\"50 99\"", "100"]),
            ("save", &["\"\"", "3600 1", "\"3600 1 300 100\"", "1 0"]),
            ("oom-score-adj-values", &["0 200 800", "\"-2000 0 2000\""]),
            ("client-output-buffer-limit", &["NORMAL 0 0 0", "slave 1gb 0 1 pubsub 1 2mb 3"]),
            ("shutdown-on-sigterm", &["default", "SAVE force", "\"nosave now\"", "failover"]),
            ("proc-title-template", &["\"{title} {port}\""]),
            ("loadmodule", &["/usr/lib/json.so", "/usr/lib/json.so a b"]),
            ("dynamic-hz", &["yes"]),
        ] {
            for value in values {
                assert_eq!(fault(name, value), None, "{name} {value}");
            }
        }
    }

    #[test]
    fn what_no_version_takes_is_refused() {
        for (name, values) in [
            ("activedefrag", &["", "\"\"", "ye", "yes no", "\"yes \""][..]),
            ("appendfsync", &["often", "always no"]),
            (
                "timeout",
                &["-1", "2147483648", "+5", "05", "-0", "1.5", "5s", "1 2", "\\x35", "\"\""],
            ),
            ("io-threads", &["0", "257"]),
            ("cluster-blacklist-ttl", &["9223372036854775808"]),
            ("maxmemory", &["1 gb", "1.5gb", "1tb", "5%", "-1", "+5", "1gib", "gb", "\"\""]),
            ("maxmemory", &["18446744073709551616", "18446744073709551615kb"]),
            ("maxmemory-clients", &["101%", "-5%", "05%", "%", "+5%"]),
            ("repl-backlog-size", &["0", "-1"]),
            ("client-query-buffer-limit", &["1048575"]),
            ("notify-keyspace-events", &["o", "K E"]),
            ("latency-tracking-info-percentiles", &["101", "nan", "inf", "50 p99", "-1"]),
            ("save", &["3600", "0 1", "1 -1", "1 2 3", "\"1 2\" 3 4", "\"\" \"\"", "\"'1 2\""]),
            ("oom-score-adj-values", &["0 1", "0 1 2 0 1 2", "0 1 2001", "\"\""]),
            ("client-output-buffer-limit", &["master 0 0 0", "normal 0 0", "normal 0 0 -1"]),
            ("client-output-buffer-limit", &["normal 1tb 0 0", "\"\""]),
            ("shutdown-on-sigterm", &["\"\"", "save hard"]),
            ("proc-title-template", &["{title} {port}"]),
            ("loadmodule", &["\"open", "a\nb"]),
        ] {
            for value in values {
                assert!(fault(name, value).is_some(), "{name} {value}");
            }
        }
    }

    #[test]
    fn a_fault_says_what_was_expected_and_what_was_probably_meant() {
        for (name, value, message, help) in [
            (
                "dynamic-hz",
                "true",
                "`true` is not a value of `dynamic-hz`: expected `yes` or `no`",
                "yes",
            ),
            (
                "appendfsync",
                "\"everysecond\"",
                "`everysecond` is not a value of `appendfsync`: expected one of `everysec`, \
                 `always`, `no`",
                "everysec",
            ),
            (
                "maxmemory",
                "512Mi",
                "`512Mi` is not a value of `maxmemory`: expected an amount of memory such as \
                 `512mb`",
                "512mb",
            ),
            (
                "slave-priority",
                "high",
                "`high` is not a value of `replica-priority`: expected a whole number within 0 to \
                 2147483647",
                "",
            ),
            (
                "save",
                "900 often",
                "`often` is not a value of `save`: expected pairs of seconds and changes, such as \
                 `3600 1 300 100`, or `\"\"`",
                "",
            ),
            (
                "slowlog-max-len",
                "1 2",
                "`1 2` is not a value of `slowlog-max-len`: expected a whole number of at least 0",
                "",
            ),
        ] {
            let help = (!help.is_empty()).then(|| format!("did you mean `{help}`?"));
            assert_eq!(fault(name, value), Some(ValueFault { message: message.to_owned(), help }));
        }
    }

    #[test]
    fn amounts_of_memory_are_counted_as_valkey_counts_them() {
        for (word, bytes) in [
            ("0", Some(0)),
            ("1b", Some(1)),
            ("2k", Some(2000)),
            ("2Kb", Some(2048)),
            ("3m", Some(3_000_000)),
            ("3MB", Some(3 << 20)),
            ("4g", Some(4_000_000_000)),
            ("4gb", Some(4 << 30)),
            ("17179869184gb", None),
            ("gb", None),
            ("1t", None),
            ("", None),
        ] {
            assert_eq!(memory_bytes(word), bytes, "{word}");
        }
    }
}
