//! The names of Python's asyncio that the facade's table goes by are those that CPython has.

use asyncio_conformance::{CPython, NoInterpreter};
use std::path::Path;
use std::time::Duration;

/// What the facade's test of Python's names compares its table with.
const RECORDED: &str = "../../crates/asyncio/tests/python_names/cpython_3_13.txt";

/// Prints `asyncio.__all__` and the public methods of the classes that people call.
const ASK_CPYTHON: &str = "
import asyncio
classes = [('loop', asyncio.AbstractEventLoop)]
for name in ('Future', 'Task', 'Handle', 'TimerHandle', 'Runner', 'Timeout'):
    classes.append((name, getattr(asyncio, name)))
methods = [f'{name}.{method}' for name, of in classes for method in dir(of) if method[0] != '_']
print('\\n'.join(sorted([*asyncio.__all__, *methods, 'loop.slow_callback_duration'])))
";

/// Where there is a CPython 3.13: other versions have other names.
#[test]
fn the_recorded_names_are_those_of_cpython() {
    let python = match CPython::find() {
        Ok(python) if matches!(python.version(), (3, 13, _)) => python,
        Ok(_) | Err(NoInterpreter::Missing) => return,
        Err(refused) => panic!("{refused}"),
    };
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORDED);
    let recorded = std::fs::read_to_string(recorded).unwrap();
    let names = python.evaluate(ASK_CPYTHON, Duration::from_secs(60));
    assert_eq!(names.unwrap(), recorded);
}
