//! Fresh scenarios: made at random, each a function of its seed, and recorded by the interpreter of
//! this machine.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cpython::CPython;

/// What one batch may take.
const TIME_MAX: Duration = Duration::from_secs(300);

/// How many scenarios are made and recorded at a time.
const BATCH: u64 = 500;

/// Consecutive seeds.
#[derive(Clone, Copy, Debug)]
pub struct Seeds {
    /// The first.
    pub first: u64,
    /// How many.
    pub count: u64,
    /// Whether delays are short, so that many things happen at the same moment.
    pub ties: bool,
}

/// The ten thousand that are judged.
pub const SEEDS: [Seeds; 2] = [
    Seeds {
        first: 200_001,
        count: 7_500,
        ties: true,
    },
    Seeds {
        first: 300_001,
        count: 2_500,
        ties: false,
    },
];

/// Makes the scenarios of these seeds in `folder`, has `python` record them, and returns the packs.
///
/// # Errors
/// With a sentence, when the interpreter fails or the folder cannot be written.
pub fn record(python: &CPython, seeds: Seeds, folder: &Path) -> Result<Vec<PathBuf>, String> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut packs = Vec::new();
    let mut made = 0;
    while made < seeds.count {
        let first = seeds.first + made;
        let count = BATCH.min(seeds.count - made);
        made += count;
        let batch = folder.join(format!("{first}"));
        let mut arguments: Vec<OsString> = vec![
            "--seed".into(),
            first.to_string().into(),
            "--count".into(),
            count.to_string().into(),
            "--out".into(),
            batch.clone().into(),
        ];
        if !seeds.ties {
            arguments.push("--no-ties".into());
        }
        let told = |error: &dyn std::fmt::Display| format!("seeds from {first}: {error}");
        python
            .run_with(&home.join("gen.py"), &arguments, TIME_MAX)
            .map_err(|error| told(&error))?;
        let mut arguments: Vec<OsString> = vec!["pack".into()];
        arguments
            .extend((0..count).map(|it| batch.join(format!("gen-{}.json", first + it)).into()));
        let traces = python
            .run_with(&home.join("oracle.py"), &arguments, TIME_MAX)
            .map_err(|error| told(&error))?;
        let pack = folder.join(format!("{first}.jsonl"));
        fs::write(&pack, traces).map_err(|error| told(&error))?;
        fs::remove_dir_all(&batch).map_err(|error| told(&error))?;
        packs.push(pack);
    }
    Ok(packs)
}
