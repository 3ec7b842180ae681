//! `--output-dir`: one object a file, for Git.
//!
//! # Guarantees
//!
//! A file is replaced whole or not at all, and none is replaced before all new text is on the
//! disk: a full disk leaves the directory as it was. A file whose bytes stay is not touched. A
//! file that Gungnir did not write is neither overwritten nor deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::manifest::{Manifest, ManifestSet};

use super::console::Console;
use super::exit::{Failure, Outcome};

/// The first line of every file that is written: by it a file is known as Gungnir's.
const HEADER: &str = "# Rendered by gungnir: edit the ValkeyCluster, not this file.\n";
/// What a file is called until it is complete.
const TEMPORARY: &str = ".gungnir-new";

/// A directory, and what is to be in it.
#[derive(Debug)]
pub(super) struct OutputDir<'a> {
    root: &'a Path,
    files: BTreeMap<PathBuf, String>,
    prune: bool,
}

/// What has to be done to the directory.
#[derive(Debug, Default)]
struct Changes<'a> {
    write: Vec<(&'a Path, &'a str)>,
    delete: Vec<PathBuf>,
}

impl<'a> OutputDir<'a> {
    /// Plans `NAMESPACE/KIND-NAME.yaml` for each object.
    ///
    /// # Errors
    ///
    /// When an object's name makes no file name, or two objects make the same one.
    pub(super) fn new(root: &'a Path, set: &ManifestSet, prune: bool) -> Result<Self, Failure> {
        let mut files = BTreeMap::new();
        for manifest in set.iter() {
            let path = relative_path(manifest)?;
            let text = format!("{HEADER}{}", manifest.text());
            if files.insert(path.clone(), text).is_some() {
                return Err(Failure::usage(format_args!(
                    "two objects would be written to `{}`",
                    path.display()
                )));
            }
        }
        Ok(Self { root, files, prune })
    }

    /// Says what would change; 1 when anything would.
    pub(super) fn check(&self, console: &Console) -> Result<Outcome, Failure> {
        let changes = self.changes()?;
        for (path, _) in &changes.write {
            let word = if self.root.join(path).exists() { "differs" } else { "missing" };
            console.note(format_args!("{word}: {}", self.root.join(path).display()));
        }
        for path in &changes.delete {
            console.note(format_args!("not rendered: {}", path.display()));
        }
        let same = changes.write.is_empty() && changes.delete.is_empty();
        Ok(if same { Outcome::Done } else { Outcome::Differs })
    }

    /// Makes the directory what it is to be.
    pub(super) fn write(&self, console: &Console) -> Result<Outcome, Failure> {
        let changes = self.changes()?;
        let mut made = Vec::new();
        if let Err(failure) = self.write_aside(&changes.write, &mut made) {
            // What was not made cannot be removed; what was is not needed any more.
            for (path, _) in &changes.write {
                let _ = fs::remove_file(aside(&self.root.join(path)));
            }
            for folder in made.iter().rev() {
                let _ = fs::remove_dir(folder);
            }
            return Err(failure);
        }
        for (path, _) in &changes.write {
            let path = self.root.join(path);
            fs::rename(aside(&path), &path).map_err(|error| cannot("write", &path, error))?;
        }
        for path in &changes.delete {
            fs::remove_file(path).map_err(|error| cannot("delete", path, error))?;
            if let Some(folder) = path.parent().filter(|folder| *folder != self.root) {
                // Only an empty folder goes.
                let _ = fs::remove_dir(folder);
            }
        }
        console.note(format_args!(
            "{} written, {} unchanged, {} deleted",
            changes.write.len(),
            self.files.len() - changes.write.len(),
            changes.delete.len()
        ));
        Ok(Outcome::Done)
    }

    fn changes(&self) -> Result<Changes<'_>, Failure> {
        let mut changes = Changes::default();
        for (path, text) in &self.files {
            let full = self.root.join(path);
            match fs::read(&full) {
                Ok(bytes) if bytes == text.as_bytes() => {}
                Ok(bytes) if !bytes.starts_with(HEADER.as_bytes()) => {
                    return Err(Failure::usage(format_args!(
                        "`{}` is there and was not written by gungnir; move it away",
                        full.display()
                    )));
                }
                Ok(_) => changes.write.push((path, text)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    changes.write.push((path, text));
                }
                Err(error) => return Err(cannot("read", &full, error)),
            }
        }
        if self.prune {
            let kept: BTreeSet<PathBuf> =
                self.files.keys().map(|path| self.root.join(path)).collect();
            changes.delete = self.own_files()?;
            changes.delete.retain(|path| !kept.contains(path));
        }
        Ok(changes)
    }

    /// Every file that Gungnir wrote, at the depths at which it writes.
    fn own_files(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut found = Vec::new();
        let mut folders = vec![self.root.to_owned()];
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(cannot("list", &folder, error)),
            };
            for entry in entries {
                let entry = entry.map_err(|error| cannot("list", &folder, error))?;
                let kind = entry.file_type().map_err(|error| cannot("list", &folder, error))?;
                let path = entry.path();
                if kind.is_dir() && folder == self.root {
                    folders.push(path);
                } else if kind.is_file() && is_own(&path)? {
                    found.push(path);
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// Writes every file beside its place; notes the folders it made on the way.
    fn write_aside(&self, files: &[(&Path, &str)], made: &mut Vec<PathBuf>) -> Result<(), Failure> {
        for (path, text) in files {
            let path = self.root.join(path);
            if let Some(folder) = path.parent() {
                let missing = folder.ancestors().take_while(|folder| !folder.exists());
                let missing: Vec<PathBuf> = missing.map(Path::to_owned).collect();
                made.extend(missing.into_iter().rev());
                fs::create_dir_all(folder).map_err(|error| cannot("make", folder, error))?;
            }
            let new = aside(&path);
            let write = || {
                let mut file = File::create(&new)?;
                file.write_all(text.as_bytes())?;
                // A disk that is full may say so only now.
                file.sync_all()
            };
            write().map_err(|error| cannot("write", &path, error))?;
        }
        Ok(())
    }
}

fn relative_path(manifest: &Manifest) -> Result<PathBuf, Failure> {
    let key = manifest.key();
    let fits = |part: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '_');
        !part.is_empty() && !part.starts_with('.') && part.chars().all(allowed)
    };
    let namespace = key.namespace.as_deref().unwrap_or_default();
    if !fits(&key.kind) || !fits(&key.name) || !(namespace.is_empty() || fits(namespace)) {
        return Err(Failure::usage(format_args!(
            "`{}/{}` makes no file name",
            key.kind.escape_debug(),
            key.name.escape_debug()
        )));
    }
    let file = format!("{}-{}.yaml", key.kind.to_ascii_lowercase(), key.name);
    Ok(Path::new(namespace).join(file))
}

fn aside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(TEMPORARY);
    PathBuf::from(name)
}

fn is_own(path: &Path) -> Result<bool, Failure> {
    if path.extension().is_none_or(|ending| ending != "yaml") {
        return Ok(false);
    }
    let mut start = Vec::with_capacity(HEADER.len());
    File::open(path)
        .and_then(|file| file.take(HEADER.len() as u64).read_to_end(&mut start))
        .map_err(|error| cannot("read", path, error))?;
    Ok(start == HEADER.as_bytes())
}

fn cannot(verb: &str, path: &Path, error: io::Error) -> Failure {
    Failure::io(error, format_args!("cannot {verb} `{}`", path.display()))
}
