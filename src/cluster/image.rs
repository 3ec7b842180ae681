//! Container images.

use super::fault::Faults;
use super::field_path::FieldPath;

/// The Valkey image when the spec names none. Pinned: it changes with a new API version only.
pub const DEFAULT_IMAGE: &str = "docker.io/valkey/valkey:8.1.4";

/// Notes a fault when `image` is no reference that a container runtime takes
/// (`[registry/]repository[:tag][@digest]`).
pub(super) fn check_image(image: &str, path: &FieldPath, faults: &mut Faults) {
    if let Some(fault) = image_fault(image) {
        faults.add_with_help(
            path.clone(),
            format!("`{}` is not an image: {fault}", image.escape_debug()),
            "write `registry/repository:tag`, like `docker.io/valkey/valkey:8.1`",
        );
    }
}

fn image_fault(image: &str) -> Option<&'static str> {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    if digest.is_some_and(|digest| !is_digest(digest)) {
        return Some("the part after `@` is not a digest like `sha256:…`");
    }
    // A colon before the last slash belongs to the registry's port.
    let tag_at = name.rfind(':').filter(|&at| !name[at..].contains('/'));
    let (repository, tag) = match tag_at {
        Some(at) => (&name[..at], Some(&name[at + 1..])),
        None => (name, None),
    };
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Some("the part after `:` is not a tag");
    }
    let mut parts = repository.split('/');
    let first = parts.next().unwrap_or_default();
    let registry = repository.contains('/') && first.contains(['.', ':']) || first == "localhost";
    if !(registry && is_registry(first) || is_component(first)) || !parts.all(is_component) {
        return Some("the repository holds a-z, 0-9, `.`, `_`, `-` and `/`");
    }
    None
}

fn is_component(part: &str) -> bool {
    let alphanumeric = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    part.bytes().all(|c| alphanumeric(c) || matches!(c, b'.' | b'_' | b'-'))
        && part.bytes().next().is_some_and(alphanumeric)
        && part.bytes().last().is_some_and(alphanumeric)
}

fn is_registry(part: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '[' | ']' | ':');
    !part.is_empty() && part.chars().all(fits)
}

fn is_tag(tag: &str) -> bool {
    let word = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
    (1..=128).contains(&tag.len())
        && tag.bytes().all(|c| word(c) || matches!(c, b'.' | b'-'))
        && tag.bytes().next().is_some_and(word)
}

fn is_digest(digest: &str) -> bool {
    digest.split_once(':').is_some_and(|(algorithm, hex)| {
        !algorithm.is_empty()
            && algorithm.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'+' || c == b'.')
            && hex.len() >= 32
            && hex.bytes().all(|c| c.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_told_from_other_texts() {
        let digest = format!("valkey@sha256:{}", "a".repeat(64));
        for (image, fine) in [
            (DEFAULT_IMAGE, true),
            ("valkey", true),
            ("valkey:8.1-alpine", true),
            ("localhost/valkey", true),
            ("localhost:5000/valkey/valkey:8", true),
            ("Registry.example.com:5000/team/valkey", true),
            (digest.as_str(), true),
            ("", false),
            ("valkey:", false),
            ("valkey :8", false),
            ("valkey:8 ", false),
            ("Valkey", false),
            ("valkey//valkey", false),
            ("valkey/", false),
            ("valkey@sha256:short", false),
            ("valkey:8\n", false),
            ("https://example.com/valkey", false),
        ] {
            assert_eq!(image_fault(image).is_none(), fine, "{image}");
        }
    }
}
