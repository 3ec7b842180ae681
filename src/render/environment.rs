//! The template engine: compiled once, strict, every value written as a JSON scalar.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};

use super::catalog::CATALOG;

/// What every object but a few has under its name.
const METADATA: (&str, &str) =
    ("metadata.yaml.j2", include_str!("../../templates/metadata.yaml.j2"));

/// Every template, each compiled at its first use.
pub(super) static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(environment);

fn environment() -> Environment<'static> {
    // Without minijinja's own filters and functions: no template uses one, and one of them marks
    // texts as safe.
    let mut environment = Environment::empty();
    environment.set_auto_escape_callback(|_| AutoEscape::Json);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // Lines that hold only a statement leave nothing behind. Building fails for odd delimiters
    // alone, and these are minijinja's own.
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build();
    environment.set_syntax(syntax.unwrap_or_default());
    environment.add_filter("block", block);
    environment.set_loader(|name| {
        let templates = CATALOG.iter().map(|row| (row.template, row.source));
        let found = templates.chain([METADATA]).find(|(known, _)| *known == name);
        Ok(found.map(|(_, source)| source))
    });
    environment
}

/// Block YAML at an indent; the first line continues the template's own.
fn block(text: &Value, indent: usize) -> Result<Value, Error> {
    let Some(lines) = text.as_str().filter(|_| text.is_safe()) else {
        let cause = "only structures are put at an indent: a text could break out of its place";
        return Err(Error::new(ErrorKind::InvalidOperation, cause));
    };
    Ok(Value::from_safe_string(placed(lines, indent)))
}

/// Lines at an indent, but the first, and without the last line break.
pub(super) fn placed(lines: &str, indent: usize) -> String {
    let margin = " ".repeat(indent);
    let mut placed = String::with_capacity(lines.len() + lines.len() / 8 * indent);
    for (number, line) in lines.lines().enumerate() {
        if number > 0 {
            placed.push('\n');
            if !line.is_empty() {
                placed.push_str(&margin);
            }
        }
        placed.push_str(line);
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_compiles() {
        for row in CATALOG {
            let compiled = ENVIRONMENT.get_template(row.template);
            assert!(compiled.is_ok(), "{}: {:?}", row.template, compiled.err());
        }
    }

    #[test]
    fn a_plain_text_is_not_put_at_an_indent() {
        assert!(block(&Value::from("a: b\nevil: true"), 2).is_err());
        let safe = Value::from_safe_string("a: |\n  x\n\n  y\n".to_owned());
        assert_eq!(block(&safe, 2).unwrap().as_str(), Some("a: |\n    x\n\n    y"));
    }

    #[test]
    fn no_template_goes_round_the_quoting() {
        for row in CATALOG {
            assert!(!row.source.contains("safe"), "{} marks something as safe", row.template);
            for line in row.source.lines().filter(|line| line.contains("}}")) {
                let after = line.rsplit("}}").next().unwrap_or_default();
                let before = line.split("{{").next().unwrap_or_default();
                assert!(after.is_empty(), "{}: text behind a value: {line}", row.template);
                assert!(
                    before.trim().is_empty() || before.ends_with(": "),
                    "{}: text before a value: {line}",
                    row.template
                );
            }
        }
    }
}
