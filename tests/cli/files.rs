//! What cannot be read or written: exit code 3, with the name and the cause, and nothing else.

use std::fs;
use std::fs::File;
use std::io::pipe;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::support::folder::Folder;
use crate::support::run::{GUNGNIR, Run};
use crate::support::stream::{file, golden};

const MINIMAL: &str = "examples/minimal.yaml";

/// `gungnir`, held to the modes of files, which root is not.
fn without_roots_rights(arguments: [&str; 2]) -> Run {
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        let dropped = ["--bounding-set=-dac_override,-dac_read_search", GUNGNIR];
        Run::program("setpriv", dropped.into_iter().chain(arguments))
    } else {
        Run::gungnir(arguments)
    }
}

fn set_mode(folder: &Folder, name: &str, mode: u32) {
    fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_file_that_is_not_there() {
    for command in ["render", "validate"] {
        Run::gungnir([command, MINIMAL, "nothere.yaml"])
            .stderr("error: cannot read `nothere.yaml`: No such file or directory (os error 2)\n")
            .status(3)
            .check();
    }
}

#[test]
fn a_file_or_folder_that_may_not_be_read() {
    let folder = Folder::of([("good.yaml", file(MINIMAL).as_str()), ("locked.yaml", "")]);
    folder.write("room/cluster.yaml", "");
    set_mode(&folder, "locked.yaml", 0o000);
    for (path, locked) in [("locked.yaml", "locked.yaml"), (".", "./locked.yaml")] {
        without_roots_rights(["render", path])
            .folder(folder.path())
            .stderr(format!("error: cannot read `{locked}`: Permission denied (os error 13)\n"))
            .status(3)
            .check();
    }
    set_mode(&folder, "locked.yaml", 0o644);
    set_mode(&folder, "room", 0o000);
    without_roots_rights(["render", "."])
        .folder(folder.path())
        .stderr("error: cannot list `./room`: Permission denied (os error 13)\n")
        .status(3)
        .check();
    // The folder removes itself at the end.
    set_mode(&folder, "room", 0o755);
}

#[test]
fn a_device_without_end_is_read_no_further_than_the_limit() {
    Run::gungnir(["render", "/dev/zero"])
        .stderr(
            "error: /dev/zero:1:1: the input is longer than 16 MiB\n  help: split it into several \
             files\n",
        )
        .status(2)
        .check();
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    for arguments in
        [&["render", "examples/everything.yaml"][..], &["crd"], &["completions", "bash"]]
    {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        Run::gungnir(arguments).stdout_to(writer).check();
    }
    Run::shell("\"$GUNGNIR\" render examples/*.yaml | head -n 3", [""; 0])
        .stdout("---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n")
        .check();
}

#[test]
fn a_full_disk_behind_stdout_is_an_error() {
    Run::gungnir(["render", MINIMAL])
        .stdout_to(File::options().write(true).open("/dev/full").unwrap())
        .stderr("error: cannot write the output: No space left on device (os error 28)\n")
        .status(3)
        .check();
}

#[test]
fn a_stderr_that_nobody_reads_changes_nothing() {
    Run::shell("exec \"$GUNGNIR\" render --master 0 examples/no-auth.yaml 2>&-", [""; 0])
        .stdout(file("golden/master-0/no-auth.yaml"))
        .check();
    Run::shell("exec \"$GUNGNIR\" render nothere.yaml 2>/dev/full", [""; 0]).status(3).check();
    Run::shell("exec \"$GUNGNIR\" render examples/minimal.yaml <&-", [""; 0])
        .stdout(golden("minimal"))
        .check();
}

#[test]
fn a_name_that_is_no_text_is_shown_as_far_as_it_is() {
    Run::shell("exec \"$GUNGNIR\" render \"$(printf 'a\\377b')\"", [""; 0])
        .stderr("error: cannot read `a\u{fffd}b`: No such file or directory (os error 2)\n")
        .status(3)
        .check();
}
