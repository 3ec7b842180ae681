//! Which run sits in which container: Kubernetes tells of the end of containers, the rules ask for
//! the end of runs.

use crate::sentinel::{Home, Id, NodeId};

use super::super::facts::PodFacts;
use super::record::uid_of;

/// How many runs are remembered of a node.
const MAX_RUNS: usize = 4;

/// A run and its container.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seat {
    node: NodeId,
    run_id: Id,
    home: Home,
    container_id: String,
    lock: Option<Lock>,
}

/// What one server at a time has: its volume on one host, for each takes a lock on it before it
/// starts (`flock` in `start.sh`), and the lock goes with the last process that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lock {
    host: String,
    volume_uid: String,
}

impl Lock {
    /// The one of a pod's server; none without a volume of its own.
    pub fn of(pod: &PodFacts) -> Option<Self> {
        let volume = pod.volume.as_ref()?;
        Some(Self { host: pod.host.clone()?, volume_uid: volume.uid.clone() })
    }
}

/// The runs that were seen, the latest last.
#[derive(Debug, Clone, Default)]
pub(super) struct Seats(Vec<Seat>);

impl Seats {
    /// A run answers while the kubelet reports that container.
    ///
    /// The kubelet reports late: a container that another run is known to have sat in is not this
    /// one's, and a later report corrects an earlier one.
    pub fn note(
        &mut self,
        node: NodeId,
        run_id: Id,
        home: Home,
        container_id: &str,
        lock: Option<Lock>,
    ) {
        let here = |seat: &Seat| (seat.node, seat.home) == (node, home);
        let taken = |seat: &Seat| here(seat) && seat.container_id == container_id;
        if self.0.iter().any(|seat| taken(seat) && seat.run_id != run_id) {
            return;
        }
        if let Some(seat) = self.0.iter_mut().find(|seat| here(seat) && seat.run_id == run_id) {
            if seat.container_id != container_id {
                container_id.clone_into(&mut seat.container_id);
            }
            seat.lock = lock.or(seat.lock.take());
            return;
        }
        let container_id = container_id.to_owned();
        self.0.push(Seat { node, run_id, home, container_id, lock });
        if self.0.iter().filter(|seat| seat.node == node).count() > MAX_RUNS
            && let Some(oldest) = self.0.iter().position(|seat| seat.node == node)
        {
            self.0.remove(oldest);
        }
    }

    /// The container of a run.
    pub fn container_of(&self, node: NodeId, run_id: Id) -> Option<&str> {
        let seat = self.0.iter().find(|seat| (seat.node, seat.run_id) == (node, run_id))?;
        Some(&seat.container_id)
    }

    /// Whether all that can be known of a run is noted.
    pub fn has_noted(&self, node: NodeId, run_id: Id, pod: &PodFacts) -> bool {
        let seat = self.0.iter().find(|seat| (seat.node, seat.run_id) == (node, run_id));
        seat.is_some_and(|seat| {
            let can_lock = pod.volume.is_some() && pod.host.is_some();
            Some(&seat.container_id) == pod.container_id.as_ref()
                && (seat.lock.is_some() || !can_lock)
        })
    }

    /// A run of a node that has ended: the one that is asked for, or else the latest. The kubelet
    /// says that its container has, or a later run has the lock that it held.
    pub fn ended(&self, node: NodeId, pod: &PodFacts, wanted: Option<Id>) -> Option<Id> {
        let has_ended = |(place, seat): &(usize, &Seat)| {
            let uid = uid_of(seat.home);
            let terminated = pod
                .terminated
                .iter()
                .any(|it| it.pod_uid == uid && it.container_id == seat.container_id);
            let later = self.0.iter().skip(place + 1);
            let succeeded = later
                .filter(|other| other.node == node)
                .any(|other| other.lock.is_some() && other.lock == seat.lock);
            seat.node == node && (terminated || succeeded)
        };
        let seats = self.0.iter().enumerate();
        let ended: Vec<Id> = seats.filter(has_ended).map(|(_, seat)| seat.run_id).collect();
        wanted.filter(|run| ended.contains(run)).or(ended.last().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::{Terminated, VolumeFacts};

    const NODE: NodeId = NodeId(0);
    const HOME: Home = Home(7);
    const A: Id = Id([1; 20]);
    const B: Id = Id([2; 20]);

    fn pod(ended: &[&str]) -> PodFacts {
        let pod_uid = uid_of(HOME);
        let end = |id: &&str| Terminated { pod_uid: pod_uid.clone(), container_id: (*id).into() };
        PodFacts { terminated: ended.iter().map(end).collect(), ..PodFacts::default() }
    }

    #[test]
    fn the_end_of_a_container_is_the_end_of_its_run() {
        let mut seats = Seats::default();
        seats.note(NODE, A, HOME, "c1", None);
        assert_eq!(seats.container_of(NODE, A), Some("c1"));
        assert_eq!(seats.ended(NODE, &pod(&[]), None), None);
        assert_eq!(seats.ended(NODE, &pod(&["c1"]), None), Some(A));
        // The same name in another pod is another container.
        let mut other = pod(&["c1"]);
        other.terminated[0].pod_uid = uid_of(Home(8));
        assert_eq!(seats.ended(NODE, &other, None), None);
        assert_eq!(seats.ended(NodeId(1), &pod(&["c1"]), None), None);
    }

    #[test]
    fn a_kubelet_that_is_late_does_not_declare_the_next_run_dead() {
        let mut seats = Seats::default();
        seats.note(NODE, A, HOME, "c1", None);
        // The next run answers before its container is reported.
        seats.note(NODE, B, HOME, "c1", None);
        assert_eq!(seats.container_of(NODE, B), None);
        assert_eq!(seats.ended(NODE, &pod(&["c1"]), Some(B)), Some(A));
        seats.note(NODE, B, HOME, "c2", None);
        assert_eq!(seats.ended(NODE, &pod(&["c1", "c2"]), None), Some(B));
        assert_eq!(seats.ended(NODE, &pod(&["c1", "c2"]), Some(A)), Some(A));
    }

    #[test]
    fn a_first_guess_is_corrected() {
        let mut seats = Seats::default();
        seats.note(NODE, B, HOME, "c1", None);
        seats.note(NODE, B, HOME, "c2", None);
        assert_eq!(seats.ended(NODE, &pod(&["c1"]), None), None);
        assert_eq!(seats.container_of(NODE, B), Some("c2"));
    }

    #[test]
    fn who_has_the_volume_shows_that_its_predecessor_is_gone() {
        let lock = |host: &str, volume: &str| {
            let volume_uid = volume.to_owned();
            Some(Lock { host: host.to_owned(), volume_uid })
        };
        let after = |before: Option<Lock>, now: Option<Lock>| {
            let mut seats = Seats::default();
            seats.note(NODE, A, HOME, "c1", before);
            seats.note(NodeId(1), B, Home(9), "c9", lock("host", "volume"));
            assert_eq!(seats.ended(NODE, &pod(&[]), Some(A)), None, "another node's is another");
            seats.note(NODE, B, Home(8), "c2", now);
            seats.ended(NODE, &pod(&[]), Some(A))
        };
        assert_eq!(after(lock("host", "volume"), lock("host", "volume")), Some(A));
        // On another host, or on another volume, both may run; without a volume nothing is locked.
        assert_eq!(after(lock("host", "volume"), lock("other", "volume")), None);
        assert_eq!(after(lock("host", "volume"), lock("host", "other")), None);
        assert_eq!(after(None, lock("host", "volume")), None);
        assert_eq!(after(None, None), None);
    }

    #[test]
    fn what_is_learnt_later_is_added_and_what_is_known_stays() {
        let volume = VolumeFacts {
            name: "data-shop-0".to_owned(),
            uid: "v".to_owned(),
            epoch: None,
            older_than_cluster: false,
        };
        let mut pod = PodFacts { host: Some("host".to_owned()), ..pod(&[]) };
        (pod.volume, pod.container_id) = (Some(volume), Some("c1".to_owned()));
        let mut seats = Seats::default();
        // The record names it before it answers.
        seats.note(NODE, A, HOME, "c1", None);
        assert!(!seats.has_noted(NODE, A, &pod));
        seats.note(NODE, A, HOME, "c1", Lock::of(&pod));
        assert!(seats.has_noted(NODE, A, &pod));
        seats.note(NODE, A, HOME, "c1", None);
        assert!(seats.has_noted(NODE, A, &pod));
    }

    #[test]
    fn few_runs_are_remembered() {
        let mut seats = Seats::default();
        for run in 0..20 {
            seats.note(NODE, Id([run; 20]), HOME, &format!("c{run}"), None);
        }
        assert_eq!(seats.0.len(), MAX_RUNS);
        assert!(seats.container_of(NODE, Id([19; 20])).is_some());
    }
}
