//! What `gungnir operator` is told.

use std::net::SocketAddr;

use crate::discovery;

use super::cache::Scope;
use super::lease::{LeaseName, LeaseTimes};
use super::outside::Outside;

/// What the operator is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which namespaces it watches.
    pub scope: Scope,
    /// The lease that it leads by.
    pub lease: LeaseName,
    /// How the lease is kept.
    pub lease_times: LeaseTimes,
    /// Where it answers probes and Prometheus; nowhere without an address.
    pub listen: Option<SocketAddr>,
    /// Where and how clients of Sentinel are answered; nowhere without it.
    pub discovery: Option<discovery::Config>,
    /// Nothing is changed in any cluster.
    pub pause_all: bool,
    /// What it finds around it.
    pub outside: Outside,
}
