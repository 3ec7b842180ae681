//! Kubernetes objects as text and as data: their order, their YAML, their differences.
//!
//! ```text
//! template text ─▶ Manifest ─▶ ManifestSet ─┬─▶ its text (`---` and document, byte for byte)
//!                                           └─▶ compare(from, to) ─▶ Comparison (masked)
//! ```
//!
//! **Invariant.** Nothing here renders, applies, prints, or reads a file or a clock, and the order
//! of everything that comes out is total: the same objects give the same bytes for ever.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod error;
mod key;
mod set;
pub mod yaml;

pub use error::ManifestError;
pub use key::ObjectKey;
pub use set::{Manifest, ManifestSet};
