//! Who decides who is master, as a scenario sees it.

use std::net::SocketAddr;

use super::directory::Directory;

/// A controller of one set.
pub trait Controller {
    /// For reports.
    fn name(&self) -> &'static str;

    /// Where clients learn who is master.
    fn directory(&self) -> Directory;

    /// Whom it names now.
    fn named(&self) -> Option<SocketAddr>;

    /// Asks it to hand the master's role over while all live; to a node of its choice.
    ///
    /// # Panics
    /// When it refuses.
    fn hand_over(&self);
}
