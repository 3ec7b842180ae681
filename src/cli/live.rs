//! The way to a Kubernetes cluster, and what is said when there is none.

use anyhow::anyhow;
use clap::Args;
use kube::config::KubeConfigOptions;
use kube::{Client, Config};

use crate::operator::{ClusterKey, ClusterObject, Inquiry, PreviewError, RequestError, chain};

use super::exit::Failure;

/// Which cluster of the kubeconfig is asked.
#[derive(Debug, Default, Args)]
pub(super) struct ContextArgs {
    /// The context of the kubeconfig [default: the current one; in a pod, its own cluster].
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
}

/// An API server, and the namespace that is meant where none is named.
pub(super) struct Live {
    pub inquiry: Inquiry,
    pub namespace: String,
}

impl ContextArgs {
    /// Runs something that asks the API server, on this thread.
    pub(super) fn run<T>(
        &self,
        namespace: Option<&str>,
        ask: impl AsyncFnOnce(Live) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::io(error, "cannot start"))?;
        runtime.block_on(async { ask(self.connect(namespace).await?).await })
    }

    async fn connect(&self, namespace: Option<&str>) -> Result<Live, Failure> {
        let config = match &self.context {
            None => Config::infer().await.map_err(|error| chain(&error)),
            Some(context) => {
                let context = Some(context.clone());
                let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
                Config::from_kubeconfig(&options).await.map_err(|error| chain(&error))
            }
        };
        let nowhere = |cause: String| {
            let cause = cause.trim_end_matches(['\n', '.']).to_owned();
            Failure::Io(anyhow!(
                "no kubeconfig leads to a cluster: {cause}; set KUBECONFIG, or name one of `kubectl \
                 config get-contexts` by `--context`"
            ))
        };
        let config = config.map_err(nowhere)?;
        let namespace = namespace.map_or_else(|| config.default_namespace.clone(), str::to_owned);
        let client = Client::try_from(config).map_err(|error| nowhere(chain(&error)))?;
        Ok(Live { inquiry: Inquiry::new(client), namespace })
    }
}

impl Live {
    /// Which cluster is meant by a name.
    pub(super) fn key(&self, name: &str) -> ClusterKey {
        ClusterKey { namespace: self.namespace.clone(), name: name.to_owned() }
    }

    /// A cluster that has to be there.
    pub(super) async fn cluster(&self, key: &ClusterKey) -> Result<ClusterObject, Failure> {
        if let Some(cluster) = self.inquiry.cluster(key).await.map_err(|error| failure(&error))? {
            return Ok(cluster);
        }
        let others = self.clusters(Some(&key.namespace)).await?;
        let names: Vec<&str> = others.iter().map(|other| other.key.name.as_str()).collect();
        let there = if names.is_empty() {
            "there is none; name another namespace by `-n`".to_owned()
        } else {
            format!("there are {}", names.join(", "))
        };
        Err(Failure::Io(anyhow!(
            "there is no ValkeyCluster `{}` in namespace `{}`: {there}",
            key.name,
            key.namespace
        )))
    }

    /// The clusters of a namespace that has to be there, or of all.
    pub(super) async fn clusters(
        &self,
        namespace: Option<&str>,
    ) -> Result<Vec<ClusterObject>, Failure> {
        let found = self.inquiry.clusters(namespace).await;
        let found = found.map_err(|error| match error.status() {
            Some(status) if status.code == 404 => Failure::Io(anyhow!(
                "the API server does not know ValkeyClusters; `gungnir crd | kubectl apply -f -` \
                 tells it"
            )),
            _ => failure(&error),
        })?;
        if let (true, Some(namespace)) = (found.is_empty(), namespace)
            && !self.inquiry.has_namespace(namespace).await.map_err(|error| failure(&error))?
        {
            return Err(no_namespace(namespace));
        }
        Ok(found)
    }
}

/// What is said of a namespace that is not there.
pub(super) fn no_namespace(name: &str) -> Failure {
    Failure::Io(anyhow!(
        "there is no namespace `{name}`; `kubectl create namespace {name}` makes it"
    ))
}

/// Why nothing can be said of what would be done.
pub(super) fn of_preview(error: PreviewError) -> Failure {
    match error {
        PreviewError::NoNamespace(name) => no_namespace(&name),
        PreviewError::Request(error) => failure(&error),
        other => Failure::Usage(anyhow::Error::new(other)),
    }
}

/// The same as a sentence.
pub(super) fn told_of_preview(error: &PreviewError) -> String {
    match error {
        PreviewError::Request(error) => told(error),
        other => chain(other),
    }
}

/// What went wrong with a request, and what may help.
pub(super) fn failure(error: &RequestError) -> Failure {
    Failure::Io(anyhow!("{}", told(error)))
}

/// The same as a sentence.
pub(super) fn told(error: &RequestError) -> String {
    let unreachable = "is that cluster up, and is it the one that `kubectl config current-context` \
                       names?";
    match error {
        RequestError::Refused { what, source: _ } => match error.status() {
            Some(status) if status.code == 401 => {
                format!("{what}: the API server does not know you; log in again")
            }
            Some(status) if status.code == 403 => format!(
                "{what}: {}; ask for that right{}",
                status.message,
                if what.starts_with("dry run") {
                    " (a dry run needs `patch`, and `create` for what is new, though it changes \
                     nothing)"
                } else {
                    ""
                }
            ),
            Some(status) => format!("{what}: {}", status.message),
            None => format!("{}; {unreachable}", chain(error)),
        },
        RequestError::TimedOut { .. } => format!("{error}; {unreachable}"),
        RequestError::NotLeading { .. } => error.to_string(),
    }
}
