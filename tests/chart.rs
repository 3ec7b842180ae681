//! The chart's CustomResourceDefinition is, byte for byte, what `gungnir crd` prints.
//!
//! After a wanted change: `UPDATE_GOLDEN=1 cargo test --test chart`, then read the diff.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

const BEFORE: &str = "{{- if .Values.crds.install }}\n";
const AFTER: &str = "{{- end }}\n";

#[test]
fn the_chart_holds_the_crd_that_is_printed() {
    let printed = Command::new(env!("CARGO_BIN_EXE_gungnir")).arg("crd").output().unwrap();
    assert!(printed.status.success(), "{printed:?}");
    let crd = String::from_utf8(printed.stdout).unwrap();
    assert!(!crd.contains("{{"), "Helm would take it for a template");
    let expected = format!("{BEFORE}{crd}{AFTER}");

    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("charts/gungnir-operator/templates/crd-valkeycluster.yaml");
    if env::var_os("UPDATE_GOLDEN").is_some() {
        assert!(env::var_os("CI").is_none(), "golden files are never updated in CI");
        fs::write(&path, &expected).unwrap();
    }
    let actual = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        actual == expected,
        "{} is not what `gungnir crd` prints; UPDATE_GOLDEN=1 cargo test --test chart",
        path.display()
    );
}
