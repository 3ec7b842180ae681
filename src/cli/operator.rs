//! `gungnir operator`: what is typed after it, and the process around [`crate::operator::run`].

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::EnvFilter;

use crate::discovery;
use crate::operator::{LeaseName, LeaseTimes, Options, Outside, Scope};

use super::console::Console;
use super::exit::{Failure, Outcome};
use super::listen::discovery_config;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, Args)]
pub(super) struct OperatorArgs {
    /// Watch this namespace only [default: all].
    #[arg(long, short, value_name = "NAMESPACE")]
    namespace: Option<String>,

    /// The namespace of the lease by which one of several operators leads [default: that of this
    /// pod, or `default`].
    #[arg(long, value_name = "NAMESPACE", env = "POD_NAMESPACE")]
    lease_namespace: Option<String>,

    /// The name of the lease.
    #[arg(long, value_name = "NAME", default_value = "gungnir-operator")]
    lease_name: String,

    /// Who this process is in the lease and in events [default: the host's name].
    #[arg(long, value_name = "NAME", env = "POD_NAME")]
    identity: Option<String>,

    /// Where /metrics, /livez and /readyz are answered.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,

    /// How log lines look.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    log: LogFormat,

    /// Where to answer clients that speak Sentinel's protocol.
    #[arg(long, value_name = "ADDRESS:PORT")]
    discovery_listen: Option<SocketAddr>,

    /// A file whose first line is the password of those clients.
    #[arg(long, value_name = "FILE", requires = "discovery_listen")]
    discovery_password_file: Option<PathBuf>,

    /// The certificate to show to those clients (PEM); their connections are TLS then.
    #[arg(
        long,
        value_name = "FILE",
        requires = "discovery_tls_key",
        requires = "discovery_listen"
    )]
    discovery_tls_cert: Option<PathBuf>,

    /// The key of that certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "discovery_tls_cert")]
    discovery_tls_key: Option<PathBuf>,

    /// Watch and report, but change nothing in any cluster.
    #[arg(long)]
    pause_all: bool,
}

pub(super) fn run(arguments: &OperatorArgs, console: &Console) -> Result<Outcome, Failure> {
    log(arguments.log, console);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::io(error, "cannot start"))?;
    let options = arguments.options()?;
    let outcome = runtime.block_on(async {
        let end = end()?;
        Box::pin(crate::operator::run(options, end))
            .await
            .map_err(|error| Failure::Io(anyhow::Error::new(error)))
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome.map(|()| Outcome::Done)
}

impl OperatorArgs {
    fn options(&self) -> Result<Options, Failure> {
        let name = self.identity.clone().unwrap_or_else(|| "gungnir-operator".to_owned());
        Ok(Options {
            scope: self.namespace.clone().map_or(Scope::Cluster, Scope::Namespace),
            lease: LeaseName {
                namespace: self.lease_namespace.clone().unwrap_or_else(|| "default".to_owned()),
                name: self.lease_name.clone(),
                // A process that restarts under its old name is another one.
                identity: format!("{name}_{:08x}", random() ^ process::id()),
            },
            lease_times: LeaseTimes::default(),
            outside: Outside::default(),
            listen: Some(self.listen),
            discovery: self.discovery()?,
            pause_all: self.pause_all,
        })
    }

    /// Where clients of Sentinel are answered. Nobody there may move a master.
    fn discovery(&self) -> Result<Option<discovery::Config>, Failure> {
        let Some(listen) = self.discovery_listen else { return Ok(None) };
        let tls = self.discovery_tls_cert.as_deref().zip(self.discovery_tls_key.as_deref());
        discovery_config(listen, self.discovery_password_file.as_deref(), tls).map(Some)
    }
}

/// Bytes that tell two processes apart; nothing is kept secret by them.
fn random() -> u32 {
    let mut bytes = [0_u8; 4];
    // Without them the process id has to do.
    let _ = getrandom::fill(&mut bytes);
    u32::from_le_bytes(bytes)
}

/// Ends at SIGTERM or SIGINT.
fn end() -> Result<impl Future<Output = ()>, Failure> {
    let listen =
        |kind| signal(kind).map_err(|error| Failure::io(error, "cannot listen for signals"));
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn log(format: LogFormat, console: &Console) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // A subscriber that is there already (`--verbose`, or in a test) is as good.
    let _ = match format {
        LogFormat::Json => builder.json().try_init(),
        LogFormat::Text => builder.with_ansi(console.colors_stderr()).try_init(),
    };
}
