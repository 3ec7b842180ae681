//! A folder of a test's own, and what is in it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tempfile::TempDir;

/// A folder that goes with its value.
#[derive(Debug)]
pub struct Folder(TempDir);

/// What tells a file that was written anew from one that was left alone.
#[derive(Debug, PartialEq, Eq)]
pub struct Stamp {
    inode: u64,
    modified: SystemTime,
}

impl Folder {
    /// An empty one.
    pub fn new() -> Self {
        Self::of([])
    }

    /// One with these files, by relative name.
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let folder = Self(TempDir::new().expect("a temporary folder can be made"));
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The path of something in it, as text.
    pub fn join(&self, name: &str) -> String {
        self.path().join(name).to_str().expect("temporary folders have plain names").to_owned()
    }

    /// Writes a file, and the folders above it.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The text of a file.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Every file in it by relative name, with its text; of a folder the name alone, with `/`.
    pub fn files(&self) -> BTreeMap<String, String> {
        let entries = self.walk().into_iter();
        entries
            .map(|path| {
                let name = self.relative(&path);
                if path.is_dir() {
                    (format!("{name}/"), String::new())
                } else {
                    (name, fs::read_to_string(&path).unwrap())
                }
            })
            .collect()
    }

    /// The names of all that is in it.
    pub fn names(&self) -> Vec<String> {
        self.files().into_keys().collect()
    }

    /// When each file was written, and whether it is still the same one.
    pub fn stamps(&self) -> BTreeMap<String, Stamp> {
        let files = self.walk().into_iter().filter(|path| path.is_file());
        files
            .map(|path| {
                let metadata = fs::metadata(&path).unwrap();
                let stamp = Stamp { inode: metadata.ino(), modified: metadata.modified().unwrap() };
                (self.relative(&path), stamp)
            })
            .collect()
    }

    fn walk(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path.clone());
                }
                found.push(path);
            }
        }
        found
    }

    fn relative(&self, path: &Path) -> String {
        path.strip_prefix(self.path()).unwrap().to_str().unwrap().to_owned()
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}
