//! A listener for a contender that connects: accepts, waits until the contender closes, and does
//! the same. It tells its address, and stays until its input ends.

use std::io::{self, Read};
use std::thread;

use super::{bind_and_tell, listen};

pub(super) fn run() -> io::Result<()> {
    let listener = bind_and_tell()?;
    thread::Builder::new()
        .name("listener".to_owned())
        .spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0]); // however it ends
            }
        })?;
    listen()
}
