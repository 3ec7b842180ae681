//! What has happened, in the channels and payloads that Sentinel publishes.

use std::fmt;

use super::directory::{Role, SetName};

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// An address or a name.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl Address {
    /// The server at `host` and `port`.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.host, self.port)
    }
}

/// Whom an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The master of a set.
    Master {
        /// The set's name.
        set: SetName,
        /// Where the master is.
        address: Address,
    },
    /// A replica of a set.
    Replica {
        /// The set's name.
        set: SetName,
        /// Where the replica is.
        address: Address,
        /// Where its master is.
        master: Address,
    },
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Master { set, address } => write!(formatter, "master {set} {address}"),
            Self::Replica { set, address: Address { host, port }, master } => {
                write!(formatter, "slave {host}:{port} {host} {port} @ {set} {master}")
            }
        }
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The master of a set is another one now: `+switch-master`.
    SwitchMaster {
        /// The set's name.
        set: SetName,
        /// Who was the master.
        old: Address,
        /// Who is the master.
        new: Address,
    },
    /// A new epoch began: `+new-epoch`.
    NewEpoch(u64),
    /// A set is watched from now on: `+monitor`.
    Monitor {
        /// Its master.
        subject: Subject,
        /// The set's quorum.
        quorum: u32,
    },
    /// A server says it has another role: `+role-change` when it should, `-role-change` otherwise.
    RoleChange {
        /// Who says so.
        subject: Subject,
        /// The role it reports.
        reported: Role,
        /// Whether that is the role it should have.
        wanted: bool,
    },
    /// Anything that is said by whom it is about alone.
    About(Happening, Subject),
}

/// What can happen to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// It is down (SDOWN): `+sdown`.
    Down,
    /// It is down no more: `-sdown`.
    DownEnded,
    /// It restarted: `+reboot`.
    Reboot,
    /// A replica was found: `+slave`.
    Replica,
    /// A failover of this master begins: `+try-failover`.
    TryFailover,
    /// The new master is being chosen: `+failover-state-select-slave`.
    SelectReplica,
    /// This replica was chosen: `+selected-slave`.
    SelectedReplica,
    /// It is being promoted: `+failover-state-send-slaveof-noone`.
    SendReplicaofNoOne,
    /// It has not said yet that it is a master: `+failover-state-wait-promotion`.
    WaitPromotion,
    /// It says it is a master: `+promoted-slave`.
    PromotedReplica,
    /// The others are being pointed at the new master: `+failover-state-reconf-slaves`.
    ReconfReplicas,
    /// This replica was told to follow the new master: `+slave-reconf-sent`.
    ReconfSent,
    /// It follows the new master, its link is not up yet: `+slave-reconf-inprog`.
    ReconfInProgress,
    /// It follows the new master: `+slave-reconf-done`.
    ReconfDone,
    /// The failover is over: `+failover-end`.
    FailoverEnd,
    /// No replica could be promoted: `-failover-abort-no-good-slave`.
    AbortNoGoodReplica,
    /// A master that should be a replica is made one: `+convert-to-slave`.
    ConvertToReplica,
    /// A replica of somebody else is pointed at its master: `+fix-slave-config`.
    FixReplicaConfig,
}

impl Happening {
    const fn channel(self) -> &'static str {
        match self {
            Self::Down => "+sdown",
            Self::DownEnded => "-sdown",
            Self::Reboot => "+reboot",
            Self::Replica => "+slave",
            Self::TryFailover => "+try-failover",
            Self::SelectReplica => "+failover-state-select-slave",
            Self::SelectedReplica => "+selected-slave",
            Self::SendReplicaofNoOne => "+failover-state-send-slaveof-noone",
            Self::WaitPromotion => "+failover-state-wait-promotion",
            Self::PromotedReplica => "+promoted-slave",
            Self::ReconfReplicas => "+failover-state-reconf-slaves",
            Self::ReconfSent => "+slave-reconf-sent",
            Self::ReconfInProgress => "+slave-reconf-inprog",
            Self::ReconfDone => "+slave-reconf-done",
            Self::FailoverEnd => "+failover-end",
            Self::AbortNoGoodReplica => "-failover-abort-no-good-slave",
            Self::ConvertToReplica => "+convert-to-slave",
            Self::FixReplicaConfig => "+fix-slave-config",
        }
    }
}

impl Event {
    /// The channel it is published on.
    #[must_use]
    pub const fn channel(&self) -> &'static str {
        match self {
            Self::SwitchMaster { .. } => "+switch-master",
            Self::NewEpoch(_) => "+new-epoch",
            Self::Monitor { .. } => "+monitor",
            Self::RoleChange { wanted: true, .. } => "+role-change",
            Self::RoleChange { wanted: false, .. } => "-role-change",
            Self::About(happening, _) => happening.channel(),
        }
    }

    /// What is published, word for word as Sentinel says it.
    #[must_use]
    pub fn payload(&self) -> String {
        match self {
            Self::SwitchMaster { set, old, new } => format!("{set} {old} {new}"),
            Self::NewEpoch(epoch) => epoch.to_string(),
            Self::Monitor { subject, quorum } => format!("{subject} quorum {quorum}"),
            Self::RoleChange { subject, reported, wanted: _ } => {
                format!("{subject} new reported role is {}", reported.word())
            }
            Self::About(_, subject) => subject.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a real Sentinel published, with the addresses of this table.
    #[test]
    fn payloads_are_those_of_sentinel() {
        let (one, two) = (Address::new("10.0.0.1", 6379), Address::new("10.0.0.2", 6380));
        let master = Subject::Master { set: "demo".into(), address: one.clone() };
        let replica =
            Subject::Replica { set: "demo".into(), address: two.clone(), master: one.clone() };
        for (event, channel, payload) in [
            (
                Event::SwitchMaster { set: "demo".into(), old: one, new: two },
                "+switch-master",
                "demo 10.0.0.1 6379 10.0.0.2 6380",
            ),
            (Event::NewEpoch(7), "+new-epoch", "7"),
            (
                Event::Monitor { subject: master.clone(), quorum: 2 },
                "+monitor",
                "master demo 10.0.0.1 6379 quorum 2",
            ),
            (Event::About(Happening::Down, master.clone()), "+sdown", "master demo 10.0.0.1 6379"),
            (
                Event::About(Happening::DownEnded, replica.clone()),
                "-sdown",
                "slave 10.0.0.2:6380 10.0.0.2 6380 @ demo 10.0.0.1 6379",
            ),
            (
                Event::About(Happening::Replica, replica.clone()),
                "+slave",
                "slave 10.0.0.2:6380 10.0.0.2 6380 @ demo 10.0.0.1 6379",
            ),
            (
                Event::About(Happening::FailoverEnd, master),
                "+failover-end",
                "master demo 10.0.0.1 6379",
            ),
            (
                Event::RoleChange { subject: replica, reported: Role::Master, wanted: false },
                "-role-change",
                "slave 10.0.0.2:6380 10.0.0.2 6380 @ demo 10.0.0.1 6379 new reported role is master",
            ),
        ] {
            assert_eq!((event.channel(), event.payload().as_str()), (channel, payload));
        }
    }
}
