//! `gungnir diff`: what each side may be, what is said, and how it ends.

use serde_json::Value;

use crate::support::folder::Folder;
use crate::support::run::Run;

const ROLLING: &str = "restarts every pod: replicas first, then a handover, the old master last";

fn cluster(spec: &str) -> String {
    format!(
        "apiVersion: valkey.verilean.io/v1\nkind: ValkeyCluster\nmetadata:\n  name: demo\n  \
         namespace: shop\nspec:\n  replicas: 3\n{spec}"
    )
}

fn image(tag: &str) -> String {
    cluster(&format!("  image: valkey/valkey:{tag}\n"))
}

/// Two clusters that differ in their image.
fn two_files() -> Folder {
    let folder = Folder::new();
    folder.write("before.yaml", &image("8.1.3"));
    folder.write("after.yaml", &image("8.1.4"));
    folder
}

fn changed_image(from: &str, to: &str) -> String {
    format!(
        "--- a/apps/v1/StatefulSet/shop/demo\n+++ b/apps/v1/StatefulSet/shop/demo\n\
         @@ spec.template.spec.containers[valkey].image @@ rolling-restart: {ROLLING}\n\
         -valkey/valkey:{from}\n+valkey/valkey:{to}\n\
         Plan: 0 to add, 1 to change, 0 to delete; impact: rolling-restart\n"
    )
}

#[test]
fn two_specs_that_differ_in_one_value_show_that_value_and_its_impact() {
    let folder = two_files();
    Run::gungnir(["diff", "before.yaml", "after.yaml"])
        .folder(folder.path())
        .stdout(changed_image("8.1.3", "8.1.4"))
        .status(1)
        .check();
}

#[test]
fn what_means_the_same_is_no_difference() {
    let folder = Folder::new();
    folder.write("a.yaml", &cluster("  resources: {requests: {cpu: 1000m}}\n"));
    folder.write("b.yaml", &cluster("  resources:\n    requests:\n      cpu: \"1\" # one\n"));
    Run::gungnir(["diff", "a.yaml", "b.yaml"]).folder(folder.path()).check();
}

#[test]
fn text_shows_lines_even_where_the_meaning_is_the_same() {
    let folder = Folder::new();
    folder.write("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
    folder.write("b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"a\"}\n");
    Run::gungnir(["diff", "a.yaml", "b.yaml"]).folder(folder.path()).check();
    Run::gungnir(["diff", "--text", "a.yaml", "b.yaml"])
        .folder(folder.path())
        .stdout(
            "--- a/v1/ConfigMap/a\n+++ b/v1/ConfigMap/a\n@@ -1,3 +1,3 @@\n apiVersion: v1\n \
             kind: ConfigMap\n-metadata: {name: a}\n+metadata: {name: \"a\"}\n\
             Plan: 0 to add, 0 to change, 0 to delete; impact: none\n",
        )
        .status(1)
        .check();
}

#[test]
fn an_example_is_equal_to_its_golden() {
    Run::gungnir(["diff", "examples/minimal.yaml", "golden/minimal.yaml"]).check();
}

#[test]
fn a_spec_is_compared_with_the_directory_it_was_rendered_to() {
    let folder = two_files();
    let rendered = ["render", "before.yaml", "--output-dir", "rendered"];
    let status = Run::gungnir(rendered).folder(folder.path()).finish().status;
    assert_eq!(status, 0);
    Run::gungnir(["diff", "before.yaml", "rendered"]).folder(folder.path()).check();
    Run::gungnir(["diff", "rendered", "after.yaml"])
        .folder(folder.path())
        .stdout(changed_image("8.1.3", "8.1.4"))
        .status(1)
        .check();
}

#[test]
fn kubectl_calls_it_with_two_directories_of_files_without_endings() {
    let folder = two_files();
    let prepare = "mkdir LIVE-1 MERGED-2
        for side in before=LIVE-1 after=MERGED-2; do
            \"$GUNGNIR\" render ${side%=*}.yaml --only StatefulSet \\
                >${side#*=}/apps.v1.StatefulSet.shop.demo
        done";
    assert_eq!(Run::shell(prepare, [""; 0]).folder(folder.path()).finish().status, 0);
    // It puts the words that it was told behind its folders.
    for arguments in [&["diff", "LIVE-1", "MERGED-2"][..], &["LIVE-1", "MERGED-2", "diff"]] {
        Run::gungnir(arguments)
            .folder(folder.path())
            .stdout(changed_image("8.1.3", "8.1.4"))
            .status(1)
            .check();
    }
}

#[test]
fn an_empty_directory_is_a_side_without_objects() {
    let folder = two_files();
    folder.write("empty/.keep", "");
    let found = Run::gungnir(["diff", "empty", "before.yaml", "-o", "summary"])
        .folder(folder.path())
        .finish();
    assert_eq!((found.status, found.stderr.as_str()), (1, ""));
    let last = found.stdout.lines().last();
    assert_eq!(last, Some("Plan: 7 to add, 0 to change, 0 to delete; impact: none"));
}

/// A Git tree whose last commit has 8.1.3, and whose working tree has 8.1.4.
fn git_tree() -> Folder {
    let folder = Folder::new();
    folder.write("clusters/demo.yaml", &image("8.1.3"));
    let commit = "export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.com
        export GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example.com HOME=$PWD
        git init -q -b main . && git add clusters && git commit -q -m one";
    let committed = Run::shell(commit, [""; 0]).folder(folder.path()).finish();
    assert_eq!(committed.status, 0, "{}", committed.stderr);
    folder.write("clusters/demo.yaml", &image("8.1.4"));
    folder
}

#[test]
fn a_revision_is_compared_with_the_working_tree() {
    let folder = git_tree();
    let changed = changed_image("8.1.3", "8.1.4");
    for arguments in [
        vec!["diff", "clusters/demo.yaml"],
        vec!["diff", "clusters"],
        vec!["diff", "git:HEAD", "clusters/demo.yaml"],
        vec!["diff", "git:main:clusters", "clusters"],
        vec!["diff", "git:HEAD:clusters/demo.yaml", "clusters"],
    ] {
        let run = Run::gungnir(arguments).folder(folder.path());
        run.stdout(changed.clone()).status(1).check();
    }
    // From a folder below the top, paths are its own.
    Run::gungnir(["diff", "demo.yaml"])
        .folder(folder.path().join("clusters"))
        .stdout(changed)
        .status(1)
        .check();
}

#[test]
fn a_revision_that_is_not_there_is_an_error_and_a_path_that_is_not_there_is_empty() {
    let folder = git_tree();
    Run::gungnir(["diff", "git:nowhere", "clusters"])
        .folder(folder.path())
        .stderr("error: Git knows no revision `nowhere`\n")
        .status(2)
        .check();
    let found = Run::gungnir(["diff", "git:HEAD:other.yaml", "clusters/demo.yaml"])
        .folder(folder.path())
        .finish();
    assert_eq!(found.status, 1);
    assert!(found.stdout.contains("Plan: 7 to add"), "{}", found.stdout);
}

#[test]
fn a_gate_is_hit_by_its_impact_and_worse() {
    let folder = two_files();
    for (gate, status) in [("reload", 4), ("rolling-restart", 4), ("failover", 1), ("data-loss", 1)]
    {
        Run::gungnir(["diff", "before.yaml", "after.yaml", "--fail-on", gate])
            .folder(folder.path())
            .stdout(changed_image("8.1.3", "8.1.4"))
            .status(status)
            .check();
        Run::gungnir(["diff", "before.yaml", "before.yaml", "--fail-on", gate])
            .folder(folder.path())
            .check();
    }
    let found = Run::gungnir(["diff", "a", "b", "--fail-on", "boom"]).finish();
    assert_eq!(found.status, 2);
}

/// What a change of the spec does, in one word.
#[test]
fn each_change_has_the_impact_that_it_will_have() {
    let folder = Folder::new();
    for (before, after, impact) in [
        ("", "  labels: {team: core}\n", "none"),
        ("", "  sentinel: {downAfterMs: 30000}\n", "reload"),
        ("", "  config: {maxmemory-policy: allkeys-lru}\n", "reload"),
        ("", "  config: {databases: \"32\"}\n", "rolling-restart"),
        ("", "  podLabels: {team: core}\n", "rolling-restart"),
        ("", "  sentinel: {policy: Availability}\n", "reload"),
        ("", "  port: 7000\n", "recreate"),
        ("  persistence: {mode: rdb}\n", "  persistence: {mode: aof}\n", "data-loss"),
        ("  persistence: {storageSize: 1Gi}\n", "  persistence: {storageSize: 2Gi}\n", "recreate"),
        ("  persistence: {storageSize: 2Gi}\n", "  persistence: {storageSize: 1Gi}\n", "data-loss"),
        ("", "  persistence: {enabled: false}\n", "data-loss"),
        ("", "  persistence: {mode: none}\n", "data-loss"),
        ("", "  persistence: {reclaimPolicy: Delete}\n", "data-loss"),
    ] {
        folder.write("before.yaml", &cluster(before));
        folder.write("after.yaml", &cluster(after));
        let found = Run::gungnir(["diff", "before.yaml", "after.yaml", "-o", "json"])
            .folder(folder.path())
            .finish();
        let report: Value = serde_json::from_str(&found.stdout).expect(&found.stderr);
        assert_eq!(report["plan"]["impact"], impact, "{before:?} to {after:?}: {}", found.stdout);
    }
    for (before, after, impact) in [(3, 5, "none"), (5, 3, "failover")] {
        let replicas = |count| {
            cluster("").replace("replicas: 3", &format!("replicas: {count}"))
                + "  replication: {minReplicasToWrite: 1}\n"
        };
        folder.write("before.yaml", &replicas(before));
        folder.write("after.yaml", &replicas(after));
        let found = Run::gungnir(["diff", "before.yaml", "after.yaml", "-o", "json"])
            .folder(folder.path())
            .finish();
        let report: Value = serde_json::from_str(&found.stdout).expect(&found.stderr);
        assert_eq!(report["plan"]["impact"], impact, "{before} to {after}: {}", found.stdout);
    }
}

#[test]
fn a_static_master_restarts_without_a_handover() {
    let folder = Folder::new();
    folder
        .write("before.yaml", &cluster("  auth: {enabled: false}\n  image: valkey/valkey:8.1.3\n"));
    folder
        .write("after.yaml", &cluster("  auth: {enabled: false}\n  image: valkey/valkey:8.1.4\n"));
    Run::gungnir(["diff", "before.yaml", "after.yaml", "--master", "0", "--fail-on", "failover"])
        .folder(folder.path())
        .stdout(
            changed_image("8.1.3", "8.1.4")
                .replace(
                    &format!("rolling-restart: {ROLLING}"),
                    "failover: restarts every pod, the master too: no operator hands over",
                )
                .replace("impact: rolling-restart", "impact: failover"),
        )
        .status(4)
        .check();
}

#[test]
fn a_static_master_takes_over_no_directive_while_it_runs() {
    let folder = Folder::new();
    let policy = |policy: &str| {
        cluster(&format!("  auth: {{enabled: false}}\n  config: {{maxmemory-policy: {policy}}}\n"))
    };
    folder.write("before.yaml", &policy("noeviction"));
    folder.write("after.yaml", &policy("allkeys-lru"));
    Run::gungnir(["diff", "before.yaml", "after.yaml", "--master", "0", "--only", "ConfigMap"])
        .folder(folder.path())
        .stdout(
            "--- a/v1/ConfigMap/shop/demo-config\n+++ b/v1/ConfigMap/shop/demo-config\n\
             @@ data[\"valkey.conf\"].maxmemory-policy @@ rolling-restart: is read when a pod starts: \
             without an operator nobody sets it before\n-noeviction\n+allkeys-lru\n\
             Plan: 0 to add, 1 to change, 0 to delete; impact: rolling-restart\n",
        )
        .status(1)
        .check();
}

#[test]
fn secrets_show_whether_they_differ_and_nothing_else() {
    let folder = Folder::new();
    let secret = |password: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData:\n  a: {password}\n  b: {password}\n"
        )
    };
    folder.write("before.yaml", &secret("hunter2"));
    folder.write("after.yaml", &secret("correct-horse"));
    for format in ["unified", "json", "markdown", "summary"] {
        let found = Run::gungnir(["diff", "before.yaml", "after.yaml", "-o", format])
            .folder(folder.path())
            .finish();
        assert_eq!(found.status, 1);
        for shown in [&found.stdout, &found.stderr] {
            assert!(!shown.contains("hunter2") && !shown.contains("correct-horse"), "{shown}");
        }
        if format != "summary" {
            assert!(found.stdout.contains("<secret #1>"), "{}", found.stdout);
            assert!(found.stdout.contains("<secret #2>"), "{}", found.stdout);
            assert!(!found.stdout.contains("<secret #3>"), "{}", found.stdout);
        }
    }
    let text = Run::gungnir(["diff", "before.yaml", "after.yaml", "--text"])
        .folder(folder.path())
        .finish();
    assert!(!text.stdout.contains("hunter2"), "{}", text.stdout);
}

#[test]
fn stdin_is_one_side() {
    let folder = two_files();
    Run::shell("cat after.yaml | \"$GUNGNIR\" diff before.yaml -", [""; 0])
        .folder(folder.path())
        .stdout(changed_image("8.1.3", "8.1.4"))
        .status(1)
        .check();
    Run::gungnir(["diff", "-", "-"])
        .stderr("error: stdin can be one side of a diff, not both\n")
        .status(2)
        .check();
}

#[test]
fn faults_of_a_side_are_told_as_everywhere() {
    let folder = two_files();
    folder.write("bad.yaml", &cluster("  replica: 5\n"));
    Run::gungnir(["diff", "before.yaml", "bad.yaml"])
        .folder(folder.path())
        .stderr(
            "error: bad.yaml:8:3: spec.replica: unknown field\n  8 |   replica: 5\n    |   ^^^^^^^\n  \
             help: did you mean `replicas`?\n",
        )
        .status(2)
        .check();
    Run::gungnir(["diff", "before.yaml", "nowhere.yaml"])
        .folder(folder.path())
        .stderr("error: cannot read `nowhere.yaml`: No such file or directory (os error 2)\n")
        .status(3)
        .check();
}

#[test]
fn colour_is_for_terminals_or_when_asked() {
    let folder = two_files();
    let found = Run::gungnir(["diff", "before.yaml", "after.yaml", "--color", "always"])
        .folder(folder.path())
        .finish();
    assert!(found.stdout.contains("\x1b[31m-valkey/valkey:8.1.3\x1b[0m"), "{}", found.stdout);
}

#[test]
fn what_is_live_only_is_refused_elsewhere_and_needs_a_cluster() {
    for (arguments, word) in [
        (&["-A", "a", "b"][..], "--live"),
        (&["a", "b", "c"], "--live"),
        (&["--live", "-A", "a"], "cannot be used with"),
        (&["--live", "-A", "-n", "shop"], "cannot be used with"),
        (&["--live", "a", "--keep-others"], "cannot be used with"),
        (&["--context", "kind", "a", "b"], "`--context` is for `--live`"),
        (&[], "<FROM>"),
    ] {
        let finished = Run::gungnir(["diff"].iter().chain(arguments)).finish();
        assert_eq!((finished.stdout.as_str(), finished.status), ("", 2), "{arguments:?}");
        assert!(finished.stderr.contains(word), "{arguments:?}: {}", finished.stderr);
    }
    for command in
        [&["diff", "--live"][..], &["status"], &["explain", "demo"], &["switchover", "demo"]]
    {
        let finished = Run::gungnir(command).env("KUBECONFIG", "/nonexistent").finish();
        assert_eq!((finished.stdout.as_str(), finished.status), ("", 3), "{command:?}");
        let start = "error: no kubeconfig leads to a cluster: ";
        assert!(finished.stderr.starts_with(start), "{command:?}: {}", finished.stderr);
        assert!(finished.stderr.contains("set KUBECONFIG"), "{command:?}: {}", finished.stderr);
    }
}
