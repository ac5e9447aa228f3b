//! The command line.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::cases::{self, Case, Params};
use crate::contenders::{self, Contender};
use crate::load::Order;

/// What was asked for.
#[derive(Debug)]
pub struct Options {
    /// What to do.
    pub action: Action,
    /// Smaller samples.
    pub quick: bool,
    /// The cases, in the order of the table.
    pub cases: Vec<&'static Case>,
    /// The contenders, ours first.
    pub contenders: Vec<&'static Contender>,
    /// Samples of each contender in each case.
    pub runs: usize,
    /// Operations of one sample, in place of the case's own number.
    pub ops: Option<u64>,
    /// Where the JSON goes.
    pub json: Option<PathBuf>,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Compare and print tables.
    Compare,
    /// Print what there is.
    List,
    /// Take one sample here and print it.
    Once,
    /// Count instructions.
    Instructions,
    /// Make the load of a sample of another process.
    Load(Order),
    /// Print the usage.
    Help,
}

/// The usage.
pub const USAGE: &str = "\
usage: asyncio-bench [--quick] [--case PREFIX]… [--contender NAME,…] [--runs N] [--json FILE]
       asyncio-bench --list
       asyncio-bench --once CASE --contender NAME [--ops N]
       asyncio-bench --callgrind CASE [--contender NAME,…] [--ops N]

  --quick        smaller samples: a quarter of the time
  --case         only the cases whose name starts with PREFIX
  --contender    only these contenders
  --runs         samples of each contender in each case (7)
  --json         also write all figures to FILE
  --list         print cases and contenders
  --once         take one sample here, print it, and end: for profilers
  --callgrind    instructions per operation, counted by valgrind
  --ops          operations of a sample, in place of the case's own number
";

/// What is wrong with a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageError(String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

impl Options {
    /// Reads the arguments that follow the program's name.
    ///
    /// # Errors
    ///
    /// For an argument that is unknown, lacks its value or has one that means nothing.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, UsageError> {
        let mut options = Self {
            action: Action::Compare,
            quick: false,
            cases: Vec::new(),
            contenders: contenders::all().to_vec(),
            runs: 7,
            ops: None,
            json: None,
        };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let mut value = || {
                arguments
                    .next()
                    .ok_or_else(|| UsageError(format!("{argument} needs a value")))
            };
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--case" => options.add_cases(&value()?)?,
                "--contender" => options.contenders = contenders_named(&value()?)?,
                "--runs" => options.runs = positive(&argument, &value()?)? as usize,
                "--ops" => options.ops = Some(positive(&argument, &value()?)?),
                "--json" => options.json = Some(value()?.into()),
                "--list" => options.action = Action::List,
                "--help" | "-h" => options.action = Action::Help,
                "--once" => options.single(Action::Once, &value()?)?,
                "--load" => options.action = Action::Load(order(&value()?)?),
                "--callgrind" => options.single(Action::Instructions, &value()?)?,
                _ => return Err(UsageError(format!("unknown argument {argument}"))),
            }
        }
        if options.cases.is_empty() {
            options.cases = cases::all().collect();
        }
        if options.action == Action::Once && options.contenders.len() != 1 {
            return Err(UsageError("--once needs one --contender".to_owned()));
        }
        Ok(options)
    }

    /// Adds the cases that start with `prefix`, and keeps all in the order of the table.
    fn add_cases(&mut self, prefix: &str) -> Result<(), UsageError> {
        if !cases::all().any(|case| case.name.starts_with(prefix)) {
            return Err(UsageError(format!("no case starts with {prefix}")));
        }
        let before: Vec<&str> = self.cases.iter().map(|case| case.name).collect();
        self.cases = cases::all()
            .filter(|case| case.name.starts_with(prefix) || before.contains(&case.name))
            .collect();
        Ok(())
    }

    fn single(&mut self, action: Action, name: &str) -> Result<(), UsageError> {
        let case = cases::find(name).ok_or_else(|| UsageError(format!("no case is {name}")))?;
        self.action = action;
        self.cases = vec![case];
        Ok(())
    }

    /// How long a sample may take; slow contenders do fewer operations.
    pub fn budget(&self) -> Duration {
        if self.quick {
            Duration::from_millis(300)
        } else {
            Duration::from_secs(2)
        }
    }

    /// The size of a sample of `case`.
    pub fn params(&self, case: &Case) -> Params {
        let usual = if self.quick { case.quick } else { case.full };
        case.params(self.ops.unwrap_or(usual))
    }
}

fn contenders_named(names: &str) -> Result<Vec<&'static Contender>, UsageError> {
    let find =
        |name| contenders::find(name).ok_or_else(|| UsageError(format!("no contender is {name}")));
    names.split(',').map(find).collect()
}

fn order(text: &str) -> Result<Order, UsageError> {
    text.parse()
        .map_err(|error: &str| UsageError(error.to_owned()))
}

fn positive(argument: &str, value: &str) -> Result<u64, UsageError> {
    match value.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(UsageError(format!(
            "{argument} needs a positive number, not {value}"
        ))),
    }
}
