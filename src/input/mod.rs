//! Reads people's YAML and says what is wrong with it, where, and what helps.
//!
//! ```text
//! bytes ─ Source ─▶ Document (value + places) ─ Schema ─▶ Fault ─▶ Diagnostic ─▶ Report
//!                                               checks of `cluster` ─┘
//! ```
//!
//! A [`Document`] knows the line and column of each of its fields, so that a check
//! anywhere else names only a [`FieldPath`](crate::cluster::FieldPath).
//! Any bytes give documents or diagnostics: no input panics, hangs or takes more
//! memory than [`limits`] allow.
//!
//! **Never here:** opening a file, printing, colour by guess, a decision about what
//! a field means. Secret values are cut out of every line and message shown.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod cure;
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
mod set;
mod shown;
mod snippet;
mod source;
mod suggest;
mod syntax;
mod walk;

pub use diagnostic::{Diagnostic, Severity, Style};
pub use document::{Document, Documents, Identity};
pub use fault::{Fault, Part};
pub use place::Place;
pub use report::Report;
pub use schema::{Schema, SchemaError};
pub use set::SetError;
pub use source::Source;
