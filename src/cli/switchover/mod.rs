//! `gungnir switchover`: asks a running operator or sentinel to hand over to another master.

mod live;

use std::time::Duration;

use clap::Args;

use super::console::Console;
use super::control::ControlArgs;
use super::exit::{Failure, Outcome};
use super::live::ContextArgs;
use crate::runtime::{ControlReply, ControlRequest};
use crate::valkey::Address;

/// Arguments of `gungnir switchover`.
#[derive(Debug, Args)]
#[command(
    group(clap::ArgGroup::new("which").args(["cluster", "control", "endpoint_file"]).required(true)),
    after_help = "Exit codes: 0 done, 2 usage or no such server, 3 nobody answers, there is no such \
                  ValkeyCluster, or the handover was refused or did not end in time (the reason \
                  is on stderr; `gungnir explain` says more).

A ValkeyCluster is asked by its annotation valkey.verilean.io/switchover-to, which is taken away \
again when the handover has ended, or was not begun in time."
)]
pub(super) struct SwitchoverArgs {
    /// The ValkeyCluster whose operator is asked.
    #[arg(value_name = "CLUSTER")]
    cluster: Option<String>,

    /// The namespace of the cluster [default: that of the context].
    #[arg(short, long, value_name = "NAMESPACE", requires = "cluster")]
    namespace: Option<String>,

    #[command(flatten)]
    context: ContextArgs,

    #[command(flatten)]
    which: ControlArgs,

    /// The pod or server to become master [default: the best one]
    #[arg(long, value_name = "POD|HOST:PORT")]
    to: Option<String>,

    /// How long to wait for the end, in seconds; a handover that has begun goes on after that.
    #[arg(long, default_value_t = 15, value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

fn address(text: &str) -> Result<Address, Failure> {
    text.parse().map_err(|error: crate::valkey::AddressError| {
        Failure::usage(format_args!("`--to {text}`: {error}"))
    })
}

pub(super) fn run(arguments: &SwitchoverArgs, console: &Console) -> Result<Outcome, Failure> {
    let SwitchoverArgs { cluster, namespace, context, which, to, timeout } = arguments;
    let limit = Duration::from_secs(*timeout);
    if let Some(cluster) = cluster {
        let master = context.run(namespace.as_deref(), async |live| {
            live::hand_over(&live, cluster, to.as_deref(), limit, console).await
        })?;
        console.data(&format!("{master}\n"))?;
        return Ok(Outcome::Done);
    }
    if context.context.is_some() {
        return Err(Failure::usage("`--context` is for a CLUSTER"));
    }
    let to = to.as_deref().map(address).transpose()?;
    let request = ControlRequest::Switchover { to: to.as_ref().map(ToString::to_string) };
    match which.ask(&request, limit)? {
        ControlReply::Master(master) => {
            console.data(&format!("{master}\n"))?;
            Ok(Outcome::Done)
        }
        _ => Err(ControlArgs::unexpected()),
    }
}
