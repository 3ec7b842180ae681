//! What a set is watched for. All of it may change while it is watched: pods come and go, people
//! change their minds, passwords and certificates are replaced.

use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::watch;

use super::live_settings::LiveSettings;
use super::password_file::PasswordFile;
use crate::sentinel::{Home, Id, Settings};
use crate::valkey::{Address, Dial};

/// Everything that a set is watched for, replaced as a whole.
#[derive(Debug, Clone)]
pub struct SetTargets {
    /// What people ask for.
    pub settings: Settings,
    /// The nodes, in the order of their [`NodeId`](crate::sentinel::NodeId)s.
    pub nodes: Vec<NodeTarget>,
    /// Raised when somebody else seems to have written the record or the pointer: they are read
    /// again.
    pub reread: u64,
    /// Raised when this process has begun to lead anew, however short the time was in which it did
    /// not.
    pub leadership: u64,
}

/// What is known of a node by other ways than asking it.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct NodeTarget {
    /// How its process is reached; `None` while there is none. Shared with whoever watches it.
    pub process: Option<Rc<ProcessTarget>>,
    /// It is known to start as a replica of nowhere. Counts when the node is new.
    pub gated: bool,
    /// It is about to be taken away.
    pub leaving: bool,
    /// People have said that it is not to lead: as with `replica-priority 0`.
    pub never_leads: bool,
    /// What its volume remembers: the epoch, and whether it was master then.
    pub remembered: Option<(u64, bool)>,
    /// Nothing can be on it from before this set was made.
    pub blank: bool,
    /// What it is set to while it runs.
    pub live: LiveSettings,
    /// A run of this node that has certainly ended: its container has, or another run has what only
    /// one at a time can have.
    pub ended: Option<Id>,
}

/// A process, by where it is.
#[derive(Debug, Clone)]
pub struct ProcessTarget {
    /// By which name replicas are told to follow it.
    pub address: Address,
    /// How it is dialled.
    pub dial: Dial,
    /// Where another password may be found when the one that is known is refused.
    pub password_file: Option<Rc<PasswordFile>>,
    /// The incarnation of the node: an address may be given to another one.
    pub home: Home,
}

/// A plain server: it is where it is for ever.
#[derive(Debug, Clone)]
pub struct NodeSetup {
    /// By which name replicas are told to follow it.
    pub address: Address,
    /// How it is dialled.
    pub dial: Dial,
    /// Where another password may be found when the one that is known is refused.
    pub password_file: Option<Rc<PasswordFile>>,
    /// It is known to start as a replica of nowhere.
    pub gated: bool,
}

impl SetTargets {
    /// Servers that never change.
    #[must_use]
    pub fn fixed(settings: Settings, nodes: &[NodeSetup]) -> watch::Receiver<Self> {
        let node = |NodeSetup { address, dial, password_file, gated }: &NodeSetup| NodeTarget {
            process: Some(Rc::new(ProcessTarget {
                address: address.clone(),
                dial: dial.clone(),
                password_file: password_file.clone(),
                home: Home::default(),
            })),
            gated: *gated,
            ..NodeTarget::default()
        };
        let nodes = nodes.iter().map(node).collect();
        watch::Sender::new(Self { settings, nodes, reread: 0, leadership: 0 }).subscribe()
    }

    /// The process of a node.
    pub(super) fn process(&self, index: usize) -> Option<&Rc<ProcessTarget>> {
        self.nodes.get(index)?.process.as_ref()
    }
}

impl ProcessTarget {
    /// Whether the same process is meant, however it is dialled.
    pub(super) fn is_same_place(&self, other: &Self) -> bool {
        self.home == other.home && self.address == other.address
    }

    /// Whether a new connection would be the same.
    pub(super) fn is_dialled_like(&self, other: &Self) -> bool {
        let tls = |dial: &Dial| dial.tls.as_ref().map(Arc::as_ptr);
        self.is_same_place(other)
            && tls(&self.dial) == tls(&other.dial)
            && self.dial.credentials == other.dial.credentials
    }
}
