//! Bytes to compare with: a wrong, a missing and a repeated one are found.

use asyncio_testkit::Pattern;

#[test]
fn the_same_seed_gives_the_same_bytes_however_they_are_taken() {
    let mut whole = Pattern::new(3);
    let all = whole.take(3_000_000);
    let mut pieces = Pattern::new(3);
    let mut again = Vec::new();
    for size in 0.. {
        if again.len() >= all.len() {
            break;
        }
        again.extend(pieces.take((size * 97).min(all.len() - again.len())));
    }
    assert!(all == again);
    assert!(all[..1000] != Pattern::new(4).take(1000));
}

#[test]
#[should_panic(expected = "byte 1500000 is wrong")]
fn a_byte_that_is_wrong_is_found() {
    let mut bytes = Pattern::new(3).take(2_000_000);
    bytes[1_500_000] ^= 1;
    let mut expected = Pattern::new(3);
    expected.check(&bytes[..1_200_000]);
    expected.check(&bytes[1_200_000..]);
}

#[test]
#[should_panic(expected = "is wrong")]
fn a_piece_that_is_missing_is_found() {
    let bytes = Pattern::new(3).take(2_000_000);
    let mut expected = Pattern::new(3);
    expected.check(&bytes[..65_536]);
    expected.check(&bytes[2 * 65_536..]);
}
