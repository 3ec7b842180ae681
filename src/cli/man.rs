//! `gungnir man`: the manual pages.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::exit::{Failure, Outcome};

/// Arguments of `gungnir man`.
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The directory to write to; it is made if need be.
    directory: PathBuf,
}

pub(super) fn run(arguments: &ManArgs, command: clap::Command) -> Result<Outcome, Failure> {
    let ManArgs { directory } = arguments;
    let fault = |error| {
        Failure::io(error, format_args!("cannot write manual pages to `{}`", directory.display()))
    };
    fs::create_dir_all(directory).map_err(fault)?;
    clap_mangen::generate_to(command, directory).map_err(fault)?;
    Ok(Outcome::Done)
}
