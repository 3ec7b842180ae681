//! The command line itself: what is typed wrong, colour, and what is generated from it.

use gungnir::api::crd;

use crate::support::folder::Folder;
use crate::support::run::Run;
use crate::support::stream::{file, golden, object};

const BAD: &str = "golden/invalid/replicas-none.yaml";
const COMMANDS: [&str; 13] = [
    "render",
    "diff",
    "validate",
    "status",
    "sentinel",
    "explain",
    "switchover",
    "operator",
    "crd",
    "fn",
    "plugin",
    "completions",
    "man",
];
const SEE_HELP: &str = "For more information, try '--help'.\n";

#[test]
fn what_is_typed_wrong_is_told_on_stderr() {
    for (arguments, stderr) in [
        (
            &["rendr"][..],
            "error: unrecognized subcommand 'rendr'\n\n  tip: a similar subcommand exists: 'render'\n\n\
             Usage: gungnir [OPTIONS] <COMMAND>\n\n",
        ),
        (
            &["render"],
            "error: the following required arguments were not provided:\n  <PATH>...\n\n\
             Usage: gungnir render <PATH>...\n\n",
        ),
        (
            &["render", "--outputdir", "x", "y"],
            "error: unexpected argument '--outputdir' found\n\n  tip: a similar argument exists: \
             '--output-dir'\n\nUsage: gungnir render --output-dir <DIR> <PATH>...\n\n",
        ),
        (
            &["render", "x", "-o", "toml"],
            "error: invalid value 'toml' for '--output <OUTPUT>'\n  [possible values: yaml, json]\n\n",
        ),
        (
            &["render", "x", "--only", "/demo"],
            "error: invalid value '/demo' for '--only <KIND[/NAME]>': write KIND or KIND/NAME, like \
             `StatefulSet/demo` or `*/demo-*`\n\n",
        ),
        (
            &["render", "x", "--prune"],
            "error: the following required arguments were not provided:\n  --output-dir <DIR>\n\n\
             Usage: gungnir render --output-dir <DIR> --prune <PATH>...\n\n",
        ),
        (
            &["render", "x", "--check"],
            "error: the following required arguments were not provided:\n  --output-dir <DIR>\n\n\
             Usage: gungnir render --output-dir <DIR> --check <PATH>...\n\n",
        ),
        (
            &["render", "x", "--output-dir", "d", "--prune", "--only", "Service"],
            "error: the argument '--prune' cannot be used with '--only <KIND[/NAME]>'\n\n\
             Usage: gungnir render --output-dir <DIR> --prune <PATH>...\n\n",
        ),
        (
            &["render", "x", "--master", "first"],
            "error: invalid value 'first' for '--master <ORDINAL>': invalid digit found in string\n\n",
        ),
        (
            &["crd", "v1"],
            "error: unexpected argument 'v1' found\n\nUsage: gungnir crd [OPTIONS]\n\n",
        ),
        (
            &["completions", "tcsh"],
            "error: invalid value 'tcsh' for '<SHELL>'\n  [possible values: bash, elvish, fish, \
             powershell, zsh]\n\n  tip: a similar value exists: 'zsh'\n\n",
        ),
        (
            &["--color", "sometimes", "crd"],
            "error: invalid value 'sometimes' for '--color <WHEN>'\n  [possible values: auto, always, \
             never]\n\n",
        ),
    ] {
        Run::gungnir(arguments).stderr(format!("{stderr}{SEE_HELP}")).status(2).check();
    }
}

#[test]
fn help_and_version_are_data() {
    Run::gungnir(["--version"])
        .stdout(concat!("gungnir ", env!("CARGO_PKG_VERSION"), "\n"))
        .check();
    let help = Run::gungnir(["--help"]).finish();
    assert_eq!((help.stderr.as_str(), help.status), ("", 0));
    for command in COMMANDS {
        assert!(help.stdout.contains(&format!("\n  {command} ")), "{command}: {}", help.stdout);
        let own = Run::gungnir([command, "--help"]).finish();
        assert_eq!((own.stderr.as_str(), own.status), ("", 0), "{command}");
        assert!(own.stdout.contains(&format!("Usage: gungnir {command}")), "{}", own.stdout);
    }
    // Without any argument the same help is an error: nothing was done.
    let nothing = Run::gungnir([""; 0]).finish();
    assert_eq!((nothing.stdout.as_str(), nothing.status), ("", 2));
    assert!(nothing.stderr.contains("Usage: gungnir [OPTIONS] <COMMAND>"), "{}", nothing.stderr);
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask() {
    let plain = file("golden/invalid/replicas-none.txt").replace("exit code 2\n", "");
    let escape = '\u{1b}';
    for always in [&["--color", "always"][..], &["--color=always"]] {
        let found = Run::gungnir(["render", BAD].iter().chain(always)).finish();
        assert_eq!((found.stdout.as_str(), found.status), ("", 2));
        assert!(found.stderr.starts_with(&format!("{escape}[1;31merror{escape}[0m")));
        assert_eq!(without_colour(&found.stderr), plain);
    }
    for (color, no_color) in [("auto", None), ("never", None), ("auto", Some("1"))] {
        let run = Run::gungnir(["render", BAD, "--color", color]);
        let run = match no_color {
            Some(value) => run.env("NO_COLOR", value),
            None => run,
        };
        run.stderr(&plain).status(2).check();
    }
}

/// `script` gives a command a terminal, which ends lines with a carriage return as well.
fn with_terminal(command: &str) -> Run {
    Run::program("script", ["--quiet", "--return", "--command", command, "/dev/null"])
        .env("GUNGNIR", crate::support::run::GUNGNIR)
        .env("TERM", "xterm-256color")
}

/// The input takes longer to come than a person is left without a word, so that the first step
/// is told; the clock runs while the program waits.
#[test]
fn a_terminal_is_told_how_far_a_long_render_is_and_a_pipe_is_not() {
    const LATE: &str = "{ sleep 1.2; cat examples/minimal.yaml; }";
    let manifests = golden("minimal");
    let told = with_terminal(&format!("{LATE} | \"$GUNGNIR\" render - >/dev/null")).finish();
    assert_eq!((told.stdout.as_str(), told.status), ("documents read so far: 1\r\n", 0));
    Run::shell(&format!("{LATE} | \"$GUNGNIR\" render -"), [""; 0]).stdout(manifests).check();
    // Nor is who waits for less than that.
    let told = with_terminal("\"$GUNGNIR\" render examples/minimal.yaml >/dev/null").finish();
    assert_eq!((told.stdout.as_str(), told.status), ("", 0));
}

#[test]
fn a_terminal_gets_colour_unless_no_color_says_otherwise() {
    let plain = file("golden/invalid/replicas-none.txt").replace("exit code 2\n", "");
    let on_terminal = |more: &str| with_terminal(&format!("exec \"$GUNGNIR\" render {BAD} {more}"));
    let told = |run: Run| {
        let found = run.finish();
        assert_eq!(found.status, 2, "{}", found.stderr);
        found.stdout.replace("\r\n", "\n")
    };
    let coloured = told(on_terminal(""));
    assert!(coloured.starts_with("\u{1b}[1;31merror\u{1b}[0m"), "{coloured}");
    assert_eq!(without_colour(&coloured), plain);
    assert_eq!(told(on_terminal("").env("NO_COLOR", "1")), plain);
    assert_eq!(told(on_terminal("--color never")), plain);
    // An empty value is as none.
    assert_eq!(told(on_terminal("").env("NO_COLOR", "")), coloured);
    // Who asks for colour gets it.
    assert_eq!(told(on_terminal("--color always").env("NO_COLOR", "1")), coloured);
}

fn without_colour(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain += before;
        rest = after.split_once('m').expect("a colour ends with m").1;
    }
    plain + rest
}

#[test]
fn a_trace_goes_to_stderr_without_colour() {
    for more in [&["-v"][..], &["--verbose", "--color", "never"]] {
        Run::gungnir(["render", "examples/minimal.yaml"].iter().chain(more))
            .stdout(golden("minimal"))
            .stderr(
                " INFO reading file=examples/minimal.yaml\n INFO rendered clusters=1 objects=7\n",
            )
            .check();
    }
}

#[test]
fn the_crd_is_printed_as_one_object() {
    let found = Run::gungnir(["crd"]).finish();
    assert_eq!((found.stderr.as_str(), found.status), ("", 0));
    assert!(found.stdout.starts_with("# Generated by `gungnir crd`"), "{:.80}", found.stdout);
    assert_eq!(&object(&found.stdout), crd());
}

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let found = Run::gungnir(["completions", shell]).finish();
        assert_eq!((found.stderr.as_str(), found.status), ("", 0), "{shell}");
        for word in COMMANDS.iter().chain(&["keep-others", "output-dir", "replay", "endpoint-file"])
        {
            assert!(found.stdout.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn bash_completes() {
    const SCRIPT: &str = r#"
        eval "$("$GUNGNIR" completions bash)"
        complete_line() {
          COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
          _gungnir gungnir "${!#}" "${*: -2:1}"
          echo "${COMPREPLY[*]}"
        }
        complete_line gungnir ren
        complete_line gungnir render --out
        complete_line gungnir validate --output ""
        complete_line gungnir switchover --t
    "#;
    Run::program("bash", ["-euc", SCRIPT])
        .env("GUNGNIR", crate::support::run::GUNGNIR)
        .stdout("render\n--output --output-dir\ntext json github\n--to --timeout\n")
        .check();
}

/// Both the commands that there are and README's table of them are held against the program.
#[test]
fn the_readme_names_every_command_and_no_other() {
    let help = Run::gungnir(["--help"]).finish().stdout;
    let (_, list) = help.split_once("Commands:\n").expect("a list of commands");
    let listed = list.lines().map_while(|line| line.strip_prefix("  "));
    let listed: Vec<&str> = listed.filter_map(|line| line.split(' ').next()).collect();
    let own: Vec<&str> = listed.into_iter().filter(|name| !["", "help"].contains(name)).collect();
    assert_eq!(own, COMMANDS);
    let readme = file("README.md");
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `gungnir "));
    let named = rows.flat_map(|row| {
        let cell = row.split(" | ").next().unwrap_or_default();
        cell.split("`gungnir ").filter_map(|text| text.split([' ', '`']).next())
    });
    let mut named: Vec<&str> = named.collect();
    named.dedup();
    assert_eq!(named, COMMANDS);
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = Folder::new();
    Run::gungnir(["man", &folder.join("deep/man")]).check();
    let pages = folder.files();
    for command in COMMANDS.iter().map(|command| format!("-{command}")).chain([String::new()]) {
        let page = &pages[&format!("deep/man/gungnir{command}.1")];
        assert!(page.contains(".TH gungnir"), "{command}: {page:.200}");
        assert!(page.contains(".SH SYNOPSIS"), "{command}");
    }
}

#[test]
fn manual_pages_that_cannot_be_written_are_an_error() {
    let folder = Folder::of([("man", "a note\n")]);
    Run::gungnir(["man", "man"])
        .folder(folder.path())
        .stderr("error: cannot write manual pages to `man`: File exists (os error 17)\n")
        .status(3)
        .check();
    assert_eq!(folder.read("man"), "a note\n");
}
