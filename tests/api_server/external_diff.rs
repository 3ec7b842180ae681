//! `kubectl diff` with Gungnir in the place of `diff`, as README.md says.

use std::env;
use std::path::Path;

use gungnir::cluster::Roles;
use serde_json::Value;
use serde_json::json;

use crate::examples::examples;
use crate::examples::moved_to;
use crate::examples::rendered;
use crate::folder::Folder;
use crate::run::GUNGNIR;
use crate::run::Run;
use crate::server::Apply;
use crate::server::Server;

/// What `examples/minimal.yaml` renders to with this image.
fn with_image(namespace: &str, image: &str) -> Vec<Value> {
    let minimal = examples().into_iter().find(|example| example.name == "minimal").unwrap();
    let mut cluster = moved_to(namespace, minimal.clusters[0].clone());
    cluster["spec"]["image"] = json!(image);
    rendered(&cluster, Roles::Elected)
}

#[tokio::test]
async fn kubectl_diff_shows_a_changed_image_and_what_it_does() {
    let server = Server::connect().await;
    let namespace = server.namespace("external-diff", json!({})).await;
    for object in with_image(&namespace, "valkey/valkey:8.1.3") {
        server.apply("kubectl", &object, Apply::default()).await.unwrap();
    }
    let folder = Folder::new();
    let list = json!({
        "apiVersion": "v1",
        "kind": "List",
        "items": with_image(&namespace, "valkey/valkey:8.1.4"),
    });
    folder.write("rendered.json", &list.to_string());

    let program = Path::new(GUNGNIR).parent().unwrap();
    let path = env::var("PATH").unwrap();
    Run::program("kubectl", ["diff", "--server-side", "-f", "rendered.json"])
        .folder(folder.path())
        .env("KUBECONFIG", env::var_os("KUBECONFIG").unwrap())
        .env("KUBECTL_EXTERNAL_DIFF", "gungnir diff")
        .env("PATH", format!("{}:{path}", program.display()))
        .stdout(format!(
            "--- a/apps/v1/StatefulSet/{namespace}/demo\n\
             +++ b/apps/v1/StatefulSet/{namespace}/demo\n\
             @@ spec.template.spec.containers[valkey].image @@ rolling-restart: restarts every pod: \
             replicas first, then a handover, the old master last\n\
             -valkey/valkey:8.1.3\n+valkey/valkey:8.1.4\n\
             Plan: 0 to add, 1 to change, 0 to delete; impact: rolling-restart\n"
        ))
        .status(1)
        .check();
}
