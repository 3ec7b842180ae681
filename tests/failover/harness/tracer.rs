//! Ends a process at a call that it makes to the kernel.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::process::Process;
use super::wait::wait_until;
use super::world::World;

/// How long the tracer may take to attach.
const DEADLINE: Duration = Duration::from_secs(10);
/// What makes a change of files last, step by step.
const STEPS: &str = "rename,renameat,renameat2,fsync,fdatasync,unlink,unlinkat";

/// A tracer at a process; the process goes on when it is dropped.
#[derive(Debug)]
pub struct Tracer {
    _process: Process,
}

impl Tracer {
    /// Ends a process when it is about to take a step, the `number`th from now: the step is not
    /// taken. Counted for each of its threads alone; all steps of the files are of one thread.
    pub fn attach(world: &World, process_id: u32, number: usize) -> Self {
        let log = log_file(world, process_id);
        let mut command = Command::new("strace");
        command
            .args(["-f", "-p", &process_id.to_string(), "-e", &format!("trace={STEPS}")])
            .args(["-e", &format!("inject={STEPS}:signal=KILL:when={number}")]);
        let process = Process::default();
        process.start(&mut command, &log);
        wait_until("the tracer is attached", DEADLINE, || {
            let said = fs::read_to_string(&log).unwrap_or_default();
            assert!(process.runs() || said.contains("killed"), "strace ended:\n{said}");
            said.contains("attached")
        });
        Self { _process: process }
    }
}

fn log_file(world: &World, process_id: u32) -> PathBuf {
    world.folder("tracer").join(format!("{process_id}.log"))
}
