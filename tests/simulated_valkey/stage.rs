//! What a script can do, whatever the servers are.

use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Kill,
    Terminate,
    Stop,
    Continue,
}

/// Servers with a number each, and clients with a name at each.
pub trait Stage {
    /// Starts a server on its volume; clients of the one before have gone.
    fn start(&mut self, server: usize, configuration: &str);
    fn signal(&mut self, server: usize, signal: Signal);
    /// How a server has ended; it is waited for.
    fn exit(&mut self, server: usize) -> String;
    /// Sends words on a client's connection, which is made when there is none.
    fn send(&mut self, server: usize, client: &str, words: &[&str]) -> Result<(), String>;
    /// The next answer to a client, or why there is none; the connection is gone then.
    fn answer(&mut self, server: usize, client: &str, limit: Duration) -> String;
    /// A client goes.
    fn leave(&mut self, server: usize, client: &str);
    /// From now on no snapshot gets onto the server's volume.
    fn break_disk(&mut self, server: usize);
    fn pass(&mut self, time: Duration);
    fn port(&mut self, server: usize) -> u16;
}
