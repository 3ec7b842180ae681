//! Text in columns, and time spans, for people.

use std::fmt::Write as _;

/// What stands where there is nothing to say.
pub(super) const NOTHING: &str = "-";

/// Rows in columns as wide as they need.
pub(super) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
            let _ = write!(line, "{cell:<width$}  ");
        }
        text += line.trim_end();
        text += "\n";
    }
    text
}

/// A time span, as exact as it matters.
pub(super) fn age(ms: u64) -> String {
    let (s, min, h) = (ms / 1000, ms / 60_000, ms / 3_600_000);
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..120_000 => format!("{s}.{} s", ms % 1000 / 100),
        120_000..7_200_000 => format!("{min} min {} s", s % 60),
        7_200_000..172_800_000 => format!("{h} h {} min", min % 60),
        _ => format!("{} d {} h", h / 24, h % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_as_exact_as_it_matters() {
        for (ms, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1000, "1.0 s"),
            (119_999, "119.9 s"),
            (120_000, "2 min 0 s"),
            (7_199_999, "119 min 59 s"),
            (7_200_000, "2 h 0 min"),
            (172_800_000, "2 d 0 h"),
        ] {
            assert_eq!(age(ms), text);
        }
    }
}
