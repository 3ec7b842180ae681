//! A file that is replaced whole or not at all: written beside its place, then renamed.
//!
//! A reader sees the old bytes or the new ones, whenever the writer dies. Nothing here knows what
//! is in a file.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What a file is called until it is complete.
const TEMPORARY: &str = ".gungnir-new";

/// Whether a replaced file has to be there after the machine lost its power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durable {
    /// On the disk before the replacement returns.
    Yes,
    /// Whenever the kernel writes it.
    No,
}

/// The steps of a replacement. What they do is here; a test makes one of them fail.
pub(super) trait Disk: fmt::Debug + Send + Sync {
    /// Makes a file that is not there yet.
    fn create(&self, path: &Path, mode: u32) -> io::Result<File> {
        File::options().write(true).create_new(true).mode(mode).open(path)
    }

    /// Waits until a file's bytes are on the disk.
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    /// Puts a file in the place of another.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    /// Waits until what a folder lists is on the disk: before that, a rename can be undone by a
    /// power cut.
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

/// The disk of this machine.
#[derive(Debug)]
pub(super) struct LocalDisk;

impl Disk for LocalDisk {}

/// Replaces a file. When it fails, the old one is still there, unless only the folder could not be
/// synced: then the new one is, for as long as the machine runs.
pub(super) fn replace(
    disk: &dyn Disk,
    path: &Path,
    bytes: &[u8],
    mode: u32,
    durable: Durable,
) -> io::Result<()> {
    let aside = temporary(path);
    remove_temporary(path)?;
    let written = (|| {
        let mut file = disk.create(&aside, mode)?;
        file.write_all(bytes)?;
        if durable == Durable::Yes {
            disk.sync(&file)?;
        }
        disk.rename(&aside, path)
    })();
    if let Err(error) = written {
        // What was not made cannot be removed; the next replacement tries again.
        let _ = fs::remove_file(&aside);
        return Err(error);
    }
    if durable == Durable::Yes { disk.sync_folder(folder(path)) } else { Ok(()) }
}

/// Removes what a writer that was killed left behind.
pub(super) fn remove_temporary(path: &Path) -> io::Result<()> {
    match fs::remove_file(temporary(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The bytes of a file, `None` when it is not there; never more of it than `limit_bytes`.
pub(super) fn read(path: &Path, limit_bytes: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(limit_bytes + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit_bytes {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is longer than {limit_bytes} bytes"),
        ));
    }
    Ok(Some(bytes))
}

/// Where a file really is: a link is followed, so that a rename replaces the file and not the link.
/// A folder or a device is refused, because a rename would put a file in its place.
pub(super) fn place(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Ok(place) if fs::metadata(&place)?.is_file() => Ok(place),
        Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = path.file_name().ok_or(error)?;
            Ok(fs::canonicalize(folder(path))?.join(name))
        }
        Err(error) => Err(error),
    }
}

/// The folder that a file is in.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A path with an ending more.
#[must_use]
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

/// What a file is called until it is complete.
pub(super) fn temporary(path: &Path) -> PathBuf {
    beside(path, TEMPORARY)
}

#[cfg(test)]
pub(super) mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    /// The kernel's number of "no space left on device".
    pub(crate) const ENOSPC: i32 = 28;
    /// The kernel's number of "permission denied".
    pub(crate) const EACCES: i32 = 13;

    /// Where a disk fails.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) enum At {
        Create,
        Write,
        Sync,
        Rename,
        SyncFolder,
    }

    pub(crate) const EVERYWHERE: [At; 5] =
        [At::Create, At::Write, At::Sync, At::Rename, At::SyncFolder];

    /// A disk that fails at one step.
    #[derive(Debug)]
    pub(crate) struct Failing {
        pub at: At,
        pub errno: i32,
    }

    impl Failing {
        fn fail(&self, here: At) -> io::Result<()> {
            if self.at == here { Err(io::Error::from_raw_os_error(self.errno)) } else { Ok(()) }
        }
    }

    impl Disk for Failing {
        fn create(&self, path: &Path, mode: u32) -> io::Result<File> {
            self.fail(At::Create)?;
            let file = LocalDisk.create(path, mode)?;
            if self.at == At::Write {
                // A device that is always full.
                return File::options().write(true).open("/dev/full");
            }
            Ok(file)
        }

        fn sync(&self, file: &File) -> io::Result<()> {
            self.fail(At::Sync)?;
            LocalDisk.sync(file)
        }

        fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            self.fail(At::Rename)?;
            LocalDisk.rename(from, to)
        }

        fn sync_folder(&self, folder: &Path) -> io::Result<()> {
            self.fail(At::SyncFolder)?;
            LocalDisk.sync_folder(folder)
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_with_its_mode_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        for (text, durable) in [("one", Durable::Yes), ("two", Durable::No), ("", Durable::Yes)] {
            replace(&LocalDisk, &path, text.as_bytes(), 0o600, durable).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(names(folder.path()), ["a"]);
        }
    }

    #[test]
    fn a_failure_at_any_step_before_the_rename_leaves_the_old_file_whole() {
        for at in EVERYWHERE {
            for errno in [ENOSPC, EACCES] {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("a");
                replace(&LocalDisk, &path, b"old", 0o600, Durable::Yes).unwrap();
                let disk = Failing { at, errno };
                let error = replace(&disk, &path, b"new", 0o600, Durable::Yes).unwrap_err();
                let expected = if at == At::Write { ENOSPC } else { errno };
                assert_eq!(error.raw_os_error(), Some(expected), "{at:?}");
                let text = if at == At::SyncFolder { "new" } else { "old" };
                assert_eq!(fs::read_to_string(&path).unwrap(), text, "{at:?}");
                assert_eq!(names(folder.path()), ["a"], "{at:?}");
            }
        }
    }

    #[test]
    fn what_a_killed_writer_left_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(temporary(&path), "half").unwrap();
        replace(&LocalDisk, &path, b"whole", 0o600, Durable::Yes).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn a_link_is_followed_and_a_device_refused() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("real");
        let link = folder.path().join("link");
        fs::write(&real, "old").unwrap();
        symlink(&real, &link).unwrap();
        let place = place(&link).unwrap();
        replace(&LocalDisk, &place, b"new", 0o600, Durable::No).unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());

        for wrong in [Path::new("/dev/null"), folder.path()] {
            let error = super::place(wrong).unwrap_err();
            assert_eq!(error.to_string(), "it is not a regular file", "{}", wrong.display());
        }
        let nowhere = super::place(&folder.path().join("no/such")).unwrap_err();
        assert_eq!(nowhere.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_file_is_read_no_further_than_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        assert_eq!(read(&path, 3).unwrap(), None);
        fs::write(&path, "abc").unwrap();
        assert_eq!(read(&path, 3).unwrap().unwrap(), b"abc");
        assert_eq!(read(&path, 2).unwrap_err().to_string(), "it is longer than 2 bytes");
        assert_eq!(fs::metadata(&path).unwrap().size(), 3);
    }
}
