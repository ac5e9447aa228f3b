//! Running other programs: printed, without input, and for a bounded time.

use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::workspace::Workspace;

/// How long one program may run unless it is given longer. A cold build of everything takes a third
/// of this on two cores.
const TIME_MAX: Duration = Duration::from_secs(20 * 60);

/// How often a running program is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A program about to run.
#[derive(Debug)]
#[must_use = "nothing runs before `run` or `output`"]
pub struct Shell {
    command: Command,
    /// Variables that were set, to be printed with the command.
    variables: Vec<String>,
    time_max: Option<Duration>,
}

impl Shell {
    /// A program by name, in the current folder.
    pub fn new(program: &str) -> Shell {
        let mut command = Command::new(program);
        command.stdin(Stdio::null());
        Shell {
            command,
            variables: Vec::new(),
            time_max: Some(TIME_MAX),
        }
    }

    /// The cargo that people call, at the root of the workspace.
    pub fn cargo(workspace: &Workspace, arguments: &[&str]) -> Shell {
        let shell = Shell::new("cargo").folder(&workspace.root).args(arguments);
        without_cargo_variables(shell)
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Shell {
        self.command.args(arguments);
        self
    }

    /// Adds `-p NAME` for each package.
    pub fn packages<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Shell {
        names
            .into_iter()
            .fold(self, |shell, name| shell.args(["-p", name]))
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Shell {
        let value = value.as_ref();
        self.variables
            .push(format!("{name}={}", quoted(&value.to_string_lossy())));
        self.command.env(name, value);
        self
    }

    /// Removes a variable from its environment.
    pub fn env_remove(mut self, name: &str) -> Shell {
        self.command.env_remove(name);
        self
    }

    /// Runs it in this folder.
    pub fn folder(mut self, folder: &Path) -> Shell {
        self.command.current_dir(folder);
        self
    }

    /// Ends it after this long instead of 20 minutes.
    pub fn time_max(mut self, limit: Duration) -> Shell {
        self.time_max = Some(limit);
        self
    }

    /// Lets it run for as long as it wants.
    pub fn unbounded(mut self) -> Shell {
        self.time_max = None;
        self
    }

    /// Prints the command, runs it with our output as its own, and waits.
    ///
    /// # Errors
    ///
    /// A message with the command: it cannot be started, took too long, or failed.
    pub fn run(mut self) -> Result<(), String> {
        let line = self.line();
        println!("$ {line}");
        // What we wrote must stand before what the child writes.
        let _ = io::stdout().flush();
        // From a terminal, Ctrl-C must reach the program; elsewhere a time-out must reach its
        // children, so it gets a process group of its own.
        let own_group = !io::stdin().is_terminal();
        #[cfg(unix)]
        if own_group {
            std::os::unix::process::CommandExt::process_group(&mut self.command, 0);
        }
        let child = self
            .command
            .spawn()
            .map_err(|error| format!("`{line}`: {error}"))?;
        let status = wait(child, self.time_max, own_group)
            .map_err(|error| format!("`{line}`: {error}"))?
            .ok_or_else(|| format!("`{line}` did not end in time"))?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("`{line}` failed: {status}"))
        }
    }

    /// Runs it quietly and returns what it wrote to its standard output.
    ///
    /// # Errors
    ///
    /// A message with the command: it cannot be started, failed, or wrote something that is no text.
    pub fn output(mut self) -> Result<String, String> {
        let line = self.line();
        let output = self
            .command
            .output()
            .map_err(|error| format!("`{line}`: {error}"))?;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            return Err(format!("`{line}` failed: {}\n{stderr}", output.status));
        }
        String::from_utf8(output.stdout).map_err(|error| format!("`{line}`: {error}"))
    }

    /// The command as one could type it.
    fn line(&self) -> String {
        let program = [self.command.get_program()].into_iter();
        let words = program.chain(self.command.get_args());
        let words = words.map(|word| quoted(&word.to_string_lossy()));
        let words: Vec<String> = self.variables.iter().cloned().chain(words).collect();
        words.join(" ")
    }
}

/// Removes what `cargo run` set for this program and what must not reach another cargo.
pub(crate) fn without_cargo_variables(mut shell: Shell) -> Shell {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "CARGO"
        {
            shell = shell.env_remove(&name);
        }
    }
    shell
}

/// Waits for the child; `None` when it took too long and was ended.
fn wait(
    mut child: Child,
    limit: Option<Duration>,
    own_group: bool,
) -> io::Result<Option<ExitStatus>> {
    let Some(limit) = limit else {
        return child.wait().map(Some);
    };
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() >= limit {
            if own_group {
                // The whole group; `kill` because std can only end the child itself.
                let _ = Command::new("kill")
                    .args(["-KILL", "--", &format!("-{}", child.id())])
                    .status();
            }
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,+@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{word}'")
    }
}
