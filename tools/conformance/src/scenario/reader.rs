//! From JSON to a scenario: what it declares, and what is wrong with it.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde_json::Value;

use super::operations::Reader;
use super::{Object, Runs, Scenario};

/// Why something is no scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadScenario(String);

impl BadScenario {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for BadScenario {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for BadScenario {}

pub(super) type Read<T> = Result<T, BadScenario>;

pub(super) fn bad<T>(message: impl Into<String>) -> Read<T> {
    Err(BadScenario::new(message))
}

pub(super) fn scenario(scenario: &Value) -> Read<Scenario> {
    let Some(name) = scenario["name"].as_str() else {
        return bad("a scenario has a `name`");
    };
    let mut reader = Reader::default();
    for part in ["coros", "main", "runs"] {
        hear(&scenario[part], &mut reader.said);
    }
    let mut coroutines = BTreeMap::new();
    if let Some(bodies) = members(scenario, "coros")? {
        for (name, body) in bodies {
            coroutines.insert(name.clone(), reader.steps(body)?);
        }
    }
    let runs = match (scenario.get("main"), scenario.get("runs")) {
        (Some(main), None) => Runs::Main(reader.steps(main)?),
        (None, Some(Value::Array(runs))) => {
            let runs: Read<_> = runs.iter().map(|run| reader.steps(run)).collect();
            Runs::Several(runs?)
        }
        _ => return bad("a scenario has either `main` or a list of `runs`"),
    };
    if let Some(missing) = reader
        .bodies
        .iter()
        .find(|it| !coroutines.contains_key(*it))
    {
        return bad(format!("there is no coroutine `{missing}`"));
    }
    let mut objects = Vec::new();
    for (name, declared) in members(scenario, "objects")?.into_iter().flatten() {
        objects.push((name.clone(), object(name, declared)?));
    }
    let conditions = objects.iter().filter_map(|(_, object)| match object {
        Object::Condition(Some(lock)) => Some(lock),
        _ => None,
    });
    for lock in conditions {
        let is_lock = |(name, object): &_| name == lock && matches!(object, Object::Lock);
        if !objects.iter().any(is_lock) {
            return bad(format!("there is no lock `{lock}` for a condition"));
        }
    }
    Ok(Scenario {
        name: name.to_owned(),
        objects,
        coroutines,
        runs,
    })
}

/// Collects all that is said, but not the name that a timeout gets.
fn hear(value: &Value, said: &mut HashSet<String>) {
    match value {
        Value::String(text) => drop(said.insert(text.clone())),
        Value::Array(list) => {
            let operation = list.first().and_then(Value::as_str);
            let named = matches!(operation, Some("timeout" | "timeout_at")).then_some(1);
            let others = list.iter().enumerate().filter(|(at, _)| Some(*at) != named);
            others.for_each(|(_, value)| hear(value, said));
        }
        Value::Object(members) => members.values().for_each(|value| hear(value, said)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn members<'a>(scenario: &'a Value, key: &str) -> Read<Option<&'a serde_json::Map<String, Value>>> {
    match scenario.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(members)) => Ok(Some(members)),
        Some(_) => bad(format!("`{key}` is an object")),
    }
}

fn object(name: &str, declared: &Value) -> Read<Object> {
    let declared = match declared {
        Value::Array(declared) => declared.as_slice(),
        kind => std::slice::from_ref(kind),
    };
    let number = |default| match declared.get(1) {
        None => Ok(default),
        Some(value) => match value.as_i64() {
            Some(number) => Ok(number),
            None => bad(format!("object `{name}`: {value} is no number")),
        },
    };
    Ok(match declared.first().and_then(Value::as_str) {
        Some("lock") => Object::Lock,
        Some("semaphore") => Object::Semaphore(number(1)?),
        Some("bounded") => Object::BoundedSemaphore(number(1)?),
        Some("event") => Object::Event,
        Some("condition") => match declared.get(1) {
            None => Object::Condition(None),
            Some(Value::String(lock)) => Object::Condition(Some(lock.clone())),
            Some(value) => return bad(format!("condition `{name}`: {value} is no name of a lock")),
        },
        Some("barrier") => Object::Barrier(number(1)?),
        Some("queue") => Object::Queue(number(0)?),
        Some("lifo") => Object::LifoQueue(number(0)?),
        Some("prio") => Object::PriorityQueue(number(0)?),
        Some("var") => Object::Variable(declared.get(1).cloned().unwrap_or_default()),
        _ => return bad(format!("object `{name}`: unknown kind")),
    })
}
