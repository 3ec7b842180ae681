//! The command line: one file a subcommand. The only room that reads files and prints.
//!
//! stdout carries data that can be piped, stderr what people read. Exit codes: 0 done or equal,
//! 1 differs, 2 usage or bad input, 3 a file or cluster could not be used, 4 a `--fail-on` gate.

mod adjustments;
mod columns;
mod completions;
mod console;
mod control;
mod crd;
mod diff;
mod exit;
mod explain;
mod files;
mod filter;
mod krm;
mod listen;
mod live;
mod load;
mod man;
mod operand;
mod operator;
mod output_dir;
mod plugin;
mod progress;
mod remainder;
mod render;
pub mod report;
mod sentinel;
mod sound;
mod status;
mod switchover;
mod validate;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use tracing_subscriber::filter::LevelFilter;

use console::{ColorChoice, Console};
use exit::{Failure, Outcome};

/// Valkey on Kubernetes, run the GitOps way.
///
/// A ValkeyCluster of a few lines becomes the whole set of manifests, the same bytes every time.
#[derive(Debug, Parser)]
#[command(
    name = "gungnir",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done or equal, 1 differs, 2 usage or bad input, 3 a file or cluster \
                  could not be used, 4 a --fail-on gate was hit."
)]
struct Cli {
    /// When to colour output.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: ColorChoice,

    /// Say on stderr what is being done; twice for more.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the manifests of clusters, or write them to a directory.
    Render(render::RenderArgs),
    /// Tell what a change does, down to what it restarts.
    Diff(diff::DiffArgs),
    /// Check files and say everything that is wrong with them.
    Validate(validate::ValidateArgs),
    /// Say how clusters are.
    Status(status::StatusArgs),
    /// Watch a set of plain servers, without Kubernetes, and keep it with a master.
    Sentinel(Box<sentinel::SentinelArgs>),
    /// Say what a running operator or sentinel sees, what it would do, and why not yet; or what happened.
    Explain(explain::ExplainArgs),
    /// Ask a running operator or sentinel to hand over to another master.
    Switchover(switchover::SwitchoverArgs),
    /// Run clusters on Kubernetes: apply their manifests and elect their masters.
    Operator(Box<operator::OperatorArgs>),
    /// Print the CustomResourceDefinition.
    Crd,
    /// Run as a KRM function for kustomize and kpt: a ResourceList on stdin and stdout.
    Fn,
    /// Print or run a plugin definition for Argo CD or kustomize.
    Plugin(plugin::PluginArgs),
    /// Print a completion script for a shell.
    Completions(completions::CompletionsArgs),
    /// Write the manual pages to a directory.
    Man(man::ManArgs),
}

/// Runs the program with its arguments, the program's name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    folders_last(&mut arguments);
    let parsed = command_as(arguments.first()).try_get_matches_from(arguments);
    let cli = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        // Help and version are data; anything else is a fault of the caller.
        Err(message) => {
            let code = if message.use_stderr() { 2 } else { 0 };
            let _ = message.print();
            return ExitCode::from(code);
        }
    };
    let console = Console::new(cli.color);
    // What runs for long says what it does, and all the more what it warns of.
    let always = u8::from(matches!(cli.command, Command::Sentinel(_)));
    trace(cli.verbose.saturating_add(always), &console);
    match execute(cli.command, &console) {
        Ok(outcome) => outcome.code(),
        Err(failure) => {
            match &failure {
                Failure::Input(report) => console.report(report),
                Failure::Usage(error) | Failure::Io(error) => console.error(error),
                Failure::ClosedPipe => {}
            }
            failure.code()
        }
    }
}

/// kubectl calls `KUBECTL_EXTERNAL_DIFF="gungnir diff"` as `gungnir LIVE-1 MERGED-2 diff`, its two
/// folders before the words.
fn folders_last(arguments: &mut [OsString]) {
    let starts = |argument: &OsString, start: &str| {
        let name = Path::new(argument).file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(start))
    };
    if let [_, live, merged, ..] = &*arguments
        && starts(live, "LIVE-")
        && starts(merged, "MERGED-")
    {
        arguments[1..].rotate_left(2);
    }
}

/// The command line under the name that it was called by: kubectl runs a program `kubectl-gungnir`
/// as `kubectl gungnir`.
fn command_as(called: Option<&OsString>) -> clap::Command {
    let name = called.and_then(|called| Path::new(called).file_stem());
    match name.and_then(|name| name.to_str()) {
        Some("kubectl-gungnir" | "kubectl_gungnir") => Cli::command().bin_name("kubectl gungnir"),
        _ => Cli::command(),
    }
}

fn execute(command: Command, console: &Console) -> Result<Outcome, Failure> {
    match command {
        Command::Render(arguments) => render::run(&arguments, console),
        Command::Diff(arguments) => diff::run(&arguments, console),
        Command::Validate(arguments) => validate::run(&arguments, console),
        Command::Status(arguments) => status::run(&arguments, console),
        Command::Sentinel(arguments) => sentinel::run(&arguments, console),
        Command::Explain(arguments) => explain::run(&arguments, console),
        Command::Switchover(arguments) => switchover::run(&arguments, console),
        Command::Operator(arguments) => operator::run(&arguments, console),
        Command::Crd => crd::run(console),
        Command::Fn => krm::run(console),
        Command::Plugin(arguments) => plugin::run(&arguments, console),
        Command::Completions(arguments) => {
            completions::run(&arguments, &mut Cli::command(), console)
        }
        Command::Man(arguments) => man::run(&arguments, Cli::command()),
    }
}

fn trace(verbose: u8, console: &Console) {
    let level = match verbose {
        0 => return,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(console.colors_stderr())
        .without_time()
        .with_target(false);
    // A subscriber that is there already (in a test) is as good.
    let _ = subscriber.try_init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_plugin_of_kubectl_shows_itself_as_one() {
        for (called, usage) in [
            ("/usr/local/bin/kubectl-gungnir", "Usage: kubectl gungnir status "),
            ("kubectl_gungnir", "Usage: kubectl gungnir status "),
            ("./gungnir", "Usage: gungnir status "),
        ] {
            let command = command_as(Some(&OsString::from(called)));
            let help = command.try_get_matches_from([called, "status", "--help"]).unwrap_err();
            assert!(help.to_string().contains(usage), "{called}: {help}");
        }
    }
}
