//! `gungnir plugin`: definitions for tools that call Gungnir, and what they call.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::json;

use super::adjustments::{Adjustments, Override};
use super::console::Console;
use super::exit::{Failure, Outcome};
use super::files::files_below;
use super::files::read_source;
use super::load::Loaded;
use super::progress::Progress;
use super::render::{load, render_all};

/// The `plugin.yaml` of an Argo CD sidecar.
const ARGOCD: &str = include_str!("../../templates/plugin/argocd.yaml");
/// What Argo CD has to be told of a cluster's health.
const ARGOCD_HEALTH: &str = include_str!("../../templates/plugin/argocd-health.yaml");
/// The stanza of a kustomization.
const KUSTOMIZE: &str = include_str!("../../templates/plugin/kustomize.yaml");
/// Where Argo CD puts what a user typed for the application.
const PARAMETERS_VARIABLE: &str = "ARGOCD_APP_PARAMETERS";
/// Where Argo CD puts the namespace of the application.
const NAMESPACE_VARIABLE: &str = "ARGOCD_APP_NAMESPACE";
/// A folder with one of these is for another tool of Argo CD's, whatever else is in it.
const OTHER_TOOLS: [&str; 4] =
    ["Chart.yaml", "kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Arguments of `gungnir plugin`.
#[derive(Debug, Args)]
pub(super) struct PluginArgs {
    #[command(subcommand)]
    tool: Tool,
}

#[derive(Debug, Subcommand)]
enum Tool {
    /// Print Argo CD's plugin.yaml, or do what it calls.
    Argocd {
        #[command(subcommand)]
        call: Option<ArgocdCall>,
    },
    /// Print the stanza for a kustomization.
    Kustomize,
}

#[derive(Debug, Subcommand)]
enum ArgocdCall {
    /// Print the manifests of the current directory.
    Generate,
    /// Print the files that hold clusters; nothing when there are none.
    Discover,
    /// Print what a user may set for an application.
    Parameters,
    /// Print a patch of argocd-cm by which Argo CD tells the health of clusters.
    Health,
}

pub(super) fn run(arguments: &PluginArgs, console: &Console) -> Result<Outcome, Failure> {
    match &arguments.tool {
        Tool::Kustomize => console.data(KUSTOMIZE)?,
        Tool::Argocd { call: None } => console.data(ARGOCD)?,
        Tool::Argocd { call: Some(ArgocdCall::Health) } => console.data(ARGOCD_HEALTH)?,
        Tool::Argocd { call: Some(ArgocdCall::Generate) } => generate(console)?,
        Tool::Argocd { call: Some(ArgocdCall::Discover) } => discover(console)?,
        Tool::Argocd { call: Some(ArgocdCall::Parameters) } => {
            console.data(&format!("{:#}\n", parameters()))?;
        }
    }
    Ok(Outcome::Done)
}

/// Argo CD runs the plugin in the folder of the application.
fn generate(console: &Console) -> Result<(), Failure> {
    let adjustments = adjustments(
        std::env::var(PARAMETERS_VARIABLE).ok().as_deref(),
        std::env::var(NAMESPACE_VARIABLE).ok(),
    )?;
    let mut progress = Progress::new(console);
    let loaded = load(&[PathBuf::from(".")], &adjustments, true, &mut progress)?.into_sound()?;
    console.manifests(&render_all(&loaded, &mut progress)?)
}

fn discover(console: &Console) -> Result<(), Failure> {
    // Argo CD asks plugins before its own tools: one that says yes takes the application from them.
    if OTHER_TOOLS.iter().any(|file| Path::new(file).is_file()) {
        return Ok(());
    }
    let mut found = String::new();
    let mut progress = Progress::new(console);
    for file in files_below(".".as_ref())? {
        // A file that is not YAML is not ours: whoever owns it says so.
        let Ok(source) = read_source(&file) else { continue };
        let mut loaded = Loaded::default();
        loaded.read(&source, &Adjustments::default(), false, &mut progress);
        if !loaded.clusters.is_empty() || loaded.report.errors() > 0 && mentions_us(source.text()) {
            found.push_str(&file.to_string_lossy());
            found.push('\n');
        }
    }
    console.data(&found)
}

fn mentions_us(text: &str) -> bool {
    text.contains(crate::api::GROUP)
}

/// One parameter as Argo CD hands it over.
#[derive(Debug, Deserialize)]
struct Parameter {
    name: String,
    #[serde(default)]
    string: Option<String>,
    #[serde(default)]
    array: Option<Vec<String>>,
    #[serde(default)]
    map: Option<BTreeMap<String, String>>,
}

fn adjustments(
    parameters: Option<&str>,
    namespace: Option<String>,
) -> Result<Adjustments, Failure> {
    let mut adjustments = Adjustments { namespace, ..Adjustments::default() };
    // Argo CD sends `null` for an application that sets none.
    let parameters: Option<Vec<Parameter>> = match parameters.filter(|text| !text.trim().is_empty())
    {
        None => None,
        Some(text) => serde_json::from_str(text).map_err(|error| {
            Failure::usage(format_args!(
                "`{PARAMETERS_VARIABLE}` is not what Argo CD sends: {error}"
            ))
        })?,
    };
    for Parameter { name, string, array, map } in parameters.unwrap_or_default() {
        match (name.as_str(), string, array, map) {
            ("set", _, Some(values), _) => {
                for value in values {
                    let value = Override::parse(&value).map_err(|cause| {
                        Failure::usage(format_args!("parameter `set`: {cause}"))
                    })?;
                    adjustments.overrides.push(value);
                }
            }
            ("namespace", Some(namespace), ..) if !namespace.is_empty() => {
                adjustments.namespace = Some(namespace);
            }
            ("namespace", ..) => {}
            (other, ..) => {
                return Err(Failure::usage(format_args!(
                    "there is no parameter `{other}`; there are `namespace` and `set`"
                )));
            }
        }
    }
    Ok(adjustments)
}

fn parameters() -> serde_json::Value {
    json!([
        {
            "name": "namespace",
            "title": "Namespace",
            "tooltip": "The namespace of clusters that name none; default: the application's",
            "itemType": "string",
            "collectionType": "",
        },
        {
            "name": "set",
            "title": "Overrides",
            "tooltip": "Fields of every cluster, like replicas=5",
            "itemType": "string",
            "collectionType": "array",
        },
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn argo_cds_parameters_become_adjustments() {
        let text =
            r#"[{"name":"namespace","string":"prod"},{"name":"set","array":["replicas=5"]}]"#;
        let made = adjustments(Some(text), Some("app".to_owned())).unwrap();
        assert_eq!(made.namespace.as_deref(), Some("prod"));
        assert_eq!(made.overrides.len(), 1);

        let none = adjustments(None, Some("app".to_owned())).unwrap();
        assert_eq!(none.namespace.as_deref(), Some("app"));
        let null = adjustments(Some("null"), Some("app".to_owned())).unwrap();
        assert_eq!((null.namespace, null.overrides.len()), (none.namespace, 0));

        for text in ["{", r#"[{"name":"other"}]"#, r#"[{"name":"set","array":["replicas"]}]"#] {
            assert!(adjustments(Some(text), None).is_err(), "{text}");
        }
    }
}
