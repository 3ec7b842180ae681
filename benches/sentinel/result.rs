//! What was measured, kept as a line of JSON a run.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::harness::report::Report;
use crate::row::Who;

/// One run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measured {
    row: String,
    controller: String,
    /// Whether the set was whole again in time; else nothing else is known.
    pub is_whole: bool,
    /// Writes a second that were confirmed before the fault; 0 in a file from before it was kept.
    #[serde(default)]
    pub writes_per_second: f64,
    /// Until another node was master, in milliseconds.
    pub promoted_ms: Option<f64>,
    /// Until clients could know.
    pub named_ms: Option<f64>,
    /// The longest time without a confirmed write.
    pub gap_ms: f64,
    /// Writes whose `WAIT` returned enough, and those of them that were lost.
    pub acknowledged: (usize, usize),
    /// Writes that were answered, and those of them that were lost.
    pub plain: (usize, usize),
    /// The same of a client that was cut off with the master.
    pub stray: (usize, usize),
    /// The most nodes that took writes at once.
    pub writers_at_once: usize,
    /// How many replicas were sent all data.
    pub full_resyncs: u64,
}

/// Every run so far.
#[derive(Debug)]
pub struct Results {
    all: Vec<Measured>,
    file: Option<File>,
}

impl Results {
    /// Those of a file, to which more are added; none without a file.
    ///
    /// # Panics
    /// When there is something else in it.
    pub fn open(file: Option<&Path>) -> Self {
        let Some(path) = file else {
            return Self { all: Vec::new(), file: None };
        };
        let text = fs::read_to_string(path).unwrap_or_default();
        let read = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line:?}: {e}"));
        let all = text.lines().map(read).collect();
        let file = OpenOptions::new().create(true).append(true).open(path).expect("a file");
        Self { all, file: Some(file) }
    }

    /// Keeps one more; without a report, one that was not whole again in time.
    pub fn add(&mut self, row: &str, who: Who, report: Option<&Report>) {
        let is_whole = report.is_some();
        let report = report.cloned().unwrap_or_default();
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let measured = Measured {
            row: row.to_owned(),
            controller: who.name().to_owned(),
            is_whole,
            writes_per_second: report.writes_per_second,
            promoted_ms: report.promoted.map(ms),
            named_ms: report.named.map(ms),
            gap_ms: ms(report.write_gap),
            acknowledged: (report.acknowledged, report.acknowledged_lost),
            plain: (report.plain, report.plain_lost),
            stray: (report.stray, report.stray_lost),
            writers_at_once: report.writers_at_once,
            full_resyncs: report.full_resyncs,
        };
        if let Some(file) = &mut self.file {
            let line = serde_json::to_string(&measured).expect("plain data");
            writeln!(file, "{line}").expect("a file");
        }
        self.all.push(measured);
    }

    /// Those of one row and controller.
    pub fn of<'a>(&'a self, row: &'a str, who: Who) -> impl Iterator<Item = &'a Measured> {
        self.all.iter().filter(move |run| run.row == row && run.controller == who.name())
    }
}
