//! How Python prints.

/// `True` or `False`.
#[must_use]
pub fn truth(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}
