//! `gungnir render --output-dir`: one object a file, for Git.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::support::folder::Folder;
use crate::support::run::{Finished, GUNGNIR, Run};
use crate::support::stream::{documents, golden};

const MINIMAL: &str = "examples/minimal.yaml";
const HEADER: &str = "# Rendered by gungnir: edit the ValkeyCluster, not this file.\n";
/// The files of [`MINIMAL`], in the order of its objects.
const FILES: [&str; 7] = [
    "default/poddisruptionbudget-demo-pdb.yaml",
    "default/secret-demo-secret.yaml",
    "default/configmap-demo-config.yaml",
    "default/service-demo-client.yaml",
    "default/service-demo-headless.yaml",
    "default/service-demo-replicas.yaml",
    "default/statefulset-demo.yaml",
];

/// A folder with [`MINIMAL`] in its subfolder `out`.
fn rendered() -> Folder {
    let folder = Folder::new();
    render(MINIMAL, &folder, &[]).stderr("7 written, 0 unchanged, 0 deleted\n").check();
    folder
}

fn render(path: &str, folder: &Folder, more: &[&str]) -> Run {
    let out = folder.join("out");
    Run::gungnir(["render", path, "--output-dir", &out].iter().chain(more))
}

#[test]
fn every_object_is_a_file_with_a_header() {
    let folder = rendered();
    let mut files = folder.files();
    let rendered = golden("minimal");
    for (name, text) in FILES.iter().zip(documents(&rendered)) {
        assert_eq!(files.remove(&format!("out/{name}")), Some(format!("{HEADER}{text}")), "{name}");
    }
    assert_eq!(files.into_keys().collect::<Vec<_>>(), ["out/", "out/default/"]);
}

#[test]
fn without_a_namespace_the_files_are_at_the_top() {
    let folder = Folder::new();
    render("examples/single.yaml", &folder, &["--only", "StatefulSet"])
        .stderr("1 written, 0 unchanged, 0 deleted\n")
        .check();
    assert_eq!(folder.names(), ["out/", "out/statefulset-scratch.yaml"]);
}

#[test]
fn what_was_written_can_be_read_again() {
    let folder = rendered();
    let out = folder.join("out");
    // Only other kinds are there: they are kept as they are, header and all.
    let text = Run::gungnir(["render", MINIMAL, &out, "--keep-others"]).finish();
    assert_eq!(text.status, 2, "{}", text.stderr);
    Run::gungnir(["render", &out])
        .stderr(format!(
            "error: {out}:1:1: there is no ValkeyCluster in this directory\n  help: a cluster has \
             `apiVersion: valkey.verilean.io/v1` and `kind: ValkeyCluster`\n"
        ))
        .status(2)
        .check();
}

#[test]
fn a_second_run_touches_nothing() {
    let folder = rendered();
    let before = folder.stamps();
    render(MINIMAL, &folder, &[]).stderr("0 written, 7 unchanged, 0 deleted\n").check();
    assert_eq!(folder.stamps(), before);
}

#[test]
fn only_files_whose_bytes_change_are_written() {
    let folder = rendered();
    let before = folder.stamps();
    render(MINIMAL, &folder, &["--set", "replicas=5"])
        .stderr("3 written, 4 unchanged, 0 deleted\n")
        .check();
    let after = folder.stamps();
    let changed: Vec<&str> =
        after.keys().filter(|name| after[*name] != before[*name]).map(String::as_str).collect();
    assert_eq!(
        changed,
        [
            "out/default/configmap-demo-config.yaml",
            "out/default/poddisruptionbudget-demo-pdb.yaml",
            "out/default/statefulset-demo.yaml",
        ]
    );
}

#[test]
fn a_check_writes_nothing_and_tells_the_differences() {
    let folder = rendered();
    render(MINIMAL, &folder, &["--check"]).check();

    folder.write("out/default/service-demo-client.yaml", &format!("{HEADER}kind: Service\n"));
    fs::remove_file(folder.path().join("out/default/secret-demo-secret.yaml")).unwrap();
    folder.write("out/default/service-old.yaml", HEADER);
    let before = (folder.files(), folder.stamps());
    let out = folder.join("out");
    let differences = format!(
        "missing: {out}/default/secret-demo-secret.yaml\n\
         differs: {out}/default/service-demo-client.yaml\n"
    );
    render(MINIMAL, &folder, &["--check"]).stderr(&differences).status(1).check();
    // Only who prunes looks for what is there beside.
    let more = format!("{differences}not rendered: {out}/default/service-old.yaml\n");
    render(MINIMAL, &folder, &["--check", "--prune"]).stderr(more).status(1).check();
    assert_eq!((folder.files(), folder.stamps()), before);
}

#[test]
fn a_check_of_a_directory_that_is_not_there_makes_none() {
    let folder = Folder::new();
    let out = folder.join("out");
    let mut missing: Vec<_> = FILES.map(|name| format!("missing: {out}/{name}\n")).into();
    missing.sort();
    render(MINIMAL, &folder, &["--check"]).stderr(missing.concat()).status(1).check();
    assert!(folder.names().is_empty());
}

#[test]
fn pruning_removes_only_what_gungnir_wrote() {
    let folder = rendered();
    for name in ["out/default/mine.yaml", "out/default/configmap-demo-config.yml", "out/notes.txt"]
    {
        folder.write(name, "kind: ConfigMap # one of mine\n");
    }
    // A header alone does not make a file of ours out of a note, nor of one further down.
    folder.write("out/default/deeper/secret-x.yaml", HEADER);
    folder.write("out/copy.txt", HEADER);
    render("examples/single.yaml", &folder, &["--prune"])
        .stderr("6 written, 0 unchanged, 7 deleted\n")
        .check();
    let mut expected = vec![
        "out/",
        "out/configmap-scratch-config.yaml",
        "out/copy.txt",
        "out/default/",
        "out/default/configmap-demo-config.yml",
        "out/default/deeper/",
        "out/default/deeper/secret-x.yaml",
        "out/default/mine.yaml",
        "out/notes.txt",
        "out/secret-scratch-secret.yaml",
        "out/service-scratch-client.yaml",
        "out/service-scratch-headless.yaml",
        "out/service-scratch-replicas.yaml",
        "out/statefulset-scratch.yaml",
    ];
    expected.sort_unstable();
    assert_eq!(folder.names(), expected);
}

#[test]
fn a_folder_that_pruning_empties_goes_too() {
    let folder = rendered();
    render("examples/single.yaml", &folder, &["--prune", "--set", "metadata.namespace=dev"])
        .stderr("6 written, 0 unchanged, 7 deleted\n")
        .check();
    assert!(!folder.names().contains(&"out/default/".to_owned()), "{:?}", folder.names());
}

#[test]
fn a_file_of_somebody_else_is_never_overwritten() {
    let folder = Folder::of([("out/default/service-demo-client.yaml", "kind: Service # mine\n")]);
    let before = (folder.files(), folder.stamps());
    let stderr = format!(
        "error: `{}` is there and was not written by gungnir; move it away\n",
        folder.join("out/default/service-demo-client.yaml")
    );
    for more in [&[][..], &["--prune"], &["--check"]] {
        render(MINIMAL, &folder, more).stderr(&stderr).status(2).check();
    }
    assert_eq!((folder.files(), folder.stamps()), before);
}

#[test]
fn a_directory_that_is_a_file_is_an_error() {
    let folder = Folder::of([("out", "a note\n")]);
    let first = folder.join("out/default/configmap-demo-config.yaml");
    render(MINIMAL, &folder, &[])
        .stderr(format!("error: cannot read `{first}`: Not a directory (os error 20)\n"))
        .status(3)
        .check();
    assert_eq!(folder.read("out"), "a note\n");
}

#[test]
fn bad_input_writes_nothing() {
    let folder = rendered();
    let before = (folder.files(), folder.stamps());
    let Finished { stdout, status, .. } =
        render("golden/invalid/many-faults.yaml", &folder, &["--prune"]).finish();
    assert_eq!((stdout.as_str(), status), ("", 2));
    assert_eq!((folder.files(), folder.stamps()), before);
}

#[test]
fn a_full_disk_leaves_the_directory_as_it_was() {
    // A file system of its own, too small for the old and the new text side by side, in a mount
    // namespace that goes with the process.
    const SCRIPT: &str = r#"
        mount -t tmpfs -o size=512k tmpfs "$1"
        show() { (cd "$1" && find . | sort && find . -type f -exec cat {} +); }
        "$GUNGNIR" render examples/minimal.yaml --output-dir "$1/out" 2>/dev/null
        # All that is left but one page.
        head -c "$(df --output=avail -B1 "$1" | tail -n 1)" /dev/zero | head -c -4096 >"$1/ballast"
        show "$1" >"$2/before"
        code=0
        "$GUNGNIR" render examples/minimal.yaml --output-dir "$1/out" \
          --set labels.team=core || code=$?
        show "$1" >"$2/after"
        cmp "$2/before" "$2/after"
        exit "$code"
    "#;
    let (folder, notes) = (Folder::new(), Folder::new());
    // Who is not root makes the namespace as root of one of users.
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let namespace = if root { "--mount" } else { "--mount --map-root-user" };
    let paths = [folder.path(), notes.path()].map(|path| path.to_str().unwrap());
    let command = ["sh", "-euc", SCRIPT, "sh", paths[0], paths[1]];
    let Finished { stdout, stderr, status } =
        Run::program("unshare", namespace.split(' ').chain(command))
            .env("GUNGNIR", GUNGNIR)
            .finish();
    assert_eq!(stdout, "", "{stderr}");
    let start = format!("error: cannot write `{}", folder.join("out/default/"));
    let end = ": No space left on device (os error 28)\n";
    assert!(stderr.starts_with(&start) && stderr.ends_with(end), "{stderr}");
    assert_eq!(status, 3, "{stderr}");
    assert!(notes.read("before").contains("./out/default/statefulset-demo.yaml"));
}

#[test]
fn a_file_that_cannot_be_written_leaves_nothing_behind() {
    // No file may be longer than a block: the first one is too long. Its signal is ignored, so
    // that the write fails as on a full disk.
    const SCRIPT: &str = r#"
        trap '' XFSZ
        ulimit -f 1
        exec "$GUNGNIR" render examples/minimal.yaml --output-dir "$1"
    "#;
    let folder = Folder::new();
    let out = folder.join("out");
    Run::shell(SCRIPT, [&out])
        .stderr(format!(
            "error: cannot write `{out}/default/configmap-demo-config.yaml`: File too large (os \
             error 27)\n"
        ))
        .status(3)
        .check();
    assert!(folder.names().is_empty(), "{:?}", folder.names());
}

#[test]
fn a_directory_takes_yaml_only() {
    for (more, argument) in
        [(["-o", "json"], "--output <OUTPUT>"), (["-o", "yaml"], "--output <OUTPUT>")]
    {
        let folder = Folder::new();
        render(MINIMAL, &folder, &more)
            .stderr(format!(
                "error: the argument '--output-dir <DIR>' cannot be used with '{argument}'\n\n\
                 Usage: gungnir render --output-dir <DIR> <PATH>...\n\n\
                 For more information, try '--help'.\n"
            ))
            .status(2)
            .check();
    }
}
