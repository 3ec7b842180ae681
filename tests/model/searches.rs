//! What is explored: sets of some size under a budget of faults, a row each.

use gungnir::sentinel::{Durability, Policy};

use super::configuration::{BASE, Configuration, Disk, Faults, Start};
use super::event::Do;
use super::property::Property;

const NONE: Faults = Faults::NONE;
const KILL: Faults = Faults { kills: 1, ..NONE };

const fn row(name: &'static str, faults: Faults, rest: Configuration) -> Configuration {
    Configuration { name, faults, ..rest }
}

const LATE: Configuration = Configuration { late: true, ..BASE };
const WHOLE: Configuration = Configuration { disk: Disk::Whole, ..BASE };
const PAIR: Configuration = Configuration { nodes: 2, ..LATE };
const FIVE: Configuration = Configuration { nodes: 5, w: 2, ..WHOLE };
const LATE_WHOLE: Configuration = Configuration { late: true, ..WHOLE };

/// As `gungnir sentinel` runs: on servers that people set up, of which it knows little at first.
const PLAIN: Configuration = Configuration {
    durability: Durability::Required,
    may_appoint_first: false,
    knows_gate: false,
    ..LATE
};

/// No write waits for a replica, so one that is cut off, or is about to be frozen, goes on taking
/// them.
const UNHELD: Configuration = Configuration { w: 0, except: &[Property::AtMostOneMaster], ..LATE };

const AVAILABLE: Configuration = Configuration { policy: Policy::Availability, writes: 0, ..WHOLE };

/// The master is cut off and replaced, comes back and follows; so is the one that replaced it.
const MOVED_TWICE: &[Do] = &[
    Do::Isolate { node: 0, from_deciders: 1 },
    Do::Rest,
    Do::HealLinks,
    Do::HealSight,
    Do::Rest,
    Do::Write(1),
    Do::Rest,
    Do::Isolate { node: 1, from_deciders: 1 },
    Do::Rest,
    Do::HealLinks,
    Do::HealSight,
];

/// The searches of `tests/run model`, each of all that can happen.
pub const CONFIGURATIONS: &[Configuration] = &[
    row("a process ends, two writes", KILL, Configuration { writes: 2, ..BASE }),
    row("a process ends, messages are late", KILL, LATE),
    row("a pod is made anew while it runs on", Faults { moves: 1, ..NONE }, LATE),
    row("a process stands still", Faults { hangs: 1, ..NONE }, LATE),
    row("a node is cut off", Faults { isolations: 1, ..NONE }, LATE),
    row("two one-way cuts", Faults { cuts: 2, ..NONE }, BASE),
    row("a handover, and a process ends", Faults { handovers: 1, ..KILL }, WHOLE),
    row(
        "a node is promoted by people while one is cut off",
        Faults { promotions: 1, isolations: 1, ..NONE },
        BASE,
    ),
    row(
        "the first master, and a process ends",
        KILL,
        Configuration { start: Start::Unrecorded(2), ..BASE },
    ),
    row("two nodes, a process ends", KILL, Configuration { writes: 2, ..PAIR }),
    row("five nodes, a process ends", KILL, Configuration { writes: 0, ..FIVE }),
    row(
        "another process takes the lead after one that goes on",
        Faults { takeovers: 1, ..NONE },
        Configuration { leases_overlap: true, ..WHOLE },
    ),
    row("a process ends while another one takes the lead", Faults { takeovers: 1, ..KILL }, WHOLE),
    row(
        "a link is reset, a firewall pretends an end",
        Faults { resets: 1, pretences: 1, ..NONE },
        WHOLE,
    ),
    row("as `gungnir sentinel` runs it: a process ends, messages are late", KILL, PLAIN),
    row(
        "as `gungnir sentinel` runs it: a node is cut off, messages are late",
        Faults { isolations: 1, ..NONE },
        Configuration { disk: Disk::Whole, ..PLAIN },
    ),
    row("W = 0: a process ends, messages are late", KILL, UNHELD),
    row("W = 0: a node is cut off, messages are late", Faults { isolations: 1, ..NONE }, UNHELD),
    row("`Availability`: two processes end", Faults { kills: 2, ..NONE }, AVAILABLE),
    row(
        "one that leads stands still and comes back, another one leads",
        Faults { pauses: 1, takeovers: 1, ..NONE },
        Configuration { leases_overlap: true, ..WHOLE },
    ),
    row("a process ends, the one that decides stands still", Faults { pauses: 1, ..KILL }, WHOLE),
    row(
        "a process ends, an answer of the store is lost",
        Faults { answers: 1, ..KILL },
        Configuration { steps_while_writing: true, ..LATE_WHOLE },
    ),
    row(
        "the record is restored, another process takes the lead",
        Faults { restores: 1, takeovers: 1, ..NONE },
        WHOLE,
    ),
    row("the record is restored, and a process ends", Faults { restores: 1, ..KILL }, WHOLE),
    row("two nodes are not reached by who decides", Faults { losses: 2, ..NONE }, WHOLE),
    row(
        "five nodes, one is cut off",
        Faults { isolations: 1, ..NONE },
        Configuration { writes: 0, ..FIVE },
    ),
    row(
        "two partitions have moved the master twice, and a process ends",
        KILL,
        Configuration { story: MOVED_TWICE, ..LATE_WHOLE },
    ),
];

/// Searches of `tests/run model-deep` end after so many generated states each: what memory holds.
pub const DEEP_AT_MOST: usize = 30_000_000;

/// The searches of `tests/run model-deep`.
pub const DEEP: &[Configuration] = &[
    row(
        "a process ends, messages are late, nodes are asked apart",
        KILL,
        Configuration { looks_apart: true, ..LATE },
    ),
    row("a process ends while another one takes the lead", Faults { takeovers: 1, ..KILL }, LATE),
    row(
        "two that lead at once, and a process ends",
        Faults { takeovers: 1, ..KILL },
        Configuration { leases_overlap: true, ..LATE },
    ),
    row(
        "one that leads stands still and comes back",
        Faults { takeovers: 1, pauses: 1, ..KILL },
        Configuration { leases_overlap: true, ..BASE },
    ),
    row("the record is restored", Faults { takeovers: 1, restores: 1, ..KILL }, BASE),
    row("answers of the store are lost", Faults { answers: 2, ..KILL }, LATE),
    row("a process ends and a node is cut off", Faults { isolations: 1, ..KILL }, BASE),
    row("staggered cuts", Faults { cuts: 2, losses: 2, ..NONE }, BASE),
    row("two handovers", Faults { handovers: 2, ..KILL }, LATE),
    row("two processes end", Faults { kills: 2, ..NONE }, BASE),
    row(
        "one is shut out",
        Faults { isolations: 1, ..KILL },
        Configuration { shuts_out: true, ..BASE },
    ),
    row("five nodes, a process ends", KILL, Configuration { disk: Disk::Any, ..FIVE }),
    row("one process ends, two partitions", Faults { isolations: 2, ..KILL }, WHOLE),
    row(
        "one process ends, two partitions, the first of which has moved the master",
        Faults { isolations: 1, ..KILL },
        Configuration { story: &[Do::Isolate { node: 0, from_deciders: 1 }, Do::Rest], ..WHOLE },
    ),
    row(
        "a link is reset, a firewall pretends an end, messages are late",
        Faults { resets: 1, pretences: 1, ..NONE },
        Configuration { writes: 2, ..LATE },
    ),
    row(
        "five nodes, one is cut off, messages are late",
        Faults { isolations: 1, ..NONE },
        Configuration { late: true, ..FIVE },
    ),
];

/// How many walks `tests/run model-deep` takes through each of [`LONG`], and how long they may be.
pub const WALKS: u64 = 100_000;
pub const WALK_STEPS: usize = 200;

/// What is walked through as well: chains of elections are longer than any search in breadth is deep.
pub const LONG: &[Configuration] = &[
    row("one process ends, two partitions", Faults { isolations: 2, ..KILL }, WHOLE),
    row(
        "one process ends, two partitions, messages are late",
        Faults { isolations: 2, ..KILL },
        LATE,
    ),
    row(
        "the same, while another process takes the lead",
        Faults { isolations: 2, takeovers: 1, ..KILL },
        BASE,
    ),
    row("two processes end, one partition", Faults { isolations: 1, kills: 2, ..NONE }, WHOLE),
];
