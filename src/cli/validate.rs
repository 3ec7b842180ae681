//! `gungnir validate`: everything that is wrong with files, and nothing else.

use std::fmt::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::console::Console;
use super::exit::{Failure, Outcome};
use super::load::Loaded;
use super::progress::Progress;
use super::render::{ClusterArgs, load};

/// Arguments of `gungnir validate`.
#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    /// Files, directories, or `-` for stdin.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    cluster: ClusterArgs,

    /// How to print the faults: for people (on stderr), as JSON, or as GitHub annotations.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
    Github,
}

pub(super) fn run(arguments: &ValidateArgs, console: &Console) -> Result<Outcome, Failure> {
    let ValidateArgs { paths, cluster, output } = arguments;
    let mut progress = Progress::new(console);
    let Loaded { clusters, report, .. } =
        load(paths, &cluster.adjustments()?, false, &mut progress)?;
    match output {
        Format::Text => console.report(&report),
        Format::Json => console.data(&format!("{:#}\n", report.to_json()))?,
        Format::Github => {
            let lines = report.shown().fold(String::new(), |mut lines, diagnostic| {
                let _ = writeln!(lines, "{}", diagnostic.to_github());
                lines
            });
            console.data(&lines)?;
        }
    }
    if *output == Format::Text {
        let plural = |count: usize, word: &str| {
            format!("{count} {word}{}", if count == 1 { "" } else { "s" })
        };
        console.note(format_args!(
            "{} sound, {}",
            plural(clusters.len(), "cluster"),
            plural(report.errors(), "error")
        ));
    }
    if report.errors() > 0 {
        // Everything has been said.
        return Err(Failure::Input(Box::default()));
    }
    Ok(Outcome::Done)
}
