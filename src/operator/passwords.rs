//! Makes, restores and reads what a cluster's Secrets hold.

use std::cell::RefCell;
use std::time::Duration;

use kube::api::{ApiResource, GroupVersionKind};
use serde_json::Value;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::cluster::{KeyRef, ValidatedCluster};

use super::cache::{ClusterObject, KindId, View};
use super::error::{ReconcileError, Retry};
use super::facts::{ClusterKey, TlsFiles};
use super::manager::Manager;
use super::memory::Memory;
use super::reason::Reason;
use super::reconcile::Context;
use super::report::Report;
use super::secret::{Passwords, SecretState, SecretStep, bytes_of, next_step, object};

/// How often a certificate is read again: it is renewed days before its end.
const CERTIFICATE_PERIOD: Duration = Duration::from_secs(3600);

/// Brings `N-secret` to hold its passwords, and this process to know them.
///
/// # Errors
///
/// [`ReconcileError`].
pub async fn ensure(
    context: &Context,
    cluster: &ClusterObject,
    view: &View,
    sound: &ValidatedCluster,
    memory: &RefCell<Memory>,
    report: &mut Report,
) -> Result<(), ReconcileError> {
    let kind = secret_kind();
    let name = &sound.names.secret;
    let place = ClusterKey { namespace: cluster.key.namespace.clone(), name: name.clone() };
    let child = kind.and_then(|kind| view.child(&kind.key(&place.namespace, name)));
    let state = SecretState::of(child.map(AsRef::as_ref));
    let known = memory.borrow().passwords.clone();
    match next_step(&state, known.as_ref(), servers_know(view)) {
        SecretStep::Wait | SecretStep::Nothing => Ok(()),
        SecretStep::Read => {
            let Some(secret) = context.requests.read(&secret_resource(), &place).await? else {
                return Ok(());
            };
            let version = secret.metadata.resource_version.unwrap_or_default();
            let [Some(a), Some(b), Some(c)] = Passwords::read(&secret.data) else {
                let text = format!("Secret `{name}` holds an empty password, or no text");
                report.find(Reason::Unreadable, text);
                return Ok(());
            };
            let read = Passwords { version, values: [a, b, c] };
            let known = known.filter(|known| servers_know(view) && read.locks_out(known));
            if let Some(known) = known {
                return put_back(context, &place, &read, &known, memory).await;
            }
            memory.borrow_mut().passwords = Some(read);
            Ok(())
        }
        SecretStep::Make => write(context, &place, &state, None, memory).await,
        SecretStep::Restore => write(context, &place, &state, known, memory).await,
        SecretStep::Lost => {
            let text = format!(
                "Secret `{name}` has lost its passwords, and pods run that were started with them: \
                 restore it, or delete all pods of the cluster so that new ones are made"
            );
            report.find(Reason::PasswordLost, text);
            Ok(())
        }
    }
}

/// Learns what is there, and changes nothing: what a process needs that watches and does not lead.
///
/// # Errors
///
/// [`ReconcileError`].
pub async fn learn(
    context: &Context,
    cluster: &ClusterObject,
    view: &View,
    sound: &ValidatedCluster,
    memory: &RefCell<Memory>,
) -> Result<(), ReconcileError> {
    let name = &sound.names.secret;
    let place = ClusterKey { namespace: cluster.key.namespace.clone(), name: name.clone() };
    let child = secret_kind().and_then(|kind| view.child(&kind.key(&place.namespace, name)));
    let state = SecretState::of(child.map(AsRef::as_ref));
    let known = memory.borrow().passwords.clone();
    if next_step(&state, known.as_ref(), servers_know(view)) == SecretStep::Read
        && let Some(secret) = context.requests.read(&secret_resource(), &place).await?
        && let [Some(a), Some(b), Some(c)] = Passwords::read(&secret.data)
    {
        let version = secret.metadata.resource_version.unwrap_or_default();
        memory.borrow_mut().passwords = Some(Passwords { version, values: [a, b, c] });
    }
    look_for_named(context, cluster, sound, memory, &mut Report::default()).await
}

/// Somebody has changed a password that only Gungnir and the pods use, while pods run that know the
/// old one: nobody would get in any more. The applications' own stays as people wrote it.
async fn put_back(
    context: &Context,
    place: &ClusterKey,
    read: &Passwords,
    known: &Passwords,
    memory: &RefCell<Memory>,
) -> Result<(), ReconcileError> {
    let Some(kind) = secret_kind() else { return Ok(()) };
    let [application, _, _] = read.values.clone();
    let [_, operator, replication] = known.values.clone();
    let values = [application, operator, replication];
    let object = object(&place.namespace, &place.name, &read.version, &values);
    let answer = context.requests.apply(Manager::Secrets, kind, &object, true).await?;
    let version = answer.metadata.resource_version.clone().unwrap_or_default();
    memory.borrow_mut().passwords = Some(Passwords { version, values });
    context.cache.put_answer(kind, answer.metadata, &Value::Null);
    warn!(secret = %place, "passwords that somebody changed under running pods are put back");
    Ok(())
}

/// Writes passwords in the very version that lacked them: nobody else's are ever overwritten.
async fn write(
    context: &Context,
    place: &ClusterKey,
    state: &SecretState,
    known: Option<Passwords>,
    memory: &RefCell<Memory>,
) -> Result<(), ReconcileError> {
    let (SecretState::Missing { version, keys }, Some(kind)) = (state, secret_kind()) else {
        return Ok(());
    };
    let restored = known.is_some();
    let mut values = match known {
        Some(known) => known.values,
        None => Passwords::make()?,
    };
    if keys.len() < values.len()
        && let Some(secret) = context.requests.read(&secret_resource(), place).await?
    {
        for (value, there) in values.iter_mut().zip(Passwords::read(&secret.data)) {
            if let Some(there) = there {
                *value = there;
            }
        }
    }
    let object = object(&place.namespace, &place.name, version, &values);
    let answer = context.requests.apply(Manager::Secrets, kind, &object, false).await?;
    let version = answer.metadata.resource_version.clone().unwrap_or_default();
    memory.borrow_mut().passwords = Some(Passwords { version, values });
    context.cache.put_answer(kind, answer.metadata, &Value::Null);
    info!(secret = %place, restored, "the passwords are written");
    Ok(())
}

/// Looks for the Secrets that the spec names; once found, they are not asked for again until the
/// spec changes.
///
/// # Errors
///
/// [`ReconcileError`].
pub async fn look_for_named(
    context: &Context,
    cluster: &ClusterObject,
    sound: &ValidatedCluster,
    memory: &RefCell<Memory>,
    report: &mut Report,
) -> Result<(), ReconcileError> {
    let now = Instant::now();
    let found = memory.borrow().secrets_found;
    if let Some((generation, at)) = found
        && generation == cluster.generation
    {
        let again = at + CERTIFICATE_PERIOD;
        if sound.transport.is_none() || now < again {
            if sound.transport.is_some() {
                report.wake_at(again);
            }
            return Ok(());
        }
    }
    let mut missing = Vec::new();
    let application = sound.passwords.application.as_ref();
    if let Some(KeyRef { secret, key }) =
        application.filter(|named| named.secret != sound.names.secret)
    {
        let data = read(context, cluster, secret).await?;
        match data {
            None => missing.push(format!("Secret `{secret}` does not exist")),
            Some(data) if data["data"][key].as_str().is_none_or(str::is_empty) => {
                missing.push(format!("Secret `{secret}` has no key `{key}`"));
            }
            Some(_) => {}
        }
    }
    if let Some(transport) = &sound.transport {
        let secret = &transport.secret;
        match read(context, cluster, secret).await? {
            None => missing.push(format!("Secret `{secret}` with the certificate does not exist")),
            Some(data) => match tls_files(&data) {
                Ok(files) => memory.borrow_mut().tls = Some(files),
                Err(key) => missing.push(format!("Secret `{secret}` has no key `{key}`")),
            },
        }
    }
    if missing.is_empty() {
        memory.borrow_mut().secrets_found = Some((cluster.generation, now));
    } else {
        report.find(Reason::SecretMissing, missing.join("; "));
        report.again(Retry::Backoff);
    }
    Ok(())
}

/// Whether servers run with the passwords: a pod alone does not, it is made before they are.
fn servers_know(view: &View) -> bool {
    view.pods.values().any(|pod| pod.has_run())
}

async fn read(
    context: &Context,
    cluster: &ClusterObject,
    name: &str,
) -> Result<Option<Value>, ReconcileError> {
    let place = ClusterKey { namespace: cluster.key.namespace.clone(), name: name.to_owned() };
    let answer = context.requests.read(&secret_resource(), &place).await?;
    Ok(answer.map(|answer| answer.data))
}

fn tls_files(data: &Value) -> Result<TlsFiles, &'static str> {
    let file = |key: &'static str| bytes_of(&data["data"][key]).ok_or(key);
    Ok(TlsFiles { ca: file("ca.crt")?, certificate: file("tls.crt")?, key: file("tls.key")? })
}

fn secret_resource() -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Secret"))
}

fn secret_kind() -> Option<KindId> {
    KindId::all().find(|kind| kind.row().resource.kind == "Secret")
}
