//! kubectl, for what people and GitOps tools do with it: client-side apply, `get`, `scale`.

use std::io::Write as _;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;
use serde_json::json;

/// Runs kubectl with objects on its stdin and gives what it printed. A failure and a warning are
/// errors.
pub fn kubectl(arguments: &[&str], objects: &[Value]) -> String {
    let mut child = Command::new("kubectl")
        .args(arguments)
        .args(["--warnings-as-errors", "--request-timeout=30s"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("tests/cluster/with puts kubectl into PATH");
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
    // kubectl may have ended before it read its input; its own words say why.
    let _ = child.stdin.take().unwrap().write_all(list.to_string().as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "kubectl {arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}
