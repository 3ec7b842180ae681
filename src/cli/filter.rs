//! `--only KIND/NAME`: which objects are wanted.

use crate::manifest::ObjectKey;

/// A pattern over kind and name; `*` and `?` stand for any characters and any one.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    kind: String,
    name: String,
    text: String,
}

impl Filter {
    /// Reads `KIND` or `KIND/NAME`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (kind, name) = text.split_once('/').unwrap_or((text, "*"));
        if kind.is_empty() || name.is_empty() {
            return Err("write KIND or KIND/NAME, like `StatefulSet/demo` or `*/demo-*`".to_owned());
        }
        Ok(Self { kind: kind.to_ascii_lowercase(), name: name.to_owned(), text: text.to_owned() })
    }

    /// Whether an object is wanted. Kinds are compared without regard to case, as kubectl does.
    pub(super) fn takes(&self, key: &ObjectKey) -> bool {
        glob(&self.kind, &key.kind.to_ascii_lowercase()) && glob(&self.name, &key.name)
    }

    /// The pattern as it was typed.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// Whether `text` fits `pattern`: after a failed match the last `*` takes one character more, so
/// the time is at most the product of the lengths.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut from) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(c) if *c == '?' || *c == text[from] => {
                at += 1;
                from += 1;
            }
            _ => match star {
                Some((star_at, taken)) => {
                    star = Some((star_at, taken + 1));
                    at = star_at + 1;
                    from = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_what_they_say() {
        for (pattern, kind, name, taken) in [
            ("StatefulSet", "StatefulSet", "demo", true),
            ("statefulset/demo", "StatefulSet", "demo", true),
            ("statefulset/dem", "StatefulSet", "demo", false),
            ("Service/demo-*", "Service", "demo-client", true),
            ("*/demo-?lient", "Service", "demo-client", true),
            ("*/*-*-*", "Service", "demo-client", false),
            ("*Monitor", "PodMonitor", "demo", true),
            ("Pod", "PodMonitor", "demo", false),
        ] {
            let filter = Filter::parse(pattern).unwrap();
            assert_eq!(filter.takes(&ObjectKey::new("v1", kind, None, name)), taken, "{pattern}");
        }
        assert!(Filter::parse("/demo").is_err());
        assert!(Filter::parse("Service/").is_err());
    }
}
