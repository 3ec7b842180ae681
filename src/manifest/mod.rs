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

mod change;
mod compare;
mod error;
mod impact;
mod key;
mod mask;
mod path;
mod rules;
mod server_config;
mod set;
mod shape;
mod walk;
pub mod yaml;

pub use change::{Action, Comparison, FieldChange, ObjectChange};
pub use compare::{TextChange, compare, compare_texts};
pub use error::ManifestError;
pub use impact::{Impact, UnknownImpact};
pub use key::ObjectKey;
pub use path::{Path, Segment, Side};
pub use set::{Manifest, ManifestSet};
