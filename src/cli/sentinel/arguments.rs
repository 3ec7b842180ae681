//! What is typed after `gungnir sentinel`, and what it means.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::sync::mpsc;
use tokio_rustls::rustls::ClientConfig;

use crate::cli::exit::Failure;
use crate::cli::listen::{discovery_config, first_line, read};
use crate::discovery::{self, HandoverRequest};
use crate::runtime::{FileStore, NodeSetup, PasswordFile, Recorder, SetNames, beside, control_of};
use crate::sentinel::{Durability, Policy, ReplicaOrder, Settings};
use crate::valkey::{Address, Credentials, Dial, Network, Secret, client_config};

/// The most nodes of one set.
const MAX_NODES: usize = 9;

/// What to do when too few replicas are seen.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum PolicyChoice {
    /// Wait for them.
    #[default]
    Consistency,
    /// Take the best there is, once every missing one is proven dead.
    Availability,
}

/// What decides between eligible replicas.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum OrderChoice {
    /// Offset, then priority, then run id.
    #[default]
    DataFirst,
    /// Priority, then offset, then run id, among those that hold every acknowledged write.
    PriorityFirst,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct SentinelArgs {
    /// The servers of the set, all of them: `host:port`, separated by commas.
    #[arg(long, required = true, value_delimiter = ',', value_name = "HOST:PORT")]
    nodes: Vec<String>,

    /// Where the master is written, as `host port`; replaced at every change.
    #[arg(long, value_name = "FILE")]
    endpoint_file: PathBuf,

    /// How long a server may be silent until it counts as down, in milliseconds.
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(100..=3_600_000))]
    down_after: u64,

    /// The set's name, for clients that ask by Sentinel's protocol.
    #[arg(long, default_value = "mymaster", value_name = "NAME")]
    pub(super) name: String,

    /// The record of what was decided [default: the endpoint file's name with `.state`]
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,

    /// The socket for `gungnir switchover` and `gungnir explain` [default: the endpoint file's
    /// name with `.sock`]
    #[arg(long, value_name = "FILE")]
    control: Option<PathBuf>,

    /// Between two questions to a server, in milliseconds [default: a fortieth of --down-after,
    /// at most 1000]
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(10..=60_000))]
    ping_interval: Option<u64>,

    /// Deadline of a planned handover, and patience of `--policy availability`, in milliseconds.
    #[arg(long, default_value_t = 60_000, value_name = "MS",
        value_parser = clap::value_parser!(u64).range(1000..=86_400_000))]
    failover_timeout: u64,

    /// What to do when too few replicas are seen to be sure of every acknowledged write.
    #[arg(long, value_enum, default_value_t)]
    policy: PolicyChoice,

    /// What decides between eligible replicas.
    #[arg(long, value_enum, default_value_t)]
    replica_order: OrderChoice,

    /// The user to sign in as [default: the default user]
    #[arg(long, value_name = "USER", requires = "password_file")]
    user: Option<String>,

    /// A file whose first line is the password; read again when a server refuses that.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,

    /// Certificates that the servers' are signed by (PEM); connections are TLS then.
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,

    /// A certificate to show to the servers (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_key", requires = "tls_ca")]
    tls_cert: Option<PathBuf>,

    /// The key of that certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// Replicas that must hold a write before it counts as acknowledged [default: as found on the
    /// servers]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=8))]
    min_replicas_to_write: Option<u8>,

    /// How old a replica's acknowledgement may be, in seconds [default: as found on the servers]
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(1..=3600))]
    min_replicas_max_lag: Option<u32>,

    /// Go on although --down-after is too short for the lag allowed, so that for a while two
    /// servers may take writes.
    #[arg(long)]
    pub(super) allow_two_writers: bool,

    /// Where to answer clients that speak Sentinel's protocol.
    #[arg(long, value_name = "HOST:PORT")]
    pub(super) listen: Option<SocketAddr>,

    /// A file whose first line is the password of those clients.
    #[arg(long, value_name = "FILE", requires = "listen")]
    listen_password_file: Option<PathBuf>,

    /// Let those clients hand over (SENTINEL FAILOVER) although they give no password.
    #[arg(long, requires = "listen")]
    listen_allow_failover: bool,

    /// The certificate to show to those clients (PEM); their connections are TLS then.
    #[arg(long, value_name = "FILE", requires = "listen_tls_key", requires = "listen")]
    listen_tls_cert: Option<PathBuf>,

    /// The key of that certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "listen_tls_cert")]
    listen_tls_key: Option<PathBuf>,

    /// Write what is seen and decided to this file, one JSON line a step, for
    /// `gungnir explain --replay`.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

impl SentinelArgs {
    /// The nodes, with how each is dialled.
    pub(super) fn nodes(&self) -> Result<Vec<NodeSetup>, Failure> {
        let mut seen = BTreeSet::new();
        let mut nodes = Vec::new();
        let credentials = self.credentials()?;
        let password_file = self.password_file.clone();
        let password_file =
            password_file.map(|path| Rc::new(PasswordFile::new(self.user.clone(), path)));
        let tls = self.client_tls()?;
        if self.nodes.len() > MAX_NODES {
            return Err(Failure::usage(format_args!(
                "--nodes names {} servers; a set has {MAX_NODES} at most",
                self.nodes.len()
            )));
        }
        for text in &self.nodes {
            let address: Address =
                text.parse().map_err(|error| Failure::usage(format_args!("--nodes: {error}")))?;
            if !seen.insert(address.clone()) {
                return Err(Failure::usage(format_args!("--nodes names `{address}` twice")));
            }
            let dial = Dial {
                server_name: Some(address.host().to_owned()),
                address: address.clone(),
                tls: tls.clone(),
                credentials: credentials.clone(),
                connect_timeout: self.connect_timeout(),
                network: Network::Tcp,
            };
            let password_file = password_file.clone();
            nodes.push(NodeSetup { address, dial, password_file, gated: false });
        }
        Ok(nodes)
    }

    fn connect_timeout(&self) -> Duration {
        Duration::from_millis((self.down_after / 2).clamp(100, 5000))
    }

    /// The settings, with W and lag as given or as found.
    pub(super) fn settings(&self, found_w: u8, found_lag_s: u32) -> Settings {
        Settings {
            ping_interval_ms: self
                .ping_interval
                .unwrap_or_else(|| (self.down_after / 40).clamp(10, 1000)),
            down_after_ms: self.down_after,
            failover_timeout_ms: self.failover_timeout,
            min_replicas_to_write: self.min_replicas_to_write.unwrap_or(found_w),
            min_replicas_max_lag_s: u64::from(self.min_replicas_max_lag.unwrap_or(found_lag_s)),
            replica_order: match self.replica_order {
                OrderChoice::DataFirst => ReplicaOrder::DataFirst,
                OrderChoice::PriorityFirst => ReplicaOrder::PriorityFirst,
            },
            policy: match self.policy {
                PolicyChoice::Consistency => Policy::Consistency,
                PolicyChoice::Availability => Policy::Availability,
            },
            // What people have set on their servers is not lowered behind their backs.
            durability: Durability::Required,
            may_appoint_first: false,
            auto_failover: true,
            // They replicate as one user, if as any.
            shuts_out: false,
        }
    }

    /// Whether neither W nor the lag has to be found.
    pub(super) fn gives_w_and_lag(&self) -> bool {
        self.min_replicas_to_write.is_some() && self.min_replicas_max_lag.is_some()
    }

    /// Whether W is given, not found.
    pub(super) fn gives_w(&self) -> bool {
        self.min_replicas_to_write.is_some()
    }

    pub(super) fn store(&self, addresses: &[Address]) -> Result<FileStore, Failure> {
        let state = self.state.clone().unwrap_or_else(|| beside(&self.endpoint_file, ".state"));
        FileStore::open(&state, &self.endpoint_file, self.names(addresses)).map_err(|error| {
            if error.is_input() {
                Failure::Usage(anyhow::Error::new(error))
            } else {
                Failure::Io(anyhow::Error::new(error))
            }
        })
    }

    pub(super) fn control_file(&self) -> PathBuf {
        self.control.clone().unwrap_or_else(|| control_of(&self.endpoint_file))
    }

    pub(super) fn names(&self, addresses: &[Address]) -> SetNames {
        SetNames::new(&self.name, addresses.iter().map(ToString::to_string))
    }

    pub(super) fn recorder(&self, names: &SetNames) -> Result<Option<Recorder>, Failure> {
        let Some(path) = &self.record else { return Ok(None) };
        let recorder = Recorder::start(path, names);
        recorder.map(Some).map_err(|error| {
            Failure::io(error, format_args!("cannot record to `{}`", path.display()))
        })
    }

    fn credentials(&self) -> Result<Option<Credentials>, Failure> {
        let Some(path) = &self.password_file else { return Ok(None) };
        let password = Secret::new(first_line(path)?);
        Ok(Some(Credentials { user: self.user.clone(), password }))
    }

    fn client_tls(&self) -> Result<Option<Arc<ClientConfig>>, Failure> {
        let Some(ca) = &self.tls_ca else { return Ok(None) };
        let ca = read(ca)?;
        let own = match (&self.tls_cert, &self.tls_key) {
            (Some(cert), Some(key)) => Some((read(cert)?, read(key)?)),
            _ => None,
        };
        let own = own.as_ref().map(|(cert, key)| (cert.as_slice(), key.as_slice()));
        client_config(&ca, own).map(Some).map_err(|error| Failure::Usage(anyhow::Error::new(error)))
    }

    /// How clients of Sentinel's protocol are answered. Their wishes for a handover go to
    /// `handovers`, if they may have any: whoever reaches an open port must not move the master.
    pub(super) fn discovery(
        &self,
        listen: SocketAddr,
        handovers: mpsc::Sender<HandoverRequest>,
    ) -> Result<discovery::Config, Failure> {
        let tls = self.listen_tls_cert.as_deref().zip(self.listen_tls_key.as_deref());
        let config = discovery_config(listen, self.listen_password_file.as_deref(), tls)?;
        let granted = config.password.is_some() || self.listen_allow_failover;
        Ok(discovery::Config { handover: granted.then_some(handovers), ..config })
    }
}
