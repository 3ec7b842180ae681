//! The story of a trace, each of its steps decided again.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::Format;
use crate::cli::console::Console;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::files::STDIN;
use crate::runtime::{Decision, Difference, HoldNews, ReplayError, SetNames, Step, replay, words};
use crate::sentinel::{Action, Command, Millis};

/// One thing told.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "told", rename_all = "kebab-case")]
enum Told {
    /// A process begins.
    Process { line: u64, set: String, nodes: Vec<String> },
    /// Something is decided, or the reason to do nothing is another one.
    Step { line: u64, at_ms: Millis, decided: Vec<String>, hold: Option<String> },
    /// This release decides otherwise.
    Difference { line: u64, at_ms: Millis, recorded: Shown, today: Shown },
    /// The end, and how many steps were decided alike.
    End { steps: u64, cut: bool },
}

/// A decision, as it is in the trace.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Shown {
    actions: Vec<String>,
    hold: Option<String>,
}

impl From<Decision> for Shown {
    fn from(Decision { actions, hold }: Decision) -> Self {
        Self { actions, hold }
    }
}

/// Tells a trace to its end, or to the first step that is decided otherwise.
pub(super) fn tell(path: &Path, output: Format, console: &Console) -> Result<Outcome, Failure> {
    let trace: Box<dyn BufRead> = if path == Path::new(STDIN) {
        Box::new(io::stdin().lock())
    } else {
        let cannot = |error| Failure::io(error, format_args!("cannot read `{}`", path.display()));
        Box::new(BufReader::new(File::open(path).map_err(cannot)?))
    };
    let say = |told: &Told| match output {
        Format::Text => console.data(&text(told)),
        Format::Json => console.data(&line(told)?),
    };
    let mut steps = replay(trace);
    let mut story = Story::default();
    for step in &mut steps {
        let step = step.map_err(|error| fault(path, error))?;
        for told in story.of(step) {
            say(&told)?;
        }
    }
    let cut = steps.is_cut();
    if cut {
        console.note("note: the trace ends in the middle of a line: its process was killed then");
    }
    if story.differs {
        return Ok(Outcome::Differs);
    }
    say(&Told::End { steps: story.steps, cut })?;
    Ok(Outcome::Done)
}

fn fault(path: &Path, error: ReplayError) -> Failure {
    match error {
        ReplayError::Read(error) => {
            Failure::io(error, format_args!("cannot read `{}`", path.display()))
        }
        error => Failure::Usage(anyhow::Error::new(error).context(format!("`{}`", path.display()))),
    }
}

/// What of a trace is worth telling.
#[derive(Debug, Default)]
struct Story {
    steps: u64,
    /// When the present process took its first step.
    began_ms: Millis,
    holds: HoldNews,
    differs: bool,
}

impl Story {
    fn of(&mut self, step: Step) -> Vec<Told> {
        let Step { line, names, first, now_ms, seen: _, actions, hold, difference } = step;
        let mut told = Vec::new();
        if first {
            *self = Self { steps: self.steps, began_ms: now_ms, ..Self::default() };
            // Its own line is the one before its first step.
            told.push(begins(line.saturating_sub(1), &names));
        }
        let at_ms = now_ms.saturating_sub(self.began_ms);
        if let Some(difference) = difference {
            let Difference { recorded, today } = *difference;
            self.differs = true;
            let (recorded, today) = (recorded.into(), today.into());
            told.push(Told::Difference { line, at_ms, recorded, today });
            return told;
        }
        self.steps += 1;
        let decided: Vec<String> = actions
            .iter()
            .filter(|action| !is_look(action))
            .filter_map(|action| words::action(action, &names))
            .collect();
        let new_hold = self.holds.of(&actions, hold);
        if !decided.is_empty() || new_hold.is_some() {
            let hold = new_hold.map(|hold| hold.describe(&|node| names.address(node)));
            told.push(Told::Step { line, at_ms, decided, hold });
        }
        told
    }
}

fn begins(line: u64, names: &Arc<SetNames>) -> Told {
    Told::Process { line, set: names.name().to_owned(), nodes: names.nodes().to_vec() }
}

fn is_look(action: &Action) -> bool {
    matches!(action, Action::Send { command: Command::Look, .. })
}

fn line(told: &Told) -> Result<String, Failure> {
    let text = serde_json::to_string(told);
    Ok(text.map_err(|error| Failure::Io(anyhow::Error::new(error)))? + "\n")
}

fn text(told: &Told) -> String {
    match told {
        Told::Process { line, set, nodes } => {
            format!("line {line}: a process begins to watch {set}: {}\n", nodes.join(", "))
        }
        Told::Step { line: _, at_ms, decided, hold } => {
            let at = seconds(*at_ms);
            let decided = decided.iter().map(|what| format!("{at}  {what}\n"));
            let hold = hold.iter().map(|why| format!("{at}  not yet: {why}\n"));
            decided.chain(hold).collect()
        }
        Told::Difference { line, at_ms, recorded, today } => {
            let at = seconds(*at_ms);
            let at = at.trim_start();
            format!(
                "line {line}, at {at}: this release decides otherwise\n{}{}",
                decision("- recorded", recorded),
                decision("+ today   ", today)
            )
        }
        Told::End { steps, cut: _ } => format!("{steps} steps, each decided as it was\n"),
    }
}

fn decision(whose: &str, Shown { actions, hold }: &Shown) -> String {
    let nothing = actions.is_empty() && hold.is_none();
    let actions = actions.iter().map(|action| format!("{whose}  {action}\n"));
    let hold = hold.iter().map(|hold| format!("{whose}  not yet: {hold}\n"));
    let nothing = nothing.then(|| format!("{whose}  nothing\n"));
    actions.chain(hold).chain(nothing).collect()
}

fn seconds(ms: Millis) -> String {
    format!("{:>6}.{:03} s", ms / 1000, ms % 1000)
}
