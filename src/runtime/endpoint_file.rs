//! The file that tells clients where the master is: `host port` and a newline, as
//! `read host port < FILE` wants it.

use std::io;
use std::path::Path;

use super::disk::{self, Disk, Durable};
use super::names::SetNames;
use crate::sentinel::NodeId;

/// Longer than any host name and port.
const MAX_ENDPOINT_BYTES: u64 = 1024;
/// Whoever may reach the folder may know the master.
const MODE: u32 = 0o644;

/// Sends clients to a node. The file is replaced, so nobody ever reads half an address; when it
/// says so already, it is left alone, for the sake of those who watch it.
///
/// It is not synced: after a power cut the record is what counts, and this file is written anew
/// from it.
pub(super) fn write(
    disk: &dyn Disk,
    place: &Path,
    names: &SetNames,
    node: NodeId,
) -> io::Result<()> {
    let text = line(&names.address(node));
    if disk::read(place, MAX_ENDPOINT_BYTES).ok().flatten().as_deref() == Some(text.as_bytes()) {
        return Ok(());
    }
    disk::replace(disk, place, text.as_bytes(), MODE, Durable::No)
}

/// The node that the file names; `None` when it is missing or names somebody else.
pub(super) fn read(place: &Path, names: &SetNames) -> io::Result<Option<NodeId>> {
    let bytes = match disk::read(place, MAX_ENDPOINT_BYTES) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(None),
        // Whatever this is, it names no node.
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => return Ok(None),
        Err(error) => return Err(error),
    };
    let is_it = |address: &&String| line(address).as_bytes() == bytes;
    Ok(names.nodes().iter().position(|address| is_it(&address)).map(NodeId::at))
}

/// An address as the file has it: an IPv6 host stands without brackets.
fn line(address: &str) -> String {
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    format!("{host} {port}\n")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    use super::super::disk::LocalDisk;
    use super::super::disk::tests::{At, ENOSPC, Failing};
    use super::*;

    fn names() -> SetNames {
        SetNames::new("demo", ["10.0.0.1:6379", "[::1]:7000", "demo-2:6379"].map(String::from))
    }

    #[test]
    fn what_is_written_is_what_a_shell_reads_and_what_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("endpoint");
        assert_eq!(read(&path, &names()).unwrap(), None);
        for (node, text) in [(0, "10.0.0.1 6379\n"), (1, "::1 7000\n"), (2, "demo-2 6379\n")] {
            write(&LocalDisk, &path, &names(), NodeId(node)).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert_eq!(read(&path, &names()).unwrap(), Some(NodeId(node)));
        }
    }

    #[test]
    fn a_file_that_names_nobody_of_the_set_is_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("endpoint");
        for text in ["", "10.0.0.1", "10.0.0.1 6379", "10.0.0.9 6379\n", "\u{0}\n", "::1 7000\n\n"]
        {
            fs::write(&path, text).unwrap();
            assert_eq!(read(&path, &names()).unwrap(), None, "{text:?}");
        }
        fs::write(&path, vec![b'a'; 4096]).unwrap();
        assert_eq!(read(&path, &names()).unwrap(), None);
        assert!(read(folder.path(), &names()).is_err());
    }

    #[test]
    fn a_file_that_says_so_already_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("endpoint");
        let inode = || fs::metadata(&path).unwrap().ino();
        write(&LocalDisk, &path, &names(), NodeId(0)).unwrap();
        let before = inode();
        write(&LocalDisk, &path, &names(), NodeId(0)).unwrap();
        assert_eq!(inode(), before);
        write(&LocalDisk, &path, &names(), NodeId(1)).unwrap();
        assert_ne!(inode(), before);
    }

    #[test]
    fn a_full_disk_leaves_clients_where_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("endpoint");
        write(&LocalDisk, &path, &names(), NodeId(0)).unwrap();
        let disk = Failing { at: At::Write, errno: ENOSPC };
        let error = write(&disk, &path, &names(), NodeId(1)).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(ENOSPC));
        assert_eq!(read(&path, &names()).unwrap(), Some(NodeId(0)));
    }
}
