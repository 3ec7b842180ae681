//! Who owns which field: one name a writer, by which server-side apply keeps them apart.

/// A writer of the operator, by its field manager.
///
/// Source: <https://kubernetes.io/docs/reference/using-api/server-side-apply/#managers>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Manager {
    /// The rendered set.
    Set,
    /// The selector of `N-client` and its epoch, the role label of pods, the epoch annotation of
    /// volume claims, `status.election`.
    Sentinel,
    /// The data of `N-secret`, written once.
    Secrets,
    /// The rest of a cluster's status.
    Status,
}

impl Manager {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Set, Self::Sentinel, Self::Secrets, Self::Status];

    /// Its name in `managedFields`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Set => "gungnir",
            Self::Sentinel => "gungnir-sentinel",
            Self::Secrets => "gungnir-secrets",
            Self::Status => "gungnir-status",
        }
    }

    /// The writer of that name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|manager| manager.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_one_writer() {
        for manager in Manager::ALL {
            assert_eq!(Manager::of(manager.name()), Some(manager));
        }
        assert_eq!(Manager::of("kubectl-client-side-apply"), None);
    }
}
