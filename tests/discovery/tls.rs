//! TLS and a password, with every version's own `valkey-cli`.

use std::process::Output;
use std::sync::Arc;

use gungnir::discovery::{Config, Directory, Instance, Publisher, Secret, Set};
use tempfile::TempDir;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::ours::{Ours, config};
use crate::support::valkey::{Installed, certificate_files, install, write_file};

/// The folder of a certificate for 127.0.0.1, and a server's settings with it.
fn tls() -> (TempDir, Arc<ServerConfig>) {
    let folder = TempDir::new().unwrap();
    for (name, content) in certificate_files(&["127.0.0.1"]) {
        write_file(&folder.path().join(name), &content);
    }
    let file = |name: &str| folder.path().join(name);
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(file("tls.crt")).unwrap().collect();
    let key = PrivateKeyDer::from_pem_file(file("tls.key")).unwrap();
    let settings = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.unwrap(), key)
        .unwrap();
    (folder, Arc::new(settings))
}

fn cli(installed: &Installed, port: u16, options: &[&str], request: &[&str]) -> Output {
    let mut command = std::process::Command::new("timeout");
    command
        .args(["--kill-after=1", "20"])
        .arg(installed.program("valkey-cli").get_program())
        .args(["-p", &port.to_string()])
        .args(options)
        .args(request);
    command.output().unwrap()
}

#[test]
fn every_valkey_cli_finds_the_master_over_tls() {
    let (folder, tls) = tls();
    let authority = folder.path().join("ca.crt");
    let authority = authority.to_str().unwrap();
    let mut set = Set::new(std::time::Instant::now());
    set.master = Some(Instance::at("10.0.0.1", 6379));
    let mut directory = Directory::default();
    directory.sets.insert("demo".into(), Arc::new(set));
    let publisher = Publisher::new();
    publisher.publish(Arc::new(directory), &[]);
    let guarded = Config { tls: Some(tls), password: Some(Secret::new("sesame")), ..config() };
    let ours = Ours::start(guarded, publisher.feed());
    let request = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "demo"];
    let secure = ["--tls", "--cacert", authority];
    for installed in &install() {
        for resp in ["-2", "-3"] {
            let options = [&secure[..], &["-a", "sesame", "--no-auth-warning", resp]].concat();
            let found = cli(installed, ours.port, &options, &request);
            let found = String::from_utf8_lossy(&found.stdout).into_owned();
            assert_eq!(found, "10.0.0.1\n6379\n", "{} {resp}", installed.version);
        }
        let unsigned = cli(installed, ours.port, &secure, &request);
        let unsigned = String::from_utf8_lossy(&unsigned.stdout).into_owned();
        assert_eq!(unsigned.trim(), "NOAUTH Authentication required.", "{}", installed.version);
        let plain = cli(installed, ours.port, &[], &request);
        assert!(!plain.status.success(), "plain bytes were answered: {plain:?}");
    }
}
