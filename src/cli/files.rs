//! People's files: which ones a path means, and their text.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::input::limits::{DocumentLimits, MAX_INPUT_BYTES, OF_A_FILE};
use crate::input::{Diagnostic, Report, Source};

use super::exit::Failure;

/// The path that means standard input.
pub(super) const STDIN: &str = "-";
/// Files that hold manifests, by their endings.
const ENDINGS: [&str; 3] = ["json", "yaml", "yml"];
/// The deepest folder that is looked into, below the one that was named.
const MAX_DEPTH: usize = 32;

/// The files that `path` means: itself, or every manifest file below it in order of their names.
/// Hidden files and folders are left out.
pub(super) fn files_below(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if path == Path::new(STDIN) || !is_folder(path)? {
        return Ok(vec![path.to_owned()]);
    }
    let mut all = Vec::new();
    walk(path, 0, &mut all)?;
    let is_manifest = |file: &PathBuf| {
        file.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known))
    };
    // `kubectl diff` names its files after objects, without an ending: then all of them count.
    let manifests: Vec<PathBuf> = all.iter().filter(|file| is_manifest(file)).cloned().collect();
    Ok(if manifests.is_empty() { all } else { manifests })
}

/// Whether `path` is a folder; a path that is not there is an error.
pub(super) fn is_folder(path: &Path) -> Result<bool, Failure> {
    let metadata = fs::metadata(path)
        .map_err(|error| Failure::io(error, format_args!("cannot read `{}`", path.display())))?;
    Ok(metadata.is_dir())
}

fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let fault = |error| Failure::io(error, format_args!("cannot list `{}`", folder.display()));
    if depth > MAX_DEPTH {
        return Err(fault(io::Error::other(format!(
            "folders are nested more than {MAX_DEPTH} deep"
        ))));
    }
    let entries = fs::read_dir(folder).map_err(fault)?;
    let mut entries = entries.collect::<Result<Vec<_>, _>>().map_err(fault)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        // A link to a folder could lead round in circles: only a real one is entered.
        if entry.file_type().map_err(fault)?.is_dir() {
            walk(&path, depth + 1, files)?;
        } else if fs::metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
            files.push(path);
        }
    }
    Ok(())
}

/// The text of a file or of standard input, never more of it than is ever read.
pub(super) fn read_source(path: &Path) -> Result<Source, Failure> {
    read_within(&OF_A_FILE, path)
}

/// The same with other limits for each document.
pub(super) fn read_within(limits: &'static DocumentLimits, path: &Path) -> Result<Source, Failure> {
    let name =
        if path == Path::new(STDIN) { "stdin".to_owned() } else { path.display().to_string() };
    let mut bytes = Vec::new();
    let limit = MAX_INPUT_BYTES as u64 + 1;
    let read = if path == Path::new(STDIN) {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    read.map_err(|error| Failure::io(error, format_args!("cannot read `{name}`")))?;
    Source::within(limits, name, bytes).map_err(|diagnostic| refused(*diagnostic))
}

/// Bytes as a source, or why they are none.
pub(super) fn source_of(name: String, bytes: Vec<u8>) -> Result<Source, Failure> {
    Source::new(name, bytes).map_err(|diagnostic| refused(*diagnostic))
}

fn refused(diagnostic: Diagnostic) -> Failure {
    let mut report = Report::new();
    report.add([diagnostic]);
    Failure::Input(Box::new(report))
}
