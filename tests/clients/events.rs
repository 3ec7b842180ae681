//! What a client says it did, as one JSON object a line.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::SeekFrom;
use std::path::PathBuf;

use serde::Deserialize;

/// A line of a client.
#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Line {
    Hello {
        version: String,
    },
    Write {
        /// When the reply or the error was there, in µs since 1970.
        t_us: u64,
        n: u64,
        ok: bool,
        #[serde(default)]
        error: String,
    },
}

/// So many acknowledged writes, the last of them so long after the first.
#[derive(Debug, Clone, Copy)]
pub struct Writes {
    /// How many at the least.
    pub number: usize,
    /// Over how long at the least, in µs.
    pub over_us: u64,
}

/// All that a client has said so far.
#[derive(Debug)]
pub struct Events {
    file: PathBuf,
    offset: u64,
    acknowledged_at_us: Vec<u64>,
    /// The library's version.
    pub version: String,
    /// The numbers that were acknowledged.
    pub acknowledged: BTreeSet<u64>,
    /// How many writes failed.
    pub errors: usize,
    /// What the last of them said.
    pub last_error: Option<String>,
}

impl Events {
    /// Those of a file, which is read by [`Events::read_on`].
    pub fn of(file: PathBuf) -> Self {
        Self {
            file,
            offset: 0,
            acknowledged_at_us: Vec::new(),
            version: String::new(),
            acknowledged: BTreeSet::new(),
            errors: 0,
            last_error: None,
        }
    }

    /// Reads what has been written since; a line that is not complete yet is left for the next time.
    ///
    /// # Panics
    /// When a line is not as it should be.
    pub fn read_on(&mut self) {
        let mut file = File::open(&self.file).expect("the client's output");
        let mut text = String::new();
        file.seek(SeekFrom::Start(self.offset)).expect("a file can be sought");
        file.read_to_string(&mut text).expect("a client writes UTF-8");
        for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            self.offset += line.len() as u64;
            self.take(line);
        }
    }

    fn take(&mut self, line: &str) {
        match serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")) {
            Line::Hello { version } => self.version = version,
            Line::Write { t_us, n, ok: true, .. } => {
                self.acknowledged_at_us.push(t_us);
                assert!(self.acknowledged.insert(n), "{n} was acknowledged and written again");
            }
            Line::Write { error, ok: false, .. } => {
                self.errors += 1;
                self.last_error = Some(error);
            }
        }
    }

    /// Whether it has written that much after this time, in µs since 1970.
    pub fn writes_since(&self, since_us: u64, wanted: Writes) -> bool {
        let first = self.acknowledged_at_us.partition_point(|&at_us| at_us <= since_us);
        let (Some(first_us), Some(last_us)) =
            (self.acknowledged_at_us.get(first), self.acknowledged_at_us.last())
        else {
            return false;
        };
        self.acknowledged_at_us.len() - first >= wanted.number
            && last_us - first_us >= wanted.over_us
    }

    /// The longest time between two acknowledgements of which the second came after `since_us`,
    /// in µs.
    pub fn longest_gap_us(&self, since_us: u64) -> u64 {
        let pairs = self.acknowledged_at_us.windows(2).filter(|pair| pair[1] > since_us);
        pairs.map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap_or(0)
    }
}
