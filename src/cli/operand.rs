//! One side of a diff: a file, a directory, stdin, or either at a Git revision.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cluster::ValidatedCluster;
use crate::input::{Report, Source};
use crate::manifest::ManifestSet;

use super::adjustments::Adjustments;
use super::exit::Failure;
use super::files::{STDIN, files_below, read_source, source_of};
use super::load::Loaded;
use super::progress::Progress;
use super::render::render_keeping;

/// What one side of a diff names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    /// A file, a directory or stdin.
    Path(PathBuf),
    /// A file or directory at a Git revision: `git:REVISION:PATH`.
    Git {
        /// The revision, in any spelling that Git takes.
        revision: String,
        /// The path, below the current directory.
        path: PathBuf,
    },
}

/// What one side of a diff holds.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// The clusters.
    pub clusters: Vec<ValidatedCluster>,
    /// What they render to, and other objects.
    pub manifests: ManifestSet,
}

impl Operand {
    /// Reads `PATH` or `git:REVISION[:PATH]`; a path that is left out is that of the other side.
    pub(super) fn parse(text: &str, other: Option<&Path>) -> Result<Self, Failure> {
        let Some(rest) = text.strip_prefix("git:") else {
            return Ok(Self::Path(PathBuf::from(text)));
        };
        let (revision, path) = match rest.split_once(':') {
            Some((revision, path)) => (revision, Some(Path::new(path))),
            None => (rest, other),
        };
        if revision.is_empty() || revision.starts_with('-') {
            return Err(Failure::usage("write `git:REVISION` or `git:REVISION:PATH`"));
        }
        let path = path.filter(|path| !path.as_os_str().is_empty() && *path != Path::new(STDIN));
        let path = path.ok_or_else(|| {
            Failure::usage(format_args!("`{text}` names no path; write `{text}:PATH`"))
        })?;
        Ok(Self::Git { revision: revision.to_owned(), path: path.to_owned() })
    }

    /// What this side holds. Clusters are rendered; objects beside them count only with
    /// `keep_others`, objects without any cluster always.
    pub(super) fn side(
        &self,
        adjustments: &Adjustments,
        keep_others: bool,
        progress: &mut Progress<'_>,
    ) -> Result<Side, Failure> {
        let mut loaded = Loaded::default();
        for source in self.sources(&mut loaded.report)? {
            loaded.read(&source, adjustments, true, progress);
        }
        let mut loaded = loaded.into_sound()?;
        if !loaded.clusters.is_empty() && !keep_others {
            loaded.others.clear();
        }
        let mut clusters = Vec::new();
        let manifests = render_keeping(&loaded, progress, |cluster| clusters.push(cluster))?;
        Ok(Side { clusters, manifests })
    }

    fn sources(&self, report: &mut Report) -> Result<Vec<Source>, Failure> {
        let mut sources = Vec::new();
        let mut keep = |read: Result<Source, Failure>| match read {
            Ok(source) => {
                sources.push(source);
                Ok(())
            }
            Err(Failure::Input(faults)) => {
                report.add(faults.shown().cloned());
                Ok(())
            }
            Err(failure) => Err(failure),
        };
        match self {
            Self::Path(path) => {
                for file in files_below(path)? {
                    keep(read_source(&file))?;
                }
            }
            Self::Git { revision, path } => {
                for (name, bytes) in git_files(revision, path)? {
                    keep(source_of(name, bytes))?;
                }
            }
        }
        Ok(sources)
    }
}

/// The manifest files at or below `path` as of `revision`, by Git's own program. A path that the
/// revision does not have is an empty side: everything is added.
fn git_files(revision: &str, path: &Path) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    // First the revision alone: a misspelt one must not look like an empty side.
    git(&[
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        &format!("{revision}^{{commit}}"),
    ])
    .map_err(|_| Failure::usage(format_args!("Git knows no revision `{revision}`")))?;
    let path_text = path
        .to_str()
        .ok_or_else(|| Failure::usage(format_args!("`{}` is not UTF-8", path.display())))?;
    let listing = git(&["ls-tree", "-r", "-z", "--name-only", revision, "--", path_text])?;
    let names = listing.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let mut files = Vec::new();
    for name in names {
        let name = String::from_utf8_lossy(name).into_owned();
        let ending = Path::new(&name).extension().and_then(|ending| ending.to_str());
        let manifest = ending.is_some_and(|ending| matches!(ending, "json" | "yaml" | "yml"));
        if manifest || name == path_text {
            let bytes = git(&["cat-file", "blob", &format!("{revision}:./{name}")])?;
            files.push((format!("{revision}:{name}"), bytes));
        }
    }
    Ok(files)
}

fn git(arguments: &[&str]) -> Result<Vec<u8>, Failure> {
    let output = Command::new("git")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::io(error, "cannot run `git`"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let cause = String::from_utf8_lossy(&output.stderr);
    Err(Failure::Io(anyhow::anyhow!("`git {}` failed: {}", arguments.join(" "), cause.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_are_told_apart() {
        let git = |revision: &str, path: &str| Operand::Git {
            revision: revision.to_owned(),
            path: PathBuf::from(path),
        };
        let other = Some(Path::new("demo.yaml"));
        for (text, expected) in [
            ("demo.yaml", Some(Operand::Path(PathBuf::from("demo.yaml")))),
            ("-", Some(Operand::Path(PathBuf::from("-")))),
            ("git:HEAD", Some(git("HEAD", "demo.yaml"))),
            ("git:origin/main:a/b.yaml", Some(git("origin/main", "a/b.yaml"))),
            ("git:", None),
            ("git:--help", None),
            ("git::a", None),
        ] {
            assert_eq!(Operand::parse(text, other).ok(), expected, "{text}");
        }
        assert!(Operand::parse("git:HEAD", None).is_err());
    }
}
