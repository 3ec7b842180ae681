//! Reads people's YAML and says what is wrong with it, where, and what helps.
//!
//! ```text
//! bytes ─ Source ─▶ Document (value + places) ─ Schema ─▶ Fault ─▶ Diagnostic ─▶ Report
//!                                               checks of `cluster` ─┘
//! ```
//!
//! A [`Document`] knows the line and column of each of its fields, so that a check
//! anywhere else names only a [`FieldPath`](crate::cluster::field_path::FieldPath).
//! Any bytes give documents or diagnostics: no input panics, hangs or takes more
//! memory than [`limits`] allow.
//!
//! **Never here:** opening a file, printing, colour by guess, a decision about what
//! a field means. Secret values are cut out of every line and message shown.

mod diagnostic;
mod document;
mod fault;
pub mod limits;
mod node;
mod object_meta;
mod pieces;
mod place;
mod report;
mod schema;
mod secrets;
mod snippet;
mod source;
mod suggest;
mod syntax;
mod walk;

pub use diagnostic::Diagnostic;
pub use diagnostic::Severity;
pub use diagnostic::Style;
pub use document::Document;
pub use document::Documents;
pub use document::Identity;
pub use document::SetError;
pub use fault::Fault;
pub use fault::Part;
pub use place::Place;
pub use report::Report;
pub use schema::Schema;
pub use schema::SchemaError;
pub use source::Source;
