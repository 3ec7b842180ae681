//! The `gungnir` program: all it does is in [`gungnir::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    gungnir::cli::run(std::env::args_os())
}
