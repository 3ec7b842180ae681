//! TLS: whom we trust, by which name, and who we are.

use std::time::Duration;

use gungnir::valkey::Command;
use gungnir::valkey::Dial;
use gungnir::valkey::Lost;
use gungnir::valkey::OpenError;
use gungnir::valkey::Stage;
use gungnir::valkey::client_config;
use tokio_rustls::rustls;

use crate::client::Client;
use crate::client::dial;
use crate::client::server;
use crate::support::valkey::Installed;
use crate::support::valkey::Server;
use crate::support::valkey::ServerSetup;
use crate::support::valkey::certificate_files;
use crate::version::on_every_version;

on_every_version!(
    a_server_is_known_by_its_name_while_its_address_is_dialled,
    a_stranger_is_refused,
    a_client_shows_its_certificate_where_it_is_asked_for,
    plain_and_tls_do_not_understand_each_other,
);

/// The name in the servers' certificates, which nothing resolves.
const NAME: &str = "demo-0.demo-headless.default.svc";

type Files = Vec<(String, Vec<u8>)>;

fn file<'a>(files: &'a Files, name: &str) -> &'a [u8] {
    let found = files.iter().find(|(known, _)| known == name);
    &found.expect("a file of certificates").1
}

fn start(version: &Installed, files: &Files, conf: &str) -> Server {
    let conf = format!(
        "save \"\"\ntls-ca-cert-file ca.crt\ntls-cert-file tls.crt\ntls-key-file tls.key\n{conf}\n"
    );
    let cli = ["--tls", "--cacert", "ca.crt", "--cert", "tls.crt", "--key", "tls.key"];
    let cli_options = cli.map(str::to_owned).to_vec();
    let files = files.clone();
    version.start(&ServerSetup { conf, files, tls: true, cli_options, ..ServerSetup::default() })
}

fn secure(port: u16, authority: &[u8], client: Option<(&[u8], &[u8])>) -> Dial {
    let config = client_config(authority, client).expect("settings of TLS");
    Dial { tls: Some(config), server_name: Some(NAME.to_owned()), ..dial(port) }
}

/// A server that speaks TLS and asks for no certificate, and how to reach it.
pub fn tls_server(version: &Installed, conf: &str) -> (Server, Dial) {
    let files = certificate_files(&[NAME]);
    let server = start(version, &files, &format!("tls-auth-clients no\n{conf}"));
    let dial = secure(server.port, file(&files, "ca.crt"), None);
    (server, dial)
}

fn fault(dial: &Dial) -> rustls::Error {
    match Client::try_open(dial).expect_err("a fault of TLS") {
        OpenError::Tls { fault, .. } => fault,
        other => panic!("{other:?}"),
    }
}

fn a_server_is_known_by_its_name_while_its_address_is_dialled(version: &Installed) {
    let (server, mut dial) = tls_server(version, "");
    let mut client = Client::try_open(&dial).expect("a connection");
    assert_eq!(client.info().tcp_port, server.port);
    // Kept and used again and again.
    for _ in 0..10 {
        client.value(Command::ping());
    }
    // The address is in the certificate, too.
    dial.server_name = None;
    assert!(Client::try_open(&dial).is_ok());
    dial.server_name = Some("other.example".to_owned());
    let wrong = fault(&dial);
    assert!(matches!(wrong, rustls::Error::InvalidCertificate(_)), "{wrong:?}");
    dial.server_name = Some("not a name".to_owned());
    let none = Client::try_open(&dial).expect_err("no name");
    assert_eq!(none, OpenError::ServerName { name: "not a name".to_owned() });
}

fn a_stranger_is_refused(version: &Installed) {
    let (_server, mut dial) = tls_server(version, "");
    let other = certificate_files(&[NAME]);
    dial.tls = Some(client_config(file(&other, "ca.crt"), None).expect("settings of TLS"));
    // Both authorities have the same name, so that the signature decides.
    let signature = rustls::CertificateError::BadSignature;
    assert_eq!(fault(&dial), rustls::Error::InvalidCertificate(signature));
}

fn a_client_shows_its_certificate_where_it_is_asked_for(version: &Installed) {
    let files = certificate_files(&[NAME]);
    let server = start(version, &files, "tls-auth-clients yes");
    let authority = file(&files, "ca.crt");
    let pair = (file(&files, "tls.crt"), file(&files, "tls.key"));
    let mut known = Client::try_open(&secure(server.port, authority, Some(pair)));
    let client = known.as_mut().expect("a connection");
    client.value(Command::ping());
    // With TLS 1.3 the server refuses when we believe that all is agreed on.
    let error = fault(&secure(server.port, authority, None));
    assert!(matches!(error, rustls::Error::AlertReceived(_)), "{error:?}");
    let other = certificate_files(&[NAME]);
    let pair = (file(&other, "tls.crt"), file(&other, "tls.key"));
    let error = fault(&secure(server.port, authority, Some(pair)));
    assert!(matches!(error, rustls::Error::AlertReceived(_)), "{error:?}");
}

fn plain_and_tls_do_not_understand_each_other(version: &Installed) {
    let (secure_server, mut towards_tls) = tls_server(version, "");
    let tls = towards_tls.tls.take();
    let error = Client::try_open(&towards_tls).expect_err("no reply");
    // No alert comes: the server drops what is no TLS with our bytes unread.
    let address = towards_tls.address;
    assert_eq!(error, OpenError::Lost { address, lost: Lost::Reset });
    drop(secure_server);

    let plain = server(version, "");
    // It takes the start of TLS for the start of a command, and waits for the rest.
    let limit = Duration::from_millis(200);
    let server_name = Some(NAME.to_owned());
    let towards_plain = Dial { tls, server_name, connect_timeout: limit, ..dial(plain.port) };
    let error = Client::try_open(&towards_plain).expect_err("no TLS");
    let address = towards_plain.address;
    assert_eq!(error, OpenError::TimedOut { address, stage: Stage::Tls, limit });
}
