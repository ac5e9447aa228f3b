//! The order in which addresses are tried. Pure.

use socket2::Domain;

/// Groups `items` by family, in the order in which the families first occur; then takes the first
/// `first_family_count - 1` of the first family, and after them one of each family in turn. A
/// family that does not work then costs one attempt, and not as many as it has addresses.
///
/// The rule is asyncio's, and that of RFC 8305, section 4; 0 leaves the order as it is.
pub(super) fn interleave<T>(
    items: Vec<T>,
    first_family_count: usize,
    family: impl Fn(&T) -> Domain,
) -> Vec<T> {
    if first_family_count == 0 || items.len() < 2 {
        return items;
    }
    let mut ordered = Vec::with_capacity(items.len());
    let mut families: Vec<(Domain, Vec<T>)> = Vec::new();
    for item in items {
        let its = family(&item);
        match families.iter_mut().find(|(known, _)| *known == its) {
            Some((_, members)) => members.push(item),
            None => families.push((its, vec![item])),
        }
    }
    let mut queues: Vec<_> = families
        .into_iter()
        .map(|(_, members)| members.into_iter())
        .collect();
    if let Some(first) = queues.first_mut() {
        ordered.extend(first.by_ref().take(first_family_count - 1));
    }
    while !queues.is_empty() {
        queues.retain_mut(|queue| queue.next().map(|item| ordered.push(item)).is_some());
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Upper case is IPv6, lower case IPv4.
    fn order(items: &str, first_family_count: usize) -> String {
        let family = |item: &char| match item.is_uppercase() {
            true => Domain::IPV6,
            false => Domain::IPV4,
        };
        let items = items.chars().collect();
        interleave(items, first_family_count, family)
            .into_iter()
            .collect()
    }

    /// The answers are those of CPython's `_interleave_addrinfos`.
    #[test]
    fn families_take_turns_after_the_first_ones() {
        for (items, first_family_count, expected) in [
            ("", 1, ""),
            ("ABCde", 0, "ABCde"),
            ("ABCde", 1, "AdBeC"),
            ("ABCde", 2, "ABdCe"),
            ("ABCde", 3, "ABCde"),
            ("ABCde", 9, "ABCde"),
            ("abCDE", 1, "aCbDE"),
            ("aBcD", 1, "aBcD"),
            ("abc", 2, "abc"),
        ] {
            let found = order(items, first_family_count);
            assert_eq!(found, expected, "{items} {first_family_count}");
        }
    }
}
