//! The record and the pointer in two files of this machine.
//!
//! # Guarantees
//!
//! A write that returned survives a power cut; one that failed left the file as it was, or the new
//! record in it, never anything else. The caller's thread never waits for the disk, and no call
//! waits for longer than [`PATIENCE`].
//!
//! # Assumptions
//!
//! The lock beside the state file keeps other sentinels away. A person who changes the file
//! meanwhile makes the next write a conflict.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::disk::{self, Disk, Durable, LocalDisk};
use super::names::SetNames;
use super::state_file::{self, MAX_STATE_BYTES, State, StateLock};
use super::{StateError, Store, StoreError, Versioned, endpoint_file};
use crate::sentinel::{NodeId, Pointer, Record};

/// How long a disk may take. One that needs longer is tried again; what it still does then is
/// found by the version.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the end of the process waits for it.
const END_PATIENCE: Duration = Duration::from_secs(1);
/// The record says who may be promoted: nobody else has to read it.
const MODE: u32 = 0o600;

/// A [`Store`] of two files.
#[derive(Debug)]
pub struct FileStore {
    disk: DiskThread,
    /// What was seen to start as a replica of nowhere.
    gated: BTreeSet<NodeId>,
    /// What this process pointed at: the file has no room for the epoch.
    pointed: Option<Pointer>,
}

/// The thread that waits for the disk: one, so that nothing overtakes anything, and of its own, so
/// that no name server's answer is waited for in front of it.
#[derive(Debug)]
struct DiskThread {
    /// `None` at the end.
    work: Option<Sender<Work>>,
    done: Receiver<()>,
}

/// What is to be done with the files.
type Work = Box<dyn FnOnce(&mut Files) + Send>;

impl DiskThread {
    fn start(mut files: Files) -> io::Result<Self> {
        let (work, orders) = channel::<Work>();
        let (is_done, done) = channel();
        thread::Builder::new().name("disk".to_owned()).spawn(move || {
            while let Ok(work) = orders.recv() {
                work(&mut files);
            }
            // The lock is free from here on.
            drop(files);
            // Nobody waits for it before the end.
            let _ = is_done.send(());
        })?;
        Ok(Self { work: Some(work), done })
    }

    /// Does work there; what has not begun when nobody waits for it any more is left out.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Files) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let gone = || StoreError::Unavailable(io::Error::other("the disk's thread has ended"));
        let (reply, answer) = oneshot::channel();
        let order: Work = Box::new(move |files| {
            if !reply.is_closed() {
                // Whoever asked may give up meanwhile.
                let _ = reply.send(work(files));
            }
        });
        self.work.as_ref().ok_or_else(gone)?.send(order).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

impl Drop for DiskThread {
    fn drop(&mut self) {
        self.work = None;
        // A disk that hangs does not keep the process from ending.
        let _ = self.done.recv_timeout(END_PATIENCE);
    }
}

/// What the disk's thread needs.
#[derive(Debug)]
struct Files {
    disk: Box<dyn Disk>,
    names: SetNames,
    /// The state file as people call it, and where it is.
    path: PathBuf,
    place: PathBuf,
    endpoint: PathBuf,
    /// Whether the present file may be lost by a power cut.
    unsynced: bool,
    _lock: StateLock,
}

impl FileStore {
    /// Takes the lock of the state file, reads it and keeps it. Waits for the disk, so it is for
    /// the start of a process.
    ///
    /// # Errors
    ///
    /// [`StateError`] when another process has it, when it is not this set's, or not to be
    /// understood; nothing has been changed then.
    pub fn open(state: &Path, endpoint: &Path, names: SetNames) -> Result<Self, StateError> {
        Self::open_on(Box::new(LocalDisk), state, endpoint, names)
    }

    fn open_on(
        disk: Box<dyn Disk>,
        state: &Path,
        endpoint: &Path,
        names: SetNames,
    ) -> Result<Self, StateError> {
        let path = state.to_owned();
        let unreadable = |source| StateError::Unreadable { path: path.clone(), source };
        let no_endpoint = |source| StateError::Endpoint { path: endpoint.to_owned(), source };
        let place = disk::place(state).map_err(unreadable)?;
        let endpoint = disk::place(endpoint).map_err(no_endpoint)?;
        if endpoint == place {
            let one = io::Error::new(io::ErrorKind::InvalidInput, "it is the state file as well");
            return Err(no_endpoint(one));
        }
        let lock = StateLock::take(&place, state)?;
        disk::remove_temporary(&place).map_err(unreadable)?;
        disk::remove_temporary(&endpoint).map_err(no_endpoint)?;
        // Whoever wrote it may have died before it was sure to stay.
        let kept = path.clone();
        let files = Files { disk, names, path: kept, place, endpoint, unsynced: true, _lock: lock };
        let State { record: _, gated } = files.load()?;
        let disk = DiskThread::start(files).map_err(unreadable)?;
        Ok(Self { disk, gated, pointed: None })
    }

    /// The nodes that were seen to start as replicas of nowhere, by any run of this program.
    #[must_use]
    pub fn gated(&self) -> &BTreeSet<NodeId> {
        &self.gated
    }

    /// Runs work on the files on a thread that may wait.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Files) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        timeout(PATIENCE, self.disk.run(work)).await.unwrap_or_else(|_| {
            let late = io::Error::new(io::ErrorKind::TimedOut, "the disk does not answer");
            Err(StoreError::Unavailable(late))
        })
    }
}

impl Files {
    fn load(&self) -> Result<State, StateError> {
        let unreadable = |source| StateError::Unreadable { path: self.path.clone(), source };
        match disk::read(&self.place, MAX_STATE_BYTES).map_err(unreadable)? {
            Some(bytes) => state_file::decode(&self.path, &self.names, &bytes),
            None => Ok(State::default()),
        }
    }

    fn save(&mut self, state: &State) -> Result<(), StoreError> {
        let bytes = state_file::encode(&self.names, state);
        let bytes = bytes.map_err(|error| StoreError::Unavailable(error.into()))?;
        self.unsynced = true;
        disk::replace(&*self.disk, &self.place, &bytes, MODE, Durable::Yes)
            .map_err(StoreError::Unavailable)?;
        self.unsynced = false;
        Ok(())
    }

    /// What is read may be acted upon, so it has to stay.
    fn settle(&mut self) -> Result<(), StoreError> {
        if self.unsynced {
            self.disk.sync_folder(disk::folder(&self.place)).map_err(StoreError::Unavailable)?;
            self.unsynced = false;
        }
        Ok(())
    }
}

impl Store for FileStore {
    async fn read(&mut self) -> Result<Versioned, StoreError> {
        self.on_disk(|files| {
            files.settle()?;
            let State { record, gated: _ } = files.load().map_err(unavailable)?;
            Ok(Versioned { version: version(record.as_ref()), record })
        })
        .await
    }

    async fn write(&mut self, record: &Record, version: u64) -> Result<u64, StoreError> {
        let state = State { record: Some(record.clone()), gated: self.gated.clone() };
        self.on_disk(move |files| {
            let present = files.load().map_err(unavailable)?;
            if self::version(present.record.as_ref()) != version {
                return Err(StoreError::Conflict);
            }
            files.save(&state)?;
            Ok(self::version(state.record.as_ref()))
        })
        .await
    }

    async fn pointer(&mut self) -> Result<Option<Pointer>, StoreError> {
        let pointed = self.pointed;
        self.on_disk(move |files| {
            let node = endpoint_file::read(&files.endpoint, &files.names);
            let node = node.map_err(StoreError::Unavailable)?;
            // One that an earlier process wrote is of an epoch that nobody remembers.
            Ok(node.map(|node| {
                pointed.filter(|pointed| pointed.node == node).unwrap_or(Pointer { node, epoch: 0 })
            }))
        })
        .await
    }

    async fn point(&mut self, pointer: Pointer) -> Result<(), StoreError> {
        self.on_disk(move |files| {
            endpoint_file::write(&*files.disk, &files.endpoint, &files.names, pointer.node)
                .map_err(StoreError::Unavailable)
        })
        .await?;
        self.pointed = Some(pointer);
        Ok(())
    }

    async fn remember_gated(&mut self, gated: BTreeSet<NodeId>) -> Result<(), StoreError> {
        if self.gated == gated {
            return Ok(());
        }
        self.gated.clone_from(&gated);
        self.on_disk(move |files| {
            let record = files.load().map_err(unavailable)?.record;
            files.save(&State { record, gated })
        })
        .await
    }
}

/// What a record is known by: what it says. 0 is that there is none.
fn version(record: Option<&Record>) -> u64 {
    record.map_or(0, |record| {
        let mut hasher = DefaultHasher::new();
        record.hash(&mut hasher);
        hasher.finish().max(1)
    })
}

/// A file that cannot be understood any more is as one that cannot be reached: it is neither
/// decided by nor overwritten.
fn unavailable(error: StateError) -> StoreError {
    StoreError::Unavailable(io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::mpsc;

    use super::super::disk::temporary;
    use super::super::disk::tests::{At, EACCES, ENOSPC, EVERYWHERE, Failing};
    use super::*;
    use crate::sentinel::{Home, Id, Member, Phase};

    struct Set {
        folder: tempfile::TempDir,
    }

    impl Set {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap() }
        }

        fn state(&self) -> PathBuf {
            self.folder.path().join("state")
        }

        fn endpoint(&self) -> PathBuf {
            self.folder.path().join("endpoint")
        }

        fn open(&self) -> FileStore {
            self.open_on(LocalDisk).unwrap()
        }

        fn open_on(&self, disk: impl Disk + 'static) -> Result<FileStore, StateError> {
            FileStore::open_on(Box::new(disk), &self.state(), &self.endpoint(), names())
        }
    }

    fn names() -> SetNames {
        SetNames::new("demo", ["a:1", "b:1"].map(String::from))
    }

    fn record(epoch: u64) -> Record {
        Record {
            phase: Phase::Stable,
            master: Some(Member { node: NodeId(0), run_id: Id([1; 20]), home: Home::default() }),
            history: Some(Id([2; 20])),
            ..Record::without_master(1, epoch)
        }
    }

    fn errno<T: std::fmt::Debug>(result: Result<T, StoreError>) -> Option<i32> {
        match result {
            Err(StoreError::Unavailable(error)) => error.raw_os_error(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_record_goes_on_where_it_was() {
        let set = Set::new();
        let mut store = set.open();
        let empty = store.read().await.unwrap();
        assert_eq!(empty, Versioned { record: None, version: 0 });
        let first = store.write(&record(1), empty.version).await.unwrap();
        let second = store.write(&record(2), first).await.unwrap();
        assert_ne!(first, second);
        let mode = fs::metadata(set.state()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(store);
        let mut store = set.open();
        let found = store.read().await.unwrap();
        assert_eq!(found, Versioned { record: Some(record(2)), version: second });
    }

    #[tokio::test]
    async fn a_write_over_what_was_not_read_is_a_conflict() {
        let set = Set::new();
        let mut store = set.open();
        let version = store.write(&record(1), 0).await.unwrap();
        assert!(matches!(store.write(&record(2), 0).await, Err(StoreError::Conflict)));
        assert_eq!(store.read().await.unwrap().record, Some(record(1)));

        // Somebody puts an older copy in its place.
        let copy = fs::read_to_string(set.state()).unwrap();
        let later = store.write(&record(2), version).await.unwrap();
        fs::write(set.state(), copy).unwrap();
        assert!(matches!(store.write(&record(3), later).await, Err(StoreError::Conflict)));
        let again = store.read().await.unwrap();
        assert_eq!(again, Versioned { record: Some(record(1)), version });
        store.write(&record(3), again.version).await.unwrap();

        // Somebody removes it.
        fs::remove_file(set.state()).unwrap();
        assert!(matches!(store.write(&record(4), version).await, Err(StoreError::Conflict)));
        assert_eq!(store.read().await.unwrap(), Versioned { record: None, version: 0 });
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_understood_any_more_is_not_overwritten() {
        let set = Set::new();
        let mut store = set.open();
        let version = store.write(&record(1), 0).await.unwrap();
        fs::write(set.state(), "{").unwrap();
        for result in [store.read().await.map(|_| 0), store.write(&record(2), version).await] {
            let Err(StoreError::Unavailable(error)) = result else { panic!("{result:?}") };
            assert!(error.to_string().contains("is not whole"), "{error}");
        }
        assert!(store.remember_gated(BTreeSet::from([NodeId(1)])).await.is_err());
        assert_eq!(fs::read_to_string(set.state()).unwrap(), "{");
    }

    #[tokio::test]
    async fn a_failing_folder_is_unavailable_and_keeps_the_old_record() {
        for at in EVERYWHERE {
            for errno in [ENOSPC, EACCES] {
                let set = Set::new();
                let version = set.open().write(&record(1), 0).await.unwrap();
                let mut store = set.open_on(Failing { at, errno }).unwrap();
                let expected = if at == At::Write { ENOSPC } else { errno };
                let written = store.write(&record(2), version).await;
                assert_eq!(self::errno(written), Some(expected), "{at:?}");
                if at == At::SyncFolder {
                    // It is there, but might go: nobody may act upon it.
                    assert_eq!(self::errno(store.read().await), Some(errno));
                } else {
                    drop(store);
                    assert_eq!(set.open().read().await.unwrap().record, Some(record(1)), "{at:?}");
                }
            }
        }
    }

    #[tokio::test]
    async fn after_a_kill_at_any_step_the_old_record_or_the_new_one_is_there() {
        let set = Set::new();
        let version = set.open().write(&record(1), 0).await.unwrap();
        let old = fs::read(set.state()).unwrap();
        set.open().write(&record(2), version).await.unwrap();
        let new = fs::read(set.state()).unwrap();
        let place = disk::place(&set.state()).unwrap();

        // Each length that the file beside had when its writer died; then the rename.
        for length in 0..=new.len() {
            fs::write(&place, &old).unwrap();
            fs::write(temporary(&place), &new[..length]).unwrap();
            let mut store = set.open();
            assert_eq!(store.read().await.unwrap().record, Some(record(1)), "{length}");
            assert!(!temporary(&place).exists());
        }
        fs::write(temporary(&place), &new).unwrap();
        fs::rename(temporary(&place), &place).unwrap();
        assert_eq!(set.open().read().await.unwrap().record, Some(record(2)));
    }

    #[tokio::test]
    async fn the_pointer_is_in_a_file_of_its_own() {
        let set = Set::new();
        let mut store = set.open();
        assert_eq!(store.pointer().await.unwrap(), None);
        let pointer = Pointer { node: NodeId(1), epoch: 7 };
        store.point(pointer).await.unwrap();
        assert_eq!(fs::read_to_string(set.endpoint()).unwrap(), "b 1\n");
        assert_eq!(store.pointer().await.unwrap(), Some(pointer));
        // What somebody else wrote is of no epoch that is known.
        fs::write(set.endpoint(), "a 1\n").unwrap();
        let other = Pointer { node: NodeId(0), epoch: 0 };
        assert_eq!(store.pointer().await.unwrap(), Some(other));
        drop(store);
        assert_eq!(set.open().pointer().await.unwrap(), Some(other));
    }

    #[tokio::test]
    async fn gates_are_remembered_beside_the_record() {
        let set = Set::new();
        let mut store = set.open();
        let gated = BTreeSet::from([NodeId(1)]);
        store.remember_gated(gated.clone()).await.unwrap();
        let version = store.write(&record(1), 0).await.unwrap();
        store.remember_gated(BTreeSet::from([NodeId(0), NodeId(1)])).await.unwrap();
        store.write(&record(2), version).await.unwrap();
        store.remember_gated(gated.clone()).await.unwrap();
        drop(store);
        let mut store = set.open();
        assert_eq!(store.gated(), &gated);
        assert_eq!(store.read().await.unwrap().record, Some(record(2)));
    }

    #[test]
    fn a_second_process_and_a_wrong_place_are_refused() {
        let set = Set::new();
        let first = set.open();
        assert!(matches!(set.open_on(LocalDisk), Err(StateError::Locked { .. })));
        drop(first);
        let same = FileStore::open(&set.state(), &set.state(), names()).unwrap_err();
        assert!(matches!(same, StateError::Endpoint { .. }), "{same}");
        let device = FileStore::open(&set.state(), Path::new("/dev/null"), names()).unwrap_err();
        assert!(matches!(device, StateError::Endpoint { .. }), "{device}");
        let folder = FileStore::open(set.folder.path(), &set.endpoint(), names()).unwrap_err();
        assert!(matches!(folder, StateError::Unreadable { .. }), "{folder}");
    }

    /// A disk that stands still until it is told to go on.
    #[derive(Debug)]
    struct Slow {
        begun: mpsc::Sender<()>,
        go_on: std::sync::Mutex<mpsc::Receiver<()>>,
    }

    impl Disk for Slow {
        fn sync(&self, file: &fs::File) -> io::Result<()> {
            self.begun.send(()).unwrap();
            self.go_on.lock().unwrap().recv().unwrap();
            LocalDisk.sync(file)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_stands_still_stops_nobody_and_finishes_before_the_next_write() {
        let set = Set::new();
        let (begun, has_begun) = mpsc::channel();
        let (go_on, gate) = mpsc::channel();
        let mut store = set.open_on(Slow { begun, go_on: gate.into() }).unwrap();
        let late = {
            let record = record(1);
            let write = store.write(&record, 0);
            tokio::pin!(write);
            tokio::select! {
                biased;
                done = &mut write => panic!("{done:?}"),
                () = tokio::task::yield_now() => {}
            }
            has_begun.recv().unwrap();
            tokio::time::advance(PATIENCE).await;
            write.await
        };
        let Err(StoreError::Unavailable(error)) = late else { panic!("{late:?}") };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        // The second write waits for the first, which was done after all. A paused clock would not
        // wait for another thread.
        tokio::time::resume();
        go_on.send(()).unwrap();
        go_on.send(()).unwrap();
        assert!(matches!(store.write(&record(2), 0).await, Err(StoreError::Conflict)));
        assert_eq!(store.read().await.unwrap().record, Some(record(1)));
    }
}
