//! What a server for clients of Sentinel is set up with: files with a password and certificates.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::discovery;
use crate::runtime::MAX_PASSWORD_BYTES;

use super::exit::Failure;

/// A server for clients of Sentinel, with a new id; `tls` is a certificate and its key.
pub(super) fn discovery_config(
    listen: SocketAddr,
    password_file: Option<&Path>,
    tls: Option<(&Path, &Path)>,
) -> Result<discovery::Config, Failure> {
    let mut id = [0_u8; 20];
    getrandom::fill(&mut id)
        .map_err(|error| Failure::Io(anyhow!("no random bytes can be had: {error}")))?;
    let mut config = discovery::Config::new(listen, hex(&id));
    if let Some(path) = password_file {
        config.password = Some(discovery::Secret::new(first_line(path)?.into_bytes()));
    }
    if let Some((cert, key)) = tls {
        config.tls = Some(server_tls(cert, key)?);
    }
    Ok(config)
}

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes of a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path)
        .map_err(|error| Failure::io(error, format_args!("cannot read `{}`", path.display())))
}

/// The first line of a file with a password, without its end.
pub(super) fn first_line(path: &Path) -> Result<String, Failure> {
    let length = fs::metadata(path).map_or(0, |about| about.len());
    if length > MAX_PASSWORD_BYTES {
        return Err(Failure::usage(format_args!(
            "`{}` is too long for a file with a password",
            path.display()
        )));
    }
    let text = String::from_utf8(read(path)?)
        .map_err(|_| Failure::usage(format_args!("`{}` is not UTF-8", path.display())))?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        let message = format_args!("the first line of `{}` is empty", path.display()).to_string();
        return Err(Failure::usage(message));
    }
    Ok(line.to_owned())
}

fn server_tls(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, Failure> {
    let build = || -> anyhow::Result<_> {
        let chain: Vec<_> = CertificateDer::pem_file_iter(cert)
            .and_then(Iterator::collect)
            .with_context(|| format!("`{}` holds no certificate", cert.display()))?;
        let key = PrivateKeyDer::from_pem_file(key)
            .with_context(|| format!("`{}` holds no key", key.display()))?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .context("certificate and key do not fit")?;
        Ok(Arc::new(config))
    };
    build().map_err(Failure::Usage)
}
