//! What is checked before anything is touched: that the nodes are there, belong together, and are
//! set up so that what is promised can be held.

use std::time::Duration;

use anyhow::anyhow;

use crate::cli::exit::Failure;
use crate::runtime::{Clock, Look, NodeSetup, SetSetup, SetTargets, look_once};
use crate::sentinel::{Hold, NodeId, Settings, Trouble};

use super::SentinelArgs;

/// How long the nodes may take to answer at the start.
const PATIENCE: Duration = Duration::from_secs(5);

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
    known: bool,
) -> Result<Checked, Failure> {
    let setup = SetSetup {
        targets: SetTargets::fixed(arguments.settings(0, 10), &nodes),
        fence: None,
        may_act: std::rc::Rc::new(|| false),
        clock,
    };
    let look = look_once(&setup, PATIENCE).await;
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
    if !known && let Some(hold) = look.hold {
        match hold {
            Hold::Loading(_) | Hold::Listening => {}
            hold => return Err(Failure::usage(hold.describe(&name))),
        }
    }
    let (w, lag_s) = found(&look);
    let settings = arguments.settings(w, lag_s);
    let mut warnings = Vec::new();
    judge(arguments, &settings, &mut warnings)?;
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

/// W and lag as the master has them, or whoever answers.
fn found(look: &Look) -> (u8, u32) {
    let masters = look.seen.nodes.iter().zip(&look.configs).filter_map(|(node, config)| {
        let config = config.as_ref()?;
        Some((node.report.as_ref().is_some_and(|report| report.is_master()), config))
    });
    let config = masters.max_by_key(|(is_master, _)| *is_master).map(|(_, config)| config);
    config.map_or((0, 10), |config| {
        let w = u8::try_from(config.min_replicas_to_write).unwrap_or(u8::MAX);
        (w, config.min_replicas_max_lag_s)
    })
}

fn judge(
    arguments: &SentinelArgs,
    settings: &Settings,
    warnings: &mut Vec<String>,
) -> Result<(), Failure> {
    if settings.min_replicas_to_write == 0 {
        warnings.push(
            "min-replicas-to-write is 0: the master acknowledges writes that no replica has, and \
             a master that is cut off goes on taking them; set it to 1 on every server"
                .into(),
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
        warnings.push(message);
    }
    Ok(())
}
