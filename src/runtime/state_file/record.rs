//! The election record with nodes by address, as it is on the disk.

use serde::{Deserialize, Serialize};

use super::super::hex_id::HexId;
use super::super::mirror::PhaseMirror;
use super::super::names::SetNames;
use crate::sentinel::{Home, Member, NodeId, Phase, Record};

/// A record, nodes by address.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordByAddress {
    term: u64,
    epoch: u64,
    phase: PhaseByName,
    target: Option<String>,
    master: Option<MemberByAddress>,
    history: Option<HexId>,
    previous_history: Option<HexId>,
    base_offset: u64,
    in_sync: Vec<MemberByAddress>,
    w: u8,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberByAddress {
    node: String,
    run_id: HexId,
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct PhaseByName(#[serde(with = "PhaseMirror")] Phase);

/// A record as it is written.
pub(super) fn by_address(names: &SetNames, record: &Record) -> RecordByAddress {
    // A server without a pod has one home for ever.
    let member = |Member { node, run_id, home: _ }: &Member| MemberByAddress {
        node: names.address(*node),
        run_id: HexId(*run_id),
    };
    // Without `..`: what a record gains is kept here too, or this does not compile.
    let Record {
        term,
        epoch,
        phase,
        target,
        master,
        history,
        previous_history,
        base_offset,
        in_sync,
        w,
    } = record;
    RecordByAddress {
        term: *term,
        epoch: *epoch,
        phase: PhaseByName(*phase),
        target: target.map(|node| names.address(node)),
        master: master.as_ref().map(member),
        history: history.map(HexId),
        previous_history: previous_history.map(HexId),
        base_offset: *base_offset,
        in_sync: in_sync.iter().map(member).collect(),
        w: *w,
    }
}

/// The node at an address, or a sentence that there is none.
pub(super) fn find(names: &SetNames, address: &str) -> Result<NodeId, String> {
    names.find(address).ok_or_else(|| format!("`{address}` is not among its nodes"))
}

/// A record as it was read.
pub(super) fn by_id(names: &SetNames, record: RecordByAddress) -> Result<Record, String> {
    let member = |MemberByAddress { node, run_id }: MemberByAddress| {
        let home = Home::default();
        Ok::<_, String>(Member { node: find(names, &node)?, run_id: run_id.0, home })
    };
    let RecordByAddress {
        term,
        epoch,
        phase,
        target,
        master,
        history,
        previous_history,
        base_offset,
        in_sync,
        w,
    } = record;
    let mut in_sync = in_sync.into_iter().map(member).collect::<Result<Vec<_>, _>>()?;
    // Another order of the nodes is another order of the members.
    in_sync.sort_unstable();
    Ok(Record {
        term,
        epoch,
        phase: phase.0,
        target: target.map(|address| find(names, &address)).transpose()?,
        master: master.map(member).transpose()?,
        history: history.map(|id| id.0),
        previous_history: previous_history.map(|id| id.0),
        base_offset,
        in_sync,
        w,
    })
}
