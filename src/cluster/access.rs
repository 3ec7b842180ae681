//! Who may talk to the servers: the resolved `spec.auth` and `spec.tls`.

use crate::api::{Auth, ClientAuth, IssuerRef, SecretKey, Tls};

use super::duration::go_duration_ms;
use super::fault::{Faults, spec};
use super::field_path::FieldPath;
use super::name::{Names, is_dns_name};

/// The key of `NAME-secret` that holds the applications' password.
pub const KEY_PASSWORD: &str = "password";
/// The key of `NAME-secret` that holds the operator's password.
pub const KEY_OPERATOR_PASSWORD: &str = "operator-password";
/// The key of `NAME-secret` that holds the replicas' password.
pub const KEY_REPLICATION_PASSWORD: &str = "replication-password";
/// How long a certificate is valid when the spec says nothing.
pub const DEFAULT_CERTIFICATE_DURATION: &str = "2160h";
/// How long before its end a certificate is renewed when the spec says nothing.
pub const DEFAULT_RENEW_BEFORE: &str = "720h";

/// Where each password comes from; `None` where none is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passwords {
    /// The applications' password.
    pub application: Option<KeyRef>,
    /// The operator's.
    pub operator: Option<KeyRef>,
    /// The replicas'.
    pub replication: Option<KeyRef>,
}

/// One key of a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRef {
    /// The Secret's name.
    pub secret: String,
    /// The key in it.
    pub key: String,
}

impl Passwords {
    /// With an operator its Secret has every password that the spec does not name; without one,
    /// the applications' existing Secret serves all.
    pub(super) fn resolve(
        auth: Option<Auth>,
        names: &Names,
        operated: bool,
        faults: &mut Faults,
    ) -> Self {
        let Auth { enabled, existing_secret } = auth.unwrap_or_default();
        let enabled = enabled.unwrap_or(true);
        let path = spec("auth").key("existingSecret");
        let own = |key: &str| KeyRef { secret: names.secret.clone(), key: key.to_owned() };
        let existing = existing_secret.map(|secret| existing_key(secret, &path, faults));

        if operated {
            let application = existing.unwrap_or_else(|| own(KEY_PASSWORD));
            return Self {
                application: enabled.then_some(application),
                operator: Some(own(KEY_OPERATOR_PASSWORD)),
                replication: Some(own(KEY_REPLICATION_PASSWORD)),
            };
        }
        if !enabled {
            return Self { application: None, operator: None, replication: None };
        }
        if existing.is_none() {
            faults.add_with_help(
                path,
                "is needed with a static master: no operator makes the password, and the pods would wait for it",
                "name a Secret that exists, or set spec.auth.enabled to false",
            );
        }
        Self { application: existing.clone(), operator: existing.clone(), replication: existing }
    }
}

fn existing_key(secret: SecretKey, path: &FieldPath, faults: &mut Faults) -> KeyRef {
    let SecretKey { name, key } = secret;
    let key = key.unwrap_or_else(|| KEY_PASSWORD.to_owned());
    if !is_dns_name(&name) {
        faults.add(
            path.clone().key("name"),
            format!("`{name}` is not a Secret's name: a DNS name was expected"),
        );
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if key.is_empty() || key.len() > 253 || !key.chars().all(fits) {
        faults.add(
            path.clone().key("key"),
            format!(
                "`{key}` is not a Secret's key: letters, digits, `-`, `_` and `.` were expected"
            ),
        );
    }
    KeyRef { secret: name, key }
}

/// Encrypted transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transport {
    /// The Secret with `tls.crt`, `tls.key` and `ca.crt`.
    pub secret: String,
    /// The Certificate to ask cert-manager for.
    pub certificate: Option<CertificateRequest>,
    /// Whether a client must show a certificate.
    pub client_auth: ClientAuth,
}

/// What cert-manager is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRequest {
    /// The issuer's name.
    pub issuer_name: String,
    /// The issuer's kind.
    pub issuer_kind: String,
    /// The issuer's API group.
    pub issuer_group: String,
    /// How long it is valid, as a Go duration.
    pub duration: String,
    /// How long before its end it is renewed, as a Go duration.
    pub renew_before: String,
    /// DNS names beside those of the Services and pods.
    pub extra_dns_names: Vec<String>,
}

impl Transport {
    pub(super) fn resolve(tls: Option<Tls>, names: &Names, faults: &mut Faults) -> Option<Self> {
        let Tls {
            enabled,
            cert_secret_name,
            issuer_ref,
            duration,
            renew_before,
            client_auth,
            extra_dns_names,
        } = tls.unwrap_or_default();
        let path = spec("tls");
        let enabled = enabled.unwrap_or(false);

        match (&cert_secret_name, &issuer_ref) {
            (Some(_), Some(_)) => faults.add_with_help(
                path.clone().key("issuerRef"),
                "certSecretName and issuerRef exclude each other",
                "name an existing Secret, or let cert-manager make one: not both",
            ),
            (None, None) if enabled => faults.add_with_help(
                path.clone().key("enabled"),
                "TLS needs a certificate",
                "set tls.certSecretName to an existing Secret, or tls.issuerRef to a cert-manager issuer",
            ),
            _ => {}
        }
        if let Some(name) = cert_secret_name.as_deref().filter(|name| !is_dns_name(name)) {
            faults.add(
                path.clone().key("certSecretName"),
                format!("`{name}` is not a Secret's name: a DNS name was expected"),
            );
        }
        let extra_dns_names = extra_dns_names.unwrap_or_default();
        for (index, name) in extra_dns_names.iter().enumerate() {
            if !is_dns_name(name.strip_prefix("*.").unwrap_or(name)) {
                faults.add(
                    path.clone().key("extraDnsNames").index(index),
                    format!("`{name}` is not a DNS name"),
                );
            }
        }
        let duration = duration.unwrap_or_else(|| DEFAULT_CERTIFICATE_DURATION.to_owned());
        let renew_before = renew_before.unwrap_or_else(|| DEFAULT_RENEW_BEFORE.to_owned());
        check_lifetimes(&duration, &renew_before, &path, faults);

        let certificate = issuer_ref.map(|IssuerRef { name, kind, group }| CertificateRequest {
            issuer_name: name,
            issuer_kind: kind.unwrap_or_else(|| "Issuer".to_owned()),
            issuer_group: group.unwrap_or_else(|| "cert-manager.io".to_owned()),
            duration,
            renew_before,
            extra_dns_names,
        });
        enabled.then(|| Self {
            secret: cert_secret_name.unwrap_or_else(|| names.tls.clone()),
            certificate,
            client_auth: client_auth.unwrap_or_default(),
        })
    }
}

/// cert-manager refuses certificates of less than an hour, renewals of less than five minutes, and
/// a renewal before the start.
fn check_lifetimes(duration: &str, renew_before: &str, path: &FieldPath, faults: &mut Faults) {
    let mut lifetime_ms = |text: &str, field: &str, least: &str, least_ms: u64| {
        let length_ms = go_duration_ms(text);
        match length_ms {
            None => faults.add_with_help(
                path.clone().key(field),
                format!("`{text}` is not a duration"),
                "write hours, minutes and seconds, like `2160h` or `1h30m`",
            ),
            Some(length_ms) if length_ms < least_ms => {
                faults.add(path.clone().key(field), format!("`{text}` is less than {least}"));
            }
            Some(_) => {}
        }
        length_ms
    };
    let duration_ms = lifetime_ms(duration, "duration", "1h", 3_600_000);
    let renew_before_ms = lifetime_ms(renew_before, "renewBefore", "5m", 300_000);
    if let (Some(duration_ms), Some(renew_before_ms)) = (duration_ms, renew_before_ms)
        && renew_before_ms >= duration_ms
    {
        faults.add(
            path.clone().key("renewBefore"),
            format!("`{renew_before}` before its end is before the start of a certificate of `{duration}`"),
        );
    }
}
