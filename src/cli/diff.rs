//! `gungnir diff`: what a change does, down to what it restarts.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::{Args, ValueEnum};

use crate::manifest::{Comparison, Impact, ManifestError, ManifestSet, compare, compare_texts};
use crate::operator::{ClusterKey, Preview, PreviewError, Remark, preview, validated};

use super::console::Console;
use super::exit::{Failure, Outcome};
use super::files::STDIN;
use super::filter::Filter;
use super::live::{ContextArgs, Live, failure, of_preview};
use super::operand::{Operand, Side};
use super::progress::Progress;
use super::remainder::add_remainders;
use super::render::{ClusterArgs, load, pick};
use super::report::{Style, json, markdown, summary, text, unified};

/// Arguments of `gungnir diff`.
#[allow(clippy::struct_excessive_bools, reason = "each is an option that people type")]
#[derive(Debug, Args)]
#[command(after_help = "\
Each side is a file, a directory, `-` for stdin, or `git:REVISION[:PATH]`. Clusters in it are \
rendered first; manifests are taken as they are. With one side only, the last commit is compared \
with the working tree.

  gungnir diff git:origin/main cluster.yaml      what a branch does
  gungnir diff cluster.yaml rendered/            whether the committed manifests are current
  KUBECTL_EXTERNAL_DIFF=\"gungnir diff\" kubectl diff -f rendered/

With --live, what an apply would change in the cluster that is running, by dry runs on the \
server's side, and who has set what it would change; nothing is printed when nothing differs.

  gungnir diff --live -n shop                    what was changed by hand
  gungnir diff --live cluster.yaml               what applying this file would do")]
pub(super) struct DiffArgs {
    /// The state before.
    #[arg(value_name = "FROM", required_unless_present = "live")]
    from: Option<String>,

    /// The state after.
    #[arg(value_name = "TO")]
    to: Option<String>,

    /// With --live, more files and directories.
    #[arg(value_name = "PATH", requires = "live")]
    more: Vec<String>,

    /// Compare with the clusters that are running: what an apply of these files would change, or
    /// without any file, of what is applied already.
    #[arg(long)]
    live: bool,

    /// With --live and no file, the clusters of every namespace.
    #[arg(short = 'A', long, requires = "live", conflicts_with_all = ["from", "namespace"])]
    all_namespaces: bool,

    #[command(flatten)]
    context: ContextArgs,

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
    #[arg(long, conflicts_with = "live")]
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
    if arguments.live {
        return run_live(arguments, console);
    }
    let DiffArgs { from, to, cluster, only, keep_others, context, .. } = arguments;
    if context.context.is_some() {
        return Err(Failure::usage("`--context` is for `--live`"));
    }
    let (from, to) = operands(from.as_deref().unwrap_or_default(), to.as_deref())?;
    if [&from, &to].into_iter().all(|side| *side == Operand::Path(PathBuf::from(STDIN))) {
        return Err(Failure::usage("stdin can be one side of a diff, not both"));
    }
    let adjustments = cluster.adjustments()?;
    let mut progress = Progress::new(console);
    let mut side = |operand: &Operand| operand.side(&adjustments, *keep_others, &mut progress);
    let (mut from, mut to) = (side(&from)?, side(&to)?);
    add_remainders(&mut from, &mut to).map_err(fault)?;
    // A pattern need not fit both sides: that is what a diff is for.
    let picked = |side: Side| pick(side.manifests, only, false);
    let (from, to) = (picked(from)?, picked(to)?);
    let comparison = compare(&from, &to).map_err(fault)?;
    tell(arguments, &from, &to, &comparison, console)
}

fn fault(error: ManifestError) -> Failure {
    Failure::Usage(anyhow::Error::new(error))
}

/// Prints what differs.
fn tell(
    arguments: &DiffArgs,
    from: &ManifestSet,
    to: &ManifestSet,
    comparison: &Comparison,
    console: &Console,
) -> Result<Outcome, Failure> {
    let DiffArgs { output, text: by_line, fail_on, .. } = arguments;
    let style = Style { color: console.colors_stdout() };
    let mut report = String::new();
    let (written, same) = if *by_line {
        let texts = compare_texts(from, to).map_err(fault)?;
        (text::write(&mut report, comparison, &texts, style), texts.is_empty())
    } else {
        let written = match output {
            Format::Unified if comparison.is_empty() => Ok(()),
            Format::Unified => unified::write(&mut report, comparison, style),
            Format::Summary => summary::write(&mut report, comparison, style),
            Format::Json => json::write(&mut report, comparison),
            Format::Markdown => markdown::write(&mut report, comparison),
        };
        (written, comparison.is_empty())
    };
    written.map_err(|error| Failure::Usage(error.into()))?;
    console.data(&report)?;
    Ok(outcome(comparison, same, *fail_on))
}

/// Compares with what is running.
fn run_live(arguments: &DiffArgs, console: &Console) -> Result<Outcome, Failure> {
    let DiffArgs { cluster, context, only, .. } = arguments;
    let Previewed { preview, mut from, mut to } = context
        .run(cluster.namespace(), async |live| previewed(arguments, &live, console).await)?;
    from.manifests = preview.live.clone();
    to.manifests = preview.applied.clone();
    add_remainders(&mut from, &mut to).map_err(fault)?;
    let (from, to) = (pick(from.manifests, only, false)?, pick(to.manifests, only, false)?);
    let mut comparison = compare(&from, &to).map_err(fault)?;
    preview.attribute(&mut comparison);
    for remark in &preview.remarks {
        console.note(format_args!("note: {remark}"));
    }
    let blocked = preview.remarks.iter().any(Remark::differs);
    match tell(arguments, &from, &to, &comparison, console)? {
        Outcome::Done if blocked => Ok(Outcome::Differs),
        outcome => Ok(outcome),
    }
}

/// What would be done.
#[derive(Default)]
struct Previewed {
    preview: Preview,
    /// The clusters as they are, of those that files say anew.
    from: Side,
    /// The clusters as the files say them.
    to: Side,
}

/// What would be done to every cluster that is asked for.
async fn previewed(
    arguments: &DiffArgs,
    live: &Live,
    console: &Console,
) -> Result<Previewed, Failure> {
    let DiffArgs { from, to, more, all_namespaces, cluster, .. } = arguments;
    let mut all = Previewed::default();
    let mut join = |one: Result<Preview, PreviewError>| {
        all.preview.join(one.map_err(of_preview)?).map_err(fault)
    };
    let paths: Vec<PathBuf> = from.iter().chain(to).chain(more).map(PathBuf::from).collect();
    if paths.is_empty() {
        let namespace = (!all_namespaces).then_some(live.namespace.as_str());
        let clusters = live.clusters(namespace).await?;
        if clusters.is_empty() {
            let place = namespace.map_or("any namespace".to_owned(), |name| format!("`{name}`"));
            console.note(format_args!("note: there is no ValkeyCluster in {place}"));
        }
        for cluster in &clusters {
            let key = &cluster.key;
            if cluster.deleting {
                console.note(format_args!("note: {key} is being deleted"));
                continue;
            }
            if cluster.paused() {
                console.note(format_args!("note: {key} is paused: nothing of this is done"));
            }
            let sound = validated(cluster)
                .map_err(|why| Failure::Usage(anyhow!("ValkeyCluster {key} is at fault: {why}")))?;
            join(preview(&live.inquiry, key, &sound, Some(cluster)).await)?;
        }
        return Ok(all);
    }
    let mut adjustments = cluster.adjustments()?;
    adjustments.namespace = Some(live.namespace.clone());
    let mut progress = Progress::new(console);
    for sound in &load(&paths, &adjustments, false, &mut progress)?.into_sound()?.clusters {
        let sound = sound.validated()?;
        let namespace = sound.namespace.clone().unwrap_or_else(|| live.namespace.clone());
        let key = ClusterKey { namespace, name: sound.names.cluster.clone() };
        let found = live.inquiry.cluster(&key).await.map_err(|error| failure(&error))?;
        join(preview(&live.inquiry, &key, &sound, found.as_ref()).await)?;
        // One that is at fault as it is has no fields to compare.
        all.from.clusters.extend(found.and_then(|found| validated(&found).ok()));
        all.to.clusters.push(sound);
    }
    Ok(all)
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
