//! The JSON of an [`Observation`]. The rules know nothing of serde, so every type that they look at
//! has its mirror here: a field or a variant that one of them gains does not compile before its
//! mirror has it too.

use std::marker::PhantomData;

use serde::de::Error as _;
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::hex_id::HexId;
use crate::sentinel::{
    Durability, Ended, EndedBy, Follower, Home, Id, Link, Member, Millis, Node, NodeId,
    Observation, Phase, Pointer, Policy, Record, ReplicaOrder, Report, Request, Role, Settings,
    Trouble, Upstream, Wish,
};

/// A type whose serde functions write and read another one.
pub(super) trait Mirror {
    /// The other one.
    type Of;

    /// Writes it.
    fn write<S: Serializer>(value: &Self::Of, serializer: S) -> Result<S::Ok, S::Error>;

    /// Reads it.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self::Of, D::Error>;
}

/// A value that is written by its mirror.
pub(super) struct Shown<'a, M: Mirror>(pub &'a M::Of);

/// A value that is read by its mirror.
struct Taken<M: Mirror>(M::Of);

/// What may be missing, by the mirror of what is there.
struct Maybe<M>(PhantomData<M>);

/// A list, by the mirror of its items.
struct Each<M>(PhantomData<M>);

impl<M: Mirror> Serialize for Shown<'_, M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        M::write(self.0, serializer)
    }
}

impl<'de, M: Mirror> Deserialize<'de> for Taken<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        M::read(deserializer).map(Self)
    }
}

impl<M: Mirror> Maybe<M> {
    #[expect(clippy::ref_option, reason = "serde asks for this shape")]
    fn serialize<S: Serializer>(value: &Option<M::Of>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(Shown::<M>).serialize(serializer)
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<M::Of>, D::Error> {
        Ok(Option::<Taken<M>>::deserialize(deserializer)?.map(|taken| taken.0))
    }
}

impl<M: Mirror> Each<M> {
    fn serialize<S: Serializer>(items: &[M::Of], serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(items.len()))?;
        for item in items {
            list.serialize_element(&Shown::<M>(item))?;
        }
        list.end()
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<M::Of>, D::Error> {
        let items = Vec::<Taken<M>>::deserialize(deserializer)?;
        Ok(items.into_iter().map(|taken| taken.0).collect())
    }
}

macro_rules! mirrors {
    ($($mirror:ident of $of:ty),+ $(,)?) => {$(
        impl Mirror for $mirror {
            type Of = $of;

            fn write<S: Serializer>(value: &$of, serializer: S) -> Result<S::Ok, S::Error> {
                Self::serialize(value, serializer)
            }

            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$of, D::Error> {
                Self::deserialize(deserializer)
            }
        }
    )+};
}

mirrors! {
    EndedMirror of Ended,
    FollowerMirror of Follower,
    MemberMirror of Member,
    NodeIdMirror of NodeId,
    NodeMirror of Node,
    ObservationMirror of Observation,
    PointerMirror of Pointer,
    RecordMirror of Record,
    ReportMirror of Report,
    RequestMirror of Request,
    TroubleMirror of Trouble,
}

/// An id as its digits.
struct IdMirror;

impl IdMirror {
    fn serialize<S: Serializer>(id: &Id, serializer: S) -> Result<S::Ok, S::Error> {
        HexId(*id).serialize(serializer)
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Id, D::Error> {
        HexId::deserialize(deserializer).map(|id| id.0)
    }
}

mirrors!(IdMirror of Id, IdAtMirror of (Id, u64));

/// A home as the thirty-two digits of a pod's uid.
struct HomeMirror;

impl HomeMirror {
    fn serialize<S: Serializer>(home: &Home, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", home.0))
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Home, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let home = u128::from_str_radix(&text, 16).ok().filter(|_| digits);
        home.map(Home).ok_or_else(|| D::Error::custom("expected 32 hexadecimal digits"))
    }
}

/// An id with an offset.
struct IdAtMirror;

impl IdAtMirror {
    fn serialize<S: Serializer>(at: &(Id, u64), serializer: S) -> Result<S::Ok, S::Error> {
        (HexId(at.0), at.1).serialize(serializer)
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(Id, u64), D::Error> {
        <(HexId, u64)>::deserialize(deserializer).map(|(id, offset)| (id.0, offset))
    }
}

/// What a decision looks at.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Observation", deny_unknown_fields)]
pub(super) struct ObservationMirror {
    #[serde(with = "SettingsMirror")]
    settings: Settings,
    #[serde(with = "Maybe::<RecordMirror>")]
    record: Option<Record>,
    my_term: u64,
    leading: bool,
    writing: bool,
    #[serde(with = "Each::<NodeMirror>")]
    nodes: Vec<Node>,
    #[serde(with = "Maybe::<PointerMirror>")]
    service: Option<Pointer>,
    #[serde(with = "Maybe::<RequestMirror>")]
    request: Option<Request>,
}

/// What people ask for.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Settings", deny_unknown_fields)]
pub(super) struct SettingsMirror {
    ping_interval_ms: Millis,
    down_after_ms: Millis,
    failover_timeout_ms: Millis,
    min_replicas_to_write: u8,
    min_replicas_max_lag_s: u64,
    #[serde(with = "ReplicaOrderMirror")]
    replica_order: ReplicaOrder,
    #[serde(with = "PolicyMirror")]
    policy: Policy,
    #[serde(with = "DurabilityMirror")]
    durability: Durability,
    may_appoint_first: bool,
    auto_failover: bool,
    shuts_out: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ReplicaOrder")]
enum ReplicaOrderMirror {
    DataFirst,
    PriorityFirst,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Policy")]
enum PolicyMirror {
    Consistency,
    Availability,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Durability")]
enum DurabilityMirror {
    Preferred,
    Required,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Record", deny_unknown_fields)]
struct RecordMirror {
    term: u64,
    epoch: u64,
    #[serde(with = "PhaseMirror")]
    phase: Phase,
    #[serde(with = "Maybe::<NodeIdMirror>")]
    target: Option<NodeId>,
    #[serde(with = "Maybe::<MemberMirror>")]
    master: Option<Member>,
    #[serde(with = "Maybe::<IdMirror>")]
    history: Option<Id>,
    #[serde(with = "Maybe::<IdMirror>")]
    previous_history: Option<Id>,
    base_offset: u64,
    #[serde(with = "Each::<MemberMirror>")]
    in_sync: Vec<Member>,
    w: u8,
}

/// What is going on.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Phase")]
pub(super) enum PhaseMirror {
    Adopt,
    Stable,
    Failover,
    Switchover,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Member", deny_unknown_fields)]
struct MemberMirror {
    #[serde(with = "NodeIdMirror")]
    node: NodeId,
    #[serde(with = "IdMirror")]
    run_id: Id,
    #[serde(with = "HomeMirror")]
    home: Home,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "NodeId")]
struct NodeIdMirror(u8);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Node", deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct NodeMirror {
    asked_ms: Option<Millis>,
    #[serde(with = "Maybe::<TroubleMirror>")]
    trouble: Option<Trouble>,
    #[serde(with = "Maybe::<ReportMirror>")]
    report: Option<Report>,
    #[serde(with = "Maybe::<EndedMirror>")]
    ended: Option<Ended>,
    paused_until_ms: Option<Millis>,
    busy: bool,
    highest_term: u64,
    shut_out: bool,
    gated: bool,
    leaving: bool,
    #[serde(with = "Maybe::<IdMirror>")]
    last_run: Option<Id>,
    remembered: Option<(u64, bool)>,
    blank: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Ended", deny_unknown_fields)]
struct EndedMirror {
    #[serde(with = "IdMirror")]
    run_id: Id,
    #[serde(with = "EndedByMirror")]
    by: EndedBy,
    at_ms: Millis,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "EndedBy")]
enum EndedByMirror {
    ContainerStatus,
    FinThenRefused,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Trouble")]
enum TroubleMirror {
    Loading,
    Busy,
    Unkillable,
    Misconf,
    MasterDown,
    Refused,
    MaxClients,
    Stranger,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Report", deny_unknown_fields)]
struct ReportMirror {
    asked_ms: Millis,
    #[serde(with = "IdMirror")]
    run_id: Id,
    #[serde(with = "HomeMirror")]
    home: Home,
    #[serde(with = "RoleMirror")]
    role: Role,
    loading: bool,
    priority: u32,
    #[serde(with = "IdMirror")]
    history: Id,
    #[serde(with = "Maybe::<IdAtMirror>")]
    previous_history: Option<(Id, u64)>,
    offset: u64,
    keys: u64,
    min_replicas_to_write: u8,
    #[serde(with = "Each::<FollowerMirror>")]
    followers: Vec<Follower>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Role")]
enum RoleMirror {
    Master,
    Replica(#[serde(with = "LinkMirror")] Link),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Link", deny_unknown_fields)]
struct LinkMirror {
    #[serde(with = "UpstreamMirror")]
    upstream: Upstream,
    up: bool,
    down_since_s: Option<u64>,
    last_io_s: Option<u64>,
    #[serde(default)]
    second_ms: Millis,
    syncing: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Upstream")]
enum UpstreamMirror {
    Nowhere,
    Node(#[serde(with = "NodeIdMirror")] NodeId),
    Stranger,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Follower", deny_unknown_fields)]
struct FollowerMirror {
    #[serde(with = "NodeIdMirror")]
    node: NodeId,
    online: bool,
    offset: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Pointer", deny_unknown_fields)]
struct PointerMirror {
    #[serde(with = "NodeIdMirror")]
    node: NodeId,
    epoch: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Request", deny_unknown_fields)]
struct RequestMirror {
    id: u64,
    #[serde(with = "WishMirror")]
    wish: Wish,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Wish")]
enum WishMirror {
    Switchover(#[serde(with = "Maybe::<NodeIdMirror>")] Option<NodeId>),
    Promote(#[serde(with = "NodeIdMirror")] NodeId),
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::option::of;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn id() -> impl Strategy<Value = Id> {
        any::<[u8; 20]>().prop_map(Id)
    }

    fn node_id(nodes: u8) -> impl Strategy<Value = NodeId> {
        (0..nodes).prop_map(NodeId)
    }

    /// An instant, a count, an offset: as large as they ever get.
    fn count() -> impl Strategy<Value = u64> {
        prop_oneof![0..20_u64, 0..1_u64 << 48]
    }

    fn home() -> impl Strategy<Value = Home> {
        any::<u128>().prop_map(Home)
    }

    fn member(nodes: u8) -> impl Strategy<Value = Member> {
        (node_id(nodes), id(), home()).prop_map(|(node, run_id, home)| Member {
            node,
            run_id,
            home,
        })
    }

    prop_compose! {
        fn settings()(
            times in (1..5000_u64, 1..50_000_u64, 1..500_000_u64, 0..100_u64),
            min_replicas_to_write in 0..9_u8,
            replica_order in select(vec![ReplicaOrder::DataFirst, ReplicaOrder::PriorityFirst]),
            policy in select(vec![Policy::Consistency, Policy::Availability]),
            durability in select(vec![Durability::Preferred, Durability::Required]),
            flags in any::<(bool, bool, bool)>(),
        ) -> Settings {
            Settings {
                ping_interval_ms: times.0,
                down_after_ms: times.1,
                failover_timeout_ms: times.2,
                min_replicas_max_lag_s: times.3,
                min_replicas_to_write, replica_order, policy, durability,
                may_appoint_first: flags.0,
                auto_failover: flags.1,
                shuts_out: flags.2,
            }
        }
    }

    prop_compose! {
        fn record(nodes: u8)(
            counts in (count(), count(), count()),
            phase in select(vec![Phase::Adopt, Phase::Stable, Phase::Failover, Phase::Switchover]),
            target in of(node_id(nodes)),
            master in of(member(nodes)),
            history in of(id()),
            previous_history in of(id()),
            in_sync in prop::collection::vec(member(nodes), 0..4),
            w in 0..3_u8,
        ) -> Record {
            let w = w.min(u8::try_from(in_sync.len()).unwrap());
            let (term, epoch, base_offset) = counts;
            Record {
                term, epoch, phase, target, master, history, previous_history, base_offset,
                in_sync, w,
            }
        }
    }

    fn role(nodes: u8) -> impl Strategy<Value = Role> {
        let upstream = prop_oneof![
            Just(Upstream::Nowhere),
            Just(Upstream::Stranger),
            node_id(nodes).prop_map(Upstream::Node),
        ];
        let seconds = (of(0..100_u64), of(0..100_u64), 0..1000_u64);
        let link = (upstream, any::<(bool, bool)>(), seconds);
        prop_oneof![
            Just(Role::Master),
            link.prop_map(|(upstream, (up, syncing), (down_since_s, last_io_s, second_ms))| {
                Role::Replica(Link { upstream, up, down_since_s, last_io_s, second_ms, syncing })
            }),
        ]
    }

    prop_compose! {
        fn report(nodes: u8)(
            counts in (count(), count(), count()),
            ids in (id(), id(), home()),
            role in role(nodes),
            loading in any::<bool>(),
            priority in any::<u32>(),
            previous_history in of((id(), count())),
            min_replicas_to_write in 0..9_u8,
            followers in prop::collection::vec((node_id(nodes), any::<bool>(), count()), 0..4),
        ) -> Report {
            let (asked_ms, offset, keys) = counts;
            let (run_id, history, home) = ids;
            let followers = followers.into_iter();
            let followers = followers
                .map(|(node, online, offset)| Follower { node, online, offset })
                .collect();
            Report {
                asked_ms, run_id, home, role, loading, priority, history, previous_history, offset,
                keys,
                min_replicas_to_write, followers,
            }
        }
    }

    prop_compose! {
        fn node(nodes: u8)(
            asked_ms in of(count()),
            trouble in of(select(vec![
                Trouble::Loading, Trouble::Busy, Trouble::Unkillable, Trouble::Misconf,
                Trouble::MasterDown, Trouble::Refused, Trouble::MaxClients, Trouble::Stranger,
            ])),
            report in of(report(nodes)),
            ended in of((
                id(), select(vec![EndedBy::ContainerStatus, EndedBy::FinThenRefused]), count(),
            )),
            paused_until_ms in of(count()),
            flags in any::<(bool, bool, bool, bool, bool)>(),
            highest_term in count(),
            last_run in of(id()),
            remembered in of((count(), any::<bool>())),
        ) -> Node {
            let (busy, shut_out, gated, leaving, blank) = flags;
            let ended = ended.map(|(run_id, by, at_ms)| Ended { run_id, by, at_ms });
            Node {
                asked_ms, trouble, report, ended, paused_until_ms, busy, highest_term, shut_out,
                gated, leaving, last_run, remembered, blank,
            }
        }
    }

    prop_compose! {
        fn of_size(nodes: u8)(
            settings in settings(),
            record in of(record(nodes)),
            my_term in count(),
            flags in any::<(bool, bool)>(),
            list in prop::collection::vec(node(nodes), usize::from(nodes)),
            service in of((node_id(nodes), count())),
            request in of((count(), prop_oneof![
                of(node_id(nodes)).prop_map(Wish::Switchover),
                node_id(nodes).prop_map(Wish::Promote),
            ])),
        ) -> Observation {
            let (leading, writing) = flags;
            Observation {
                settings, record, my_term, leading, writing,
                nodes: list,
                service: service.map(|(node, epoch)| Pointer { node, epoch }),
                request: request.map(|(id, wish)| Request { id, wish }),
            }
        }
    }

    /// Anything that could be seen of one to five nodes, and much that could not.
    pub(crate) fn observation() -> impl Strategy<Value = Observation> {
        (1..=5_u8).prop_flat_map(of_size)
    }

    proptest! {
        #[test]
        fn every_observation_comes_back(seen in observation()) {
            let text = serde_json::to_string(&Shown::<ObservationMirror>(&seen)).unwrap();
            prop_assert!(!text.contains('\n'));
            let back: Taken<ObservationMirror> = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(back.0, seen);
        }
    }

    #[test]
    fn a_missing_or_foreign_field_is_refused() {
        let pointer = Pointer { node: NodeId(1), epoch: 2 };
        let text = serde_json::to_string(&Shown::<PointerMirror>(&pointer)).unwrap();
        assert_eq!(text, r#"{"node":1,"epoch":2}"#);
        for wrong in
            [r#"{"node":1}"#, r#"{"node":1,"epoch":2,"more":3}"#, r#"{"node":256,"epoch":2}"#]
        {
            assert!(serde_json::from_str::<Taken<PointerMirror>>(wrong).is_err(), "{wrong}");
        }
    }
}
