//! Durations as Go (`2160h`, `1h30m`) and Prometheus (`30s`, `1d`) write them.

/// Units of Go's `time.ParseDuration` that certificates need, in milliseconds.
const GO_UNITS_MS: &[(&str, u64)] = &[("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Units of Prometheus, in milliseconds.
const PROMETHEUS_UNITS_MS: &[(&str, u64)] = &[
    ("y", 31_536_000_000),
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// The length of a Go duration in milliseconds; `None` when it is not one, or has a fraction.
#[must_use]
pub fn go_duration_ms(text: &str) -> Option<u64> {
    parse_ms(text, GO_UNITS_MS)
}

/// The length of a Prometheus duration in milliseconds; `None` when it is not one.
#[must_use]
pub fn prometheus_duration_ms(text: &str) -> Option<u64> {
    parse_ms(text, PROMETHEUS_UNITS_MS)
}

/// Each unit at most once, the larger before the smaller.
fn parse_ms(text: &str, mut units: &[(&str, u64)]) -> Option<u64> {
    let mut rest = text;
    let mut total_ms = 0_u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let at = units.iter().position(|(unit, _)| *unit == &rest[..end])?;
        total_ms = total_ms.checked_add(count.checked_mul(units[at].1)?)?;
        units = &units[at + 1..];
        rest = &rest[end..];
    }
    (!text.is_empty()).then_some(total_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dialect_has_its_own_units() {
        for (text, go, prometheus) in [
            ("2160h", Some(7_776_000_000), Some(7_776_000_000)),
            ("1h30m", Some(5_400_000), Some(5_400_000)),
            ("1500ms", Some(1500), Some(1500)),
            ("1d", None, Some(86_400_000)),
            ("0s", Some(0), Some(0)),
            ("", None, None),
            ("5", None, None),
            ("h", None, None),
            ("1x", None, None),
            ("1m1h", None, None),
            ("1h1h", None, None),
            ("-1h", None, None),
            ("1.5h", None, None),
            ("99999999999999999999h", None, None),
            ("9999999999999999h", None, None),
        ] {
            assert_eq!(go_duration_ms(text), go, "{text}");
            assert_eq!(prometheus_duration_ms(text), prometheus, "{text}");
        }
    }
}
