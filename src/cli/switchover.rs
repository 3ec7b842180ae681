//! `gungnir switchover`: asks a running sentinel to hand over to another master.

use std::time::Duration;

use clap::Args;

use super::console::Console;
use super::control::ControlArgs;
use super::exit::{Failure, Outcome};
use crate::runtime::{ControlReply, ControlRequest};
use crate::valkey::Address;

/// Arguments of `gungnir switchover`.
#[derive(Debug, Args)]
#[command(
    group(clap::ArgGroup::new("which").args(["control", "endpoint_file"]).required(true)),
    after_help = "Exit codes: 0 done, 2 usage or no such server, 3 nobody answers, or the handover \
                  was refused or did not end in time (the reason is on stderr; `gungnir explain` \
                  says more)."
)]
pub(super) struct SwitchoverArgs {
    #[command(flatten)]
    which: ControlArgs,

    /// The server to become master [default: the best one]
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    to: Option<Address>,

    /// How long to wait for the end, in seconds; a handover that has begun goes on after that.
    #[arg(long, default_value_t = 15, value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

fn address(text: &str) -> Result<Address, String> {
    text.parse().map_err(|error: crate::valkey::AddressError| error.to_string())
}

pub(super) fn run(arguments: &SwitchoverArgs, console: &Console) -> Result<Outcome, Failure> {
    let SwitchoverArgs { which, to, timeout } = arguments;
    let request = ControlRequest::Switchover { to: to.as_ref().map(ToString::to_string) };
    match which.ask(&request, Duration::from_secs(*timeout))? {
        ControlReply::Master(master) => {
            console.data(&format!("{master}\n"))?;
            Ok(Outcome::Done)
        }
        _ => Err(ControlArgs::unexpected()),
    }
}
