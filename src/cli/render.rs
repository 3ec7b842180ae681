//! `gungnir render`: clusters in, manifests out.

use std::collections::BTreeSet;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::cluster::{Roles, ValidatedCluster};
use crate::input::{Diagnostic, Place};
use crate::manifest::ManifestSet;
use crate::render::render_into;

use super::adjustments::{Adjustments, Override};
use super::console::Console;
use super::exit::{Failure, Outcome};
use super::files::{STDIN, files_below, is_folder, read_source};
use super::filter::Filter;
use super::load::Loaded;
use super::output_dir::OutputDir;
use super::progress::Progress;

/// What the command line may say about clusters, in every command that reads them.
#[derive(Debug, Default, Args)]
pub(super) struct ClusterArgs {
    /// The namespace of clusters that name none.
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,

    /// Without the operator: the pod with this ordinal is master for ever, and nobody fails over.
    #[arg(long, value_name = "ORDINAL")]
    master: Option<u32>,

    /// Set a field of every cluster, like `replicas=5` or `metadata.labels.team=core`; the value
    /// is YAML. Repeatable.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    overrides: Vec<String>,
}

impl ClusterArgs {
    /// What to do to every cluster that is read.
    ///
    /// # Errors
    ///
    /// When an override is none. Its value is never told: it may be a secret.
    pub(super) fn adjustments(&self) -> Result<Adjustments, Failure> {
        let overrides = self.overrides.iter().map(|text| Override::parse(text));
        let overrides = overrides.collect::<Result<_, _>>();
        Ok(Adjustments {
            namespace: self.namespace.clone(),
            overrides: overrides
                .map_err(|cause| Failure::usage(format_args!("`--set`: {cause}")))?,
            roles: match self.master {
                Some(master) => Roles::Static { master },
                None => Roles::Elected,
            },
        })
    }

    pub(super) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    pub(super) fn master(&self) -> Option<u32> {
        self.master
    }
}

/// Arguments of `gungnir render`.
#[derive(Debug, Args)]
pub(super) struct RenderArgs {
    /// Files, directories, or `-` for stdin.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    cluster: ClusterArgs,

    /// How to print the manifests.
    #[arg(short, long, value_enum, default_value_t, conflicts_with = "output_dir")]
    output: Format,

    /// Only objects of this kind and name; `*` stands for anything. Repeatable.
    #[arg(long, value_name = "KIND[/NAME]", value_parser = Filter::parse)]
    only: Vec<Filter>,

    /// Pass objects of other kinds through.
    #[arg(long)]
    keep_others: bool,

    /// Write one file an object below this directory; files whose bytes stay are not touched.
    #[arg(long, value_name = "DIR")]
    output_dir: Option<PathBuf>,

    /// Delete files below the directory that Gungnir wrote and that are rendered no more.
    #[arg(long, requires = "output_dir", conflicts_with = "only")]
    prune: bool,

    /// Write nothing; exit 1 when the directory is not what would be written.
    #[arg(long, requires = "output_dir")]
    check: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Yaml,
    Json,
}

pub(super) fn run(arguments: &RenderArgs, console: &Console) -> Result<Outcome, Failure> {
    let RenderArgs { paths, cluster, output, only, keep_others, output_dir, prune, check } =
        arguments;
    let mut progress = Progress::new(console);
    let loaded = load(paths, &cluster.adjustments()?, *keep_others, &mut progress)?.into_sound()?;
    // The program ends soon, and all memory goes with it: handing it back piece by piece takes time.
    let loaded = ManuallyDrop::new(loaded);
    if let Some(master) = cluster.master() {
        console.note(format_args!(
            "note: rendered with a static master (ordinal {master}): nobody fails over when it \
             dies, and its pod restarts without a handover"
        ));
    }
    let rendered = ManuallyDrop::new(pick(render_all(&loaded, &mut progress)?, only, true)?);

    if let Some(directory) = output_dir {
        let directory = OutputDir::new(directory, &rendered, *prune)?;
        return if *check { directory.check(console) } else { directory.write(console) };
    }
    match output {
        Format::Yaml => console.manifests(&rendered)?,
        Format::Json => {
            console.data(&rendered.to_json().map_err(|error| Failure::Usage(error.into()))?)?;
        }
    }
    Ok(Outcome::Done)
}

/// The objects that `--only` wants. Where `each_fits`, a pattern that wants none is a mistake.
pub(super) fn pick(
    rendered: ManifestSet,
    only: &[Filter],
    each_fits: bool,
) -> Result<ManifestSet, Failure> {
    if only.is_empty() {
        return Ok(rendered);
    }
    if each_fits
        && let Some(idle) =
            only.iter().find(|filter| !rendered.iter().any(|m| filter.takes(m.key())))
    {
        let known: BTreeSet<String> =
            rendered.iter().map(|m| format!("{}/{}", m.key().kind, m.key().name)).collect();
        let known: Vec<&str> = known.iter().take(20).map(String::as_str).collect();
        return Err(Failure::usage(format_args!(
            "`--only {}` fits no object; there are {}",
            idle.text(),
            known.join(", ")
        )));
    }
    let wanted = rendered.iter().filter(|m| only.iter().any(|filter| filter.takes(m.key())));
    wanted.cloned().collect::<Result<_, _>>().map_err(|error| Failure::Usage(error.into()))
}

/// Reads every file that the paths mean. Faults are in the report; only what cannot be read at
/// all is a failure.
pub(super) fn load(
    paths: &[PathBuf],
    adjustments: &Adjustments,
    keep_others: bool,
    progress: &mut Progress<'_>,
) -> Result<Loaded, Failure> {
    let mut loaded = Loaded::default();
    for path in paths {
        let before = loaded.clusters.len() + loaded.report.errors();
        for file in files_below(path)? {
            tracing::info!(file = %file.display(), "reading");
            match read_source(&file) {
                Ok(source) => loaded.read(&source, adjustments, keep_others, progress),
                Err(Failure::Input(report)) => loaded.report.add(report.shown().cloned()),
                Err(failure) => return Err(failure),
            }
        }
        if loaded.clusters.len() + loaded.report.errors() == before {
            loaded.report.add([nothing_in(path)?]);
        }
    }
    Ok(loaded)
}

fn nothing_in(path: &Path) -> Result<Diagnostic, Failure> {
    let (name, what) = if path == Path::new(STDIN) {
        ("stdin".to_owned(), "there is no ValkeyCluster on stdin")
    } else if is_folder(path)? {
        (path.display().to_string(), "there is no ValkeyCluster in this directory")
    } else {
        (path.display().to_string(), "there is no ValkeyCluster in this file")
    };
    let hint = "a cluster has `apiVersion: valkey.verilean.io/v1` and `kind: ValkeyCluster`";
    Ok(Diagnostic::of_file(name, Place::START, what, hint))
}

/// Every manifest of every cluster, and the others.
pub(super) fn render_all(
    loaded: &Loaded,
    progress: &mut Progress<'_>,
) -> Result<ManifestSet, Failure> {
    render_keeping(loaded, progress, drop)
}

/// The same for who needs the clusters, too: each is handed over once it is rendered.
pub(super) fn render_keeping(
    loaded: &Loaded,
    progress: &mut Progress<'_>,
    mut keep: impl FnMut(ValidatedCluster),
) -> Result<ManifestSet, Failure> {
    let mut set = ManifestSet::new();
    for cluster in &loaded.clusters {
        let cluster = cluster.validated()?;
        render_into(&cluster, &mut set).map_err(|error| Failure::Usage(error.into()))?;
        keep(cluster);
        progress.step("clusters rendered");
    }
    let clusters = loaded.clusters.len();
    for manifest in &loaded.others {
        set.insert(manifest.clone()).map_err(|error| {
            let place = loaded.place_of_other(manifest.key()).unwrap_or("the input");
            Failure::Usage(anyhow::Error::new(error).context(place.to_owned()))
        })?;
    }
    tracing::info!(clusters, objects = set.len(), "rendered");
    Ok(set)
}
