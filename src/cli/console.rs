//! The only writer: stdout carries data, stderr what people read.

use std::fmt;
use std::io::{self, BufWriter, IsTerminal, Stderr, Stdout, Write};

use crate::input::{Report, Style};
use crate::manifest::ManifestSet;

use super::exit::Failure;

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Where output goes, and how it looks there.
#[derive(Debug)]
pub(super) struct Console {
    stdout: Stdout,
    stderr: Stderr,
    color: ColorChoice,
}

impl Console {
    pub(super) fn new(color: ColorChoice) -> Self {
        Self { stdout: io::stdout(), stderr: io::stderr(), color }
    }

    /// Writes data to stdout.
    pub(super) fn data(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = self.stdout.lock();
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(Failure::output)
    }

    /// Writes the documents of a set to stdout, one after the other.
    pub(super) fn manifests(&self, set: &ManifestSet) -> Result<(), Failure> {
        let mut stdout = BufWriter::with_capacity(1 << 16, self.stdout.lock());
        let mut write = || {
            for manifest in set.iter() {
                stdout.write_all(b"---\n")?;
                stdout.write_all(manifest.text().as_bytes())?;
            }
            stdout.flush()
        };
        write().map_err(Failure::output)
    }

    /// Writes a line for people to stderr. A stderr that nobody reads stops no work.
    pub(super) fn note(&self, message: impl fmt::Display) {
        let _ = writeln!(self.stderr.lock(), "{message}");
    }

    /// Writes an error to stderr, with its causes.
    pub(super) fn error(&self, error: &anyhow::Error) {
        let (bold, reset) = if self.colors_stderr() { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
        self.note(format_args!("{bold}error{reset}: {error:#}"));
    }

    /// Writes what is wrong with people's files to stderr.
    pub(super) fn report(&self, report: &Report) {
        let style = if self.colors_stderr() { Style::Coloured } else { Style::Plain };
        let _ = write!(self.stderr.lock(), "{}", report.styled(style));
    }

    /// Whether data on stdout is coloured.
    pub(super) fn colors_stdout(&self) -> bool {
        self.colors(self.stdout.is_terminal())
    }

    /// Whether what people read on stderr is coloured.
    pub(super) fn colors_stderr(&self) -> bool {
        self.colors(self.stderr.is_terminal())
    }

    /// Whether a person watches stderr.
    pub(super) fn is_watched(&self) -> bool {
        self.stderr.is_terminal()
    }

    fn colors(&self, terminal: bool) -> bool {
        match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                terminal && !refused
            }
        }
    }
}
