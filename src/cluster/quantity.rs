//! Kubernetes quantities (`100m`, `1Gi`, `1e3`), exact.
//!
//! Everything is counted in billionths, the finest unit that Kubernetes knows, in integers: no
//! amount ever goes through a floating-point number. What is finer than a billionth is rounded
//! away from zero, as Kubernetes does.

use std::str::FromStr;

const NANOS_PER_UNIT: i128 = 1_000_000_000;
const NANO_DIGITS: i32 = 9;

/// Every suffix that multiplies by a power of ten, and the power.
const DECIMAL_SUFFIXES: &[(&str, i32)] = &[
    ("", 0),
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];

/// Every suffix that multiplies by a power of two, and the power.
const BINARY_SUFFIXES: &[(&str, u32)] =
    &[("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];

/// An amount; `1000m`, `1`, `1.0` and `1e0` are the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity {
    nanos: i128,
}

/// Why a text is no quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// The text does not begin with a number.
    #[error(
        "`{text}` is not a quantity: expected a number, then a suffix, as in `500m` or `1.5Gi`"
    )]
    NotANumber {
        /// The whole text.
        text: String,
    },

    /// What follows the number is no suffix.
    #[error(
        "`{text}` is not a quantity: `{suffix}` is none of the suffixes n u m k M G T P E, Ki Mi Gi Ti Pi Ei, e3"
    )]
    UnknownSuffix {
        /// The whole text.
        text: String,
        /// What follows the number.
        suffix: String,
    },

    /// The amount is too large, or has too many digits, to be counted exactly.
    #[error("`{text}` is out of range")]
    OutOfRange {
        /// The whole text.
        text: String,
    },
}

impl Quantity {
    /// The amount in billionths.
    #[must_use]
    pub fn nanos(self) -> i128 {
        self.nanos
    }

    /// The amount in bytes, rounded up; `None` when it is negative or above `u64::MAX`.
    #[must_use]
    pub fn as_bytes(self) -> Option<u64> {
        u64::try_from(div_away_from_zero(self.nanos, NANOS_PER_UNIT)).ok()
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (negative, unsigned) = match text.strip_prefix(['+', '-']) {
            Some(rest) => (text.starts_with('-'), rest),
            None => (false, text),
        };
        let (whole, rest) = split_digits(unsigned);
        let (fraction, suffix) = rest.strip_prefix('.').map_or(("", rest), split_digits);
        if whole.is_empty() && fraction.is_empty() {
            return Err(QuantityError::NotANumber { text: text.to_owned() });
        }
        let Some(scale) = Scale::of(suffix) else {
            return Err(QuantityError::UnknownSuffix {
                text: text.to_owned(),
                suffix: suffix.to_owned(),
            });
        };
        let nanos = magnitude(whole, fraction, scale)
            .ok_or_else(|| QuantityError::OutOfRange { text: text.to_owned() })?;
        Ok(Self { nanos: if negative { -nanos } else { nanos } })
    }
}

/// What a suffix multiplies by: a power of two and a power of ten.
#[derive(Clone, Copy)]
struct Scale {
    two: u32,
    ten: i32,
}

impl Scale {
    fn of(suffix: &str) -> Option<Self> {
        let binary = BINARY_SUFFIXES.iter().find(|(known, _)| *known == suffix);
        let decimal = DECIMAL_SUFFIXES.iter().find(|(known, _)| *known == suffix);
        match (binary, decimal) {
            (Some((_, two)), _) => Some(Self { two: *two, ten: 0 }),
            (_, Some((_, ten))) => Some(Self { two: 0, ten: *ten }),
            // `E` alone is exa, so only what is left can be an exponent. Four digits are more than
            // any amount in range can use.
            _ => match suffix.strip_prefix(['e', 'E'])?.parse::<i16>() {
                Ok(ten) => Some(Self { two: 0, ten: i32::from(ten) }),
                Err(_) => None,
            },
        }
    }
}

/// `whole.fraction × scale` in billionths, or `None` when it does not fit.
fn magnitude(whole: &str, fraction: &str, scale: Scale) -> Option<i128> {
    let fraction = fraction.trim_end_matches('0');
    let digits = whole.bytes().chain(fraction.bytes()).try_fold(0_i128, |value, digit| {
        value.checked_mul(10)?.checked_add(i128::from(digit - b'0'))
    })?;
    if digits == 0 {
        return Some(0);
    }
    let binary = digits.checked_mul(1_i128 << scale.two)?;
    let ten = i32::try_from(fraction.len()).ok()?.checked_neg()? + scale.ten + NANO_DIGITS;
    match (10_i128.checked_pow(ten.unsigned_abs()), ten >= 0) {
        (Some(factor), true) => binary.checked_mul(factor),
        (Some(divisor), false) => Some(div_away_from_zero(binary, divisor)),
        (None, true) => None,
        // Finer than anything that can be divided: the smallest amount there is.
        (None, false) => Some(1),
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

fn div_away_from_zero(value: i128, divisor: i128) -> i128 {
    value / divisor + (value % divisor).signum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quantity(text: &str) -> Quantity {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn different_spellings_of_one_amount_are_equal() {
        for (a, b) in [
            ("1", "1000m"),
            ("1", "1."),
            ("1", "+1"),
            ("1", "01.000"),
            ("0.1", "100m"),
            (".5", "500m"),
            ("1k", "1e3"),
            ("1k", "1E3"),
            ("1500M", "1.5G"),
            ("1E", "1e18"),
            ("1P", "1000T"),
            ("1u", "1000n"),
            ("1m", "1e-3"),
            ("1Gi", "1024Mi"),
            ("1Ei", "1152921504606846976"),
            ("0.5Ki", "512"),
            ("1Ti", "1024Gi"),
            ("1Pi", "1024Ti"),
            ("-1", "-1000m"),
            ("0", "-0Gi"),
            ("0", "0e999"),
            ("1n", "0.1n"),
            ("1n", "1e-999"),
            ("-1n", "-0.0000000001"),
            ("1.00000000000000000000000000000000000000000000", "1"),
        ] {
            assert_eq!(quantity(a), quantity(b), "{a} = {b}");
        }
    }

    #[test]
    fn amounts_are_ordered_by_value_not_by_text() {
        let rising = [
            "-1Gi",
            "-1",
            "0",
            "1n",
            "1u",
            "1m",
            "999m",
            "1",
            "9",
            "10",
            "1k",
            "1Ki",
            "1M",
            "1Mi",
            "1G",
            "1Gi",
            "1.1Gi",
            "1T",
            "1Ti",
            "1P",
            "1Pi",
            "1E",
            "1Ei",
            "100000000Ei",
        ];
        for pair in rising.windows(2) {
            assert!(quantity(pair[0]) < quantity(pair[1]), "{} < {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn bytes_are_rounded_up_and_never_negative() {
        for (text, bytes) in [
            ("1Gi", Some(1 << 30)),
            ("1.5G", Some(1_500_000_000)),
            ("100m", Some(1)),
            ("1001m", Some(2)),
            ("0.1Ki", Some(103)),
            ("0", Some(0)),
            ("-1", None),
            ("-100m", None),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("16Ei", None),
        ] {
            assert_eq!(quantity(text).as_bytes(), bytes, "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused_with_its_cause() {
        let number = |text: &str| QuantityError::NotANumber { text: text.to_owned() };
        let suffix = |text: &str, suffix: &str| QuantityError::UnknownSuffix {
            text: text.to_owned(),
            suffix: suffix.to_owned(),
        };
        let range = |text: &str| QuantityError::OutOfRange { text: text.to_owned() };
        let nines = "9".repeat(40);
        for (text, error) in [
            ("", number("")),
            ("-", number("-")),
            (".", number(".")),
            ("Gi", number("Gi")),
            ("--1", number("--1")),
            (" 1", number(" 1")),
            ("1 Gi", suffix("1 Gi", " Gi")),
            ("1GB", suffix("1GB", "GB")),
            ("1gi", suffix("1gi", "gi")),
            ("1K", suffix("1K", "K")),
            ("1ki", suffix("1ki", "ki")),
            ("1e", suffix("1e", "e")),
            ("1e3k", suffix("1e3k", "e3k")),
            ("1e99999", suffix("1e99999", "e99999")),
            ("1.2.3", suffix("1.2.3", ".3")),
            ("0x10", suffix("0x10", "x10")),
            ("1_000", suffix("1_000", "_000")),
            ("١", number("١")),
            ("1e300", range("1e300")),
            (nines.as_str(), range(&nines)),
            ("999999999999999999999Ei", range("999999999999999999999Ei")),
        ] {
            assert_eq!(text.parse::<Quantity>(), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn milli_and_unit_agree_for_every_amount(units in any::<i64>()) {
            prop_assert_eq!(quantity(&format!("{units}")), quantity(&format!("{}m", i128::from(units) * 1000)));
        }

        #[test]
        fn order_is_the_order_of_the_numbers(a in any::<u32>(), b in any::<u32>()) {
            let exact = |value: u32| quantity(&format!("{value}Mi"));
            prop_assert_eq!(exact(a).cmp(&exact(b)), a.cmp(&b));
            prop_assert_eq!(exact(a).as_bytes(), Some(u64::from(a) << 20));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[+-]?[0-9.]{0,60}[a-zA-Z0-9+-]{0,6}") {
            let _ = text.parse::<Quantity>();
        }
    }
}
