//! `gungnir explain`: what an operator or a sentinel sees, would do, and why not yet; or, of a trace, what
//! happened.

mod live;
mod replay;
mod text;

pub(super) use live::leader;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::console::Console;
use super::control::ControlArgs;
use super::exit::{Failure, Outcome};
use super::live::ContextArgs;
use crate::runtime::{ControlReply, ControlRequest, Explanation};

/// How long a sentinel may take to answer: it never waits for anything to do so.
const PATIENCE: Duration = Duration::from_secs(5);

/// Arguments of `gungnir explain`.
#[derive(Debug, Args)]
#[command(
    group(
        clap::ArgGroup::new("which").args(["cluster", "control", "endpoint_file", "replay"]).required(true)
    ),
    after_help = "Exit codes: 0 done, 1 a step of the trace is decided otherwise by this release, \
                  2 usage or no trace, 3 nobody answers, there is no such ValkeyCluster, or a file \
                  cannot be read."
)]
pub(super) struct ExplainArgs {
    /// The ValkeyCluster whose operator is asked, through the API server.
    #[arg(value_name = "CLUSTER")]
    cluster: Option<String>,

    /// The namespace of the cluster [default: that of the context].
    #[arg(short, long, value_name = "NAMESPACE", requires = "cluster")]
    namespace: Option<String>,

    #[command(flatten)]
    context: ContextArgs,

    #[command(flatten)]
    which: ControlArgs,

    /// Tell the story of a trace that `gungnir sentinel --record` wrote, or `-` for stdin, and
    /// decide each of its steps again.
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,

    /// How to print it; of a trace, JSON is one line for each thing told.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

pub(super) fn run(arguments: &ExplainArgs, console: &Console) -> Result<Outcome, Failure> {
    let ExplainArgs { cluster, namespace, context, which, replay, output } = arguments;
    if let Some(cluster) = cluster {
        let explanation = live::ask(cluster, namespace.as_deref(), context, console)?;
        return print(&explanation, *output, console);
    }
    if context.context.is_some() {
        return Err(Failure::usage("`--context` is for a CLUSTER"));
    }
    if let Some(trace) = replay {
        return replay::tell(trace, *output, console);
    }
    match which.ask(&ControlRequest::Explain {}, PATIENCE)? {
        ControlReply::Explained(explanation) => print(&explanation, *output, console),
        _ => Err(ControlArgs::unexpected()),
    }
}

fn print(explanation: &Explanation, output: Format, console: &Console) -> Result<Outcome, Failure> {
    let told = match output {
        Format::Text => text::of(explanation),
        Format::Json => json(explanation)?,
    };
    console.data(&told)?;
    Ok(Outcome::Done)
}

fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value);
    let text = text.map_err(|error| Failure::Io(anyhow::Error::new(error)))?;
    Ok(text + "\n")
}
