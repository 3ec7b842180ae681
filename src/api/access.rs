//! Who may talk to the servers: passwords and certificates.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Password authentication of applications.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Auth {
    /// Whether applications must authenticate. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,

    /// Where the password of the applications is kept. Default: the key `password` of the Secret
    /// `NAME-secret`, which the operator creates once with a random password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing_secret: Option<SecretKey>,
}

/// One key of a Secret in the cluster's namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretKey {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,

    /// The key in it. Default: `password`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub key: Option<String>,
}

/// Encryption of client and replication traffic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.certSecretName) || !has(self.issuerRef)")
        .message("certSecretName and issuerRef exclude each other: name an existing Secret, or let cert-manager make one"),
    validation = Rule::new("!self.?enabled.orValue(false) || has(self.certSecretName) || has(self.issuerRef)")
        .message("TLS needs a certificate: set certSecretName or issuerRef")
)]
pub struct Tls {
    /// Whether clients and replicas speak TLS; the plain port is closed then. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,

    /// An existing Secret with the keys `tls.crt`, `tls.key` and `ca.crt`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub cert_secret_name: Option<String>,

    /// The cert-manager issuer of the Certificate `NAME-tls`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer_ref: Option<IssuerRef>,

    /// How long a certificate of `issuerRef` is valid, as a Go duration. Default: 2160h (90 days).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    pub duration: Option<String>,

    /// How long before its end a certificate of `issuerRef` is renewed, as a Go duration.
    /// Default: 720h (30 days).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    pub renew_before: Option<String>,

    /// Whether clients show a certificate: `off`, `optional` or `require`. Default: optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_auth: Option<ClientAuth>,

    /// DNS names in the certificate of `issuerRef` beside those of the Services and pods.
    /// Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253)))]
    pub extra_dns_names: Option<Vec<String>>,
}

/// Whether a client must show a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuth {
    /// Client certificates are not asked for.
    Off,
    /// A certificate that is shown must be valid.
    #[default]
    Optional,
    /// Every client shows a valid certificate.
    Require,
}

/// A cert-manager issuer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuerRef {
    /// The issuer's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,

    /// `Issuer`, `ClusterIssuer`, or the kind of an external issuer. Default: Issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub kind: Option<String>,

    /// The API group of the issuer. Default: cert-manager.io.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub group: Option<String>,
}
