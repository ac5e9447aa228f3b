//! The recorded programs.

use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

/// A program that people write with asyncio, and what CPython printed for it.
#[derive(Debug, Clone)]
pub struct Program {
    name: String,
    source: PathBuf,
    recording: String,
}

impl Program {
    /// All of them, in order of name.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read, or a program has no recording.
    pub fn all() -> io::Result<Vec<Program>> {
        let mut programs = Vec::new();
        for entry in fs::read_dir(folder())? {
            let source = entry?.path();
            if source.extension().is_some_and(|it| it == "py") {
                programs.push(Program::read(source)?);
            }
        }
        programs.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(programs)
    }

    /// The one with this name.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn named(name: &str) -> io::Result<Program> {
        Program::read(folder().join(name).with_extension("py"))
    }

    fn read(source: PathBuf) -> io::Result<Program> {
        let name = source.file_stem().unwrap_or_default().to_string_lossy();
        let recording = source.with_extension("expected.txt");
        let told = |error: io::Error| {
            io::Error::new(error.kind(), format!("{}: {error}", recording.display()))
        };
        Ok(Program {
            name: name.into_owned(),
            recording: fs::read_to_string(&recording).map_err(told)?,
            source,
        })
    }

    /// Its name, which the port among the examples has too.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Python file.
    #[must_use]
    pub fn source(&self) -> &Path {
        &self.source
    }

    /// What CPython wrote to stdout.
    #[must_use]
    pub fn recording(&self) -> &str {
        &self.recording
    }

    /// Compares an output with the recording, line by line.
    ///
    /// # Errors
    ///
    /// With the first line that differs.
    ///
    /// # Examples
    ///
    /// ```
    /// use asyncio_conformance::Program;
    ///
    /// let program = Program::named("task_result")?;
    /// let output = "start get url\nbobby\nstart get url\nboby\nbobby\n";
    /// let differs = program.compare(output).unwrap_err();
    /// assert_eq!(differs.to_string(), "line 4 is `boby`, and was `bobby` in CPython");
    /// # std::io::Result::Ok(())
    /// ```
    pub fn compare(&self, output: &str) -> Result<(), Differs> {
        let mut recorded = self.recording.lines();
        let mut printed = output.lines();
        let mut line = 0;
        loop {
            line += 1;
            let (printed, recorded) = (printed.next(), recorded.next());
            if printed != recorded {
                return Err(Differs {
                    line,
                    printed: printed.map(str::to_owned),
                    recorded: recorded.map(str::to_owned),
                });
            }
            if printed.is_none() {
                return Ok(());
            }
        }
    }
}

/// The first line in which an output is not the recorded one; `None` is the end of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differs {
    /// Its number, from 1.
    pub line: usize,
    /// What was printed.
    pub printed: Option<String>,
    /// What CPython printed.
    pub recorded: Option<String>,
}

impl fmt::Display for Differs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |line: &Option<String>| match line {
            Some(line) => format!("`{line}`"),
            None => "the end".to_owned(),
        };
        let (printed, recorded) = (shown(&self.printed), shown(&self.recorded));
        let line = self.line;
        write!(f, "line {line} is {printed}, and was {recorded} in CPython")
    }
}

impl std::error::Error for Differs {}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("programs")
}
