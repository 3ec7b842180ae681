//! `gungnir completions`: a script that teaches a shell the commands.

use clap::Args;
use clap_complete::{Shell, generate};

use super::console::Console;
use super::exit::{Failure, Outcome};

/// Arguments of `gungnir completions`.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(
    arguments: &CompletionsArgs,
    command: &mut clap::Command,
    console: &Console,
) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    generate(arguments.shell, command, "gungnir", &mut script);
    console.data(&String::from_utf8_lossy(&script))?;
    Ok(Outcome::Done)
}
