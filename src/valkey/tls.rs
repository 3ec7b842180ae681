//! TLS settings from PEM bytes. Where these are read is the caller's matter.

use std::sync::Arc;

use tokio_rustls::rustls::client::ClientConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, RootCertStore};

/// Why no TLS settings could be made. Nothing of a key is shown.
#[derive(Debug, thiserror::Error)]
pub enum TlsConfigError {
    /// The bytes are no PEM.
    #[error("the {what} is no PEM file: {cause}")]
    Pem {
        /// Which of the files.
        what: &'static str,
        /// What is wrong with it, without a byte of it.
        cause: &'static str,
    },
    /// PEM without a certificate in it.
    #[error("the {what} holds no certificate")]
    NoCertificate {
        /// Which of the files.
        what: &'static str,
    },
    /// PEM without a private key in it.
    #[error("the client's key file holds no private key that is not encrypted")]
    NoKey,
    /// A certificate authority that cannot be trusted.
    #[error("the certificate authority cannot be used")]
    Authority(#[source] rustls::Error),
    /// A certificate and a key that do not belong together, or that are of an unknown kind.
    #[error("the client's certificate and key cannot be used")]
    Client(#[source] rustls::Error),
    /// The provider of cryptography lacks what TLS needs.
    #[error("TLS cannot be set up")]
    Provider(#[source] rustls::Error),
}

/// TLS 1.2 and 1.3 that trusts only `authority`, one or several certificates in PEM; with `client`,
/// a certificate chain and its key in PEM, for servers that ask for them.
///
/// # Errors
/// [`TlsConfigError`] names which of the files is at fault.
pub fn client_config(
    authority: &[u8],
    client: Option<(&[u8], &[u8])>,
) -> Result<Arc<ClientConfig>, TlsConfigError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("certificate authority", authority)? {
        roots.add(certificate).map_err(TlsConfigError::Authority)?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsConfigError::Provider)?
        .with_root_certificates(roots);
    let config = match client {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let chain = certificates("client's certificate file", chain)?;
            let key = PrivateKeyDer::from_pem_slice(key).map_err(|cause| match cause {
                pem::Error::NoItemsFound => TlsConfigError::NoKey,
                cause => TlsConfigError::Pem { what: "client's key file", cause: silent(&cause) },
            })?;
            builder.with_client_auth_cert(chain, key).map_err(TlsConfigError::Client)?
        }
    };
    Ok(Arc::new(config))
}

fn certificates(
    what: &'static str,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(TlsConfigError::NoCertificate { what }),
        Ok(found) => Ok(found),
        Err(cause) => Err(TlsConfigError::Pem { what, cause: silent(&cause) }),
    }
}

/// What is wrong with a PEM file, without what is in it: it may be a key.
fn silent(cause: &pem::Error) -> &'static str {
    match cause {
        pem::Error::MissingSectionEnd { .. } => "a part has no end line",
        pem::Error::IllegalSectionStart { .. } => "a start line is cut off",
        pem::Error::Base64Decode(_) => "a part is not base64",
        pem::Error::SectionTooLarge => "a part is too large",
        _ => "it cannot be read",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate authority, made once for this test; only its form matters here.
    const AUTHORITY: &str = "\
-----BEGIN CERTIFICATE-----
MIIBfjCCASWgAwIBAgIUXYh7weQZtsSi2ZFc4+3t2yjrP7AwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJYXV0aG9yaXR5MCAXDTI2MTEyMzIzMTcyOFoYDzIxMjYxMDMw
MjMxNzI4WjAUMRIwEAYDVQQDDAlhdXRob3JpdHkwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATjL3OR/WJKLCmsXojv6ptkuu6eA3qe1gjrU8c8UcJmFuCuBGKFWBjm
2qYxZvu3cJEcW6grmHZdtcJKszE4ChLko1MwUTAdBgNVHQ4EFgQUgw4Zp/BQ+L+p
CyM6uoqDMR3eP8IwHwYDVR0jBBgwFoAUgw4Zp/BQ+L+pCyM6uoqDMR3eP8IwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiA7S1BxYTIsnpvsnTMSX+uj
kxJcsuOZUza7A/8EAmS2VAIgX2KKR9Q7KfqZae3dRNFkWrsIl5WsrIlKRKkp7Z14
c94=
-----END CERTIFICATE-----
";

    #[test]
    fn an_authority_is_enough() {
        let config = client_config(AUTHORITY.as_bytes(), None).unwrap();
        assert!(!config.client_auth_cert_resolver.has_certs());
        let twice = [AUTHORITY, AUTHORITY].concat();
        assert!(client_config(twice.as_bytes(), None).is_ok());
    }

    #[test]
    fn every_fault_names_its_file() {
        let authority = AUTHORITY.as_bytes();
        let cut = &authority[..authority.len() / 2];
        let broken = AUTHORITY.replacen("MI", "M!", 1);
        let no_key = "the client's key file holds no private key that is not encrypted";
        let start = "-----BEGIN PRIVATE KEY-----\nhunter2\n";
        for (authority, client, message) in [
            (&b""[..], None, "the certificate authority holds no certificate"),
            (b"hello", None, "the certificate authority holds no certificate"),
            (cut, None, "the certificate authority is no PEM file: a part has no end line"),
            (
                broken.as_bytes(),
                None,
                "the certificate authority is no PEM file: a part is not base64",
            ),
            (
                authority,
                Some((&b""[..], &b""[..])),
                "the client's certificate file holds no certificate",
            ),
            (authority, Some((authority, b"")), no_key),
            (authority, Some((authority, authority)), no_key),
            (
                authority,
                Some((authority, start.as_bytes())),
                "the client's key file is no PEM file: a part has no end line",
            ),
        ] {
            assert_eq!(client_config(authority, client).unwrap_err().to_string(), message);
        }
    }
}
