//! Scenarios with their recordings, from files, folders and packs.

use std::path::{Path, PathBuf};
use std::{fmt, fs};

use serde_json::Value;

use crate::scenario::Scenario;
use crate::trace::{Event, read_trace};

/// What the recording of `NAME.json` is called: `NAME.expected.json`.
const RECORDING: &str = ".expected.json";

/// How deep folders may lie in each other: a link that leads back must not be followed for ever.
const DEPTH_MAX: usize = 16;

/// A scenario, and the trace that CPython's asyncio gave for it.
#[derive(Debug)]
pub struct Case {
    /// Where it was found.
    pub place: String,
    /// The program.
    pub scenario: Scenario,
    /// The trace.
    pub recorded: Vec<Event>,
}

/// A place where something else was found than a scenario with its recording.
#[derive(Clone, Debug)]
pub struct BadInput {
    /// The file, with the line in a pack.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for BadInput {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, self.message)
    }
}

impl std::error::Error for BadInput {}

impl Case {
    /// Calls `see` with each at `path`: a scenario (`NAME.json` with `NAME.expected.json` beside it), a pack
    /// (`.jsonl`: one object a line, with `scenario` and `trace`), or a folder of both, in order
    /// of name. A recording that is named itself is passed over, so that `folder/*.json` works.
    ///
    /// # Errors
    /// When there is nothing at the path, or something else than that.
    pub fn each(path: &Path, mut see: impl FnMut(Self)) -> Result<(), BadInput> {
        read(path, DEPTH_MAX, &mut see)
    }
}

fn read(path: &Path, depth: usize, see: &mut dyn FnMut(Case)) -> Result<(), BadInput> {
    let told = |message: &dyn fmt::Display| BadInput {
        place: path.display().to_string(),
        message: message.to_string(),
    };
    if path.is_dir() {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(told(&"too deep"));
        };
        for path in files(path).map_err(|error| told(&error))? {
            let is_case = path.is_dir() || has_ending(&path, "json") || has_ending(&path, "jsonl");
            if is_case {
                read(&path, depth, see)?;
            }
        }
        return Ok(());
    }
    let text = |path: &Path| fs::read_to_string(path).map_err(|error| told(&error));
    if has_ending(path, "jsonl") {
        for (number, line) in (1..).zip(text(path)?.lines()) {
            if line.trim().is_empty() {
                continue;
            }
            let place = format!("{}:{number}", path.display());
            see(packed(line, &place)?);
        }
        return Ok(());
    }
    let shown = path.to_string_lossy();
    if shown.ends_with(RECORDING) {
        return Ok(());
    }
    let Some(name) = shown.strip_suffix(".json") else {
        return Err(told(
            &"neither a scenario (.json), a pack (.jsonl) nor a folder",
        ));
    };
    let scenario = text(path)?;
    let recording = format!("{name}{RECORDING}");
    let recording = fs::read_to_string(&recording)
        .map_err(|error| told(&format!("its recording {recording}: {error}")))?;
    let place = path.display().to_string();
    let scenario = parsed(&scenario, &place)?;
    let recording = parsed(&recording, &place)?;
    see(case(place, &scenario, &recording["trace"])?);
    Ok(())
}

fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?;
    let paths: std::io::Result<Vec<_>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths?;
    paths.sort();
    Ok(paths)
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|it| it == ending)
}

fn parsed(text: &str, place: &str) -> Result<Value, BadInput> {
    serde_json::from_str(text).map_err(|error| BadInput {
        place: place.to_owned(),
        message: error.to_string(),
    })
}

fn packed(line: &str, place: &str) -> Result<Case, BadInput> {
    let pair = parsed(line, place)?;
    case(place.to_owned(), &pair["scenario"], &pair["trace"])
}

fn case(place: String, scenario: &Value, trace: &Value) -> Result<Case, BadInput> {
    let read = Scenario::read(scenario).map_err(|error| error.to_string());
    let (scenario, recorded) = match read.and_then(|it| Ok((it, read_trace(trace)?))) {
        Ok(read) => read,
        Err(message) => return Err(BadInput { place, message }),
    };
    Ok(Case {
        place,
        scenario,
        recorded,
    })
}
