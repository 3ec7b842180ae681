//! From a sound cluster to its manifests: [`render`].
//!
//! ```text
//! ValidatedCluster ─▶ context (decides) ─▶ catalog × templates (write) ─▶ ManifestSet
//! ```
//!
//! A pure function: the same cluster gives the same bytes, on every machine, for ever. The text
//! that a template writes is the output; nothing parses or rewrites it on the way. Templates hold
//! no default, no name and no check. What never happens here: a file, a socket, a clock, an
//! environment variable, a random number, or a secret value.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod alerts;
mod catalog;
mod context;
mod environment;

use minijinja::Value;
use minijinja::value::Serde;

use crate::cluster::ValidatedCluster;
use crate::manifest::Manifest;
use crate::manifest::ManifestError;
use crate::manifest::ManifestSet;

pub use catalog::{CATALOG, CatalogRow};

use context::Context;
use environment::ENVIRONMENT;

/// Why a sound cluster could not be rendered: a bug in Gungnir, never in the user's file.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A template is at fault.
    #[error("template `{template}` failed")]
    Template {
        /// The template's file name.
        template: &'static str,
        /// What minijinja says.
        source: minijinja::Error,
    },
    /// A structure could not be written.
    #[error("the context could not be made")]
    Context {
        /// What the writer says.
        source: serde_json::Error,
    },
    /// Two templates wrote one object.
    #[error("two templates wrote one object")]
    Twice {
        /// Which one.
        source: ManifestError,
    },
}

/// Renders every manifest of a cluster.
///
/// # Errors
///
/// [`RenderError`], when Gungnir itself is at fault.
pub fn render(cluster: &ValidatedCluster) -> Result<ManifestSet, RenderError> {
    let mut set = ManifestSet::new();
    render_into(cluster, &mut set)?;
    Ok(set)
}

/// Renders every manifest of a cluster into a set that may hold others.
///
/// # Errors
///
/// [`RenderError`], when Gungnir itself is at fault, or when an object is in the set already.
pub fn render_into(cluster: &ValidatedCluster, set: &mut ManifestSet) -> Result<(), RenderError> {
    let context = Context::of(cluster).map_err(|source| RenderError::Context { source })?;
    let context = Value::from(Serde(&context));
    for row in CATALOG.iter().filter(|row| (row.when)(cluster)) {
        let fault = |source| RenderError::Template { template: row.template, source };
        let template = ENVIRONMENT.get_template(row.template).map_err(fault)?;
        let text = template.render(&context).map_err(fault)?;
        let manifest = Manifest::rendered(row.key(cluster), text);
        set.insert(manifest).map_err(|source| RenderError::Twice { source })?;
    }
    Ok(())
}
