//! What came of each scenario: a line when it ends, and a table in the README.

use std::env;
use std::fmt::{self, Write as _};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The marks around the table.
const MARKS: [&str; 2] = ["<!-- scenarios -->\n", "<!-- end of scenarios -->\n"];

/// What came of one run of a scenario with clients that write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// The longest time from the fault on in which a client had no write confirmed.
    pub gap: Duration,
    /// Writes whose `WAIT 1` returned 1.
    pub acknowledged: usize,
    /// Those of them that are gone.
    pub acknowledged_lost: usize,
    /// Writes that were answered, by the client that does not wait for replicas.
    pub plain: usize,
    /// Those of them that are gone.
    pub plain_lost: usize,
    /// The most servers that took writes at once.
    pub writers: usize,
    /// How long the nodes differed in where the Service leads, after the last promotion.
    pub window: Option<Duration>,
    /// Requests of the operator that change something, events too.
    pub api_writes: usize,
}

impl Figures {
    /// That nothing acknowledged is gone, that something was acknowledged at all, and that at most
    /// one server took writes at any time.
    ///
    /// # Panics
    /// When one of these is not so.
    #[track_caller]
    pub fn are_safe(&self) {
        assert!(self.acknowledged > 0, "nothing was acknowledged: {self}");
        assert_eq!(self.acknowledged_lost, 0, "acknowledged writes are lost: {self}");
        assert_eq!(self.writers, 1, "not one server took writes at a time: {self}");
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "longest write gap {}, acknowledged lost {} of {}, plain lost {} of {}, writers at \
             once {}, the Service leads there at every node after {}, API writes {}",
            seconds(self.gap),
            self.acknowledged_lost,
            self.acknowledged,
            self.plain_lost,
            self.plain,
            self.writers,
            self.window.map_or_else(|| "–".to_owned(), seconds),
            self.api_writes,
        )
    }
}

/// A row of the table.
#[derive(Debug)]
pub struct Row {
    /// The scenario's name and title.
    pub scenario: (&'static str, &'static str),
    /// What came of it.
    pub figures: Figures,
}

/// Writes the table into the README, if `UPDATE_FIGURES` is set. Rows of scenarios that did not run
/// stay as they are.
///
/// # Panics
/// When the README has no place for it.
pub fn update(rows: &[Row]) {
    if !rows.is_empty() {
        write(MARKS, |old| table(old, rows));
    }
}

/// Makes what is between two marks in the README anew of what was there, if `UPDATE_FIGURES` is set.
///
/// # Panics
/// When a mark is missing.
pub fn write(marks: [&str; 2], make: impl FnOnce(&str) -> String) {
    if env::var_os("UPDATE_FIGURES").is_none() {
        return;
    }
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(&readme).expect("the README");
    let (before, rest) = text.split_once(marks[0]).expect("a mark in the README");
    let (old, after) = rest.split_once(marks[1]).expect("the other mark in the README");
    let text = [before, marks[0], &make(old), marks[1], after].concat();
    fs::write(readme, text).expect("the README can be written");
}

fn table(old: &str, rows: &[Row]) -> String {
    let mut lines: Vec<String> = old.lines().skip(2).map(str::to_owned).collect();
    for Row { scenario: (name, title), figures } in rows {
        let mut line = format!("| {name} | {title} ");
        let _ = write!(
            line,
            "| {} | {} | {} of {} | {} of {} | {} | {} |",
            seconds(figures.gap),
            figures.window.map_or_else(|| "–".to_owned(), seconds),
            figures.acknowledged_lost,
            figures.acknowledged,
            figures.plain_lost,
            figures.plain,
            figures.writers,
            figures.api_writes
        );
        let start = format!("| {name} |");
        match lines.iter_mut().find(|old| old.starts_with(&start)) {
            Some(old) => *old = line,
            None => lines.push(line),
        }
    }
    let mut table = "| # | scenario | longest write gap | Service at every node | acknowledged \
                     writes lost | plain writes lost | writers at once | API writes |\n| --- | --- \
                     | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for line in lines {
        table.push_str(&line);
        table.push('\n');
    }
    table
}

/// As people read it.
pub fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        return format!("{} ms", time.as_millis());
    }
    format!("{:.1} s", time.as_secs_f64())
}
