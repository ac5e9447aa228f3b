//! Time in tests: nothing sleeps to wait for something.

use super::{Finding, Repository};

/// The words that allow a sleep, in a comment on its line or just above.
const ALLOWED: &str = "real time";

/// A test sleeps only where a comment says why it must be real time.
pub fn sleeps(repository: &Repository<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repository.tree.rust().filter(|it| it.is_test()) {
        let text: Vec<&str> = file.text.lines().collect();
        for (index, line) in file.code().lines().enumerate() {
            let sleeps = line.contains("thread::sleep") || line.contains("sleep_ms");
            if sleeps && !is_allowed(&text, index) {
                let message = "a test that sleeps is slow when it works and wrong when the machine \
                               is busy; say on the line above why this must be real time";
                findings.push(Finding::new(&file.path, message).on_line(index + 1));
            }
        }
    }
    findings
}

/// Whether the line, or the comment just above it, says why.
fn is_allowed(text: &[&str], index: usize) -> bool {
    let comment = text[..index]
        .iter()
        .rev()
        .take_while(|line| line.trim_start().starts_with("//"));
    let mut lines = comment.chain([&text[index]]);
    lines.any(|line| {
        line.split_once("//")
            .is_some_and(|(_, comment)| comment.to_lowercase().contains(ALLOWED))
    })
}
