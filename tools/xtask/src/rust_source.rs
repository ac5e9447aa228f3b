//! As much of Rust's grammar as text checks need: where code is, and which words are in it.

/// Blanks out comments and what stands inside string and character literals, so that what is left
/// is code. Every line keeps its number.
pub fn code_only(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let rest = &characters[at..];
        let previous = at.checked_sub(1).map(|index| characters[index]);
        let (length, keep) = token(rest, previous);
        for &character in &rest[..length] {
            code.push(if keep || character == '\n' {
                character
            } else {
                ' '
            });
        }
        at += length;
    }
    code
}

/// How long the comment, literal or single character at the start of `rest` is, and whether it is
/// code. `rest` is not empty.
fn token(rest: &[char], previous: Option<char>) -> (usize, bool) {
    match rest {
        ['/', '/', ..] => (line_comment(rest), false),
        ['/', '*', ..] => (block_comment(rest), false),
        ['"', ..] => (string(rest), false),
        ['\'', ..] => character(rest).map_or((1, true), |length| (length, false)),
        ['r', '"' | '#', ..]
            if !previous.is_some_and(|it| is_word(it) && it != 'b' && it != 'c') =>
        {
            raw_string(rest).map_or((1, true), |length| (length, false))
        }
        _ => (1, true),
    }
}

fn line_comment(rest: &[char]) -> usize {
    rest.iter().position(|&it| it == '\n').unwrap_or(rest.len())
}

fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        match &rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn string(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of a character literal; `None` for a lifetime.
fn character(rest: &[char]) -> Option<usize> {
    match rest {
        ['\'', '\\', ..] => {
            // `'\''` and `'\\'`: what follows the backslash ends nothing.
            let end = rest.iter().skip(3).position(|&it| it == '\'')?;
            Some(end + 4)
        }
        ['\'', _, '\'', ..] => Some(3),
        _ => None,
    }
}

/// The length of a raw string; `None` for a raw identifier.
fn raw_string(rest: &[char]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|&&it| it == '#').count();
    let start = 1 + hashes;
    if rest.get(start) != Some(&'"') {
        return None;
    }
    let ends_at = |at: usize| {
        rest[at] == '"' && rest[at + 1..].iter().take_while(|&&it| it == '#').count() >= hashes
    };
    let end = (start + 1..rest.len()).find(|&at| ends_at(at));
    Some(end.map_or(rest.len(), |at| at + 1 + hashes))
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The words of code, each with its line's number from 1.
pub fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    code.lines().enumerate().flat_map(|(index, line)| {
        line.split(|it| !is_word(it))
            .filter(|word| !word.is_empty())
            .map(move |word| (index + 1, word))
    })
}

/// Whether the code names the crate `name`: `name::…`, `use name;`, `use name as …`.
pub fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        // `crate::name::…` is a module of our own; `::name::…` is the crate.
        let is_module = before
            .strip_suffix("::")
            .is_some_and(|it| it.ends_with(is_word));
        let is_whole = !before.ends_with(is_word) && !after.starts_with(is_word);
        let is_used = before.trim_end().ends_with("use")
            && (after.starts_with(';') || after.starts_with(" as "));
        is_whole && !is_module && (after.starts_with("::") || is_used)
    })
}
