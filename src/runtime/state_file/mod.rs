//! The election record as a file: JSON that people can read, with nodes by their addresses, so that
//! the order in which they are named may change from run to run.
//!
//! A file that is not understood to the last word is refused, never guessed at and never
//! overwritten: an election by half a record loses writes.

mod contradiction;
mod error;
mod lock;
mod record;

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use super::names::SetNames;
use crate::sentinel::{NodeId, Record};
use contradiction::contradiction;
use record::{RecordByAddress, by_address, by_id, find};

pub use error::StateError;
pub(super) use lock::StateLock;

/// The version that is written.
const VERSION: u64 = 1;
/// The longest file that is read; nine nodes fill a few thousand bytes.
pub(super) const MAX_STATE_BYTES: u64 = 1 << 20;

/// What is in a state file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct State {
    /// The election record; `None` before the first was written.
    pub record: Option<Record>,
    /// The nodes that were seen to start as replicas of nowhere.
    pub gated: BTreeSet<NodeId>,
}

#[derive(Deserialize)]
struct Head {
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    version: u64,
    name: String,
    nodes: Vec<String>,
    record: Option<RecordByAddress>,
    gated: Vec<String>,
}

/// The text of a state file.
pub(super) fn encode(names: &SetNames, state: &State) -> Result<Vec<u8>, serde_json::Error> {
    let body = Body {
        version: VERSION,
        name: names.name().to_owned(),
        nodes: names.nodes().to_vec(),
        record: state.record.as_ref().map(|record| by_address(names, record)),
        gated: state.gated.iter().map(|node| names.address(*node)).collect(),
    };
    let mut bytes = serde_json::to_vec_pretty(&body)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// What a state file says of this set. `path` is for messages.
pub(super) fn decode(path: &Path, names: &SetNames, bytes: &[u8]) -> Result<State, StateError> {
    // A later version may have any shape, so that is asked first.
    let head: Head = serde_json::from_slice(bytes).map_err(|error| fault(path, &error))?;
    if head.version > VERSION {
        let path = path.to_owned();
        return Err(StateError::Newer { path, found: head.version, known: VERSION });
    }
    let impossible = |cause: String| StateError::Impossible { path: path.to_owned(), cause };
    if head.version == 0 {
        return Err(impossible("there has never been a version 0".to_owned()));
    }
    let Body { version: _, name, nodes, record, gated } =
        serde_json::from_slice(bytes).map_err(|error| fault(path, &error))?;
    if name != names.name() {
        let (path, expected) = (path.to_owned(), names.name().to_owned());
        return Err(StateError::AnotherName { path, found: name, expected });
    }
    if let Some(difference) = difference(&nodes, names.nodes()) {
        return Err(StateError::AnotherSet { path: path.to_owned(), difference });
    }
    if let Some(twice) = repeated(&nodes) {
        return Err(impossible(format!("`{twice}` is twice among the nodes")));
    }
    let record = record.map(|record| by_id(names, record)).transpose().map_err(impossible)?;
    if let Some(cause) = record.as_ref().and_then(contradiction) {
        return Err(impossible(cause.describe(names)));
    }
    let gated = gated.iter().map(|address| find(names, address)).collect::<Result<_, _>>();
    Ok(State { record, gated: gated.map_err(impossible)? })
}

fn fault(path: &Path, error: &serde_json::Error) -> StateError {
    let (path, line, column) = (path.to_owned(), error.line(), error.column());
    // The place is said in front.
    let text = error.to_string();
    let place = format!(" at line {line} column {column}");
    let cause = text.strip_suffix(&place).unwrap_or(&text).to_owned();
    match error.classify() {
        Category::Eof => {
            StateError::NotJson { path, line, column, cause: "it ends too early".to_owned() }
        }
        Category::Syntax | Category::Io => StateError::NotJson { path, line, column, cause },
        Category::Data => StateError::Content { path, line, column, cause },
    }
}

/// How two lists of nodes differ as sets, in words.
fn difference(found: &[String], named: &[String]) -> Option<String> {
    let found: BTreeSet<&String> = found.iter().collect();
    let named: BTreeSet<&String> = named.iter().collect();
    let list = |these: BTreeSet<&&String>| {
        these.iter().map(|address| format!("`{address}`")).collect::<Vec<_>>().join(", ")
    };
    let only_found = list(found.difference(&named).collect());
    let only_named = list(named.difference(&found).collect());
    match (only_found.is_empty(), only_named.is_empty()) {
        (true, true) => None,
        (false, true) => Some(format!("it has {only_found}, which is not named")),
        (true, false) => Some(format!("it does not have {only_named}, which is named")),
        (false, false) => Some(format!("it has {only_found} and not {only_named}")),
    }
}

fn repeated(nodes: &[String]) -> Option<&String> {
    let mut seen = BTreeSet::new();
    nodes.iter().find(|node| !seen.insert(*node))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sentinel::{Home, Id, Member, Phase};

    const WHOLE: &str = r#"{
  "version": 1,
  "name": "demo",
  "nodes": [
    "a:1",
    "b:2",
    "[::1]:3"
  ],
  "record": {
    "term": 3,
    "epoch": 18446744073709,
    "phase": "Failover",
    "target": "b:2",
    "master": {
      "node": "a:1",
      "run_id": "0101010101010101010101010101010101010101"
    },
    "history": "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a",
    "previous_history": null,
    "base_offset": 18446744073709551615,
    "in_sync": [
      {
        "node": "b:2",
        "run_id": "0202020202020202020202020202020202020202"
      },
      {
        "node": "[::1]:3",
        "run_id": "0303030303030303030303030303030303030303"
      }
    ],
    "w": 1
  },
  "gated": [
    "a:1",
    "[::1]:3"
  ]
}
"#;

    fn names() -> SetNames {
        named(["a:1", "b:2", "[::1]:3"])
    }

    fn named<const N: usize>(nodes: [&str; N]) -> SetNames {
        SetNames::new("demo", nodes.map(String::from))
    }

    fn member(node: u8, run: u8) -> Member {
        Member { node: NodeId(node), run_id: Id([run; 20]), home: Home::default() }
    }

    fn whole() -> State {
        let record = Record {
            term: 3,
            epoch: 18_446_744_073_709,
            phase: Phase::Failover,
            target: Some(NodeId(1)),
            master: Some(member(0, 1)),
            history: Some(Id([10; 20])),
            previous_history: None,
            base_offset: u64::MAX,
            in_sync: vec![member(1, 2), member(2, 3)],
            w: 1,
        };
        State { record: Some(record), gated: BTreeSet::from([NodeId(0), NodeId(2)]) }
    }

    fn refusal(text: &str) -> String {
        decode(Path::new("state"), &names(), text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn the_text_is_for_people_too() {
        assert_eq!(String::from_utf8(encode(&names(), &whole()).unwrap()).unwrap(), WHOLE);
        assert_eq!(decode(Path::new("state"), &names(), WHOLE.as_bytes()).unwrap(), whole());
    }

    #[test]
    fn nodes_named_in_another_order_are_the_same_nodes() {
        let other = named(["[::1]:3", "a:1", "b:2"]);
        let state = decode(Path::new("state"), &other, WHOLE.as_bytes()).unwrap();
        let record = state.record.unwrap();
        assert_eq!(record.target, Some(NodeId(2)));
        assert_eq!(record.master, Some(member(1, 1)));
        assert_eq!(record.in_sync, [member(0, 3), member(2, 2)]);
        assert_eq!(state.gated, BTreeSet::from([NodeId(0), NodeId(1)]));
    }

    #[test]
    fn whatever_is_cut_off_is_noticed() {
        let end = WHOLE.trim_end().len();
        for length in 0..end {
            let error = decode(Path::new("state"), &names(), &WHOLE.as_bytes()[..length]);
            assert!(matches!(error, Err(StateError::NotJson { .. })), "{length}: {error:?}");
        }
        assert_eq!(
            refusal(&WHOLE[..30]),
            "state:3:12: the state file is not whole: it ends too early; put a copy of it in its \
             place, or move it away while one master leads: then that one is adopted"
        );
        assert!(refusal("").starts_with("state:1:0: the state file is not whole: it ends"));
        assert!(refusal(&WHOLE.replace("\"b:2\",\n    \"[", "\u{0}")).contains("state:6:5: "));
        assert!(refusal(&format!("{WHOLE}{{")).contains("trailing characters"));
    }

    #[test]
    fn what_belongs_to_somebody_else_is_refused() {
        for (from, to, message) in [
            (
                "\"version\": 1",
                "\"version\": 2, \"more\": {}",
                "the state file `state` is of version 2, and this gungnir knows version 1; run \
                 the release that wrote it, or a later one",
            ),
            (
                "\"demo\"",
                "\"shop\"",
                "the state file `state` belongs to the set `shop`, not to `demo`; name that set, \
                 or another file",
            ),
            (
                "\"b:2\",\n    \"[",
                "\"c:4\",\n    \"[",
                "the state file `state` is about other nodes: it has `c:4` and not `b:2`; name \
                 the same nodes, in any order, or another file",
            ),
            (
                "\"b:2\",\n    \"[",
                "\"b:2\", \"c:4\",\n    \"[",
                "the state file `state` is about other nodes: it has `c:4`, which is not named; \
                 name the same nodes, in any order, or another file",
            ),
            (
                "\"a:1\",\n    \"b:2\",\n",
                "",
                "the state file `state` is about other nodes: it does not have `a:1`, `b:2`, \
                 which is named; name the same nodes, in any order, or another file",
            ),
        ] {
            assert!(WHOLE.contains(from), "{from}");
            assert_eq!(refusal(&WHOLE.replacen(from, to, 1)), message);
        }
    }

    #[test]
    fn what_can_never_have_been_written_is_refused() {
        for (from, to, cause) in [
            ("\"version\": 1", "\"version\": 0", "there has never been a version 0"),
            ("\"[::1]:3\"\n  ]", "\"[::1]:3\", \"a:1\"\n  ]", "`a:1` is twice among the nodes"),
            ("\"[::1]:3\",\n        \"run", "\"b:2\",\n \"run", "`b:2` is twice among the members"),
            (
                "\"[::1]:3\",\n        \"run",
                "\"a:1\",\n \"run",
                "`a:1` is the master and among its own members",
            ),
            ("\"target\": \"b:2\"", "\"target\": \"c:4\"", "`c:4` is not among its nodes"),
            ("\"gated\": [", "\"gated\": [\"c:4\", ", "`c:4` is not among its nodes"),
            ("\"w\": 1", "\"w\": 3", "w is 3, but there are 2 members"),
            (
                "\"b:2\",\n    \"master",
                "null, \"master",
                "the phase is Failover, but there is no \
             target",
            ),
            (
                "\"history\": \"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a\"",
                "\"history\": null",
                "there is a master, but no history",
            ),
            (
                "18446744073709,",
                "9007199254740993,",
                "the term or the epoch is above \
             9007199254740992, which no set reaches",
            ),
        ] {
            assert!(WHOLE.contains(from), "{from}");
            let found = refusal(&WHOLE.replacen(from, to, 1));
            let expected = format!(
                "the state file `state` contradicts itself: {cause}; undo what was edited, or \
                 move the file away while one master leads: then that one is adopted"
            );
            assert_eq!(found, expected);
        }
        let master = "{\n      \"node\": \"a:1\",\n      \"run_id\": \
                      \"0101010101010101010101010101010101010101\"\n    }";
        assert!(WHOLE.contains(master));
        let none = WHOLE.replace(master, "null").replace("Failover", "Stable");
        assert!(refusal(&none).contains("the phase is Stable, but there is no master"));
    }

    #[test]
    fn what_is_not_known_is_refused_with_its_place() {
        for (from, to, start) in [
            ("\"w\": 1", "\"w\": 1, \"votes\": 2", "state:31:19: "),
            ("\"w\": 1", "\"w\": 256", "state:31:12: "),
            ("\"term\": 3", "\"term\": -3", "state:10:14: "),
            ("\"Failover\"", "\"Tilt\"", "state:12:19: "),
            ("0101010101010101010101010101010101010101", "01", "state:17:5: "),
            (",\n    \"w\": 1", "", "state:31:3: "),
            ("\"w\": 1", "\"w\": 1, \"w\": 1", "state:31:15: "),
        ] {
            assert!(WHOLE.contains(from), "{from}");
            let found = refusal(&WHOLE.replacen(from, to, 1));
            assert!(found.starts_with(start), "{from}: {found:.20}");
            assert!(found.contains("says what this version does not know: "), "{found}");
        }
    }

    fn any_member(node: u8) -> impl Strategy<Value = Member> {
        any::<[u8; 20]>().prop_map(move |run| Member {
            node: NodeId(node),
            run_id: Id(run),
            home: Home::default(),
        })
    }

    prop_compose! {
        /// Any record that a step may write about five nodes, with node 0 as the master.
        fn any_record()(
            counts in (1..1_u64 << 53, 0..1_u64 << 53, any::<u64>()),
            phase in prop::sample::select(
                vec![Phase::Adopt, Phase::Stable, Phase::Failover, Phase::Switchover]),
            target in 0..5_u8,
            master in any_member(0),
            histories in (any::<[u8; 20]>(), prop::option::of(any::<[u8; 20]>())),
            in_sync in prop::sample::subsequence(vec![1, 2, 3, 4], 0..=4)
                .prop_flat_map(|nodes| nodes.into_iter().map(any_member).collect::<Vec<_>>()),
            w in any::<prop::sample::Index>(),
        ) -> Record {
            let under_way = phase != Phase::Stable;
            let w = u8::try_from(w.index(in_sync.len() + 1)).unwrap();
            let (term, epoch, base_offset) = counts;
            Record {
                term, epoch, phase, base_offset, in_sync, w,
                target: under_way.then_some(NodeId(target)),
                master: Some(master),
                history: Some(Id(histories.0)),
                previous_history: histories.1.map(Id),
            }
        }
    }

    proptest! {
        #[test]
        fn every_record_comes_back(
            record in prop::option::of(any_record()),
            gated in prop::collection::btree_set((0..5_u8).prop_map(NodeId), 0..5),
        ) {
            let names = named(["a:1", "b:1", "c:1", "d:1", "e:1"]);
            let state = State { record, gated };
            let bytes = encode(&names, &state).unwrap();
            prop_assert_eq!(decode(Path::new("state"), &names, &bytes).unwrap(), state.clone());

            // Through a run that names them the other way round, and back.
            let turned = named(["e:1", "d:1", "c:1", "b:1", "a:1"]);
            let there = decode(Path::new("state"), &turned, &bytes).unwrap();
            let bytes = encode(&turned, &there).unwrap();
            prop_assert_eq!(decode(Path::new("state"), &names, &bytes).unwrap(), state);
        }

        #[test]
        fn no_text_is_too_wild(text in any::<Vec<u8>>()) {
            prop_assert!(decode(Path::new("state"), &names(), &text).is_err());
        }
    }
}
