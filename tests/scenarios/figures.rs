//! What came of each scenario: a line when it ends, and a row of a table in the README.

use std::fmt;
use std::time::Duration;

use crate::readme::update_figures;

use crate::took::Took;

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
    /// That the master handed over, and nobody waited until it was missed: clients were without one
    /// for less than the five seconds of the default `downAfterMs`.
    ///
    /// # Panics
    /// When they were without one for longer.
    #[track_caller]
    pub fn is_handed_over(&self) {
        assert!(self.gap < Duration::from_secs(5), "{self}");
    }

    /// That nothing acknowledged is gone, and that something was acknowledged at all.
    ///
    /// # Panics
    /// When one of these is not so.
    #[track_caller]
    pub fn keep_what_was_acknowledged(&self) {
        assert!(self.acknowledged > 0, "nothing was acknowledged: {self}");
        assert_eq!(self.acknowledged_lost, 0, "acknowledged writes are lost: {self}");
    }

    /// The same, and that at most one server took writes at any time.
    ///
    /// # Panics
    /// When one of these is not so.
    #[track_caller]
    pub fn are_safe(&self) {
        self.keep_what_was_acknowledged();
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

/// A table of the README.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    /// Of scenarios with clients that write.
    Writes,
    /// Of those without.
    Times,
}

impl Table {
    /// Its mark.
    fn mark(self) -> &'static str {
        match self {
            Self::Writes => "scenarios",
            Self::Times => "times",
        }
    }

    fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Writes => &[
                "#",
                "scenario",
                "longest write gap",
                "Service at every node",
                "acknowledged writes lost",
                "plain writes lost",
                "writers at once",
                "API writes",
            ],
            Self::Times => &["#", "scenario", "how long it took", "API writes"],
        }
    }

    /// The table anew: rows of scenarios that did not run stay as they are.
    fn with(self, old: &str, rows: &[Row]) -> String {
        let mut lines: Vec<String> = old.lines().skip(2).map(str::to_owned).collect();
        for Row { name, cells, .. } in rows.iter().filter(|row| row.table == self) {
            let line = line([*name].into_iter().chain(cells.iter().map(String::as_str)));
            let start = format!("| {name} |");
            match lines.iter_mut().find(|old| old.starts_with(&start)) {
                Some(old) => *old = line,
                None => lines.push(line),
            }
        }
        let head = line(self.columns().iter().copied());
        let rule = line(self.columns().iter().map(|_| "---"));
        [head, rule].into_iter().chain(lines).map(|line| line + "\n").collect()
    }
}

/// A line of a table.
fn line<'c>(cells: impl Iterator<Item = &'c str>) -> String {
    cells.fold("|".to_owned(), |line, cell| format!("{line} {cell} |"))
}

/// A row of a table.
#[derive(Debug)]
pub struct Row {
    table: Table,
    name: &'static str,
    cells: Vec<String>,
}

impl Row {
    /// Of a scenario's name and title, and its figures.
    pub fn of_writes((name, title): (&'static str, &str), figures: &Figures) -> Self {
        let cells = vec![
            title.to_owned(),
            seconds(figures.gap),
            figures.window.map_or_else(|| "–".to_owned(), seconds),
            format!("{} of {}", figures.acknowledged_lost, figures.acknowledged),
            format!("{} of {}", figures.plain_lost, figures.plain),
            figures.writers.to_string(),
            figures.api_writes.to_string(),
        ];
        Self { table: Table::Writes, name, cells }
    }

    /// Of a scenario's name and title, and how long it took.
    pub fn of_time((name, title): (&'static str, &str), took: &Took) -> Self {
        let time = format!("{} after {}", took.what, seconds(took.time));
        let cells = vec![title.to_owned(), time, took.writes()];
        Self { table: Table::Times, name, cells }
    }
}

/// Writes the tables into the README, if `UPDATE_FIGURES` is set.
///
/// # Panics
/// When the README has no place for one.
pub fn update(rows: &[Row]) {
    for table in [Table::Writes, Table::Times] {
        update_figures(table.mark(), |old| table.with(old, rows));
    }
}

/// As people read it.
pub fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        return format!("{} ms", time.as_millis());
    }
    format!("{:.1} s", time.as_secs_f64())
}
