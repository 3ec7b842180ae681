//! What somebody who misspelt a word most likely meant.

use similar::get_close_matches;

use super::schema::{Fields, Kind, Schema};
use crate::cluster::FieldPath;

/// The most names that a hint lists.
const MAX_LISTED: usize = 12;

/// How alike two words must be, from 0 to 1, for one to be suggested for the other.
const LIKENESS: f32 = 0.6;

/// The longest word that a suggestion is looked for, in bytes: comparing costs its square.
const MAX_WORD_BYTES: usize = 100;

/// How deep a field is looked for that stands at the wrong place.
const MAX_SEARCH_DEPTH: usize = 3;

/// The one of `known` that `word` most likely stands for: the same but for case and
/// separators, or alike.
pub(super) fn closest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    if word.len() > MAX_WORD_BYTES {
        return None;
    }
    let plain = |text: &str| -> String {
        text.chars()
            .filter(|c| !matches!(c, '-' | '_' | ' '))
            .flat_map(char::to_lowercase)
            .collect()
    };
    let wanted = plain(word);
    let same = known.iter().find(|candidate| plain(candidate) == wanted);
    same.copied().or_else(|| get_close_matches(word, known, 1, LIKENESS).first().copied())
}

/// The hint for a field `name` that `fields` does not know.
pub(super) fn for_field(name: &str, fields: &Fields, top: &Schema) -> Option<String> {
    let known: Vec<&str> = fields.named.keys().map(String::as_str).collect();
    if let Some(meant) = closest(name, &known) {
        return Some(format!("did you mean `{meant}`?"));
    }
    let mut homes = Vec::new();
    find_homes(name, top, &FieldPath::root(), &mut homes);
    if let [home] = &homes[..] {
        return Some(format!("a field of that name is `{home}`"));
    }
    listed(&known).map(|names| format!("known fields: {names}"))
}

/// `known` as a list, if it is short enough to help.
pub(super) fn listed(known: &[&str]) -> Option<String> {
    let short = !known.is_empty() && known.len() <= MAX_LISTED;
    short.then(|| format!("`{}`", known.join("`, `")))
}

/// The paths of the fields called `name`, near the top of `schema`.
fn find_homes(name: &str, schema: &Schema, path: &FieldPath, homes: &mut Vec<FieldPath>) {
    let Kind::Mapping(fields) = &schema.kind else { return };
    // What the API server writes is never what was meant.
    let people_write = |key: &str| !(path.is_root() && key == "status");
    for (key, part) in fields.named.iter().filter(|(key, _)| people_write(key)) {
        let below = path.clone().key(key);
        if key == name {
            homes.push(below);
        } else if below.segments().len() < MAX_SEARCH_DEPTH {
            find_homes(name, part, &below, homes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_word_is_the_one_meant() {
        let known = ["replicas", "storageSize", "tls", "podLabels", "podAnnotations"];
        for (word, meant) in [
            ("replica", Some("replicas")),
            ("Replicas", Some("replicas")),
            ("storage_size", Some("storageSize")),
            ("storage-size", Some("storageSize")),
            ("podLabel", Some("podLabels")),
            ("TLS", Some("tls")),
            ("image", None),
            ("", None),
        ] {
            assert_eq!(closest(word, &known), meant, "{word}");
        }
        assert_eq!(closest(&"r".repeat(MAX_WORD_BYTES + 1), &known), None);
    }
}
