//! Examples and goldens: what `gungnir` prints for real input, byte for byte.
//!
//! | input | golden | what the golden holds |
//! | --- | --- | --- |
//! | `examples/NAME.yaml` | `golden/NAME.yaml` | stdout of `gungnir render` |
//! | `examples/NAME.yaml` | `golden/master-0/NAME.yaml` | the same with `--master 0`, for [`STATIC_MASTER`] |
//! | `golden/invalid/NAME.yaml` | `golden/invalid/NAME.txt` | stderr and exit code |
//!
//! One without the other fails. After a wanted change `UPDATE_GOLDEN=1 cargo test --test golden`
//! writes the goldens anew (never where `CI` is set); then read the diff as its reviewer.
#![allow(clippy::expect_used, clippy::unwrap_used)] // in the helpers: a test that panics fails

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::Value;
use support::fields::fields_of_the_spec;
use support::run::{Finished, ROOT, Run, difference};

/// Examples that are also rendered without an operator. The others have a password that nobody
/// would make then.
const STATIC_MASTER: &[&str] = &["existing-password", "no-auth", "tls-existing-secret"];
/// What `--master` says to whoever uses it.
const STATIC_MASTER_NOTE: &str = "note: rendered with a static master (ordinal 0): nobody fails \
                                  over when it dies, and its pod restarts without a handover\n";

/// Fields that no example can set.
const REFUSED: &[&str] = &["spec.restoreFrom.backupName"];
/// Fields that exclude one that `examples/everything.yaml` sets.
const EXCLUDED_BY_OTHERS: &[&str] = &["spec.tls.certSecretName"];

#[test]
fn every_example_renders_to_its_golden() {
    let mut goldens = Goldens::in_folder("golden", "yaml");
    for name in names("examples", "yaml") {
        let path = format!("examples/{name}.yaml");
        let Finished { stdout, stderr, status } = Run::gungnir(["render", &path]).finish();
        goldens.require(status == 0 && stderr.is_empty(), &path, &stderr);
        goldens.expect(&name, &stdout);
    }
    goldens.finish(14);
}

#[test]
fn some_examples_have_a_golden_for_use_without_an_operator() {
    let mut goldens = Goldens::in_folder("golden/master-0", "yaml");
    for name in STATIC_MASTER {
        let path = format!("examples/{name}.yaml");
        let Finished { stdout, stderr, status } =
            Run::gungnir(["render", "--master", "0", &path]).finish();
        goldens.require(status == 0 && stderr == STATIC_MASTER_NOTE, &path, &stderr);
        goldens.expect(name, &stdout);
    }
    goldens.finish(STATIC_MASTER.len());
}

#[test]
fn every_bad_input_has_its_whole_error_message() {
    let mut goldens = Goldens::in_folder("golden/invalid", "txt");
    for name in names("golden/invalid", "yaml") {
        let path = format!("golden/invalid/{name}.yaml");
        let Finished { stdout, stderr, status } = Run::gungnir(["render", &path]).finish();
        goldens.require(stdout.is_empty(), &path, "it gives manifests");
        goldens.require(status == 2, &path, &format!("its exit code is {status}, not 2"));
        goldens.expect(&name, &format!("{stderr}exit code {status}\n"));
    }
    goldens.finish(32);
}

#[test]
fn the_examples_show_every_field() {
    let fields = fields_of_the_spec();
    let mut shown = BTreeSet::new();
    for name in names("examples", "yaml") {
        shown.extend(set_fields(&name, &fields));
    }
    let missing: Vec<_> =
        fields.iter().filter(|field| !shown.contains(*field) && !is(REFUSED, field)).collect();
    assert!(missing.is_empty(), "no example sets {missing:#?}");
    let refused: Vec<_> = shown.iter().filter(|field| is(REFUSED, field)).collect();
    assert!(refused.is_empty(), "strike from REFUSED: {refused:#?}");
}

#[test]
fn one_example_sets_every_field_that_can_be_set_with_the_others() {
    let fields = fields_of_the_spec();
    let shown = set_fields("everything", &fields);
    let missing: Vec<_> = fields
        .iter()
        .filter(|field| !shown.contains(*field))
        .filter(|field| !is(REFUSED, field) && !is(EXCLUDED_BY_OTHERS, field))
        .collect();
    assert!(missing.is_empty(), "examples/everything.yaml does not set {missing:#?}");
}

#[test]
fn every_example_says_who_needs_it() {
    for name in names("examples", "yaml") {
        let text = read(format!("examples/{name}.yaml"));
        let comment: Vec<&str> = text.lines().take_while(|line| line.starts_with("# ")).collect();
        let comment = comment.join(" ");
        assert!(
            comment.contains("For ") && comment.ends_with('.'),
            "examples/{name}.yaml starts with what it is, and for whom"
        );
    }
}

#[test]
fn the_examples_have_names_of_their_own() {
    let mut seen = BTreeMap::new();
    for name in names("examples", "yaml") {
        let cluster = example(&name);
        let own = cluster["metadata"]["name"].as_str().unwrap().to_owned();
        assert_eq!(seen.insert(own.clone(), name.clone()), None, "`{own}` in {name} again");
    }
    let folder = Run::gungnir(["validate", "examples"]).finish();
    assert_eq!(folder.stderr, format!("{} clusters sound, 0 errors\n", seen.len()));
}

#[test]
fn no_manifest_ends_a_line_with_a_blank() {
    for name in names("golden", "yaml") {
        for (at, line) in (1..).zip(read(format!("golden/{name}.yaml")).lines()) {
            assert!(!line.ends_with([' ', '\t']), "golden/{name}.yaml:{at}: {line:?}");
        }
    }
}

#[test]
fn goldens_are_never_rewritten_in_ci() {
    for (update, ci, expected) in [
        (None, None, Ok(false)),
        (None, Some("true"), Ok(false)),
        (Some("1"), None, Ok(true)),
        (Some(""), None, Ok(false)),
        (Some("0"), None, Ok(false)),
        (Some("1"), Some("true"), Err(REFUSAL)),
        (Some("1"), Some(""), Err(REFUSAL)),
    ] {
        assert_eq!(wants_update(update, ci), expected, "UPDATE_GOLDEN={update:?} CI={ci:?}");
    }
}

const REFUSAL: &str = "goldens are never rewritten where CI is set: a person reads the diff first";

/// Whether the goldens are to be written anew.
fn wants_update(update: Option<&str>, ci: Option<&str>) -> Result<bool, &'static str> {
    match (update, ci) {
        (None | Some("" | "0"), _) => Ok(false),
        (Some(_), None) => Ok(true),
        (Some(_), Some(_)) => Err(REFUSAL),
    }
}

/// A folder of goldens that is held against what there should be.
struct Goldens {
    folder: PathBuf,
    ending: &'static str,
    update: bool,
    expected: BTreeSet<String>,
    wrong: Vec<String>,
}

impl Goldens {
    fn in_folder(folder: &str, ending: &'static str) -> Self {
        let variable = |name| env::var(name).ok();
        let update = wants_update(variable("UPDATE_GOLDEN").as_deref(), variable("CI").as_deref());
        Self {
            folder: PathBuf::from(folder),
            ending,
            update: update.unwrap_or_else(|refusal| panic!("{refusal}")),
            expected: BTreeSet::new(),
            wrong: Vec::new(),
        }
    }

    fn expect(&mut self, name: &str, found: &str) {
        self.expected.insert(name.to_owned());
        let path = self.folder.join(format!("{name}.{}", self.ending));
        let full = Path::new(ROOT).join(&path);
        let golden = fs::read_to_string(&full).ok();
        if golden.as_deref() == Some(found) {
            return;
        }
        match golden {
            _ if self.update => {
                fs::create_dir_all(full.parent().unwrap()).unwrap();
                fs::write(full, found).unwrap();
            }
            None => self.wrong.push(format!("{} is missing\n", path.display())),
            Some(golden) => {
                let path = path.display().to_string();
                self.wrong.push(difference(&golden, found, &path, "found"));
            }
        }
    }

    /// Notes what is wrong with an input unless `holds`.
    fn require(&mut self, holds: bool, input: &str, otherwise: &str) {
        if !holds {
            self.wrong.push(format!("{input}: {otherwise}\n"));
        }
    }

    /// Panics when a golden differs, is missing, or belongs to nothing, and when there are fewer
    /// than `least`: a folder that was not found must not look like one without differences.
    fn finish(self, least: usize) {
        let Self { folder, ending, update: _, expected, mut wrong } = self;
        if expected.len() < least {
            let found = expected.len();
            wrong.push(format!("{}: {found} of at least {least}\n", folder.display()));
        }
        for name in names(folder.to_str().unwrap(), ending) {
            if !expected.contains(&name) {
                wrong.push(format!("{}/{name}.{ending} belongs to nothing\n", folder.display()));
            }
        }
        let cure = "if the change is wanted: UPDATE_GOLDEN=1 cargo test --test golden";
        assert!(wrong.is_empty(), "\n{}{cure}", wrong.concat());
    }
}

/// The names of the files in `folder` with this ending, without it, sorted.
fn names(folder: &str, ending: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(Path::new(ROOT).join(folder)).into_iter().flatten();
    let names: BTreeSet<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| Some(name.strip_suffix(ending)?.strip_suffix('.')?.to_owned()))
        .collect();
    names
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

fn example(name: &str) -> Value {
    serde_yaml::from_str(&read(format!("examples/{name}.yaml"))).unwrap()
}

fn is(list: &[&str], field: &str) -> bool {
    list.contains(&field)
}

/// Which of `fields` an example sets.
fn set_fields(name: &str, fields: &[String]) -> BTreeSet<String> {
    let cluster = example(name);
    let is_set = |field: &&String| {
        field.split('.').try_fold(&cluster, |value, key| value.get(key)).is_some()
    };
    fields.iter().filter(is_set).cloned().collect()
}
