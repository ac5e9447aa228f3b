//! Scenarios: small programs over asyncio's model, as `FORMAT.md` describes them.
//!
//! | file | idea |
//! |---|---|
//! | [`step`] | what a program is made of |
//! | [`quiet`] | which steps raise nothing |
//! | [`reader`] | from JSON to a scenario, or a sentence that says what is wrong |
//! | [`operations`] | from JSON to steps |
//! | [`arguments`] | what an operation is given: names, numbers, expressions |

mod arguments;
mod operations;
mod quiet;
mod reader;
mod step;

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

pub(crate) use arguments::is_true;
pub(crate) use quiet::raise_nothing;
pub use reader::BadScenario;
pub(crate) use step::{
    Act, Blocked, Body, Catch, Comparison, Deadline, Expression, OnObject, Property, Step, Target,
    Waited,
};

/// The steps of a coroutine or a block. Shared, since many coroutines may run the same ones.
pub(crate) type Steps = Rc<[Step]>;

/// A program over the model, read and checked: what it names as a body is there.
#[derive(Debug)]
pub struct Scenario {
    /// Its name, for people.
    pub name: String,
    pub(crate) objects: Vec<(String, Object)>,
    pub(crate) coroutines: BTreeMap<String, Steps>,
    pub(crate) runs: Runs,
}

/// What runs.
#[derive(Debug)]
pub(crate) enum Runs {
    /// One main task; the trace ends with it.
    Main(Steps),
    /// Several on one runner, which is then closed.
    Several(Vec<Steps>),
}

/// What `objects` declares.
#[derive(Clone, Debug)]
pub(crate) enum Object {
    Lock,
    Semaphore(i64),
    BoundedSemaphore(i64),
    Event,
    /// With a lock of its own, or with that of this name.
    Condition(Option<String>),
    Barrier(i64),
    Queue(i64),
    LifoQueue(i64),
    PriorityQueue(i64),
    Variable(Value),
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// [`BadScenario`] when it is none: an operation that does not exist, an argument that is
    /// missing or of another kind, a body that is not there.
    ///
    /// # Examples
    /// ```
    /// use asyncio_conformance::Scenario;
    ///
    /// let program = serde_json::json!({"name": "short", "main": [["sleep", "soon"]]});
    /// let error = Scenario::read(&program).unwrap_err();
    /// assert_eq!(error.to_string(), r#"`sleep`: argument 1 is "soon", and should be a number"#);
    /// ```
    pub fn read(scenario: &Value) -> Result<Self, BadScenario> {
        reader::scenario(scenario)
    }
}
