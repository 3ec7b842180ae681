//! Who says which pod is master.

/// Who says which pod is master.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Roles {
    /// The operator: every server starts as a replica of nowhere.
    #[default]
    Elected,
    /// Nobody: the pod with this ordinal is master for ever. For use without the operator.
    Static {
        /// The master's ordinal.
        master: u32,
    },
}
