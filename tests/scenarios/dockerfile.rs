//! The image that the Dockerfile describes, made without Docker: of the lines of its last stage, with
//! a program of this build in the place of what an earlier stage makes.
//!
//! A line that this does not know ends the run: nothing of the image is made up here.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// What the last stage says.
#[derive(Debug, Default)]
pub struct LastStage {
    /// Where the program is put.
    program: Option<String>,
    user: Option<String>,
    entrypoint: Option<String>,
}

impl LastStage {
    /// The last stage of the Dockerfile.
    ///
    /// # Panics
    /// When it has a line that is not known here.
    pub fn read() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Dockerfile");
        let text = fs::read_to_string(file).expect("the Dockerfile");
        let (_, lines) = text.rsplit_once("\nFROM ").expect("a last stage");
        let mut lines = lines.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        assert_eq!(lines.next(), Some("scratch"), "nothing is in the image but the program");
        let mut stage = Self::default();
        for line in lines {
            match line.split_whitespace().collect::<Vec<_>>().as_slice() {
                ["COPY", "--from=build", _, target] if stage.program.is_none() => {
                    stage.program = Some((*target).to_owned());
                }
                ["USER", user] => stage.user = Some((*user).to_owned()),
                ["ENTRYPOINT", list] => {
                    let [program]: [String; 1] = serde_json::from_str(list).expect("a program");
                    stage.entrypoint = Some(program);
                }
                _ => panic!("the tests do not know how to do this: {line}"),
            }
        }
        stage
    }

    /// Brings the image of that program onto the nodes.
    pub fn make(self, name: &str, program: &[u8]) {
        let Self { program: Some(target), user: Some(user), entrypoint: Some(entrypoint) } = self
        else {
            panic!("the last stage lacks a COPY, a USER or an ENTRYPOINT: {self:?}")
        };
        let folder = TempDir::new().expect("a temporary folder");
        // The image's root, which everybody may look into.
        let root = folder.path().join("root");
        let target = root.join(target.trim_start_matches('/'));
        fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
        fs::write(&target, program).expect("the program");
        fs::set_permissions(&target, fs::Permissions::from_mode(0o755)).expect("it may run");
        let image = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/image");
        let options = ["--user", &user, "--entrypoint", &entrypoint, name];
        crate::install::run(Command::new(image).args(options).arg(root));
    }
}
