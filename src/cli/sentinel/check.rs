//! What is checked before anything is touched: that the nodes are there, belong together, and are
//! set up so that what is promised can be held.

use std::time::Duration;

use anyhow::anyhow;
use tokio::time::sleep;
use tracing::warn;

use crate::cli::exit::Failure;
use crate::runtime::{Clock, Look, NodeSetup, SetSetup, SetTargets, look_once};
use crate::sentinel::{Hold, Node, NodeId, Record, Report, Settings, Trouble};
use crate::valkey::ServerConfig;

use super::SentinelArgs;

/// How long the nodes may take to answer at the start.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks, while nobody answers at all.
const PAUSE: Duration = Duration::from_millis(200);

/// What was found.
pub(super) struct Checked {
    pub settings: Settings,
    pub nodes: Vec<NodeSetup>,
    pub warnings: Vec<String>,
}

/// Looks at every node once, and refuses what cannot be watched. With a record of an earlier start
/// a node may be away: that may be why this process was started again.
pub(super) async fn before_start(
    arguments: &SentinelArgs,
    nodes: Vec<NodeSetup>,
    clock: Clock,
    record: Option<&Record>,
) -> Result<Checked, Failure> {
    // What was adopted once is gone on with, whoever is away.
    let record = record.filter(|record| record.master.is_some());
    let known = record.is_some();
    let setup = SetSetup {
        targets: SetTargets::fixed(arguments.settings(0, 10), &nodes),
        fence: None,
        may_act: std::rc::Rc::new(|| false),
        clock,
        settings_told: std::rc::Rc::new(|_| {}),
        pointer_lag: None,
        reclaims_after: None,
    };
    let look = look_until_somebody_tells(arguments, &setup, known).await;
    let name = |node: NodeId| nodes[node.index()].address.to_string();
    for (node, (said, index)) in look.seen.nodes.iter().zip(look.said.iter().zip(0..)) {
        let address = name(NodeId::at(index));
        match (&node.report, node.trouble) {
            (None, Some(Trouble::Stranger)) => {
                return Err(Failure::usage(format_args!(
                    "`{address}` is no server that replicates: {}",
                    said.as_deref().unwrap_or("it answers otherwise")
                )));
            }
            (None, Some(trouble)) if !known => {
                return Err(Failure::Io(anyhow!(
                    "`{address}` cannot be read: {}",
                    trouble.describe()
                )));
            }
            (None, None) if !known => {
                let why = said.clone().unwrap_or_else(|| format!("`{address}` does not answer"));
                return Err(Failure::Io(anyhow!(
                    "{why}; at the first start every node has to be there"
                )));
            }
            _ => {}
        }
    }
    if let Some(hold) = look.hold {
        match hold {
            // Whatever is recorded: one disk must not hold what counts as held by two.
            Hold::SameServer(..) => return Err(Failure::usage(hold.describe(&name))),
            Hold::Loading(_) | Hold::Listening => {}
            hold if !known => return Err(Failure::usage(hold.describe(&name))),
            _ => {}
        }
    }
    let (w, lag_s) = found(&look, record);
    let settings = arguments.settings(w, lag_s);
    let mut warnings = Vec::new();
    judge(arguments, &settings)?;
    let replicas = nodes.len() - 1;
    if usize::from(settings.min_replicas_to_write) > replicas {
        return Err(Failure::usage(format_args!(
            "{} replicas must hold a write, but there are {replicas}: nothing could be written",
            settings.min_replicas_to_write
        )));
    }
    if !arguments.gives_w() {
        for (index, node) in look.seen.nodes.iter().enumerate() {
            let own = node.report.as_ref().map(|report| report.min_replicas_to_write);
            if own.is_some_and(|own| own != w) {
                warnings.push(format!(
                    "`{}` has another min-replicas-to-write than the master, which has {w}; when \
                     it becomes master it is set to {w}",
                    name(NodeId::at(index))
                ));
            }
        }
    }
    Ok(Checked { settings, nodes, warnings })
}

/// Looks once; and again as long as nobody says how many replicas have to hold a write: to take a
/// guess for it would change what people have set on their servers.
async fn look_until_somebody_tells(
    arguments: &SentinelArgs,
    setup: &SetSetup,
    known: bool,
) -> Look {
    let mut told = false;
    loop {
        let look = look_once(setup, PATIENCE).await;
        let enough = look.configs.iter().any(Option::is_some) || arguments.gives_w_and_lag();
        if !known || enough {
            return look;
        }
        if !told {
            warn!("no server answers yet, so it is not known how many replicas must hold a write");
            told = true;
        }
        sleep(PAUSE).await;
    }
}

/// W and lag as the master has them. Where it does not answer, the most that anybody has, and no W
/// below the one that was in force.
fn found(look: &Look, record: Option<&Record>) -> (u8, u32) {
    let of = |config: &ServerConfig| {
        let w = u8::try_from(config.min_replicas_to_write).unwrap_or(u8::MAX);
        (w, config.min_replicas_max_lag_s)
    };
    let nodes = || look.seen.nodes.iter().zip(&look.configs);
    let leads = |node: &Node| node.report.as_ref().is_some_and(Report::is_master);
    let master = nodes().find_map(|(node, config)| config.as_ref().filter(|_| leads(node)));
    if let Some(master) = master {
        return of(master);
    }
    let all = || nodes().filter_map(|(_, config)| config.as_ref().map(of));
    let w = all().map(|(w, _)| w).max().unwrap_or(0);
    let lag_s = all().map(|(_, lag_s)| lag_s).max().unwrap_or(10);
    (w.max(record.map_or(0, |record| record.w)), lag_s)
}

/// Whether there could be two writers. What is warned about here is also among what `explain` says
/// of the settings.
fn judge(arguments: &SentinelArgs, settings: &Settings) -> Result<(), Failure> {
    if settings.min_replicas_to_write == 0 {
        warn!(
            "min-replicas-to-write is 0: the master acknowledges writes that no replica has, and \
             a master that is cut off goes on taking them; set it to 1 on every server"
        );
        return Ok(());
    }
    let window_ms = settings.writer_window_ms();
    if settings.down_after_ms < window_ms {
        let message = format!(
            "--down-after {} is too short for min-replicas-max-lag {}: a master that is cut off \
             takes writes for up to {window_ms} ms, so there could be two writers; raise \
             --down-after, lower min-replicas-max-lag, or accept it with --allow-two-writers",
            settings.down_after_ms, settings.min_replicas_max_lag_s
        );
        if !arguments.allow_two_writers {
            return Err(Failure::usage(message));
        }
        warn!("{message}");
    }
    Ok(())
}
