//! `--text`: the lines that differ, whatever they mean.

use std::fmt;

use crate::cli::report::Paint;
use crate::cli::report::Plan;
use crate::cli::report::Style;
use crate::cli::report::lines;
use crate::cli::report::visible;
use crate::manifest::Comparison;
use crate::manifest::TextChange;

/// Writes a unified diff of `changes`; the last line says what `comparison`, of the same sets,
/// means to a cluster.
///
/// # Errors
///
/// Whatever `out` answers.
pub fn write(
    out: &mut impl fmt::Write,
    comparison: &Comparison,
    changes: &[TextChange],
    style: Style,
) -> fmt::Result {
    for TextChange { key, old, new } in changes {
        let key = key.to_string();
        let name = |side: char, text: &Option<String>| match text {
            Some(_) => format!("{side}/{}", visible(&key)),
            None => "/dev/null".to_owned(),
        };
        style.line(out, Paint::Heading, format_args!("--- {}", name('a', old)))?;
        style.line(out, Paint::Heading, format_args!("+++ {}", name('b', new)))?;
        let [old, new] = [old, new].map(|text| text.as_deref().unwrap_or_default());
        lines::write(out, style, old, new)?;
    }
    style.line(out, Paint::Heading, format_args!("{}", Plan(comparison)))
}

#[cfg(test)]
mod tests {
    use crate::cli::report::tests::comparison;
    use crate::cli::report::tests::texts;

    use super::*;

    #[test]
    fn lines_differ_with_their_context_and_without_secrets() {
        let mut out = String::new();
        write(&mut out, &comparison(), &texts(), Style::default()).unwrap();
        let expected = "\
--- a/v1/Secret/shop/cache-secret
+++ /dev/null
@@ -1,7 +0,0 @@
-apiVersion: v1
-kind: Secret
-metadata:
-  namespace: shop
-  name: cache-secret
-stringData:
-  password: \"<secret #1>\"
--- a/v1/ConfigMap/shop/cache-config
+++ b/v1/ConfigMap/shop/cache-config
@@ -9,7 +9,7 @@
     b
     c
     d
-    old
+    new
     e
     f
     g
";
        assert!(out.starts_with(expected), "{out}");
        assert!(out.ends_with("; impact: failover\n"), "{out}");
    }

    #[test]
    fn a_missing_line_break_is_said_and_escapes_are_shown() {
        let mut out = String::new();
        lines::write(&mut out, Style::default(), "a\n", "a\u{1b}[0m").unwrap();
        assert_eq!(out, "@@ -1 +1 @@\n-a\n+a\\u{1b}[0m\n\\ No newline at end of file\n");
    }
}
