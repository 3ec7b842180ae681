//! Volumes that go with the pods that use them, for their claims are being deleted: pure.

use super::cache::View;
use super::reason::Reason;
use super::report::Report;

/// Notes them. A pod that goes, too, is what people who replace a volume want.
pub fn note(view: &View, report: &mut Report) {
    for pod in view.pods.values().filter(|pod| !pod.deleting) {
        let Some(claim) = view.claim_of(&pod.name).filter(|claim| claim.deleting) else { continue };
        let text = format!(
            "PersistentVolumeClaim {} is being deleted: the volume, with what is in it, goes as soon as \
             {} does; to get a new volume delete the pod, too, once another pod is master",
            claim.name, pod.name
        );
        report.find(Reason::ClaimDeleted, text);
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use serde_json::{Value, json};

    use super::super::cache::{Pod, VolumeClaim};
    use super::*;

    fn metadata(name: &str, deleting: bool) -> ObjectMeta {
        let at = deleting.then_some("2026-01-01T00:00:00Z");
        serde_json::from_value(json!({ "name": name, "uid": name, "deletionTimestamp": at }))
            .unwrap()
    }

    fn found(pod_goes: bool, claim_goes: bool) -> Vec<String> {
        let pod = Pod::of(&metadata("shop-0", pod_goes), &Value::Null).unwrap();
        let claim = VolumeClaim::of(&metadata("data-shop-0", claim_goes), &Value::Null).unwrap();
        let mut view = View::default();
        view.pods.insert(pod.name.clone(), Rc::new(pod));
        view.claims.insert(claim.name.clone(), Rc::new(claim));
        let mut report = Report::default();
        note(&view, &mut report);
        report
            .findings
            .into_iter()
            .map(|it| format!("{}: {}", it.reason.name(), it.message))
            .collect()
    }

    #[test]
    fn a_claim_that_is_deleted_under_its_pod_is_told() {
        let told = found(false, true);
        assert!(
            told[0].starts_with("ClaimDeleted: PersistentVolumeClaim data-shop-0 is"),
            "{told:?}"
        );
        assert_eq!(found(true, true), [""; 0]);
        assert_eq!(found(false, false), [""; 0]);
    }
}
