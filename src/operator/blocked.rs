//! Pods that cannot start, and what helps: pure.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use tokio::time::Instant;

use super::cache::{Block, View};
use super::reason::Reason;
use super::report::Report;

/// How long a new pod may be without a node, or without what it names: volumes, machines and
/// passwords are made meanwhile.
const GRACE: Duration = Duration::from_secs(20);

/// Notes the pods that cannot start. `now` and `at` are the same instant.
pub fn note(view: &View, now: Timestamp, at: Instant, report: &mut Report) {
    for pod in view.pods.values().filter(|pod| !pod.deleting) {
        let Some(block) = &pod.block else { continue };
        let age = pod.created.map(|created| now.duration_since(created));
        let age = age.and_then(|age| Duration::try_from(age).ok()).unwrap_or_default();
        let left = GRACE.checked_sub(age).filter(|left| !left.is_zero());
        if let (Block::NoNode(_) | Block::NoConfig(_), Some(left)) = (block, left) {
            report.wake_at(at + left);
            continue;
        }
        let (reason, text) = match block {
            Block::NoNode(why) => {
                let help = "see spec.resources, spec.nodeSelector, spec.tolerations, spec.affinity \
                            and spec.persistence.storageClassName";
                (Reason::NoNode, format!("{}: {why}; {help}", pod.name))
            }
            Block::NoImage(why) => {
                let help = "see spec.image and spec.imagePullSecrets";
                (Reason::NoImage, format!("{}: {why}; {help}", pod.name))
            }
            Block::NoConfig(why) => {
                (Reason::NoConfig, format!("{}: {why}; what it names has to be there", pod.name))
            }
            Block::Crashes(container) => {
                let help =
                    format!("`kubectl logs {} -c {container} --previous` says why", pod.name);
                (
                    Reason::Crashes,
                    format!("{}: `{container}` ends again and again; {help}", pod.name),
                )
            }
        };
        report.find(reason, text);
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use serde_json::{Value, json};

    use super::super::cache::Pod;
    use super::*;

    fn found(status: &Value, age_s: i64) -> (Vec<(&'static str, String)>, bool) {
        let made = Timestamp::from_second(1_000_000).unwrap();
        let metadata: ObjectMeta = serde_json::from_value(json!({
            "name": "shop-0", "uid": "u", "creationTimestamp": made.to_string(),
        }))
        .unwrap();
        let pod = Pod::of(&metadata, &json!({ "status": status })).unwrap();
        let mut view = View::default();
        view.pods.insert(pod.name.clone(), Rc::new(pod));
        let mut report = Report::default();
        let now = Timestamp::from_second(1_000_000 + age_s).unwrap();
        note(&view, now, Instant::now(), &mut report);
        let found = report.findings.into_iter().map(|it| (it.reason.name(), it.message)).collect();
        (found, report.wake_at.is_some())
    }

    fn waiting(reason: &str, message: &str) -> Value {
        let state = json!({ "waiting": { "reason": reason, "message": message } });
        json!({ "containerStatuses": [{ "name": "valkey", "state": state }] })
    }

    #[tokio::test]
    async fn each_way_to_be_stuck_has_its_reason_and_cure() {
        let no_node = json!({ "conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/3 nodes are available: 3 Insufficient memory.",
        }]});
        assert_eq!(found(&no_node, 5), (vec![], true), "it is looked at again");
        let rows = [
            (no_node, "NoNode", "shop-0: 0/3 nodes are available: 3 Insufficient memory.; see"),
            (
                waiting("ImagePullBackOff", "Back-off pulling image \"v:x\""),
                "NoImage",
                "shop-0: ImagePullBackOff: Back-off pulling image \"v:x\"; see spec.image",
            ),
            (
                waiting("CreateContainerConfigError", "secret \"login\" not found"),
                "NoConfig",
                "shop-0: secret \"login\" not found; what it names has to be there",
            ),
            (
                waiting("CrashLoopBackOff", "back-off 5m0s restarting failed container"),
                "Crashes",
                "shop-0: `valkey` ends again and again; `kubectl logs shop-0 -c valkey",
            ),
        ];
        for (status, reason, text) in rows {
            let (found, _) = found(&status, 60);
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found[0].0, reason);
            assert!(found[0].1.starts_with(text), "{}", found[0].1);
        }
    }

    #[tokio::test]
    async fn a_pod_that_starts_is_none() {
        for reason in ["ContainerCreating", "PodInitializing"] {
            assert_eq!(found(&waiting(reason, ""), 60).0, vec![]);
        }
        assert_eq!(found(&json!({}), 60), (vec![], false));
    }
}
