//! `gungnir diff`: what a change does, down to what it restarts.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::manifest::{Comparison, Impact, compare, compare_texts};

use super::console::Console;
use super::exit::{Failure, Outcome};
use super::files::STDIN;
use super::filter::Filter;
use super::operand::Operand;
use super::render::{ClusterArgs, pick};
use super::report::{Style, json, markdown, summary, text, unified};

/// Arguments of `gungnir diff`.
#[derive(Debug, Args)]
#[command(after_help = "\
Each side is a file, a directory, `-` for stdin, or `git:REVISION[:PATH]`. Clusters in it are \
rendered first; manifests are taken as they are. With one side only, the last commit is compared \
with the working tree.

  gungnir diff git:origin/main cluster.yaml      what a branch does
  gungnir diff cluster.yaml rendered/            whether the committed manifests are current
  KUBECTL_EXTERNAL_DIFF=\"gungnir diff\" kubectl diff -f rendered/")]
pub(super) struct DiffArgs {
    /// The state before.
    #[arg(value_name = "FROM")]
    from: String,

    /// The state after.
    #[arg(value_name = "TO")]
    to: Option<String>,

    #[command(flatten)]
    cluster: ClusterArgs,

    /// How to print the changes.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    /// Compare the text line by line, not what it means.
    #[arg(long, conflicts_with = "output")]
    text: bool,

    /// Exit 4 when the impact is this or worse: reload, rolling-restart, failover, recreate or
    /// data-loss.
    #[arg(long, value_name = "IMPACT")]
    fail_on: Option<Impact>,

    /// Only objects of this kind and name; `*` stands for anything. Repeatable.
    #[arg(long, value_name = "KIND[/NAME]", value_parser = Filter::parse)]
    only: Vec<Filter>,

    /// Compare objects of other kinds that stand beside clusters, too.
    #[arg(long)]
    keep_others: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Each changed value under its path.
    #[default]
    Unified,
    /// One line an object.
    Summary,
    /// For programs.
    Json,
    /// For a comment on a pull request.
    Markdown,
}

pub(super) fn run(arguments: &DiffArgs, console: &Console) -> Result<Outcome, Failure> {
    let DiffArgs { from, to, cluster, output, text: by_line, fail_on, only, keep_others } =
        arguments;
    let (from, to) = operands(from, to.as_deref())?;
    if [&from, &to].into_iter().all(|side| *side == Operand::Path(PathBuf::from(STDIN))) {
        return Err(Failure::usage("stdin can be one side of a diff, not both"));
    }
    let adjustments = cluster.adjustments()?;
    let side = |operand: &Operand| {
        let set = operand.manifests(&adjustments, *keep_others, console)?;
        // A pattern need not fit both sides: that is what a diff is for.
        pick(set, only, false)
    };
    let (from, to) = (side(&from)?, side(&to)?);

    let fault = |error| Failure::Usage(anyhow::Error::new(error));
    let comparison = compare(&from, &to).map_err(fault)?;
    let style = Style { color: console.colors_stdout() };
    let mut report = String::new();
    let (written, same) = if *by_line {
        let texts = compare_texts(&from, &to).map_err(fault)?;
        (text::write(&mut report, &comparison, &texts, style), texts.is_empty())
    } else {
        let written = match output {
            Format::Unified if comparison.is_empty() => Ok(()),
            Format::Unified => unified::write(&mut report, &comparison, style),
            Format::Summary => summary::write(&mut report, &comparison, style),
            Format::Json => json::write(&mut report, &comparison),
            Format::Markdown => markdown::write(&mut report, &comparison),
        };
        (written, comparison.is_empty())
    };
    written.map_err(|error| Failure::Usage(error.into()))?;
    console.data(&report)?;
    Ok(outcome(&comparison, same, *fail_on))
}

fn outcome(comparison: &Comparison, same: bool, fail_on: Option<Impact>) -> Outcome {
    match fail_on {
        Some(gate) if !comparison.is_empty() && comparison.impact() >= gate => Outcome::GateHit,
        _ if same => Outcome::Done,
        _ => Outcome::Differs,
    }
}

/// Both sides; one alone is compared with itself at the last commit.
fn operands(from: &str, to: Option<&str>) -> Result<(Operand, Operand), Failure> {
    let path = |text: &str| (!text.starts_with("git:")).then(|| PathBuf::from(text));
    match to {
        Some(to) => {
            let (from_path, to_path) = (path(from), path(to));
            Ok((
                Operand::parse(from, to_path.as_deref())?,
                Operand::parse(to, from_path.as_deref())?,
            ))
        }
        None if path(from).is_some_and(|path| path != Path::new(STDIN)) => {
            Ok((Operand::parse("git:HEAD", Some(Path::new(from)))?, Operand::parse(from, None)?))
        }
        None => Err(Failure::usage("name two sides, or one file or directory in a Git tree")),
    }
}
