//! Events of a cluster, for whoever runs `kubectl describe`.

use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use tokio::time::timeout;
use tracing::{debug, info, warn};

use crate::api::{GROUP, KIND, VERSION};
use crate::manifest::ObjectKey;

use super::cache::ClusterObject;
use super::lease::Leadership;
use super::manager::Manager;

/// How long an event may take: it is for people, and nothing waits for it.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The longest note that Kubernetes takes, in bytes.
const MAX_NOTE_BYTES: usize = 1024;

/// Tells of what happened, as long as this process leads. The same thing again within minutes is
/// counted, not repeated.
#[derive(Clone)]
pub struct Events {
    recorder: Recorder,
    leadership: Leadership,
}

impl Events {
    /// Events by this process.
    #[must_use]
    pub fn new(client: Client, instance: &str, leadership: Leadership) -> Self {
        let reporter = Reporter {
            controller: Manager::Set.name().to_owned(),
            instance: Some(instance.to_owned()),
        };
        Self { recorder: Recorder::new(client, reporter), leadership }
    }

    /// Logs one thing and tells of it, and which child it is about.
    pub async fn tell(
        &self,
        cluster: &ClusterObject,
        warning: bool,
        reason: &str,
        text: &str,
        child: Option<ObjectReference>,
    ) {
        if warning {
            warn!(cluster = %cluster.key, reason, "{text}");
        } else {
            info!(cluster = %cluster.key, reason, "{text}");
        }
        self.relate(cluster, warning, reason, text, child).await;
    }

    /// Tells of one thing that stands in the log already. When it cannot be told, that is logged
    /// and no more.
    pub async fn relate(
        &self,
        cluster: &ClusterObject,
        warning: bool,
        reason: &str,
        text: &str,
        child: Option<ObjectReference>,
    ) {
        if !self.leadership.may_act() {
            // Whoever leads now tells what it sees.
            return;
        }
        let mut note = text.to_owned();
        while note.len() > MAX_NOTE_BYTES {
            note.pop();
        }
        let event = Event {
            type_: if warning { EventType::Warning } else { EventType::Normal },
            reason: reason.to_owned(),
            note: Some(note),
            action: "Reconcile".to_owned(),
            secondary: child,
        };
        let about = ObjectReference {
            api_version: Some(format!("{GROUP}/{VERSION}")),
            kind: Some(KIND.to_owned()),
            namespace: Some(cluster.key.namespace.clone()),
            name: Some(cluster.key.name.clone()),
            uid: Some(cluster.uid.clone()),
            ..ObjectReference::default()
        };
        match timeout(TIMEOUT, self.recorder.publish(&event, &about)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => debug!(%error, reason, "an event could not be told"),
            Err(_) => debug!(reason, "an event could not be told in time"),
        }
    }
}

/// A child, and where in it: what is told of another place is no repetition.
#[must_use]
pub fn child(key: &ObjectKey, fields: &str) -> ObjectReference {
    let ObjectKey { group, version, kind, namespace, name } = key;
    let api_version = if group.is_empty() { version.clone() } else { format!("{group}/{version}") };
    ObjectReference {
        api_version: Some(api_version),
        kind: Some(kind.clone()),
        namespace: namespace.clone(),
        name: Some(name.clone()),
        field_path: Some(fields.to_owned()),
        ..ObjectReference::default()
    }
}
