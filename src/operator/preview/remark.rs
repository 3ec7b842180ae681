//! What there is to say about an object that no comparison shows.

use std::fmt;

use crate::manifest::ObjectKey;

/// Something about an object that no comparison shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// It is somebody else's and stays as it is.
    Foreign {
        /// Which.
        key: ObjectKey,
        /// Whose.
        whose: String,
    },
    /// Git has it, and would delete it when it leaves Git.
    InGit {
        /// Which.
        key: ObjectKey,
        /// Who applies it.
        manager: String,
    },
    /// It is being deleted, or of an earlier cluster of this name.
    Leaving {
        /// Which.
        key: ObjectKey,
    },
    /// Others own fields of it, and it is not taken from them.
    Conflict {
        /// Which.
        key: ObjectKey,
        /// Who, and which fields.
        managers: Vec<String>,
    },
    /// The API server would refuse it.
    Refused {
        /// Which.
        key: ObjectKey,
        /// Why.
        why: String,
    },
    /// Nobody serves its kind.
    NotServed {
        /// Which.
        key: ObjectKey,
    },
    /// Whether objects of this kind would be deleted cannot be seen.
    Unseen {
        /// The kind.
        kind: String,
    },
}

impl Remark {
    /// Whether the cluster is not what its spec says because of it.
    #[must_use]
    pub fn differs(&self) -> bool {
        match self {
            Self::Foreign { .. }
            | Self::InGit { .. }
            | Self::Leaving { .. }
            | Self::Conflict { .. }
            | Self::Refused { .. } => true,
            Self::NotServed { .. } | Self::Unseen { .. } => false,
        }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign { key, whose } => write!(
                f,
                "{key} belongs to {whose} and stays as it is: rename the cluster, or delete that \
                 object"
            ),
            Self::InGit { key, manager } => write!(
                f,
                "{key} is applied by field manager `{manager}` and stays as it is until it says \
                 that leaving Git does not delete it"
            ),
            Self::Leaving { key } => write!(f, "{key} is being deleted, and is made anew then"),
            Self::Conflict { key, managers } => {
                write!(f, "{key} is not adopted: it has fields of {}", managers.join(", "))
            }
            Self::Refused { key, why } => write!(f, "{key} would be refused as it is: {why}"),
            Self::NotServed { key } => {
                write!(f, "{key} is not made: the API server does not serve {}", key.kind)
            }
            Self::Unseen { kind } => write!(
                f,
                "whether a {kind} would be deleted is not known: you may not list that kind"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_told_without_harm_is_no_difference() {
        let key = || ObjectKey::new("v1", "Service", Some("ns"), "a");
        let remarks = [
            (Remark::Foreign { key: key(), whose: "Deployment `x`".to_owned() }, true),
            (Remark::Refused { key: key(), why: "no".to_owned() }, true),
            (Remark::NotServed { key: key() }, false),
            (Remark::Unseen { kind: "Service".to_owned() }, false),
        ];
        for (remark, differs) in remarks {
            assert_eq!(remark.differs(), differs, "{remark}");
        }
    }
}
