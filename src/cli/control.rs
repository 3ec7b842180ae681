//! Which sentinel is asked, and the question put to it.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::exit::Failure;
use crate::runtime::{ControlReply, ControlRequest, ask, control_of};

/// The socket of a sentinel, named itself or by the endpoint file.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(super) struct ControlArgs {
    /// The control socket of `gungnir sentinel`.
    #[arg(long, value_name = "FILE")]
    control: Option<PathBuf>,

    /// The endpoint file of `gungnir sentinel`; its socket is beside it.
    #[arg(long, value_name = "FILE")]
    endpoint_file: Option<PathBuf>,
}

impl ControlArgs {
    /// Where to ask; `None` when neither was given.
    fn socket(&self) -> Option<PathBuf> {
        let beside = || self.endpoint_file.as_deref().map(control_of);
        self.control.clone().or_else(beside)
    }

    /// Asks, and waits for the answer for `limit` at most.
    pub(super) fn ask(
        &self,
        request: &ControlRequest,
        limit: Duration,
    ) -> Result<ControlReply, Failure> {
        let socket = self.socket().ok_or_else(|| {
            Failure::usage("name the sentinel by `--endpoint-file FILE` or `--control FILE`")
        })?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::io(error, "cannot start"))?;
        let reply = runtime.block_on(ask(&socket, request, limit));
        match reply.map_err(|error| Failure::Io(anyhow::Error::new(error)))? {
            ControlReply::Invalid(why) => Err(Failure::usage(why)),
            ControlReply::Refused(why) => Err(Failure::Io(anyhow::Error::msg(why))),
            reply @ (ControlReply::Explained(_) | ControlReply::Master(_)) => Ok(reply),
        }
    }

    /// What is said of an answer to another question.
    pub(super) fn unexpected() -> Failure {
        Failure::Io(anyhow::anyhow!("the sentinel answers another question than it was asked"))
    }
}
