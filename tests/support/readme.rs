//! The tables of the README that runs make: each stands between two marks, `<!-- NAME -->` and
//! `<!-- end of NAME -->`.
#![allow(clippy::expect_used, dead_code)]

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{env, fs};

/// A table, by its mark. While it is there no other test of this process reads or writes one.
pub struct Table {
    path: PathBuf,
    before: String,
    /// What stands between the marks.
    pub text: String,
    after: String,
    _turn: MutexGuard<'static, ()>,
}

impl Table {
    /// Reads it.
    ///
    /// # Panics
    /// When the README has no place for it.
    pub fn read(mark: &str) -> Self {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        // A table that was not as it should be has changed nothing.
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        let readme = fs::read_to_string(&path).expect("the README can be read");
        let (begin, end) = (format!("<!-- {mark} -->\n"), format!("<!-- end of {mark} -->"));
        let (before, rest) = readme.split_once(&begin).expect("the README has the mark");
        let (text, after) = rest.split_once(&end).expect("the README has the end of the mark");
        let (before, text, after) =
            (format!("{before}{begin}"), text.to_owned(), format!("{end}{after}"));
        Self { path, before, text, after, _turn: turn }
    }

    /// Writes another in its place.
    ///
    /// # Panics
    /// When that fails, and in CI, where nobody would see it.
    pub fn write(self, text: &str) {
        assert!(env::var_os("CI").is_none(), "tables are never updated in CI");
        let Self { path, before, after, .. } = self;
        fs::write(path, [&before, text, &after].concat()).expect("the README can be written");
    }
}

/// Makes a table anew of what was there, if `UPDATE_FIGURES` is set.
///
/// # Panics
/// As [`Table::read`] and [`Table::write`].
pub fn update_figures(mark: &str, make: impl FnOnce(&str) -> String) {
    if env::var_os("UPDATE_FIGURES").is_some() {
        let table = Table::read(mark);
        let text = make(&table.text);
        table.write(&text);
    }
}
