//! A certificate that every machine of a world may show, and its authority.

use std::path::PathBuf;

use super::network::controller_address;
use super::network::node_address;
use super::world::World;
use crate::support::valkey::certificate_files;
use crate::support::valkey::write_file;

/// The files, for nodes 1 to 9 and the first controller.
#[derive(Debug, Clone)]
pub struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// Those of a world; made at the first call.
    pub fn of(world: &World) -> Self {
        let folder = world.folder("certificates");
        if !folder.join("tls.crt").exists() {
            let addresses = (1..=9).map(node_address).chain([controller_address(1)]);
            let names: Vec<String> = addresses.map(|address| address.to_string()).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            for (name, content) in certificate_files(&names) {
                write_file(&folder.join(name), &content);
            }
        }
        Self { folder }
    }

    /// Whose signature is on the certificate.
    pub fn authority(&self) -> String {
        self.file("ca.crt")
    }

    /// The certificate.
    pub fn certificate(&self) -> String {
        self.file("tls.crt")
    }

    /// Its key.
    pub fn key(&self) -> String {
        self.file("tls.key")
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}
